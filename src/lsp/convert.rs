//! Findings as the protocol has them.

use super::client::Reports;
use super::position::Lines;
use super::uri::file_uri;
use crate::check::{self, Edit, Severity, normalised, page_url};
use crate::manifest::Catalog;
use crate::syntax::{LineIndex, Span, Unit};
use serde_json::json;
use std::path::Path;
use tower_lsp::ls_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    NumberOrString, Range, TextEdit, Uri,
};

/// Who reports.
pub(super) const SOURCE: &str = "bot-bottle";

/// A finding for the client.
pub(super) fn diagnostic(
    finding: &check::Diagnostic,
    lines: Lines<'_>,
    uri: &Uri,
    catalog: &Catalog<'_>,
    reports: Reports,
) -> Diagnostic {
    let fix = finding.fix.as_ref().filter(|_| reports.data);
    let mut diagnostic = Diagnostic {
        range: lines.range(finding.span),
        severity: Some(severity(finding.severity)),
        code: Some(NumberOrString::String(finding.rule.id.to_owned())),
        code_description: None,
        source: Some(SOURCE.to_owned()),
        message: finding.full_message(),
        related_information: None,
        tags: tag(finding.rule.id).filter(|_| reports.tags).map(|tag| vec![tag]),
        data: fix.map(|f| json!({ "fix": f.title, "applicability": f.applicability })),
    };
    if reports.link {
        let href = page_url(finding.rule).parse().ok();
        diagnostic.code_description = href.map(|href| CodeDescription { href });
    }
    if reports.related && !finding.related.is_empty() {
        let related = |r| related(r, &finding.file, lines, uri, catalog);
        diagnostic.related_information = Some(finding.related.iter().filter_map(related).collect());
    }
    diagnostic
}

/// A finding about a text that cannot be read at all.
pub(super) fn unreadable(message: String) -> Diagnostic {
    Diagnostic {
        range: Range::default(),
        severity: Some(DiagnosticSeverity::ERROR),
        code: Some(NumberOrString::String("syntax".to_owned())),
        source: Some(SOURCE.to_owned()),
        message,
        ..Diagnostic::default()
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
        Severity::Hint => DiagnosticSeverity::HINT,
    }
}

/// What an editor fades.
fn tag(rule: &str) -> Option<DiagnosticTag> {
    (rule == "unused-suppression").then_some(DiagnosticTag::UNNECESSARY)
}

fn related(
    related: &check::Related,
    own: &Path,
    lines: Lines<'_>,
    uri: &Uri,
    catalog: &Catalog<'_>,
) -> Option<DiagnosticRelatedInformation> {
    let message = related.message.clone();
    if *related.file == *own {
        let location = Location::new(uri.clone(), lines.range(related.span));
        return Some(DiagnosticRelatedInformation { location, message });
    }
    let location = location(&related.file, related.span, lines.unit, catalog)?;
    Some(DiagnosticRelatedInformation { location, message })
}

/// Edits of one document; every list of edits that leaves the server is made here.
pub(super) fn text_edits(edits: &[Edit], lines: Lines<'_>) -> Vec<TextEdit> {
    text_edits_in(edits, |span| lines.range(span))
}

/// The same for a document that need not be open.
pub(super) fn text_edits_in(edits: &[Edit], range: impl Fn(Span) -> Range) -> Vec<TextEdit> {
    let edits = normalised(edits).into_iter();
    edits.map(|edit| TextEdit::new(range(edit.span), edit.text)).collect()
}

/// A place in a manifest, open or not.
pub(super) fn location(file: &Path, span: Span, unit: Unit, catalog: &Catalog<'_>) -> Option<Location> {
    Some(Location::new(file_uri(file)?, range_in(file, span, unit, catalog)))
}

/// A range in a file; the start of one that is not a manifest.
pub(super) fn range_in(file: &Path, span: Span, unit: Unit, catalog: &Catalog<'_>) -> Range {
    if span == Span::default() {
        return Range::default();
    }
    let source = catalog.source(file);
    source.map_or_else(Range::default, |source| {
        Lines { text: &source.text, index: &LineIndex::new(&source.text), unit }.range(span)
    })
}
