//! A line a finding, as compilers write it: editors and `grep` know the form.

use super::Checked;
use crate::check::Diagnostic;

/// A line a finding.
pub(super) fn render(checked: &Checked) -> String {
    checked.findings.iter().map(|finding| line(checked, finding)).collect()
}

/// `path:line:column: severity[rule] message`.
pub(super) fn line(checked: &Checked, finding: &Diagnostic) -> String {
    let (start, _) = checked.range(finding.span);
    let (severity, rule) = (finding.severity.word(), finding.rule.id);
    let message = super::visible(&finding.full_message());
    format!("{}:{}:{}: {severity}[{rule}] {message}\n", checked.shown, start.line, start.column)
}
