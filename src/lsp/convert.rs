//! Findings as the protocol has them.

use super::document::file_uri;
use super::position::Lines;
use crate::check::{self, Severity, page_url};
use crate::manifest::Catalog;
use crate::syntax::{LineIndex, Unit};
use std::path::Path;
use tower_lsp::ls_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    NumberOrString, Range, Uri,
};

/// Who reports.
pub(super) const SOURCE: &str = "bot-bottle";

/// A finding for the client.
pub(super) fn diagnostic(
    finding: &check::Diagnostic,
    lines: Lines<'_>,
    uri: &Uri,
    catalog: &Catalog<'_>,
) -> Diagnostic {
    let related: Vec<_> =
        finding.related.iter().filter_map(|r| related(r, &finding.file, lines, uri, catalog)).collect();
    let fix =
        finding.fix.as_ref().map(|f| serde_json::json!({ "fix": f.title, "applicability": f.applicability }));
    Diagnostic {
        range: lines.range(finding.span),
        severity: Some(severity(finding.severity)),
        code: Some(NumberOrString::String(finding.rule.id.to_owned())),
        code_description: page_url(finding.rule).parse().ok().map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message: finding.full_message(),
        related_information: (!related.is_empty()).then_some(related),
        tags: tag(finding.rule.id).map(|tag| vec![tag]),
        data: fix,
    }
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

/// What an editor fades or strikes through.
fn tag(rule: &str) -> Option<DiagnosticTag> {
    match rule {
        "unused-suppression" => Some(DiagnosticTag::UNNECESSARY),
        "unknown-role" => Some(DiagnosticTag::DEPRECATED),
        _ => None,
    }
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

/// A place in another manifest.
pub(super) fn location(
    file: &Path,
    span: crate::syntax::Span,
    unit: Unit,
    catalog: &Catalog<'_>,
) -> Option<Location> {
    let source = catalog.source(file)?;
    let lines = Lines { text: &source.text, index: &LineIndex::new(&source.text), unit };
    Some(Location::new(file_uri(file)?, lines.range(span)))
}
