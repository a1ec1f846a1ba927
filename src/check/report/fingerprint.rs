//! What makes a finding the same finding in the next run, wherever its line has moved to.

use super::{Checked, prefixed};
use crate::shown::hex;
use ring::digest::{SHA256, digest};
use std::collections::HashMap;

/// A fingerprint for each finding of a file: 32 hexadecimal digits, unique in the file.
///
/// It is made of the path as a reader of the report counts it (two jobs in two folders of a repository do not
/// share it), the rule and the line's text without its indentation; of findings that
/// agree in all three, also of their order. The text is the masked one, so that no digest of a
/// credential leaves the machine.
pub(super) fn fingerprints(checked: &Checked, prefix: &str) -> Vec<String> {
    let path = prefixed(prefix, &checked.path);
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let mut all = Vec::with_capacity(checked.findings.len());
    for finding in &checked.findings {
        let line = checked.lines.line_of(finding.span.start as usize);
        let line = checked.text[checked.lines.line_range(&checked.text, line)].trim();
        let nth = seen.entry((finding.rule.id, line)).or_default();
        let parts = [&*path, finding.rule.id, line, &nth.to_string()];
        *nth += 1;
        let hash = digest(&SHA256, parts.join("\0").as_bytes());
        all.push(hex(&hash.as_ref()[..16]));
    }
    all
}
