//! Diagnostics for a client that asks for them.

use super::session::Session;
use tower_lsp::ls_types::{
    DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
    FullDocumentDiagnosticReport, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, UnchangedDocumentDiagnosticReport,
};

/// `textDocument/diagnostic`.
pub(super) fn document(
    session: &mut Session,
    params: DocumentDiagnosticParams,
) -> DocumentDiagnosticReportResult {
    let uri = params.text_document.uri;
    session.analyse(&uri);
    let analysis = session.documents.get(&uri).and_then(|d| d.analysis.as_ref());
    let (result_id, items) = match analysis {
        Some(analysis) if params.previous_result_id.as_ref() == Some(&analysis.result_id) => {
            let report = UnchangedDocumentDiagnosticReport { result_id: analysis.result_id.clone() };
            let report = RelatedUnchangedDocumentDiagnosticReport {
                related_documents: None,
                unchanged_document_diagnostic_report: report,
            };
            return DocumentDiagnosticReport::from(report).into();
        }
        Some(analysis) => (Some(analysis.result_id.clone()), analysis.reported.clone()),
        None => (None, Vec::new()),
    };
    let report = RelatedFullDocumentDiagnosticReport {
        related_documents: None,
        full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id, items },
    };
    DocumentDiagnosticReport::from(report).into()
}
