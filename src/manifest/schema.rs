//! The two JSON Schemas, and what of a manifest they refuse.
//!
//! The schemas state the whole language for editors that know nothing of bot-bottle. Where a rule
//! of ours says more than a schema can, the subschema names that rule in `x-rule`, and what it
//! refuses is left to the rule: one mistake, one finding.

use super::Kind;
use super::instance::Instance;
use crate::syntax::{Node, Span};
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::LocationSegment;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use std::sync::LazyLock;

const BOTTLE: &str = include_str!("../../schema/bottle.schema.json");
const AGENT: &str = include_str!("../../schema/agent.schema.json");

/// A schema's text, as it lies in `schema/`.
pub fn schema_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Bottle => BOTTLE,
        Kind::Agent => AGENT,
    }
}

/// Something that the schema refuses and no other rule reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The place: the unknown key, the mapping that lacks one, or the value.
    pub span: Span,
    /// Where an alias took it from.
    pub origin: Option<Span>,
    /// The path of the value, as in `egress.routes[0].host`; empty for the manifest itself.
    pub path: String,
    /// What is wrong.
    pub kind: ViolationKind,
}

/// What the schema refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViolationKind {
    /// A key that the language does not have.
    UnknownField {
        /// The key.
        key: String,
        /// The keys that there are.
        known: Vec<String>,
    },
    /// A key that must be there.
    MissingField {
        /// The key.
        key: String,
    },
    /// A value of another type.
    WrongType {
        /// What may stand there, in words.
        expected: String,
        /// What stands there, in words.
        found: &'static str,
    },
    /// A value of the right type that is not allowed.
    InvalidValue {
        /// What may stand there, in words.
        expected: String,
    },
}

/// Compiling a schema takes milliseconds, so each is compiled once, when first needed.
static COMPILED: [LazyLock<Schema>; 2] =
    [LazyLock::new(|| Schema::compile(BOTTLE)), LazyLock::new(|| Schema::compile(AGENT))];

struct Schema {
    json: Value,
    validator: Validator<Instance>,
}

impl Schema {
    /// The shipped schemas are valid, which a test holds; there is no other input.
    fn compile(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        let build = |schema| {
            let options = jsonschema::options_for::<Instance>().with_draft(jsonschema::Draft::Draft202012);
            options.build(schema)
        };
        let validator = build(&json).or_else(|_| build(&Value::Bool(true)));
        Self { json, validator: validator.unwrap_or_else(|e| unreachable!("`true` is a schema: {e}")) }
    }

    /// The subschema that a keyword belongs to.
    fn owner(&self, schema_path: &str) -> Option<&Value> {
        let (owner, _keyword) = schema_path.rsplit_once('/')?;
        self.json.pointer(owner)
    }
}

fn compiled(kind: Kind) -> &'static Schema {
    &COMPILED[kind as usize]
}

/// Compiles a schema ahead of its first use, which takes milliseconds.
pub fn prepare(kind: Kind) {
    compiled(kind);
}

/// What the schema of `kind` refuses in a manifest and no other rule reports, in the order of the text.
pub fn violations(kind: Kind, root: &Node) -> Vec<Violation> {
    let schema = compiled(kind);
    if schema.validator.is_valid(root) {
        return Vec::new();
    }
    let errors = schema.validator.iter_errors(root);
    let mut all: Vec<_> = errors.flat_map(|error| violation(schema, root, &error)).collect();
    all.sort_by_key(|v| v.span);
    all.dedup();
    all
}

fn violation(schema: &Schema, root: &Node, error: &ValidationError<'_>) -> Vec<Violation> {
    let schema_path = error.schema_path().as_str();
    let owner = schema.owner(schema_path);
    if owner.is_some_and(|o| belongs_to_a_rule(o, error.kind().keyword())) {
        return Vec::new();
    }
    let (node, path) = locate(root, error.instance_path());
    let at = |span, origin, kind| Violation { span, origin, path: path.clone(), kind };
    let invalid =
        |expected: String| vec![at(node.span, node.origin, ViolationKind::InvalidValue { expected })];
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known: Vec<String> = owner
                .and_then(|o| o.get("properties"))
                .and_then(Value::as_object)
                .map(|p| p.keys().cloned().collect())
                .unwrap_or_default();
            let unknown = node.entries().iter().filter(|e| unexpected.iter().any(|u| **u == *e.key.text));
            unknown
                .map(|e| {
                    let key = e.key.text.to_string();
                    at(e.key.span, e.key.origin, ViolationKind::UnknownField { key, known: known.clone() })
                })
                .collect()
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default().to_owned();
            vec![at(node.span, node.origin, ViolationKind::MissingField { key })]
        }
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(t) => type_word(&t.to_string()).to_owned(),
                TypeKind::Multiple(set) => {
                    let words: Vec<_> = set.iter().map(|t| type_word(&t.to_string())).collect();
                    words.join(" or ")
                }
            };
            vec![at(node.span, node.origin, ViolationKind::WrongType { expected, found: found_word(node) })]
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let words: Vec<_> = options.iter().filter_map(Value::as_str).map(|o| format!("`{o}`")).collect();
            invalid(format!("one of {}", words.join(", ")))
        }
        ValidationErrorKind::Pattern { .. } => {
            let example = owner.and_then(|o| o.get("examples")).and_then(|e| e.get(0));
            let description =
                owner.and_then(|o| o.get("description")).and_then(Value::as_str).unwrap_or_default();
            invalid(match example {
                Some(example) => format!("a value such as `{}`: {description}", plain(example)),
                None => description.to_owned(),
            })
        }
        ValidationErrorKind::MinLength { .. } => invalid("text that is not empty".to_owned()),
        ValidationErrorKind::UniqueItems => invalid("a list in which nothing stands twice".to_owned()),
        ValidationErrorKind::Minimum { limit } => invalid(format!("a number of at least {limit}")),
        ValidationErrorKind::Maximum { limit } => invalid(format!("a number of at most {limit}")),
        ValidationErrorKind::ExclusiveMinimum { limit } => invalid(format!("a number above {limit}")),
        _ => invalid("another value".to_owned()),
    }
}

/// `x-rule` is a rule's id for the whole subschema, or an id for each keyword.
fn belongs_to_a_rule(owner: &Value, keyword: &str) -> bool {
    match owner.get("x-rule") {
        // A wrong type is always the form's own finding.
        Some(Value::String(_)) => keyword != "type",
        Some(Value::Object(by_keyword)) => by_keyword.contains_key(keyword),
        _ => false,
    }
}

/// Follows an instance path as far as the tree goes.
fn locate<'a>(root: &'a Node, location: &jsonschema::paths::Location) -> (&'a Node, String) {
    let mut node = root;
    let mut path = String::new();
    for segment in location {
        let next = match &segment {
            LocationSegment::Property(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                node.get(key)
            }
            LocationSegment::Index(index) => {
                path.push_str(&format!("[{index}]"));
                node.items().get(*index)
            }
        };
        let Some(next) = next else { break };
        node = next;
    }
    (node, path)
}

fn type_word(kind: &str) -> &'static str {
    match kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a mapping",
        _ => "nothing",
    }
}

fn found_word(node: &Node) -> &'static str {
    use crate::syntax::{ScalarValue, Value};
    match &node.value {
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Scalar(scalar) => match scalar.value() {
            ScalarValue::Null => "nothing",
            ScalarValue::Bool(_) => "a boolean",
            ScalarValue::Int(_) | ScalarValue::Float(_) => "a number",
            ScalarValue::Text(_) => "text",
        },
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn seen(text: &str) -> Vec<(String, String, ViolationKind)> {
        let tree = parse(text, Span::new(0, text.len()));
        let root = tree.documents[0].root.as_ref().expect("root");
        let all = violations(Kind::Bottle, root).into_iter();
        all.map(|v| (v.path, v.span.of(text).to_owned(), v.kind)).collect()
    }

    #[test]
    fn the_shipped_schemas_are_valid() {
        for kind in [Kind::Bottle, Kind::Agent] {
            let json: Value = serde_json::from_str(schema_text(kind)).expect("JSON");
            jsonschema::meta::validate(&json).expect("a valid schema");
            let text = "true";
            let tree = parse(text, Span::new(0, text.len()));
            assert!(!compiled(kind).validator.is_valid(tree.documents[0].root.as_ref().expect("root")));
        }
    }

    #[test]
    fn each_violation_stands_at_its_exact_place() {
        let all = seen(
            "envv: {}\nresources: {cpus: two, pids: 0}\nworkspace:\n  mounts: [{source: a}]\n  mode: rw\n",
        );
        let brief: Vec<_> = all.iter().map(|(path, text, _)| (path.as_str(), text.as_str())).collect();
        assert_eq!(
            brief,
            [
                ("", "envv"),
                ("resources.cpus", "two"),
                ("resources.pids", "0"),
                ("workspace.mounts[0]", "{source: a}"),
                ("workspace.mode", "rw"),
            ]
        );
        let expected = "one of `bind`, `copy`, `read_only`".to_owned();
        assert_eq!(all[4].2, ViolationKind::InvalidValue { expected });
    }

    #[test]
    fn what_a_rule_reports_is_left_to_the_rule() {
        for text in [
            "agent_provider: {template: gemini}",
            "agent_provider: {template: codex, auth_token: T}",
            "agent_provider: {forward_host_credentials: true}",
            "env: {1A: x}",
            "egress: {routes: [{host: 'https://x', role: y, auth: {scheme: Bearer}}]}",
            "prompt: a\nprompt_file: b",
        ] {
            assert_eq!(seen(text), [], "{text}");
        }
    }
}
