//! A line a finding, as compilers write it: editors and `grep` know the form.

use super::Checked;
use std::fmt::Write;

/// `path:line:column: severity[rule] message`.
pub(super) fn render(checked: &Checked) -> String {
    let mut out = String::new();
    for finding in &checked.findings {
        let (start, _) = checked.range(finding.span);
        let (severity, rule) = (finding.severity.word(), finding.rule.id);
        let message = super::visible(&finding.full_message());
        let _ =
            writeln!(out, "{}:{}:{}: {severity}[{rule}] {message}", checked.shown, start.line, start.column);
    }
    out
}
