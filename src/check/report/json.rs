//! Everything that is known of a finding, for programs. The version rises when a field changes.

use super::{Checked, Summary};
use crate::check::{Diagnostic, Fix, Stale, page_url};
use crate::syntax::{Position, Span};
use serde_json::{Value, json};

pub(super) const HEAD: &str = "{\"version\":1,\"findings\":[";

/// Lines and columns count from one, columns in characters; offsets count bytes from zero.
pub(super) fn items(checked: &Checked) -> Vec<Value> {
    checked.findings.iter().map(|finding| item(checked, finding)).collect()
}

fn item(checked: &Checked, finding: &Diagnostic) -> Value {
    let related: Vec<_> = finding
        .related
        .iter()
        .map(|related| {
            let (path, start, end) = checked.related_range(related);
            json!({"message": related.message, "path": path, "range": range(related.span, start, end)})
        })
        .collect();
    let (start, end) = checked.range(finding.span);
    json!({
        "rule": finding.rule.id,
        "severity": finding.severity,
        "message": finding.message,
        "help": (!finding.help.is_empty()).then_some(&finding.help),
        "path": checked.path,
        "range": range(finding.span, start, end),
        "related": related,
        "fix": finding.fix.as_ref().map(|fix| fix_of(checked, fix)),
        "url": page_url(finding.rule),
    })
}

fn fix_of(checked: &Checked, fix: &Fix) -> Value {
    let edit = |edit: &crate::check::Edit| {
        let (start, end) = checked.range(edit.span);
        json!({"range": range(edit.span, start, end), "text": edit.text})
    };
    json!({
        "title": fix.title,
        "applicability": fix.applicability,
        "edits": fix.edits.iter().map(edit).collect::<Vec<_>>(),
    })
}

fn range(span: Span, start: Position, end: Position) -> Value {
    let place = |position: Position, offset: u32| json!({"line": position.line, "column": position.column, "offset": offset});
    json!({"start": place(start, span.start), "end": place(end, span.end)})
}

/// The end of the list, and the run's totals.
pub(super) fn tail(summary: &Summary, unreadable: &[(String, String)], stale: &[(String, Stale)]) -> String {
    let [hint, info, warning, error] = summary.counts;
    let summary = json!({
        "manifests": summary.files,
        "with_findings": summary.with_findings,
        "findings": summary.findings(),
        "error": error,
        "warning": warning,
        "info": info,
        "hint": hint,
        "fixable": summary.fixable,
        "unsafe_fixable": summary.unsafe_fixable,
        "fixed": summary.fixed,
        "in_baseline": summary.in_baseline,
        "stale": summary.stale,
        "silenced": summary.silenced,
        "unreadable": summary.unreadable,
    });
    let unreadable = unreadable.iter().map(|(path, why)| json!({"path": path, "why": why}));
    let unreadable = Value::from_iter(unreadable);
    let stale = Value::from_iter(stale.iter().map(|(path, stale)| {
        let (rule, allowed, found) = match stale {
            Stale::Shrunk { rule, allowed, found } => (Some(rule), Some(allowed), Some(found)),
            Stale::Gone { allowed } => (None, Some(allowed), None),
            Stale::NoEffect { rule } => (Some(rule), None, None),
        };
        json!({"path": path, "rule": rule, "allowed": allowed, "found": found, "why": stale.to_string()})
    }));
    format!("\n],\"stale\":{stale},\"unreadable\":{unreadable},\"summary\":{summary}}}\n")
}
