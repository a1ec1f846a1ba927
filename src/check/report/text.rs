//! For a person at a terminal: the source drawn, with the place marked.

use super::{Checked, Summary};
use crate::check::{Diagnostic, Severity, page_url};
use crate::syntax::Span;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt::Write;
use std::ops::Range;

/// What a text for a person may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Words alone.
    Plain,
    /// Colours: for a log whose viewer shows them.
    Coloured,
    /// Colours and links: for a terminal.
    Linked,
}

/// Draws every finding of a file.
pub fn render(checked: &Checked, style: Style) -> String {
    let renderer = if style == Style::Plain { Renderer::plain() } else { Renderer::styled() };
    let mut out = String::new();
    for finding in &checked.findings {
        let _ = writeln!(out, "{}\n", renderer.render(&groups(checked, finding, style == Style::Linked)));
    }
    arrows_of_other_files(&out)
}

/// The renderer points at a further file with `::: file`. A CI service takes a line that begins with
/// `::` for a command, whatever follows.
fn arrows_of_other_files(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        // Styled, the arrow stands behind a colour's sequence.
        let at = line.find(":::").filter(|at| {
            let before = &line[..*at];
            before.trim_start().is_empty() || before.trim_start() == "\x1b[1m\x1b[94m"
        });
        match at {
            Some(at) => out.extend([&line[..at], "-->", &line[at + 3..]]),
            None => out.push_str(line),
        }
    }
    out
}

fn groups<'a>(checked: &'a Checked, finding: &'a Diagnostic, linked: bool) -> Vec<Group<'a>> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
        Severity::Hint => Level::NOTE,
    };
    let primary = AnnotationKind::Primary.span(drawn(&checked.text, finding.span));
    let mut snippet = Snippet::source(&checked.text).path(&*checked.shown).annotation(primary);
    let mut elsewhere = Vec::new();
    for related in &finding.related {
        match checked.others.iter().find(|o| o.file == related.file) {
            Some(other) => elsewhere.push((other, related)),
            None => {
                let context = AnnotationKind::Context.span(drawn(&checked.text, related.span));
                snippet = snippet.annotation(context.label(&*related.message));
            }
        }
    }
    let mut title = level.primary_title(&*finding.message).id(finding.rule.id);
    if linked {
        title = title.id_url(page_url(finding.rule));
    }
    let mut group = title.element(snippet);
    for (other, related) in elsewhere {
        let context = AnnotationKind::Context.span(drawn(&other.text, related.span));
        group = group.element(
            Snippet::source(&other.text).path(&*other.shown).annotation(context.label(&*related.message)),
        );
    }
    if !finding.help.is_empty() {
        group = group.element(Level::HELP.message(&*finding.help));
    }
    vec![group]
}

/// The line that ends a report, styled like the rest.
pub(super) fn summary(summary: &Summary, style: Style) -> String {
    let styled = style != Style::Plain;
    let manifests = counted(summary.files, "manifest");
    let found = summary.findings();
    let mut out = if summary.fixed > 0 {
        format!("{} fixed; ", counted(summary.fixed, "finding"))
    } else {
        String::new()
    };
    if found == 0 {
        let (on, off) = if styled { ("\x1b[1;32m", "\x1b[0m") } else { ("", "") };
        let _ = write!(out, "checked {manifests}: {on}no findings{off}");
    } else {
        let (on, off) = if styled { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let words: Vec<_> = summary.by_severity().map(|(s, n)| severity_count(s, n)).collect();
        let place = format!("{} of {manifests}", summary.with_findings);
        let _ = write!(out, "{on}{}{off} ({}) in {place}", counted(found, "finding"), words.join(", "));
    }
    let (safe, risky) = (summary.fixable, summary.unsafe_fixable);
    out.push_str(&match (safe, risky) {
        (0, 0) => String::new(),
        (safe, 0) => format!("; {safe} can be fixed with --fix"),
        (0, risky) => format!("; {risky} can be fixed with --fix --unsafe-fixes"),
        (safe, risky) => format!("; {safe} can be fixed with --fix, {risky} more with --unsafe-fixes"),
    });
    if summary.in_baseline > 0 {
        let _ = write!(out, "; {} in the baseline", summary.in_baseline);
    }
    match summary.stale {
        0 => {}
        1 => out.push_str("; 1 entry of the baseline is stale"),
        n => drop(write!(out, "; {n} entries of the baseline are stale")),
    }
    if summary.silenced > 0 {
        let _ = write!(out, "; {} silenced by a comment", summary.silenced);
    }
    if summary.unreadable > 0 {
        let _ = write!(out, "; {} could not be read", counted(summary.unreadable, "file"));
    }
    out.push('\n');
    out
}

fn severity_count(severity: Severity, count: usize) -> String {
    match severity {
        Severity::Info => format!("{count} info"),
        other => counted(count, other.word()),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The part of a span that is worth drawing: its first line, and at least one column.
fn drawn(text: &str, span: Span) -> Range<usize> {
    let start = (span.start as usize).min(text.len());
    let end = (span.end as usize).clamp(start, text.len());
    // A file that has changed since it was checked may have a character across the span's end.
    let Some(part) = text.get(start..end) else { return 0..0 };
    let line = part.lines().next().unwrap_or("");
    start..start + line.trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_another_text_draws_nothing() {
        assert_eq!(drawn("a\u{e9}b", Span::new(0, 2)), 0..0);
        assert_eq!(drawn("a\u{e9}b", Span::new(0, 3)), 0..3);
        assert_eq!(drawn("a", Span::new(5, 9)), 1..1);
    }

    #[test]
    fn the_last_line_says_what_and_what_next() {
        let clean = Summary { files: 12, ..Summary::default() };
        assert_eq!(summary(&clean, Style::Plain), "checked 12 manifests: no findings\n");
        let some = Summary { files: 12, with_findings: 2, counts: [0, 0, 1, 2], fixable: 1, ..clean };
        assert_eq!(
            summary(&some, Style::Plain),
            "3 findings (2 errors, 1 warning) in 2 of 12 manifests; 1 can be fixed with --fix\n"
        );
        let more =
            Summary { unsafe_fixable: 1, in_baseline: 4, silenced: 2, fixed: 1, unreadable: 1, ..some };
        assert_eq!(
            summary(&more, Style::Plain),
            "1 finding fixed; 3 findings (2 errors, 1 warning) in 2 of 12 manifests; 1 can be fixed with --fix, \
             1 more with --unsafe-fixes; 4 in the baseline; 2 silenced by a comment; 1 file could not be read\n"
        );
    }
}
