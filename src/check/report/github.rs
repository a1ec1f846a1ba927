//! Workflow commands of GitHub Actions: each finding becomes an annotation beside the code.

use super::{Checked, prefixed};
use crate::check::Severity;
use crate::shown::visible;
use std::fmt::Write;

/// `::error title=…,file=…,line=…,col=…::message`.
pub(super) fn render(checked: &Checked, prefix: &str) -> String {
    let mut out = String::new();
    let file = property(&prefixed(prefix, &checked.path));
    for finding in &checked.findings {
        let (start, end) = checked.range(finding.span);
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info | Severity::Hint => "notice",
        };
        let title = property(&format!("bot-bottle ({})", finding.rule.id));
        let _ = write!(out, "::{command} title={title},file={file},line={},endLine={}", start.line, end.line);
        // GitHub takes columns for a range within one line alone.
        if start.line == end.line {
            let _ = write!(out, ",col={},endColumn={}", start.column, end.column);
        }
        let _ = writeln!(out, "::{}", data(&finding.full_message()));
    }
    out
}

/// A file of which nothing is known.
pub(super) fn unreadable(path: &str, why: &str, prefix: &str) -> String {
    let file = property(&prefixed(prefix, path));
    format!(
        "::error title=bot-bottle (unreadable),file={file}::{}\n",
        data(&format!("the file cannot be read: {why}"))
    )
}

/// The escapes of the runner's own toolkit for what stands behind `::`.
fn data(text: &str) -> String {
    // The line ends are the runner's own escapes below; nothing else moves a terminal.
    let parts = text.split_inclusive(['\r', '\n']).map(|part| {
        let line = part.trim_end_matches(['\r', '\n']);
        visible(line) + &part[line.len()..]
    });
    let text: String = parts.collect();
    // Wherever it stands, `##[` is a command of the older form.
    text.replace("##[", "#\u{fffd}#[")
        .replace("##vso[", "#\u{fffd}#vso[")
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The same for a property, which `,` and `:` would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_property_or_a_command() {
        assert_eq!(property("a%b,c:d\r\ne"), "a%25b%2Cc%3Ad%0D%0Ae");
        assert_eq!(data("100 %: a,b\n::set-env"), "100 %25: a,b%0A::set-env");
    }
}
