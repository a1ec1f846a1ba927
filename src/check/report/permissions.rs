//! Permission changes as SARIF 2.1.0: each widening a result at the line that widens.

use super::sarif::{MOST, artifact_place, more, tool};
use super::{Checked, prefixed};
use crate::plan::Change;
use crate::syntax::Span;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// A permission that moved, and where the new manifest says so.
pub struct Moved {
    /// The manifest, as the comparison names it.
    pub manifest: String,
    /// What moved.
    pub change: Change,
    /// The file, masked; its findings are not looked at.
    pub file: std::rc::Rc<Checked>,
    /// Where in it.
    pub span: Span,
}

/// The report. What is narrowed is not a result; what is changed is one, since it may be more.
pub fn sarif(moved: &[Moved], prefix: &str) -> String {
    let mut wider: Vec<_> = moved.iter().filter(|m| m.change.widens()).collect();
    let left_out = wider.len().saturating_sub(MOST);
    wider.truncate(MOST);
    let mut rules: Vec<String> = wider.iter().map(|m| rule_id(&m.change)).collect();
    rules.sort_unstable();
    rules.dedup();
    let results: Vec<_> = wider.iter().map(|m| result(m, prefix, &rules)).collect();
    let rules: Vec<_> = rules.iter().map(|id| descriptor(id)).collect();
    let mut invocation = json!({"executionSuccessful": true});
    if left_out > 0 {
        invocation["toolExecutionNotifications"] = json!([more(left_out)]);
    }
    let run = json!({
        "automationDetails": {"id": "bot-bottle/permissions/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "tool": tool(&rules),
        "invocations": [invocation],
    });
    let all = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    });
    format!("{all}\n")
}

fn rule_id(change: &Change) -> String {
    format!("{}-{}", change.direction.word(), change.area)
}

fn result(moved: &Moved, prefix: &str, rules: &[String]) -> Value {
    let change = &moved.change;
    let rule = rule_id(change);
    let was = if change.before.is_empty() { "nothing" } else { &change.before };
    let is = if change.after.is_empty() { "nothing" } else { &change.after };
    let (direction, area, subject) = (change.direction.word(), change.area, &change.subject);
    let text = format!("{}: {area} {direction} for {subject}: {was} → {is}", moved.manifest);
    let parts = [&moved.manifest, &rule, subject, &change.after];
    let hash = digest(&SHA256, parts.map(String::as_str).join("\0").as_bytes());
    let fingerprint = crate::shown::hex(&hash.as_ref()[..16]);
    let (start, end) = moved.file.range(moved.span);
    let place = artifact_place(&prefixed(prefix, &moved.file.path), moved.span, start, end);
    json!({
        "ruleId": rule,
        "ruleIndex": rules.iter().position(|r| *r == rule),
        "level": "warning",
        "message": {"text": crate::check::masked_words(&text)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"botBottle/v1": fingerprint},
    })
}

fn descriptor(id: &str) -> Value {
    let (direction, area) = id.split_once('-').unwrap_or((id, ""));
    let what = match direction {
        "widened" => "The change lets an agent do more than before",
        _ => "The change lets an agent do something else than before, which may be more",
    };
    json!({
        "id": id,
        "shortDescription": {"text": format!("{what}: {area}")},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["permissions"]},
    })
}
