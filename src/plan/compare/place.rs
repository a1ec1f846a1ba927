//! Where a manifest says what a change is about.

use super::Change;
use crate::egress::policy::host_matches;
use crate::manifest::{Bottle, Place, Route, Workspace};
use crate::shown::printable;

/// The place in the resolved bottle that makes the change: the value itself, else the part that it
/// stands in. `None` where the manifest does not speak of it.
pub fn place(change: &Change, bottle: &Bottle) -> Option<Place> {
    let workspace = bottle.workspace.as_ref();
    let whole_workspace = || workspace.map(|w| w.place.clone());
    let provider = &bottle.provider;
    match change.area {
        "egress" | "credential" => route(change, bottle),
        "env" | "literal" => {
            bottle.env.iter().find(|v| v.name.value == change.subject).map(|v| v.name.place.clone())
        }
        "mount" => workspace.and_then(|w| mount(change, &w.value)).or_else(whole_workspace),
        "workspace" => {
            let field = workspace.and_then(|w| match change.subject.as_str() {
                "mode" => w.value.mode.as_ref().map(|f| &f.place),
                _ => w.value.path.as_ref().map(|f| &f.place),
            });
            field.cloned().or_else(whole_workspace)
        }
        "limit" => {
            let resources = bottle.resources.as_ref()?;
            let field = match change.subject.as_str() {
                "cpus" => &resources.value.cpus,
                "memory" => &resources.value.memory,
                _ => &resources.value.pids,
            };
            Some(field.as_ref().map_or_else(|| resources.place.clone(), |f| f.place.clone()))
        }
        // An agent's own, or a folder's: no field of the bottle.
        "prompt" | "skill" | "git" | "login" | "file" => None,
        _ => {
            let field = match change.subject.as_str() {
                "template" => provider.template.as_ref().map(|f| &f.place),
                "context" => provider.context.as_ref().or(provider.dockerfile.as_ref()).map(|f| &f.place),
                _ => provider.dockerfile.as_ref().map(|f| &f.place),
            };
            field.cloned().or_else(|| provider.place.clone())
        }
    }
}

/// The route of the change's host, the one that decides it now, or the provider's entry, which
/// makes routes of its own.
fn route(change: &Change, bottle: &Bottle) -> Option<Place> {
    let routes: &[Route] = bottle.egress.as_ref().map(|e| e.value.as_slice()).unwrap_or_default();
    let host_of = |route: &Route| route.host.as_ref().map(|h| h.value.to_ascii_lowercase());
    let same = |r: &&Route| host_of(r).is_some_and(|h| printable(&h) == change.subject);
    let decides = |r: &&Route| host_of(r).is_some_and(|h| host_matches(&h, &change.subject));
    if let Some(route) = routes.iter().find(same).or_else(|| routes.iter().find(decides)) {
        // The part that holds the change, where a line can be named.
        let auth = route.auth.as_ref().filter(|_| change.area == "credential").map(|a| &a.place);
        return auth.or(route.host.as_ref().map(|h| &h.place)).cloned();
    }
    let token = bottle.provider.auth_token().map(|t| &t.place);
    let login = bottle.provider.forward_host_credentials.as_ref().map(|f| &f.place);
    let provider = bottle.provider.template.as_ref().map(|t| &t.place).or(bottle.provider.place.as_ref());
    token.or(login).or(provider).or(bottle.egress.as_ref().map(|e| &e.place)).cloned()
}

fn mount(change: &Change, workspace: &Workspace) -> Option<Place> {
    let target = change.subject.rsplit(" → ").next()?;
    let same = |m: &&crate::manifest::MountSpec| {
        m.target.as_ref().is_some_and(|t| printable(t.value.trim_end_matches('/')) == target)
    };
    workspace.mounts.iter().find(same).map(|m| m.place.clone())
}
