//! From text to tree, over granit-parser's events.

use super::block_scalar;
use super::{Alias, Anchor, Comment, Document, Entry, Key, Node, Problem, Scalar, Span, Style, Tree, Value};
use granit_parser::{Event, Options, Parser, ScalarStyle, Tag, options};
use std::collections::HashMap;

/// How many nodes the aliases of one text may add: an alias bomb ends here.
const MAX_ALIAS_NODES: usize = 10_000;

/// Parses the YAML in a part of a text; every span counts from the start of the whole text.
///
/// Never fails: what is wrong becomes a [`Problem`], and what came before it is in the tree. After
/// a problem the next document is read as usual.
pub fn parse(text: &str, part: Span) -> Tree {
    let yaml = part.of(text);
    let mut parser = Parser::new_from_str_with_options(yaml, parser_options());
    let mut builder = Builder::new(text, part.start as usize);
    loop {
        match parser.next_event() {
            None => break,
            Some(Ok((event, span))) => builder.event(event, &span),
            Some(Err(error)) => {
                builder.error(error.marker().byte_offset(), &error.info());
                match parser.proceed_next_document() {
                    Ok(true) => {}
                    Ok(false) | Err(_) => break,
                }
            }
        }
    }
    builder.finish()
}

fn parser_options() -> Options {
    options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        // A licence header is not an attack.
        max_buffered_comment_events: 100_000,
        simple_key_max_lookahead: 4096,
        flow_nesting_limit: 64,
        block_nesting_limit: 64,
    }
}

/// A collection that is still open.
struct Open {
    span: Span,
    anchor: usize,
    flow: bool,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Option<MappingKey> },
}

enum MappingKey {
    Text(Key),
    /// A collection as a key: reported, and its value dropped.
    Unusable,
}

struct Builder<'a> {
    text: &'a str,
    base: usize,
    tree: Tree,
    stack: Vec<Open>,
    root: Option<Node>,
    start: Option<usize>,
    /// The end of the last token that was not a comment.
    token: usize,
    /// Finished anchored nodes, and those whose definition is still open.
    anchored: HashMap<usize, Option<Node>>,
    alias_nodes: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, base: usize) -> Self {
        Self {
            text,
            base,
            tree: Tree::default(),
            stack: Vec::new(),
            root: None,
            start: None,
            token: base,
            anchored: HashMap::new(),
            alias_nodes: 0,
        }
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        Span::new(self.base + range.start, self.base + range.end)
    }

    fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.tree.problems.push(Problem { span, message: message.into() });
    }

    fn error(&mut self, offset: Option<usize>, message: &str) {
        let offset = (self.base + offset.unwrap_or(0)).min(self.text.len());
        let end = self.text[offset..]
            .chars()
            .next()
            .filter(|c| *c != '\n')
            .map_or(offset, |c| offset + c.len_utf8());
        self.problem(Span::new(offset, end), message);
        self.end_document(offset);
    }

    fn event(&mut self, event: Event<'_>, at: &granit_parser::Span) {
        let mut span = self.span(at);
        if let Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) = event {
            span = block_scalar::extent(self.text, self.token, span);
        }
        if !matches!(event, Event::Comment(..)) {
            self.token = self.token.max(span.end as usize);
        }
        match event {
            Event::DocumentStart(..) => self.start = Some(span.start as usize),
            Event::DocumentEnd => self.end_document(span.start as usize),
            Event::Comment(..) => self.comment(span),
            Event::Anchor(_, name) => {
                let document = self.tree.documents.len();
                self.tree.anchors.push(Anchor { name: (&*name).into(), span, document });
            }
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                self.problem(span, format!("the alias `*{name}` has no anchor `&{name}` before it"));
                self.null(span);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let forced_text = self.tag(tag.as_deref(), span);
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    _ => Style::Quoted,
                };
                let scalar = Scalar { text: text.into(), style, forced_text };
                self.node(Node { span, origin: None, value: Value::Scalar(scalar) }, anchor);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(span, anchor, style, OpenKind::Sequence(Vec::new()));
            }
            Event::MappingStart(style, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(span, anchor, style, OpenKind::Mapping { entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(Some(span)),
            _ => {}
        }
    }

    /// Whether the tag makes a scalar text. Tags of one's own mean nothing here.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        match tag.core_suffix() {
            Some(suffix) => suffix == "str",
            None => {
                self.problem(span, format!("the tag `{}` has no meaning in a manifest", tag.original()));
                false
            }
        }
    }

    fn comment(&mut self, span: Span) {
        let before = &self.text[..span.start as usize];
        let line = before.rsplit('\n').next().unwrap_or("");
        self.tree
            .comments
            .push(Comment { span, own_line: line.trim_start_matches('\u{feff}').trim().is_empty() });
    }

    fn open(&mut self, span: Span, anchor: usize, style: granit_parser::StructureStyle, kind: OpenKind) {
        if anchor != 0 {
            self.anchored.insert(anchor, None);
        }
        let flow = style == granit_parser::StructureStyle::Flow;
        self.stack.push(Open { span, anchor, flow, kind });
    }

    /// Ends the innermost collection; without `end` the text broke off inside it.
    fn close(&mut self, end: Option<Span>) {
        let Some(open) = self.stack.pop() else { return };
        let mut span = open.span;
        let value = match open.kind {
            OpenKind::Sequence(items) => {
                span.end = items.last().map_or(span.end, |n| n.span.end.max(span.end));
                Value::Sequence(items)
            }
            OpenKind::Mapping { mut entries, key } => {
                if let Some(MappingKey::Text(key)) = key {
                    let at = Span::at(key.span.end as usize);
                    entries.push(Entry { key, value: null_at(at) });
                }
                span.end =
                    entries.last().map_or(span.end, |e| e.value.span.end.max(e.key.span.end).max(span.end));
                Value::Mapping(self.merge(entries))
            }
        };
        if let (true, Some(end)) = (open.flow, end) {
            span.end = end.end.max(span.end);
        }
        self.node(Node { span, origin: None, value }, open.anchor);
    }

    fn alias(&mut self, id: usize, span: Span) {
        let name: Box<str> = span.of(self.text).trim_start_matches('*').into();
        let document = self.tree.documents.len();
        match self.anchored.get(&id) {
            Some(Some(target)) => {
                self.alias_nodes = self.alias_nodes.saturating_add(target.count());
                if self.alias_nodes > MAX_ALIAS_NODES {
                    self.problem(
                        span,
                        format!("the aliases of this text expand to more than {MAX_ALIAS_NODES} values"),
                    );
                    self.null(span);
                } else {
                    let node = target.through(span);
                    self.node(node, 0);
                }
            }
            _ => {
                self.problem(span, format!("the alias `*{name}` stands inside its own anchor"));
                self.null(span);
            }
        }
        self.tree.aliases.push(Alias { name, span, document });
    }

    fn null(&mut self, span: Span) {
        self.node(null_at(span), 0);
    }

    /// Puts a finished node where it belongs.
    fn node(&mut self, node: Node, anchor: usize) {
        if anchor != 0 {
            self.anchored.insert(anchor, Some(node.clone()));
        }
        let unusable = match self.stack.last_mut().map(|open| &mut open.kind) {
            None => {
                self.root = Some(node);
                None
            }
            Some(OpenKind::Sequence(items)) => {
                items.push(node);
                None
            }
            Some(OpenKind::Mapping { entries, key }) => match key.take() {
                Some(MappingKey::Text(key)) => {
                    entries.push(Entry { key, value: node });
                    None
                }
                Some(MappingKey::Unusable) => None,
                None => {
                    let (new, bad) = mapping_key(node);
                    *key = Some(new);
                    bad
                }
            },
        };
        if let Some(span) = unusable {
            self.problem(span, "a key must be text, not a list or a mapping");
        }
    }

    /// Carries out `<<`: the mapping's own keys win, then earlier merges.
    fn merge(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        if !entries.iter().any(|e| is_merge(&e.key)) {
            return entries;
        }
        let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| is_merge(&e.key));
        for merge in merges {
            let at = merge.key.span.join(merge.value.span);
            let sources = match &merge.value.value {
                Value::Mapping(_) => std::slice::from_ref(&merge.value),
                Value::Sequence(items) => items.as_slice(),
                Value::Scalar(_) => &[],
            };
            if sources.is_empty() || sources.iter().any(|s| !matches!(s.value, Value::Mapping(_))) {
                self.problem(merge.value.span, "`<<` takes a mapping, or a list of mappings");
            }
            for source in sources {
                for entry in source.entries() {
                    if own.iter().all(|e| e.key.text != entry.key.text) {
                        let mut entry = entry.clone();
                        if entry.key.origin.is_none() {
                            // Written in place: it points at the merge all the same.
                            entry.key.origin = Some(entry.key.span);
                            entry.key.span = at;
                        }
                        own.push(entry);
                    }
                }
            }
        }
        own
    }

    fn end_document(&mut self, end: usize) {
        while !self.stack.is_empty() {
            self.close(None);
        }
        let root = self.root.take().filter(|n| !(n.is_null() && n.span.start == n.span.end));
        if let Some(start) = self.start.take() {
            self.tree.documents.push(Document { span: Span::new(start, end.max(start)), root });
        }
        self.anchored.clear();
    }

    fn finish(mut self) -> Tree {
        let end = self.text.len();
        self.end_document(end);
        self.tree
    }
}

fn null_at(span: Span) -> Node {
    let scalar = Scalar { text: "".into(), style: Style::Plain, forced_text: false };
    Node { span, origin: None, value: Value::Scalar(scalar) }
}

fn mapping_key(node: Node) -> (MappingKey, Option<Span>) {
    match node.value {
        Value::Scalar(scalar) => {
            let key = Key { text: scalar.text, span: node.span, origin: node.origin };
            (MappingKey::Text(key), None)
        }
        _ => (MappingKey::Unusable, Some(node.span)),
    }
}

fn is_merge(key: &Key) -> bool {
    &*key.text == "<<"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        parse(text, Span::new(0, text.len()))
    }

    fn root(tree: &Tree) -> &Node {
        tree.documents[0].root.as_ref().expect("a root")
    }

    #[test]
    fn keys_and_values_have_spans_in_the_whole_text() {
        let text = "---\nenv:\n  A: \"x\" # why\n  B: [1, 2]\n---\nbody";
        let parsed = parse(text, Span::new(4, text.len() - 8));
        let env = root(&parsed).entry("env").expect("env");
        assert_eq!(env.key.span.of(text), "env");
        let a = env.value.entry("A").expect("A");
        assert_eq!((a.key.span.of(text), a.value.span.of(text)), ("A", "\"x\""));
        assert_eq!(env.value.get("B").expect("B").span.of(text), "[1, 2]");
        assert_eq!(env.value.span.of(text), "A: \"x\" # why\n  B: [1, 2]");
        assert_eq!(parsed.comments[0].span.of(text), "# why");
        assert!(!parsed.comments[0].own_line);
    }

    #[test]
    fn what_stands_behind_an_alias_points_at_its_use() {
        let text = "x-a: &a {k: 1}\nb: *a\nc:\n  <<: *a\n  d: 2\n";
        let parsed = tree(text);
        assert_eq!(parsed.problems, []);
        let b = root(&parsed).get("b").expect("b");
        assert_eq!(b.span.of(text), "*a");
        assert_eq!(b.get("k").expect("k").origin.expect("origin").of(text), "1");
        let c = root(&parsed).get("c").expect("c");
        let keys: Vec<_> = c.entries().iter().map(|e| (&*e.key.text, e.key.span.of(text))).collect();
        assert_eq!(keys, [("d", "d"), ("k", "*a")]);
        assert_eq!((parsed.anchors[0].span.of(text), parsed.aliases.len()), ("&a", 2));
    }

    #[test]
    fn the_tree_reaches_up_to_the_first_problem_and_goes_on_in_the_next_document() {
        let text = "a: 1\nb: [1, 2\nc: }\n---\nd: 4\n";
        let parsed = tree(text);
        assert_eq!(parsed.problems.len(), 1);
        assert_eq!(root(&parsed).get("a").and_then(Node::scalar), Some(crate::syntax::ScalarValue::Int(1)));
        let second = parsed.documents[1].root.as_ref().expect("the second document");
        assert!(second.get("d").is_some());
    }

    #[test]
    fn bombs_and_depth_end_in_a_problem() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let refs = vec![format!("*a{}", i - 1); 9].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        assert!(tree(&bomb).problems.iter().any(|p| p.message.contains("expand to more than")));
        for deep in ["[".repeat(20_000), "- ".repeat(20_000), "{a: ".repeat(10_000)] {
            assert!(!tree(&deep).problems.is_empty());
        }
        assert!(tree("a: &a [*a]").problems[0].message.contains("inside its own anchor"));
        assert!(tree("a: *b").problems[0].message.contains("no anchor"));
    }

    #[test]
    fn odd_yaml_is_a_problem_and_never_a_loss() {
        assert!(tree("? [a]\n: 1\nb: 2").problems[0].message.contains("a key must be text"));
        assert!(tree("a: !x 1").problems[0].message.contains("no meaning"));
        assert!(tree("<<: 3\na: 1").problems[0].message.contains("takes a mapping"));
        for empty in ["", "\n", "# only a comment\n", "---\n"] {
            assert!(tree(empty).documents.iter().all(|d| d.root.is_none()), "{empty:?}");
        }
        let half = tree("a:\n  b");
        assert_eq!(root(&half).get("a").and_then(Node::text), Some("b"));
    }
}
