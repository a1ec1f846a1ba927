//! Values: the schema's, and names of things that there are.

use super::{Completion, CompletionKind, Spot, names, paths};
use crate::ide::field::{Field, Shape};
use crate::ide::query::Path;
use crate::manifest::LOGIN_VARIABLES;

/// The values of a field.
pub(super) fn complete(spot: &Spot<'_>, field: Field, path: &Path<'_>) -> Vec<Completion> {
    let is = |pattern: &[&str]| path.matches(pattern);
    if is(&["bottle"]) || is(&["extends"]) || is(&["extends", "[]"]) {
        names::bottles(spot)
    } else if is(&["skills", "[]"]) {
        names::skills(spot)
    } else if LOGIN_VARIABLES.iter().any(|key| is(&["agent_provider", key]))
        || is(&["egress", "routes", "[]", "auth", "token_ref"])
    {
        names::token_refs(spot)
    } else if is(&["env", "*"]) {
        names::env_values(spot)
    } else if is(&["egress", "routes", "[]", "host"]) {
        names::hosts(spot)
    } else if is(&["agent_provider", "dockerfile"]) {
        paths::complete(spot, |name| name.to_ascii_lowercase().contains("dockerfile"))
    } else if is(&["prompt_file"]) {
        paths::complete(spot, |name| name.ends_with(".md") || name.ends_with(".txt"))
    } else if is(&["workspace", "mounts", "[]", "source"])
        || is(&["workspace", "path"])
        || is(&["agent_provider", "context"])
    {
        paths::complete(spot, |_| false)
    } else {
        of_schema(spot, field, is(&["resources", "*"]))
    }
}

/// The only values there are; for limits, an example to start from.
fn of_schema(spot: &Spot<'_>, field: Field, examples: bool) -> Vec<Completion> {
    let mut values: Vec<String> = field.values().map(str::to_owned).collect();
    if field.shape() == Shape::Boolean {
        values = vec!["true".to_owned(), "false".to_owned()];
    }
    if examples {
        values = field.examples().map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)).collect();
    }
    let default = field.default().map(|d| d.as_str().map_or_else(|| d.to_string(), str::to_owned));
    let one = |(index, value): (usize, String)| {
        let mut item = spot.offer(value.clone(), CompletionKind::Value, value.clone());
        item.sort = format!("{index:02}");
        item.documentation = field.description().to_owned();
        if default.as_ref() == Some(&value) {
            item.detail = "default".to_owned();
        } else if examples {
            item.detail = "example".to_owned();
        }
        item
    };
    // Quoted, neither a number nor a boolean is one.
    let text = field.shape() == Shape::Text;
    values.into_iter().filter(|_| text || spot.repaired.quote.is_none()).enumerate().map(one).collect()
}
