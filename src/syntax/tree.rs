//! The YAML tree: ordered, with the span of every key and value.

use super::{Scalar, ScalarValue, Span};

/// A parsed text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// The documents, in order.
    pub documents: Vec<Document>,
    /// The comments, in order, each with its `#`.
    pub comments: Vec<Comment>,
    /// `&name` tokens.
    pub anchors: Vec<Anchor>,
    /// `*name` tokens.
    pub aliases: Vec<Alias>,
    /// What is wrong with the text as YAML. Everything before the first problem is in the tree.
    pub problems: Vec<Problem>,
}

/// One document of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// From its first to its last byte.
    pub span: Span,
    /// Its value; `None` where there is nothing but comments.
    pub root: Option<Node>,
}

/// A comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    /// With the `#`, without the line break.
    pub span: Span,
    /// Nothing but white space stands before it on its line.
    pub own_line: bool,
}

/// The definition of an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Without the `&`.
    pub name: Box<str>,
    /// The token.
    pub span: Span,
    /// Which document it belongs to.
    pub document: usize,
}

/// The use of an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Without the `*`.
    pub name: Box<str>,
    /// The token.
    pub span: Span,
    /// Which document it belongs to.
    pub document: usize,
}

/// Something that YAML, or this tool's use of it, does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What.
    pub message: String,
}

/// A value.
///
/// Inside an alias every node has the span of the alias, and `origin` is where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands, or where the alias that brings it stands.
    pub span: Span,
    /// Where an alias took it from.
    pub origin: Option<Span>,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, a number, a boolean or null.
    Scalar(Scalar),
    /// Keys and values in order, duplicates included.
    Mapping(Vec<Entry>),
    /// Values in order.
    Sequence(Vec<Node>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: Box<str>,
    /// Where it stands, or where the alias that brings it stands.
    pub span: Span,
    /// Where an alias or `<<` took it from.
    pub origin: Option<Span>,
}

impl Node {
    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The first entry with a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| &*e.key.text == key)
    }

    /// The first value with a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }

    /// The scalar's meaning.
    pub fn scalar(&self) -> Option<ScalarValue<'_>> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar.value()),
            _ => None,
        }
    }

    /// The text of a scalar that is text.
    pub fn text(&self) -> Option<&str> {
        match self.scalar()? {
            ScalarValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(ScalarValue::Null))
    }

    /// As JSON: of two entries with one key the first counts, as everywhere.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Scalar(scalar) => match scalar.value() {
                ScalarValue::Null => Json::Null,
                ScalarValue::Bool(b) => Json::Bool(b),
                ScalarValue::Int(i) => Json::from(i),
                // NaN and infinities are no JSON numbers; as text they fail the same checks.
                ScalarValue::Float(f) => {
                    serde_json::Number::from_f64(f).map_or_else(|| Json::from(&*scalar.text), Json::Number)
                }
                ScalarValue::Text(text) => Json::from(text),
            },
            Value::Sequence(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Mapping(entries) => {
                let mut map = serde_json::Map::with_capacity(entries.len());
                for entry in entries {
                    map.entry(&*entry.key.text).or_insert_with(|| entry.value.to_json());
                }
                Json::Object(map)
            }
        }
    }

    /// How many nodes there are, this one included.
    pub(super) fn count(&self) -> usize {
        1 + self.entries().iter().map(|e| 1 + e.value.count()).sum::<usize>()
            + self.items().iter().map(Self::count).sum::<usize>()
    }

    /// The same value as seen through an alias at `span`.
    pub(super) fn through(&self, span: Span) -> Self {
        let value = match &self.value {
            Value::Scalar(scalar) => Value::Scalar(scalar.clone()),
            Value::Sequence(items) => Value::Sequence(items.iter().map(|n| n.through(span)).collect()),
            Value::Mapping(entries) => Value::Mapping(
                entries
                    .iter()
                    .map(|e| Entry { key: e.key.through(span), value: e.value.through(span) })
                    .collect(),
            ),
        };
        Self { span, origin: Some(self.origin.unwrap_or(self.span)), value }
    }
}

impl Key {
    fn through(&self, span: Span) -> Self {
        Self { text: self.text.clone(), span, origin: Some(self.origin.unwrap_or(self.span)) }
    }
}
