//! What stands at an offset: the one question behind hover, completion, definition and the rest.

use crate::manifest::{Body, Manifest, Source};
use crate::syntax::{Alias, Anchor, Comment, Entry, Key, Node, Span, Value};
use std::fmt;

/// A step from a value to one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An item of a list.
    Item(usize),
}

/// The way from a manifest's root to a value. Written as in `egress.routes[0].host`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path<'a>(pub Vec<Step<'a>>);

impl<'a> Path<'a> {
    /// The keys alone: `["egress", "routes", "host"]`.
    pub fn keys(&self) -> Vec<&'a str> {
        let key = |s: &Step<'a>| match s {
            Step::Key(key) => Some(*key),
            Step::Item(_) => None,
        };
        self.0.iter().filter_map(key).collect()
    }

    /// Whether the steps are those of a pattern, in which `*` is any key and `[]` any item.
    pub fn matches(&self, pattern: &[&str]) -> bool {
        let fits = |(step, wanted): (&Step<'_>, &&str)| match step {
            Step::Key(key) => *wanted == "*" || wanted == key,
            Step::Item(_) => *wanted == "[]",
        };
        self.0.len() == pattern.len() && self.0.iter().zip(pattern).all(fits)
    }

    /// The path of the value that holds this one.
    pub fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What an offset stands on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role<'a> {
    /// A key; the path ends with it.
    Key(&'a Key),
    /// A scalar that is a key's value, or the empty place behind the key's colon.
    Value(&'a Node),
    /// A scalar that is an item of a list.
    Item(&'a Node),
    /// Between the parts of a mapping or a list; the path is the collection's.
    Blank,
    /// A comment.
    Comment(Comment),
    /// `&name`.
    Anchor(&'a Anchor),
    /// `*name`; the path is that of the value it brings.
    Alias(&'a Alias),
    /// The Markdown behind the frontmatter.
    Body,
    /// Outside every document: a fence, a `---`, an empty file.
    Outside,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct At<'a> {
    /// What the offset stands on.
    pub role: Role<'a>,
    /// The way to the value.
    pub path: Path<'a>,
    /// The token; empty at the offset for [`Role::Blank`] and [`Role::Outside`].
    pub span: Span,
    /// The manifest that the offset belongs to.
    pub manifest: Option<&'a Manifest>,
    /// The collections on the way, the root first, the innermost last.
    pub around: Vec<&'a Node>,
    /// The entry whose key or value the offset is in, the innermost.
    pub entry: Option<&'a Entry>,
}

impl<'a> At<'a> {
    /// The innermost collection.
    pub fn container(&self) -> Option<&'a Node> {
        self.around.last().copied()
    }
}

/// What stands at an offset. A token counts up to and including its end.
pub fn at(source: &Source, offset: usize) -> At<'_> {
    let offset = offset.min(source.text.len());
    let tree = &source.tree;
    let mut found = Walk { source, offset, path: Vec::new(), around: Vec::new(), entry: None };
    if let Body::After(body) = source.body
        && offset >= body.start as usize
    {
        return found.end(Role::Body, body, None);
    }
    let before = tree.documents.partition_point(|d| d.span.start as usize <= offset);
    let index = before.checked_sub(1);
    let manifest = index.and_then(|i| source.manifests.iter().find(|m| m.document == i));
    if let Some(comment) = touching(&tree.comments, |c| c.span, offset) {
        return found.end(Role::Comment(*comment), comment.span, manifest);
    }
    let root = index.and_then(|i| tree.documents[i].root.as_ref());
    let (mut role, mut span) = match root {
        Some(root) => found.node(root),
        None => (Role::Outside, Span::at(offset)),
    };
    if let Some(anchor) = touching(&tree.anchors, |a| a.span, offset) {
        (role, span) = (Role::Anchor(anchor), anchor.span);
    } else if let Some(alias) = touching(&tree.aliases, |a| a.span, offset) {
        (role, span) = (Role::Alias(alias), alias.span);
    }
    found.end(role, span, manifest)
}

/// The token of a sorted list that an offset touches.
fn touching<T>(all: &[T], span: impl Fn(&T) -> Span, offset: usize) -> Option<&T> {
    let after = all.partition_point(|t| span(t).start as usize <= offset);
    all[..after].last().filter(|t| span(t).touches(offset))
}

struct Walk<'a> {
    source: &'a Source,
    offset: usize,
    path: Vec<Step<'a>>,
    around: Vec<&'a Node>,
    entry: Option<&'a Entry>,
}

impl<'a> Walk<'a> {
    fn end(self, role: Role<'a>, span: Span, manifest: Option<&'a Manifest>) -> At<'a> {
        At { role, path: Path(self.path), span, manifest, around: self.around, entry: self.entry }
    }

    fn node(&mut self, node: &'a Node) -> (Role<'a>, Span) {
        // Inside an alias every span is the alias's own: there is nowhere further to go.
        if node.origin.is_some() {
            return (Role::Value(node), node.span);
        }
        match &node.value {
            Value::Scalar(_) => {
                let item = matches!(self.path.last(), Some(Step::Item(_)));
                (if item { Role::Item(node) } else { Role::Value(node) }, node.span)
            }
            Value::Mapping(entries) => {
                self.around.push(node);
                self.mapping(entries)
            }
            Value::Sequence(items) => {
                self.around.push(node);
                self.sequence(items)
            }
        }
    }

    fn mapping(&mut self, entries: &'a [Entry]) -> (Role<'a>, Span) {
        let blank = (Role::Blank, Span::at(self.offset));
        // What `<<` brings stands last, and where the merge stands.
        let own = entries.partition_point(|e| e.key.origin.is_none());
        let before = entries[..own].partition_point(|e| e.key.span.start as usize <= self.offset);
        let Some(entry) = entries[..before].last() else { return blank };
        let outer = self.entry.replace(entry);
        self.path.push(Step::Key(&entry.key.text));
        if entry.key.span.touches(self.offset) {
            return (Role::Key(&entry.key), entry.key.span);
        }
        if self.inside(&entry.value) {
            return self.node(&entry.value);
        }
        let gap = self.source.text.get(entry.key.span.end as usize..self.offset).unwrap_or("\n");
        let behind_colon = gap.trim_start().starts_with(':') && !gap.contains(['\n', ',']);
        if behind_colon && (self.offset <= entry.value.span.start as usize || entry.value.is_null()) {
            return (Role::Value(&entry.value), Span::at(self.offset));
        }
        self.path.pop();
        self.entry = outer;
        blank
    }

    fn sequence(&mut self, items: &'a [Node]) -> (Role<'a>, Span) {
        let before = items.partition_point(|n| n.span.start as usize <= self.offset);
        let Some(item) = items[..before].last().filter(|n| self.inside(n)) else {
            return (Role::Blank, Span::at(self.offset));
        };
        self.path.push(Step::Item(before - 1));
        self.node(item)
    }

    /// Whether the offset is in a node, or right behind it.
    fn inside(&self, node: &Node) -> bool {
        (node.span.start as usize..=node.span.end as usize).contains(&self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    /// The role in a word, the path and the token at the mark.
    fn check(text: &str, role: &str, path: &str, token: &str) {
        marked(text).ask(|snapshot, offset| {
            let at = at(snapshot.source, offset);
            let seen = match at.role {
                Role::Key(_) => "key",
                Role::Value(_) => "value",
                Role::Item(_) => "item",
                Role::Blank => "blank",
                Role::Comment(_) => "comment",
                Role::Anchor(_) => "anchor",
                Role::Alias(_) => "alias",
                Role::Body => "body",
                Role::Outside => "outside",
            };
            let seen = (seen, &*at.path.to_string(), at.span.of(&snapshot.source.text));
            assert_eq!(seen, (role, path, token), "{text}");
        });
    }

    #[test]
    fn keys_values_and_items_are_told_apart_with_their_paths() {
        check("en$0v:\n  A: b\n", "key", "env", "env");
        check("env:\n  A$0: b\n", "key", "env.A", "A");
        check("env:\n  A: b$0\n", "value", "env.A", "b");
        check("env: {A: b, C: $0}\n", "value", "env.C", "");
        check("extends:$0\n", "value", "extends", "");
        check("extends: $0base\n", "value", "extends", "base");
        check("egress:\n  routes:\n    - host: a\n    - ho$0st: b\n", "key", "egress.routes[1].host", "host");
        check("skills: [a, b$0]\n", "item", "skills[1]", "b");
        check("prompt: |\n  te$0xt\nenv: {}\n", "value", "prompt", "|\n  text");
        check("prompt: |\n  text\n$0env: {}\n", "key", "env", "env");
    }

    #[test]
    fn what_is_no_key_and_no_value_has_its_role_too() {
        check("env:\n  A: b # wh$0y\n", "comment", "", "# why");
        check("x-a: &an$0c {A: b}\nenv: *anc\n", "anchor", "x-a", "&anc");
        check("x-a: &anc {A: b}\nenv: *an$0c\n", "alias", "env", "*anc");
        check("env: {A: b, $0 C: d}\n", "blank", "env", "");
        check("env:\n  A: b\n$0\n", "blank", "", "");
        check("$0", "outside", "", "");
        check("/h/.bot-bottle/agents/a.md|---\nbottle: d$0\n---\nbody", "value", "bottle", "d");
        check("/h/.bot-bottle/agents/a.md|---\nbottle: d\n---\nbo$0dy", "body", "", "body");
        check("/h/.bot-bottle/agents/a.md|--$0-\nbottle: d\n---\nbody", "outside", "", "");
    }

    #[test]
    fn a_path_fits_patterns() {
        let marked = marked("egress:\n  routes:\n    - host: $0a\n");
        let source = marked.source();
        let at = at(&source, marked.offset);
        assert!(at.path.matches(&["egress", "routes", "[]", "host"]));
        assert!(at.path.matches(&["egress", "*", "[]", "*"]));
        assert!(!at.path.matches(&["egress", "routes"]));
        assert_eq!(at.path.keys(), ["egress", "routes", "host"]);
        assert_eq!((at.around.len(), at.manifest.map(|m| m.document)), (4, Some(0)));
    }
}
