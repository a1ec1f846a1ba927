//! SARIF 2.1.0, for code scanning services and security dashboards.

use super::fingerprint::fingerprints;
use super::{Checked, Summary, prefixed};
use crate::check::{Diagnostic, Fix, Rule, Severity, Stale, page, page_url};
use crate::syntax::{Position, Span};
use serde_json::{Value, json};

/// The results come before the tool, so that they can be written one after another.
pub(super) const HEAD: &str = "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\
                               \"runs\":[{\"automationDetails\":{\"id\":\"bot-bottle/check/\"},\
                               \"columnKind\":\"unicodeCodePoints\",\"results\":[";

/// GitHub refuses a run of more results whole.
pub(super) const MOST: usize = 25_000;

/// What could not be reported.
#[derive(Default)]
pub(super) struct Missing {
    /// Files that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// Findings beyond [`MOST`].
    pub more: usize,
}

/// That a report does not hold everything.
pub(super) fn more(count: usize) -> Value {
    json!({
        "level": "warning",
        "message": {"text": format!("{count} more are left out: a report holds {MOST} at most")},
    })
}

/// A file's results. `rules` are those seen so far, these findings' own included.
pub(super) fn items(checked: &Checked, prefix: &str, rules: &[&'static Rule]) -> Vec<Value> {
    let findings = checked.findings.iter().zip(fingerprints(checked, prefix));
    findings
        .map(|(finding, fingerprint)| {
            let (start, end) = checked.range(finding.span);
            let place = artifact_place(&prefixed(prefix, &checked.path), finding.span, start, end);
            let mut result = json!({
                "ruleId": finding.rule.id,
                "ruleIndex": rules.iter().position(|r| *r == finding.rule),
                "level": level(finding.severity),
                "message": {"text": finding.full_message()},
                "locations": [{"physicalLocation": place}],
                "partialFingerprints": {"botBottle/v1": fingerprint},
            });
            if !finding.related.is_empty() {
                result["relatedLocations"] = related(checked, prefix, finding);
            }
            if let Some(fix) = &finding.fix {
                result["fixes"] = json!([fix_of(checked, prefix, fix)]);
            }
            result
        })
        .collect()
}

fn related(checked: &Checked, prefix: &str, finding: &Diagnostic) -> Value {
    let places = finding.related.iter().enumerate().map(|(id, related)| {
        let (path, start, end) = checked.related_range(related);
        json!({
            "id": id,
            "message": {"text": related.message},
            "physicalLocation": artifact_place(&prefixed(prefix, path), related.span, start, end),
        })
    });
    places.collect()
}

fn fix_of(checked: &Checked, prefix: &str, fix: &Fix) -> Value {
    let replacement = |edit: &crate::check::Edit| {
        let (start, end) = checked.range(edit.span);
        json!({"deletedRegion": region(edit.span, start, end), "insertedContent": {"text": edit.text}})
    };
    json!({
        "description": {"text": fix.title},
        "artifactChanges": [{
            "artifactLocation": artifact(&prefixed(prefix, &checked.path)),
            "replacements": fix.edits.iter().map(replacement).collect::<Vec<_>>(),
        }],
    })
}

pub(super) fn artifact_place(path: &str, span: Span, start: Position, end: Position) -> Value {
    json!({"artifactLocation": artifact(path), "region": region(span, start, end)})
}

fn region(span: Span, start: Position, end: Position) -> Value {
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "byteOffset": span.start,
        "byteLength": span.end - span.start,
    })
}

fn artifact(path: &str) -> Value {
    if path.starts_with('/') {
        json!({"uri": format!("file://{}", uri_path(path))})
    } else {
        json!({"uri": uri_path(path), "uriBaseId": "%SRCROOT%"})
    }
}

/// A path as part of a URI (RFC 3986). A colon in its first part would make that a scheme.
fn uri_path(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Hint => "note",
    }
}

/// The end of the results, and the tool with the rules that they name.
pub(super) fn tail(
    summary: &Summary,
    rules: &[&'static Rule],
    missing: &Missing,
    stale: &[(String, Stale)],
    prefix: &str,
) -> String {
    let tool = tool(&rules.iter().map(|r| descriptor(r)).collect::<Vec<_>>());
    let notification = |level: &str, path: &str, text: String| {
        json!({
            "level": level,
            "message": {"text": text},
            "locations": [{"physicalLocation": {"artifactLocation": artifact(&prefixed(prefix, path))}}],
        })
    };
    let mut invocation = json!({"executionSuccessful": summary.unreadable == 0});
    let unreadable = missing.unreadable.iter().map(|(path, why)| {
        notification("error", path, format!("cannot be read, so nothing is known of it: {why}"))
    });
    let level = if summary.strict { "error" } else { "note" };
    let stale = stale.iter().map(|(path, stale)| notification(level, path, stale.to_string()));
    let mut notes: Vec<_> = unreadable.chain(stale).collect();
    if missing.more > 0 {
        notes.push(more(missing.more));
    }
    if !notes.is_empty() {
        invocation["toolExecutionNotifications"] = notes.into();
    }
    let invocations = json!([invocation]);
    format!("\n],\"tool\":{tool},\"invocations\":{invocations}}}]}}\n")
}

/// Who reports, with the rules that its results name.
pub(super) fn tool(rules: &[Value]) -> Value {
    json!({"driver": {
        "name": "bot-bottle",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": "https://bot-bottle.example.com",
        "rules": rules,
    }})
}

fn descriptor(rule: &Rule) -> Value {
    let page = page(rule);
    json!({
        "id": rule.id,
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": page.what},
        "help": {"text": format!("{}\n\n{}", page.what, page.why), "markdown": page.markdown},
        "helpUri": page_url(rule),
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": [format!("{:?}", rule.group).to_lowercase()]},
    })
}
