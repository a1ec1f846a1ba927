//! What the word at an offset names: the start of definition, references and rename.

use super::Snapshot;
use super::query::{self, At, Role};
use crate::manifest::named_paths;
use crate::manifest::{Catalog, Found, HostPath, Kind, LOGIN_VARIABLES, Located, Manifest, Place, Source};
use crate::syntax::{Node, Scalar, Span, Style, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file.
    pub file: Arc<Path>,
    /// Where in it.
    pub span: Span,
}

/// Something that has a name.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A bottle that there is.
    Bottle(Found),
    /// A skill of the user's own.
    Skill(String),
    /// An anchor of this file, by its place in the tree's list.
    Anchor(usize),
    /// A file or folder of the host.
    File(PathBuf),
    /// A variable of the host.
    HostVariable(String),
    /// A variable of the guest.
    GuestVariable(String),
    /// A host that a route leads to.
    Host(String),
}

/// What the word at an offset names, and the word.
pub(super) fn at(snapshot: &Snapshot<'_>, offset: usize) -> Option<(Target, Span)> {
    let source = snapshot.source;
    let at = query::at(source, offset);
    match at.role {
        Role::Anchor(anchor) => {
            let index = source.tree.anchors.iter().position(|a| a.span == anchor.span)?;
            Some((Target::Anchor(index), name_of(anchor.span)))
        }
        Role::Alias(alias) => {
            let before = |a: &crate::syntax::Anchor| {
                a.document == alias.document && a.name == alias.name && a.span < alias.span
            };
            Some((Target::Anchor(source.tree.anchors.iter().rposition(before)?), name_of(alias.span)))
        }
        Role::Key(key) => {
            let guest = at.path.matches(&["env", "*"]) && key.origin.is_none();
            guest.then(|| (Target::GuestVariable(key.text.to_string()), key.span))
        }
        Role::Value(node) | Role::Item(node) => {
            let word = word(&source.text, node)?;
            let text = node.text()?;
            let manifest = at.manifest?;
            let target = named(snapshot, &at, manifest, node, text)?;
            match target {
                Target::HostVariable(_) if at.path.matches(&["env", "*"]) => {
                    Some((target, Span { start: word.start + 2, end: word.end - 1 }))
                }
                _ => Some((target, word)),
            }
        }
        // The fence of a bottle is the bottle.
        Role::Outside => {
            let manifest = source.manifests.first().filter(|m| m.kind == Kind::Bottle)?;
            (source.manifests.len() == 1).then(|| (Target::Bottle(found(source, manifest)), Span::at(offset)))
        }
        _ => None,
    }
}

fn named(
    snapshot: &Snapshot<'_>,
    at: &At<'_>,
    manifest: &Manifest,
    node: &Node,
    text: &str,
) -> Option<Target> {
    let (source, catalog) = (snapshot.source, snapshot.catalog);
    let is = |pattern: &[&str]| at.path.matches(pattern);
    if (is(&["bottle"]) && manifest.kind == Kind::Agent) || is(&["extends"]) || is(&["extends", "[]"]) {
        return catalog.bottle(text, source).map(Target::Bottle);
    }
    if is(&["name"]) && manifest.kind == Kind::Bottle {
        return (manifest.name == text).then(|| Target::Bottle(found(source, manifest)));
    }
    if is(&["skills", "[]"]) {
        return Some(Target::Skill(text.to_owned()));
    }
    if named_paths::FIELDS.iter().any(|field| is(field)) {
        return Some(Target::File(path_of(source, node, catalog)?));
    }
    if LOGIN_VARIABLES.iter().any(|key| is(&["agent_provider", key]))
        || is(&["egress", "routes", "[]", "auth", "token_ref"])
    {
        return Some(Target::HostVariable(text.to_owned()));
    }
    if is(&["env", "*"]) {
        return host_variable(text).map(|name| Target::HostVariable(name.to_owned()));
    }
    is(&["egress", "routes", "[]", "host"]).then(|| Target::Host(text.to_ascii_lowercase()))
}

/// The name in `${NAME}`.
pub(super) fn host_variable(text: &str) -> Option<&str> {
    text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).filter(|n| !n.is_empty())
}

/// The host path that a value writes.
pub(super) fn path_of(source: &Source, node: &Node, catalog: &Catalog<'_>) -> Option<PathBuf> {
    let value = node.text().filter(|t| !t.is_empty())?.to_owned();
    let place = Place { file: source.path.clone(), span: node.span, origin: node.origin };
    Some(HostPath::new(Located { value, place }).resolve(catalog.layout))
}

pub(super) fn found(source: &Arc<Source>, manifest: &Manifest) -> Found {
    Found { source: source.clone(), manifest: manifest.clone() }
}

pub(super) fn same(a: &Found, b: &Found) -> bool {
    a.source.path == b.source.path && a.manifest.document == b.manifest.document
}

/// `&name` and `*name` without their first character.
pub(super) fn name_of(token: Span) -> Span {
    Span { start: token.start + 1, end: token.end.max(token.start + 1) }
}

/// Where a scalar's text is written, quotes not included; through an alias, where it is defined.
/// `None` where the text is written with escapes or over several lines.
pub(super) fn word(text: &str, node: &Node) -> Option<Span> {
    let Value::Scalar(Scalar { text: value, style, .. }) = &node.value else { return None };
    let span = node.origin.unwrap_or(node.span);
    let inner = match style {
        Style::Quoted => Span { start: span.start + 1, end: span.end.checked_sub(1)? },
        _ => span,
    };
    (inner.start <= inner.end && inner.of(text) == &**value).then_some(inner)
}
