//! GitLab's Code Quality report, shown in merge requests.

use super::fingerprint::fingerprints;
use super::{Checked, prefixed};
use crate::check::{Severity, Stale};
use crate::shown::short_digest;
use serde_json::{Value, json};

pub(super) const HEAD: &str = "[";
pub(super) const TAIL: &str = "\n]\n";

/// An entry of the baseline that allows what is no longer there.
pub(super) fn stale(path: &str, stale: &Stale, prefix: &str) -> Value {
    let path = prefixed(prefix, path);
    let key = [&*path, "stale-baseline", stale.rule().unwrap_or_default()].join("\0");
    json!({
        "description": stale.to_string(),
        "check_name": "stale-baseline",
        "fingerprint": short_digest(key.as_bytes()),
        "severity": "major",
        "location": {"path": path, "lines": {"begin": 1, "end": 1}},
    })
}

/// The fields that GitLab's manual asks for.
pub(super) fn items(checked: &Checked, prefix: &str) -> Vec<Value> {
    let findings = checked.findings.iter().zip(fingerprints(checked, prefix));
    findings
        .map(|(finding, fingerprint)| {
            let (start, end) = checked.range(finding.span);
            let severity = match finding.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Info | Severity::Hint => "info",
            };
            json!({
                "description": finding.full_message(),
                "check_name": finding.rule.id,
                "fingerprint": fingerprint,
                "severity": severity,
                "location": {
                    "path": prefixed(prefix, &checked.path),
                    "lines": {"begin": start.line, "end": end.line},
                },
            })
        })
        .collect()
}

/// A file of which nothing is known.
pub(super) fn unreadable(path: &str, why: &str, prefix: &str) -> Value {
    let path = prefixed(prefix, path);
    json!({
        "description": format!("the file cannot be read, so nothing is known of it: {why}"),
        "check_name": "unreadable",
        "fingerprint": short_digest(path.as_bytes()),
        "severity": "blocker",
        "location": {"path": path, "lines": {"begin": 1, "end": 1}},
    })
}
