//! A manifest file: its text, its tree, and the manifests in it.

use super::{Carrier, Identity, Kind, Layout, Location, tolerant};
use crate::syntax::{Document, Frontmatter, Node, Problem, Span, Tree, parse, split_frontmatter};
use std::path::Path;
use std::sync::Arc;

/// A parsed manifest file.
#[derive(Debug)]
pub struct Source {
    /// Its absolute path.
    pub path: Arc<Path>,
    /// Its text.
    pub text: Arc<str>,
    /// The tree of its YAML.
    pub tree: Tree,
    /// YAML or Markdown.
    pub carrier: Carrier,
    /// Whose it is.
    pub location: Location,
    /// What stands in a Markdown file.
    pub body: Body,
    /// The manifests, one a document.
    pub manifests: Vec<Manifest>,
    /// An agent's description that Claude Code reads and YAML does not, where there is one.
    pub unquoted_description: Option<Span>,
}

/// The Markdown around a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// A YAML file has none.
    None,
    /// What follows the frontmatter.
    After(Span),
    /// The file has no frontmatter, or one that is not closed; the span is the first line.
    NoFrontmatter(Span),
}

/// One manifest of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Bottle or agent.
    pub kind: Kind,
    /// The file's name, or the document's own `name` where a file holds several.
    pub name: String,
    /// Which document of the tree.
    pub document: usize,
}

impl Source {
    /// Parses a text whose path says what it is.
    pub fn new(path: Arc<Path>, text: Arc<str>, identity: &Identity) -> Self {
        let (part, body) = match identity.carrier {
            Carrier::Yaml => (yaml_part(&text), Body::None),
            Carrier::Markdown => match split_frontmatter(&text) {
                Frontmatter::Found { yaml, body } => (yaml, Body::After(body)),
                Frontmatter::Missing => (Span::default(), Body::NoFrontmatter(first_line(&text))),
                Frontmatter::Unclosed { open } => (Span::default(), Body::NoFrontmatter(open)),
            },
        };
        let (mut tree, unquoted_description) = match (identity.carrier, identity.kind) {
            (Carrier::Markdown, Kind::Agent) => tolerant::parse_frontmatter(&text, part),
            _ => (parse(&text, part), None),
        };
        if identity.carrier == Carrier::Markdown && tree.documents.len() > 1 {
            let span = tree.documents[1].span;
            tree.problems.push(Problem { span, message: "frontmatter holds one document".to_owned() });
            tree.documents.truncate(1);
        }
        let manifests = manifests(&tree, identity);
        let Identity { carrier, location, .. } = *identity;
        Self { path, text, tree, carrier, location, body, manifests, unquoted_description }
    }

    /// Parses a text that a person named, or that the layout recognises.
    ///
    /// `None` where only the frontmatter could tell that it is a manifest, and it does not.
    pub fn recognise(path: &Path, text: impl Into<Arc<str>>, layout: &Layout, named: bool) -> Option<Self> {
        let text = text.into();
        let identity = match layout.identify(path) {
            Some(identity) if identity.tentative && !named && !looks_like_manifest(&text, identity.kind) => {
                return None;
            }
            Some(identity) => identity,
            None if named => layout.identify_named(path, top_level_key(&text, "bottle")),
            None => return None,
        };
        Some(Self::new(path.into(), text, &identity))
    }

    /// The document of a manifest.
    pub fn document(&self, manifest: &Manifest) -> Option<&Document> {
        self.tree.documents.get(manifest.document)
    }

    /// The root node of a manifest; `None` for an empty one.
    pub fn root(&self, manifest: &Manifest) -> Option<&Node> {
        self.document(manifest).and_then(|d| d.root.as_ref())
    }

    /// The manifest with a name, or the `n`-th (from 1) for a number, or the only one.
    pub fn pick(&self, name: Option<&str>) -> Option<&Manifest> {
        match name {
            None => self.manifests.first().filter(|_| self.manifests.len() == 1),
            Some(name) => {
                self.manifests.iter().find(|m| m.name == name).or_else(|| {
                    name.parse::<usize>().ok().and_then(|n| self.manifests.get(n.checked_sub(1)?))
                })
            }
        }
    }

    /// Whether a mistake of form at a place is a manifest's own: it lies behind the manifest's start,
    /// and no other document begins between the two.
    pub fn holds(&self, manifest: &Manifest, place: Span) -> bool {
        let start = |index: usize| self.tree.documents.get(index).map(|d| d.span.start);
        let at = place.start;
        if manifest.document > 0 && start(manifest.document).is_some_and(|start| at < start) {
            return false;
        }
        if let Some(next) = start(manifest.document + 1) {
            return at < next;
        }
        // The tree ends at the first mistake, which may stand in a document that it does not hold.
        let end = self.document(manifest).map_or(0, |d| d.span.end.min(at));
        !self.text.get(end as usize..at as usize).unwrap_or_default().contains("\n---")
    }

    /// The Markdown body's text, trimmed.
    pub fn body_text(&self) -> &str {
        match self.body {
            Body::After(span) => span.of(&self.text).trim(),
            _ => "",
        }
    }
}

/// A YAML text without its byte order mark.
fn yaml_part(text: &str) -> Span {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    Span::new(start, text.len())
}

fn first_line(text: &str) -> Span {
    Span::new(0, text.lines().next().map_or(0, str::len))
}

/// One manifest a document; a file without any document still holds one, an empty one.
fn manifests(tree: &Tree, identity: &Identity) -> Vec<Manifest> {
    let several = tree.documents.len() > 1;
    let one = |(index, document): (usize, &Document)| {
        let root = document.root.as_ref();
        // A file of bottles may hold the agents that use them.
        let agent = several && root.is_some_and(|r| r.entry("bottle").is_some());
        let own = root.filter(|_| several).and_then(|r| r.get("name")).and_then(Node::text);
        let name = match own {
            Some(name) => name.to_owned(),
            None if index == 0 => identity.name.clone(),
            None => format!("{}-{}", identity.name, index + 1),
        };
        Manifest { kind: if agent { Kind::Agent } else { identity.kind }, name, document: index }
    };
    if tree.documents.is_empty() {
        return vec![Manifest { kind: identity.kind, name: identity.name.clone(), document: 0 }];
    }
    tree.documents.iter().enumerate().map(one).collect()
}

/// Whether Markdown in a folder that merely looks like ours is a manifest: a bottle has
/// frontmatter, an agent's names its bottle (a Claude Code subagent's does not).
fn looks_like_manifest(text: &str, kind: Kind) -> bool {
    let Frontmatter::Found { yaml, .. } = split_frontmatter(text) else { return false };
    kind == Kind::Bottle || top_level_key(yaml.of(text), "bottle")
}

fn top_level_key(text: &str, key: &str) -> bool {
    text.lines().any(|l| l.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Option<Source> {
        Source::recognise(Path::new(path), text, &Layout { home: Some("/h".into()) }, false)
    }

    #[test]
    fn a_file_may_hold_bottles_and_their_agents() {
        let source =
            source("/p/dev.bottle.yaml", "env: {}\n---\nname: other\n---\nbottle: dev\n").expect("source");
        let seen: Vec<_> = source.manifests.iter().map(|m| (m.kind, m.name.as_str())).collect();
        assert_eq!(seen, [(Kind::Bottle, "dev"), (Kind::Bottle, "other"), (Kind::Agent, "dev-3")]);
        assert!(source.pick(None).is_none());
        assert_eq!(source.pick(Some("other")).map(|m| m.document), Some(1));
        assert_eq!(source.pick(Some("3")).map(|m| m.document), Some(2));
    }

    #[test]
    fn only_frontmatter_proves_a_loose_markdown_file() {
        assert!(source("/p/agents/a.md", "---\nname: x\n---\n").is_none());
        assert!(source("/p/agents/a.md", "---\nbottle: dev\n---\nDo it.\n").is_some());
        assert!(source("/p/bottles/a.md", "no frontmatter").is_none());
        assert!(source("/p/.bot-bottle/bottles/a.md", "no frontmatter").is_some());
    }
}
