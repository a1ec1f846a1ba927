//! JUnit's XML, for CI services that show tests: a file is a suite, a finding a failed case.

use super::{Checked, Summary};
use crate::check::Stale;
use std::collections::HashMap;
use std::fmt::Write;

pub(super) const HEAD: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"bot-bottle\">\n";

/// The suite of a file.
pub(super) fn render(checked: &Checked) -> String {
    let mut out = String::new();
    let (path, count) = (escaped(&checked.path), checked.findings.len());
    let _ = writeln!(out, "  {}", suite(&path, count, count));
    // No line in the name: a case whose line moves is the same case.
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for finding in &checked.findings {
        let (start, _) = checked.range(finding.span);
        let (rule, severity) = (finding.rule.id, finding.severity.word());
        let (line, column) = (start.line, start.column);
        let nth = seen.entry(rule).or_default();
        *nth += 1;
        let name = if *nth == 1 { rule.to_owned() } else { format!("{rule} ({nth})") };
        let message = escaped(&finding.message);
        let text = escaped(&finding.full_message());
        let _ = writeln!(
            out,
            "    <testcase name=\"{name}\" classname=\"{path}\">\n      \
             <failure type=\"{severity}\" message=\"{message}\">{path}:{line}:{column}: {text}</failure>\n    \
             </testcase>"
        );
    }
    out.push_str("  </testsuite>\n");
    out
}

/// A file of which nothing is known.
pub(super) fn unreadable(path: &str, why: &str) -> String {
    let (path, why) = (escaped(path), escaped(why));
    format!(
        "  <testsuite name=\"{path}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n    \
         <testcase name=\"readable\" classname=\"{path}\">\n      <error type=\"unreadable\" \
         message=\"{why}\">{path}: {why}</error>\n    </testcase>\n  </testsuite>\n"
    )
}

/// An entry of the baseline that allows what is no longer there.
pub(super) fn stale(path: &str, stale: &Stale) -> String {
    let (path, why) = (escaped(path), escaped(&stale.to_string()));
    let name =
        stale.rule().map_or("stale-baseline".to_owned(), |rule| format!("stale-baseline: {}", escaped(rule)));
    format!(
        "  {}\n    <testcase name=\"{name}\" classname=\"{path}\">\n      <failure type=\"error\" \
         message=\"{why}\">{path}: {why}</failure>\n    </testcase>\n  </testsuite>\n",
        suite(&path, 1, 1)
    )
}

/// Without findings there is one passed case: services take a report without any for a failure.
pub(super) fn tail(summary: &Summary) -> String {
    let stale = if summary.strict { summary.stale } else { 0 };
    let clean = match summary.findings() + summary.unreadable + stale {
        0 => {
            let case = format!("{} manifests without findings", summary.files);
            format!("  {}\n    <testcase name=\"{case}\"/>\n  </testsuite>\n", suite("check", 1, 0))
        }
        _ => String::new(),
    };
    format!("{clean}</testsuites>\n")
}

fn suite(name: &str, tests: usize, failures: usize) -> String {
    format!(
        "<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">"
    )
}

/// Text for an element or an attribute. What XML 1.0 has no way to say becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", c as u32);
            }
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_what_xml_forbids_is_gone() {
        assert_eq!(escaped("<a b=\"c\">&\n"), "&lt;a b=&quot;c&quot;&gt;&amp;&#10;");
        assert_eq!(escaped("\u{1b}[31m\0\u{ffff}é"), "\u{fffd}[31m\u{fffd}\u{fffd}é");
    }
}
