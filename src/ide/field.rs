//! What the schema says of a field: found by its path, shown by hover and completion.

use super::query::{Path, Step};
use crate::manifest::{Kind, schema_text};
use crate::syntax::{Node, ScalarValue};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::LazyLock;

/// A place in a schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    schema: &'static Value,
}

/// What a field's value is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A mapping.
    Mapping,
    /// A list.
    List,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// Text, or anything else.
    Text,
}

static SCHEMAS: [LazyLock<Value>; 2] =
    [LazyLock::new(|| read(Kind::Bottle)), LazyLock::new(|| read(Kind::Agent))];

/// A test in `manifest::schema` holds that both are JSON.
fn read(kind: Kind) -> Value {
    serde_json::from_str(schema_text(kind)).unwrap_or_default()
}

/// Whether a key is one of the language's own, wherever it stands: no credential belongs under any.
pub(super) fn is_known(key: &str) -> bool {
    static KEYS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let mut keys = HashSet::new();
        SCHEMAS.iter().for_each(|schema| gather(schema, &mut keys));
        keys
    });
    KEYS.contains(key)
}

fn gather(schema: &'static Value, keys: &mut HashSet<&'static str>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, below) in properties.into_iter().flatten() {
        keys.insert(key);
        gather(below, keys);
    }
    for below in ["items", "additionalProperties"].iter().filter_map(|key| schema.get(key)) {
        gather(below, keys);
    }
}

/// The manifest itself.
pub fn root(kind: Kind) -> Field {
    Field { schema: &SCHEMAS[kind as usize] }
}

/// The field at a path; `None` where the language has none.
pub fn field(kind: Kind, path: &Path<'_>) -> Option<Field> {
    path.0.iter().try_fold(root(kind), |field, step| match step {
        Step::Key(key) => field.get(key),
        Step::Item(_) => field.item(),
    })
}

impl Field {
    /// The field below a key.
    pub fn get(self, key: &str) -> Option<Self> {
        let named = self.schema.get("properties").and_then(|p| p.get(key));
        let any = self.schema.get("additionalProperties").filter(|a| a.is_object());
        named.or(any).map(|schema| Self { schema })
    }

    /// What an item of the list is.
    pub fn item(self) -> Option<Self> {
        self.schema.get("items").map(|schema| Self { schema })
    }

    /// The keys that the mapping may have, in the schema's order; reserved ones are left out.
    pub fn keys(self) -> impl Iterator<Item = (&'static str, Self)> {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flatten()
            .map(|(key, schema)| (key.as_str(), Self { schema }))
            .filter(|(_, field)| !field.is_deprecated())
    }

    /// The keys that must be there, those first that another one can take the place of.
    pub fn required(self) -> impl Iterator<Item = &'static str> {
        let usual = self.list("allOf").filter_map(|part| part.get("else")?.get("required")?.as_array());
        usual.flatten().chain(self.list("required")).filter_map(Value::as_str)
    }

    /// The only values there are; empty where there is no such list.
    pub fn values(self) -> impl Iterator<Item = &'static str> {
        self.list("enum").filter_map(Value::as_str)
    }

    /// One sentence or two.
    pub fn description(self) -> &'static str {
        self.schema.get("description").and_then(Value::as_str).unwrap_or_default()
    }

    /// What holds where the field is not there.
    pub fn default(self) -> Option<&'static Value> {
        self.schema.get("default")
    }

    /// Values that a person may start from.
    pub fn examples(self) -> impl Iterator<Item = &'static Value> {
        self.list("examples")
    }

    /// What the value is written as. Where several shapes serve, the first one of the schema.
    pub fn shape(self) -> Shape {
        let kind = self.schema.get("type").map(|t| t.get(0).unwrap_or(t));
        match kind.and_then(Value::as_str) {
            Some("object") => Shape::Mapping,
            Some("array") => Shape::List,
            Some("boolean") => Shape::Boolean,
            Some("number" | "integer") => Shape::Number,
            _ => Shape::Text,
        }
    }

    /// The description, the values, the default and an example, as Markdown.
    pub fn documentation(self) -> String {
        let mut out = self.description().to_owned();
        let code = |v: &Value| format!("`{}`", v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let values: Vec<_> = self.values().map(|v| format!("`{v}`")).collect();
        if !values.is_empty() {
            out.push_str(&format!("\n\nOne of {}.", values.join(", ")));
        }
        let scalar = |v: &&Value| !v.is_object() && !v.is_array() && v.as_str() != Some("");
        if let Some(default) = self.default().filter(scalar) {
            out.push_str(&format!("\n\nDefault: {}.", code(default)));
        }
        if let Some(example) = self.examples().find(scalar).filter(|_| values.is_empty()) {
            out.push_str(&format!("\n\nExample: {}.", code(example)));
        }
        out
    }

    /// Whether it is reserved, or not to be used any more.
    pub fn is_deprecated(self) -> bool {
        self.flag("deprecated")
    }

    /// Whether a value is one of the few that there are.
    pub fn allows(self, value: &Node) -> bool {
        match value.scalar() {
            Some(ScalarValue::Bool(_)) => self.shape() == Shape::Boolean,
            Some(ScalarValue::Text(text)) => self.values().any(|v| v == text),
            _ => false,
        }
    }

    fn list(self, key: &str) -> impl Iterator<Item = &'static Value> {
        self.schema.get(key).and_then(Value::as_array).into_iter().flatten()
    }

    fn flag(self, key: &str) -> bool {
        self.schema.get(key) == Some(&Value::Bool(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_through_lists_and_free_keys() {
        let path = Path(vec![Step::Key("egress"), Step::Key("routes"), Step::Item(3), Step::Key("auth")]);
        let auth = field(Kind::Bottle, &path).expect("auth");
        assert_eq!(auth.required().collect::<Vec<_>>(), ["scheme", "token_ref"]);
        assert_eq!(
            auth.get("scheme").expect("scheme").values().collect::<Vec<_>>(),
            ["Bearer", "token", "Basic"]
        );
        let variable = field(Kind::Bottle, &Path(vec![Step::Key("env"), Step::Key("ANY")])).expect("env.ANY");
        assert_eq!(variable.description(), "A value.");
        assert!(field(Kind::Bottle, &Path(vec![Step::Key("envv")])).is_none());
    }

    #[test]
    fn reserved_keys_are_not_offered() {
        let route = root(Kind::Bottle).get("egress").and_then(|f| f.get("routes")).and_then(Field::item);
        let keys: Vec<_> = route.expect("a route").keys().map(|(k, _)| k).collect();
        assert_eq!(
            keys,
            [
                "host",
                "ports",
                "protocol",
                "auth",
                "pass_headers",
                "path_allowlist",
                "matches",
                "git",
                "pipelock"
            ]
        );
    }

    #[test]
    fn documentation_says_values_default_and_example() {
        let mode = root(Kind::Bottle).get("workspace").and_then(|f| f.get("mode")).expect("mode");
        assert_eq!(
            mode.documentation(),
            "The folder itself, a copy of it, or the folder without writing.\n\n\
             One of `bind`, `copy`, `read_only`.\n\nDefault: `bind`."
        );
    }
}
