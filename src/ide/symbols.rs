//! The outline of a document, and the manifests and routes of a workspace.

use super::field;
use super::target::{Location, host_variable};
use crate::check::shown;
use crate::manifest::{Kind, Manifest, Source, speaks_of_credential};
use crate::syntax::{Entry, Node, ScalarValue, Span, Value};
use std::sync::Arc;

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// A bottle.
    Bottle,
    /// An agent.
    Agent,
    /// A route.
    Route,
    /// A mapping.
    Mapping,
    /// A list.
    List,
    /// Text, or nothing.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// A key, a host, an item.
    pub name: String,
    /// The value on one line, credentials hidden; empty for collections.
    pub detail: String,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it.
    pub whole: Span,
    /// Its name, within `whole`.
    pub span: Span,
    /// Its parts.
    pub children: Vec<Symbol>,
}

/// A manifest or a route of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSymbol {
    /// The manifest's name, or the route's host.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The manifest of a route; empty for a manifest.
    pub container: String,
    /// Where.
    pub location: Location,
}

/// How many symbols a workspace is searched for.
const MOST: usize = 1_000;

/// How much of a value is shown, in characters.
const DETAIL: usize = 60;

/// The outline. Where a file holds several manifests, each is a symbol of its own.
pub fn document_symbols(source: &Source) -> Vec<Symbol> {
    let parts = |manifest: &Manifest| {
        let Some(root) = source.root(manifest) else { return Vec::new() };
        children(&source.text, root, "")
    };
    match source.manifests.as_slice() {
        [one] => parts(one),
        several => several
            .iter()
            .map(|manifest| {
                let children = parts(manifest);
                let (document, span) = whole_and_name(source, manifest);
                Symbol {
                    name: name(&manifest.name),
                    detail: manifest.kind.word().to_owned(),
                    kind: kind(manifest),
                    whole: around(document, &children),
                    span,
                    children,
                }
            })
            .collect(),
    }
}

fn kind(manifest: &Manifest) -> SymbolKind {
    match manifest.kind {
        Kind::Bottle => SymbolKind::Bottle,
        Kind::Agent => SymbolKind::Agent,
    }
}

/// A manifest's document, and its name in it, else its beginning.
fn whole_and_name(source: &Source, manifest: &Manifest) -> (Span, Span) {
    let document = source.document(manifest).map(|d| d.span).unwrap_or_default();
    let root = source.root(manifest);
    let name = root.and_then(|r| r.get("name")).filter(|n| n.text() == Some(&manifest.name));
    let span = name.map_or(Span::at(root.map_or(document.start, |r| r.span.start) as usize), |n| n.span);
    (document.join(span), span)
}

/// The parts of a value. What an alias or `<<` brings is no part of what is written here.
fn children(text: &str, node: &Node, key: &str) -> Vec<Symbol> {
    match &node.value {
        Value::Scalar(_) => Vec::new(),
        Value::Mapping(entries) => {
            entries.iter().filter(|e| e.key.origin.is_none()).map(|e| entry(text, e)).collect()
        }
        Value::Sequence(items) => {
            let here = items.iter().enumerate().filter(|(_, n)| n.origin.is_none());
            here.map(|(i, n)| item(text, i, n, key == "routes")).collect()
        }
    }
}

fn entry(text: &str, entry: &Entry) -> Symbol {
    let value = &entry.value;
    let below = value.origin.is_none().then(|| children(text, value, &entry.key.text));
    let below = below.unwrap_or_default();
    Symbol {
        name: name(&entry.key.text),
        detail: if hides(&entry.key.text, value) { "(hidden)".to_owned() } else { detail(text, value) },
        kind: kind_of(value),
        whole: around(trimmed(text, entry.key.span.join(value.span)), &below),
        span: entry.key.span,
        children: below,
    }
}

fn item(text: &str, index: usize, node: &Node, route: bool) -> Symbol {
    let below = children(text, node, "");
    let part = below.iter().find(|c| ["host", "source", "value", "name"].contains(&&*c.name));
    let naming = part.and_then(|c| node.get(&c.name));
    let named = part.map(|c| c.detail.clone()).filter(|d| !d.is_empty()).or_else(|| node.text().map(name));
    let whole = around(trimmed(text, node.span), &below);
    let span = naming.filter(|n| n.origin.is_none() && whole.encloses(n.span)).map_or(whole, |n| n.span);
    Symbol {
        name: named.unwrap_or_else(|| format!("[{index}]")),
        detail: String::new(),
        kind: if route { SymbolKind::Route } else { kind_of(node) },
        whole,
        span,
        children: below,
    }
}

/// A span that holds the parts too: an empty value may stand behind the last letter.
fn around(whole: Span, parts: &[Symbol]) -> Span {
    parts.iter().fold(whole, |whole, part| whole.join(part.whole))
}

/// A name as it is shown: editors refuse one that is empty.
fn name(text: &str) -> String {
    if text.trim().is_empty() { "\"\"".to_owned() } else { shown(text) }
}

fn kind_of(node: &Node) -> SymbolKind {
    match node.scalar() {
        Some(ScalarValue::Bool(_)) => SymbolKind::Boolean,
        Some(ScalarValue::Int(_) | ScalarValue::Float(_)) => SymbolKind::Number,
        Some(_) => SymbolKind::Text,
        None if matches!(node.value, Value::Mapping(_)) => SymbolKind::Mapping,
        None => SymbolKind::List,
    }
}

/// Whether a value is the literal of a key that speaks of a credential.
fn hides(key: &str, value: &Node) -> bool {
    let literal = |text: &str| host_variable(text).is_none() && !text.starts_with('?');
    !field::is_known(key) && value.text().is_some_and(literal) && speaks_of_credential(key)
}

fn detail(text: &str, node: &Node) -> String {
    let written = match &node.value {
        Value::Scalar(_) if node.origin.is_some() => node.span.of(text),
        Value::Scalar(scalar) => &scalar.text,
        _ => return String::new(),
    };
    let shown = shown(written.lines().next().unwrap_or_default());
    if shown.chars().count() > DETAIL { shown.chars().take(DETAIL).chain(['…']).collect() } else { shown }
}

/// A span without the blanks and breaks at its end.
fn trimmed(text: &str, span: Span) -> Span {
    Span { end: span.start + u32::try_from(span.of(text).trim_end().len()).unwrap_or(0), ..span }
}

/// The manifests and routes of a workspace whose names hold the query's letters in their order.
pub fn workspace_symbols(workspace: &[Arc<Source>], query: &str) -> Vec<WorkspaceSymbol> {
    let query: Vec<char> = query.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let mut found = Vec::new();
    for source in workspace {
        let at = |span| Location { file: source.path.clone(), span };
        for manifest in &source.manifests {
            if fits(&query, &manifest.name) {
                found.push(WorkspaceSymbol {
                    name: shown(&manifest.name),
                    kind: kind(manifest),
                    container: String::new(),
                    location: at(whole_and_name(source, manifest).1),
                });
            }
            let egress = source.root(manifest).and_then(|r| r.get("egress"));
            let routes = egress.and_then(|e| e.get("routes")).map(Node::items).unwrap_or_default();
            for host in routes.iter().filter_map(|r| r.get("host")) {
                if let Some(name) = host.text().filter(|name| fits(&query, name)) {
                    found.push(WorkspaceSymbol {
                        name: shown(name),
                        kind: SymbolKind::Route,
                        container: shown(&manifest.name),
                        location: at(host.span),
                    });
                }
            }
            if found.len() >= MOST {
                return found;
            }
        }
    }
    found
}

fn fits(query: &[char], name: &str) -> bool {
    let mut rest = query.iter();
    let mut next = rest.next();
    for c in name.chars().flat_map(char::to_lowercase) {
        if next == Some(&c) {
            next = rest.next();
        }
    }
    next.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    fn outline(text: &str, symbols: &[Symbol], depth: usize, out: &mut String) {
        for symbol in symbols {
            assert!(symbol.whole.encloses(symbol.span), "{symbol:?}");
            let whole = symbol.whole.of(text).lines().count();
            let line = format!(
                "{}{} {:?} {} ({whole})",
                "  ".repeat(depth),
                symbol.name,
                symbol.kind,
                symbol.detail
            );
            out.push_str(&line.replace("  (", " ("));
            out.push('\n');
            symbol.children.iter().for_each(|c| assert!(symbol.whole.encloses(c.whole), "{c:?}"));
            outline(text, &symbol.children, depth + 1, out);
        }
    }

    fn check(text: &str, expected: &str) {
        let source = marked(text).source();
        let mut out = String::new();
        outline(&source.text, &document_symbols(&source), 0, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn the_outline_has_keys_hosts_and_items() {
        check(
            "egress:\n  routes:\n    - host: api.github.com\n      git: read\n    - {}\nskills: [a]\nsupervise: false\nprompt: |\n  one\n  two\n",
            "egress Mapping (5)\n  routes List (4)\n    api.github.com Route (2)\n      host Text api.github.com (1)\n      git Text read (1)\n    [1] Route (1)\nskills List (1)\n  a Text (1)\nsupervise Boolean false (1)\nprompt Text one (3)\n",
        );
    }

    #[test]
    fn several_manifests_are_told_apart_and_credentials_are_hidden() {
        let token = ["ghp", &"a1B2".repeat(9)].join("_");
        check(
            &format!(
                "env:\n  A: {token}\n  DB_PASSWORD: hunter2\n  API_TOKEN: '${{T}}'\n---\nname: two\nextends: dev\n"
            ),
            "dev Bottle bottle (4)\n  env Mapping (4)\n    A Text **************************************** (1)\n    DB_PASSWORD Text (hidden) (1)\n    API_TOKEN Text ${T} (1)\ntwo Bottle bottle (3)\n  name Text two (1)\n  extends Text dev (1)\n",
        );
    }

    #[test]
    fn the_workspace_is_searched_by_letters() {
        let text = "//- /p/a.bottle.yaml\negress: {routes: [{host: api.github.com}]}\n//- /h/.bot-bottle/agents/gith.md\n---\nbottle: a\n---\n";
        let found = marked(text).ask(|snapshot, _| {
            let all = |query| {
                workspace_symbols(snapshot.workspace, query).into_iter().map(|s| s.name).collect::<Vec<_>>()
            };
            (all(""), all("GtH"), all("nope"))
        });
        let all = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            found,
            (all(&["a", "api.github.com", "gith"]), all(&["api.github.com", "gith"]), all(&[]))
        );
    }
}
