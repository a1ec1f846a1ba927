//! Semantic tokens: what colours alone can tell of a manifest.

use super::field::{self, Field};
use super::query::{Path, Step};
use super::target::host_variable;
use crate::check::{rules, suppressions};
use crate::manifest::{Kind, LOGIN_VARIABLES, Source};
use crate::syntax::{Key, Node, Span, Value};

/// A coloured word, on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// The word.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
    /// More about it.
    pub modifiers: Modifiers,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// A key of the language.
    Key,
    /// One of a field's few values: a template, a scheme, a method, `true`.
    Value,
    /// A bottle or a skill.
    Name,
    /// A host.
    Host,
    /// A variable of the guest, where it is set.
    GuestVariable,
    /// A variable of the host: `${NAME}`, or a token's name.
    HostVariable,
    /// `?question`.
    Question,
    /// `&name`.
    Anchor,
    /// `*name`.
    Alias,
    /// A rule's id in a comment.
    Rule,
}

/// More about a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Modifiers {
    /// It is defined here.
    pub declaration: bool,
    /// It holds a credential.
    pub credential: bool,
    /// It is not to be used any more.
    pub deprecated: bool,
}

impl Modifiers {
    const NONE: Self = Self { declaration: false, credential: false, deprecated: false };
    const DECLARATION: Self = Self { declaration: true, ..Self::NONE };
    const CREDENTIAL: Self = Self { credential: true, ..Self::NONE };
}

/// The tokens within a range, in the order of the text; none overlaps another.
pub fn tokens(source: &Source, range: Span) -> Vec<Token> {
    let mut found = Tokens { text: &source.text, range, all: Vec::new() };
    for manifest in &source.manifests {
        if let Some(root) = source.root(manifest) {
            found.node(
                root,
                &Walk { kind: manifest.kind, field: Some(field::root(manifest.kind)) },
                &mut Path::default(),
            );
        }
    }
    for anchor in &source.tree.anchors {
        found.push(anchor.span, TokenKind::Anchor, Modifiers::DECLARATION);
    }
    for alias in &source.tree.aliases {
        found.push(alias.span, TokenKind::Alias, Modifiers::NONE);
    }
    for (id, span) in suppressions(source).into_iter().flat_map(|s| s.ids) {
        if rules::get(&id).is_some() {
            found.push(span, TokenKind::Rule, Modifiers::NONE);
        }
    }
    let mut all = found.all;
    all.sort_unstable();
    all.dedup_by(|next, last| next.span.start < last.span.end);
    all
}

struct Tokens<'a> {
    text: &'a str,
    range: Span,
    all: Vec<Token>,
}

/// Where in the language a value is.
struct Walk {
    kind: Kind,
    field: Option<Field>,
}

impl<'a> Tokens<'a> {
    fn push(&mut self, span: Span, kind: TokenKind, modifiers: Modifiers) {
        let here = span.start <= self.range.end && self.range.start <= span.end;
        if here && span.start < span.end && !span.of(self.text).contains('\n') {
            self.all.push(Token { span, kind, modifiers });
        }
    }

    fn node(&mut self, node: &'a Node, walk: &Walk, path: &mut Path<'a>) {
        let outside = node.span.end < self.range.start || self.range.end < node.span.start;
        if node.origin.is_some() || outside {
            return;
        }
        match &node.value {
            Value::Scalar(_) => self.scalar(node, walk, path),
            Value::Mapping(entries) => {
                for entry in entries.iter().filter(|e| e.key.origin.is_none()) {
                    let field = walk.field.and_then(|f| f.get(&entry.key.text));
                    path.0.push(Step::Key(&entry.key.text));
                    self.key(&entry.key, field, path);
                    self.node(&entry.value, &Walk { kind: walk.kind, field }, path);
                    path.0.pop();
                }
            }
            Value::Sequence(items) => {
                let field = walk.field.and_then(Field::item).or(walk.field);
                for (i, item) in items.iter().enumerate() {
                    path.0.push(Step::Item(i));
                    self.node(item, &Walk { kind: walk.kind, field }, path);
                    path.0.pop();
                }
            }
        }
    }

    fn key(&mut self, key: &Key, field: Option<Field>, path: &Path<'_>) {
        let Some(field) = field else { return };
        if path.matches(&["env", "*"]) {
            self.push(key.span, TokenKind::GuestVariable, Modifiers::DECLARATION);
        } else {
            let deprecated = field.is_deprecated();
            self.push(key.span, TokenKind::Key, Modifiers { deprecated, ..Modifiers::NONE });
        }
    }

    fn scalar(&mut self, node: &Node, walk: &Walk, path: &Path<'_>) {
        let is = |pattern: &[&str]| path.matches(pattern);
        let (none, span) = (Modifiers::NONE, node.span);
        if is(&["env", "*"]) {
            let Some(text) = node.text() else { return };
            if host_variable(text).is_some() {
                self.push(span, TokenKind::HostVariable, none);
            } else if text.starts_with('?') {
                self.push(span, TokenKind::Question, none);
            }
        } else if LOGIN_VARIABLES.iter().any(|key| is(&["agent_provider", key]))
            || is(&["egress", "routes", "[]", "auth", "token_ref"])
        {
            self.push(span, TokenKind::HostVariable, Modifiers::CREDENTIAL);
        } else if is(&["egress", "routes", "[]", "host"]) {
            self.push(span, TokenKind::Host, none);
        } else if is(&["extends"])
            || is(&["extends", "[]"])
            || is(&["skills", "[]"])
            || (is(&["bottle"]) && walk.kind == Kind::Agent)
        {
            self.push(span, TokenKind::Name, none);
        } else if walk.field.is_some_and(|f| f.allows(node)) {
            self.push(span, TokenKind::Value, none);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    fn check(text: &str, expected: &[(&str, TokenKind)]) {
        let source = marked(text).source();
        let all = tokens(&source, Span::new(0, source.text.len()));
        let seen: Vec<_> = all.iter().map(|t| (t.span.of(&source.text), t.kind)).collect();
        assert_eq!(seen, expected);
        assert!(all.windows(2).all(|w| w[0].span.end <= w[1].span.start));
    }

    #[test]
    fn words_are_told_apart_by_what_they_mean() {
        use TokenKind::*;
        check(
            "extends: [base]\nagent_provider: {template: claude, auth_token: T}\nenv: {A: '${B}', C: \"?which\", D: plain}\nx-a: &a {k: v}\nunknown: 1\n",
            &[
                ("extends", Key),
                ("base", Name),
                ("agent_provider", Key),
                ("template", Key),
                ("claude", Value),
                ("auth_token", Key),
                ("T", HostVariable),
                ("env", Key),
                ("A", GuestVariable),
                ("'${B}'", HostVariable),
                ("C", GuestVariable),
                ("\"?which\"", Question),
                ("D", GuestVariable),
                ("&a", Anchor),
            ],
        );
        check(
            "egress:\n  routes:\n    - host: a.b # bot-bottle: ignore[syntax, nope] x\n      role: y\n      matches: [{methods: [GET, nope]}]\nsupervise: true\nx-a: &a [q]\nskills: *a\n",
            &[
                ("egress", Key),
                ("routes", Key),
                ("host", Key),
                ("a.b", Host),
                ("syntax", Rule),
                ("role", Key),
                ("matches", Key),
                ("methods", Key),
                ("GET", Value),
                ("supervise", Key),
                ("true", Value),
                ("&a", Anchor),
                ("skills", Key),
                ("*a", Alias),
            ],
        );
        check(
            "/h/.bot-bottle/agents/a.md|---\nbottle: d\nprompt: |\n  a\n---\nbottle: x\n",
            &[("bottle", Key), ("d", Name), ("prompt", Key)],
        );
    }

    #[test]
    fn credentials_definitions_and_the_deprecated_are_marked() {
        let source =
            marked("agent_provider: {auth_token: T}\nenv: {A: b}\negress: {routes: [{role: x}]}\n").source();
        let all = tokens(&source, Span::new(0, source.text.len()));
        let marked =
            |text: &str| all.iter().find(|t| t.span.of(&source.text) == text).expect("a token").modifiers;
        assert!(marked("T").credential && marked("A").declaration && marked("role").deprecated);
        assert_eq!(marked("env"), Modifiers::default());
    }

    #[test]
    fn a_range_gives_its_own_tokens_alone() {
        let source = marked("env:\n  A: b\nsupervise: true\n").source();
        let line = Span::new(12, 20);
        let seen: Vec<_> = tokens(&source, line).iter().map(|t| t.span.of(&source.text)).collect();
        assert_eq!(seen, ["supervise"]);
    }
}
