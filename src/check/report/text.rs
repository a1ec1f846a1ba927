//! For a person at a terminal: the source drawn, with the place marked.

use super::Checked;
use crate::check::{Diagnostic, Severity, page_url};
use crate::syntax::Span;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt::Write;
use std::ops::Range;

/// Draws every finding of a file. With `styled` the text has colours and links.
pub fn render(checked: &Checked, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for finding in &checked.findings {
        let _ = writeln!(out, "{}\n", renderer.render(&groups(checked, finding)));
    }
    out
}

fn groups<'a>(checked: &'a Checked, finding: &'a Diagnostic) -> Vec<Group<'a>> {
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
        match checked.others.iter().find(|o| o.path == related.file) {
            Some(other) => elsewhere.push((other, related)),
            None => {
                let context = AnnotationKind::Context.span(drawn(&checked.text, related.span));
                snippet = snippet.annotation(context.label(&*related.message));
            }
        }
    }
    let title = level.primary_title(&*finding.message).id(finding.rule.id).id_url(page_url(finding.rule));
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

/// The part of a span that is worth drawing: its first line, and at least one column.
fn drawn(text: &str, span: Span) -> Range<usize> {
    let start = (span.start as usize).min(text.len());
    let end = (span.end as usize).clamp(start, text.len());
    let line = text[start..end].lines().next().unwrap_or("");
    start..start + line.trim_end().len()
}
