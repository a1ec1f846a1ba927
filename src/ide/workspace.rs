//! What the manifests of a workspace name.

use crate::manifest::{LOGIN_VARIABLES, Layout, Source};
use crate::syntax::Node;
use std::path::Path;
use std::sync::Arc;

/// Every document's value, with its file.
fn roots(workspace: &[Arc<Source>]) -> impl Iterator<Item = (&Arc<Source>, &Node)> {
    let of = |source| {
        let source: &Arc<Source> = source;
        source.tree.documents.iter().filter_map(move |d| Some((source, d.root.as_ref()?)))
    };
    workspace.iter().flat_map(of)
}

/// The host variables that manifests take credentials from: each `token_ref`, `auth_token` and `api_key`.
pub(super) fn token_refs(workspace: &[Arc<Source>]) -> impl Iterator<Item = &str> {
    roots(workspace).flat_map(|(_, root)| {
        let routes = root.get("egress").and_then(|e| e.get("routes")).map(Node::items).unwrap_or_default();
        let refs = routes.iter().filter_map(|r| r.get("auth")?.get("token_ref"));
        let own = LOGIN_VARIABLES.iter().filter_map(|key| root.get("agent_provider")?.get(key));
        refs.chain(own).filter_map(Node::text)
    })
}

/// The hosts that routes name, with their file.
pub(super) fn hosts(workspace: &[Arc<Source>]) -> impl Iterator<Item = (&str, &Path)> {
    roots(workspace).flat_map(|(source, root)| {
        let routes = root.get("egress").and_then(|e| e.get("routes")).map(Node::items).unwrap_or_default();
        routes.iter().filter_map(move |r| Some((r.get("host")?.text()?, &*source.path)))
    })
}

/// A path as a person of this project reads it: from the manifest's folder, or from home.
pub(super) fn shown_path(path: &Path, manifest: &Path, layout: &Layout) -> String {
    let near = manifest.parent().and_then(|dir| path.strip_prefix(dir).ok());
    if let Some(near) = near {
        return near.display().to_string();
    }
    match layout.home.as_ref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
