//! The tree as the JSON Schema validator reads it: in place, without a copy of the manifest.

use crate::syntax::{Entry, Node, Scalar, ScalarValue, Span, Style, Value};
use jsonschema::JsonType;
use jsonschema::json;
use serde_json::Number;
use std::borrow::Cow;
use std::collections::HashSet;

/// Manifests as instances of a schema.
pub(super) struct Instance;

impl json::Json for Instance {
    type Node<'a> = &'a Node;
    type PreparedKey = Box<str>;
    type StringBuffer = Option<Node>;

    // Looking a key up goes through all the entries, as one pass over them does.
    const KEYS_PER_LOOKUP: usize = 2;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut Option<Node>, string: &str, f: impl FnOnce(&Node) -> T) -> T {
        let scalar = Scalar { text: string.into(), style: Style::Quoted, forced_text: true };
        f(buffer.insert(Node { span: Span::at(0), origin: None, value: Value::Scalar(scalar) }))
    }
}

/// A number that JSON has. NaN and infinities are none; as text they fail the same checks.
fn number(value: ScalarValue<'_>) -> Option<Number> {
    match value {
        ScalarValue::Int(int) => Some(int.into()),
        ScalarValue::Float(float) => Number::from_f64(float),
        _ => None,
    }
}

impl<'a> json::Node<'a, Instance> for &'a Node {
    type Object = Entries<'a>;
    type Array = &'a [Node];
    type Number = Number;

    fn as_object(&self) -> Option<Entries<'a>> {
        match &self.value {
            Value::Mapping(entries) => Some(Entries(entries)),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<&'a [Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        let Value::Scalar(scalar) = &self.value else { return None };
        (self.json_type() == JsonType::String).then_some(Cow::Borrowed(&*scalar.text))
    }

    fn as_number(&self) -> Option<Number> {
        number(self.scalar()?)
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.scalar()? {
            ScalarValue::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        Node::is_null(self)
    }

    fn json_type(&self) -> JsonType {
        match &self.value {
            Value::Mapping(_) => JsonType::Object,
            Value::Sequence(_) => JsonType::Array,
            Value::Scalar(scalar) => match scalar.value() {
                ScalarValue::Null => JsonType::Null,
                ScalarValue::Bool(_) => JsonType::Boolean,
                value if number(value).is_some() => JsonType::Number,
                _ => JsonType::String,
            },
        }
    }

    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(self.to_json())
    }

    fn identity(&self) -> Option<json::NodeIdentity> {
        Some(json::NodeIdentity::new(std::ptr::from_ref::<Node>(self).addr()))
    }
}

/// A mapping's entries. Of two with one key the first counts, as everywhere.
pub(super) struct Entries<'a>(&'a [Entry]);

impl<'a> json::Object<'a, Instance> for Entries<'a> {
    type Node = &'a Node;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.members().count()
    }

    fn get(&self, key: &Box<str>) -> Option<&'a Node> {
        self.0.iter().find(|e| e.key.text == *key).map(|e| &e.value)
    }

    fn members(&self) -> Members<'a> {
        let seen = (self.0.len() > Members::FEW).then(|| HashSet::with_capacity(self.0.len()));
        Members { entries: self.0, at: 0, seen }
    }
}

/// The entries that count.
pub(super) struct Members<'a> {
    entries: &'a [Entry],
    at: usize,
    /// The keys so far, where looking back through them all would take long.
    seen: Option<HashSet<&'a str>>,
}

impl Members<'_> {
    const FEW: usize = 16;
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a Node);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = self.entries.get(self.at)?;
            let before = &self.entries[..self.at];
            self.at += 1;
            let first = match &mut self.seen {
                Some(seen) => seen.insert(&entry.key.text),
                None => before.iter().all(|e| e.key.text != entry.key.text),
            };
            if first {
                return Some((&entry.key.text, &entry.value));
            }
        }
    }
}

impl<'a> json::Array<'a, Instance> for &'a [Node] {
    type Node = &'a Node;
    type ElementsIter = std::slice::Iter<'a, Node>;

    fn len(&self) -> usize {
        <[Node]>::len(self)
    }

    fn elements(&self) -> std::slice::Iter<'a, Node> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;
    use jsonschema::json::{Node as _, Object as _};

    fn root(text: &str) -> Node {
        let mut tree = parse(text, Span::new(0, text.len()));
        tree.documents.remove(0).root.expect("a root")
    }

    #[test]
    fn the_tree_keeps_what_the_validator_relies_on() {
        let text = json::conformance::document().to_string();
        json::conformance::assert_conformance::<Instance>(&&root(&text));
    }

    #[test]
    fn of_two_keys_the_first_counts_however_many_there_are() {
        for other in [3, 40] {
            let mut text: String = (0..other).map(|i| format!("k{i}: {i}\n")).collect();
            text.push_str("k1: again\n");
            let node = root(&text);
            let entries = (&node).as_object().expect("a mapping");
            assert_eq!(entries.len(), other);
            let one = entries.get(&"k1".into()).expect("k1");
            assert_eq!(one.as_number(), Some(1.into()));
            let seen: Vec<_> = entries.members().filter(|(key, _)| *key == "k1").collect();
            assert_eq!(seen, [("k1", one)]);
        }
    }

    #[test]
    fn what_json_has_no_number_for_is_text() {
        let node = root(".nan");
        assert_eq!(((&node).json_type(), (&node).as_number()), (JsonType::String, None));
        assert_eq!((&node).as_string().as_deref(), Some(".nan"));
    }
}
