//! `textDocument/diagnostic` and `workspace/diagnostic`, for a client that asks.

use crate::lsp::owner::Wanted;
use crate::lsp::position::Lines;
use crate::lsp::session::Session;
use crate::lsp::uri::{file_path, file_uri};
use crate::syntax::LineIndex;
use std::collections::{HashMap, HashSet};
use tower_lsp::ls_types::{
    DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
    FullDocumentDiagnosticReport, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, UnchangedDocumentDiagnosticReport, Uri,
    WorkspaceDiagnosticParams, WorkspaceDiagnosticReport, WorkspaceDiagnosticReportResult,
    WorkspaceDocumentDiagnosticReport, WorkspaceFullDocumentDiagnosticReport,
    WorkspaceUnchangedDocumentDiagnosticReport,
};

pub(in crate::lsp) fn document(
    session: &mut Session,
    params: DocumentDiagnosticParams,
) -> DocumentDiagnosticReportResult {
    let uri = params.text_document.uri;
    session.analyse(&uri);
    let analysis = session.documents.get(&uri).and_then(|d| d.analysis.as_ref());
    let (result_id, items) = match analysis {
        Some(analysis) if params.previous_result_id.as_ref() == Some(&analysis.result_id) => {
            let report = RelatedUnchangedDocumentDiagnosticReport {
                related_documents: None,
                unchanged_document_diagnostic_report: unchanged(&analysis.result_id),
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

/// Everything that is found in the workspace: files with findings, and those that had some.
pub(in crate::lsp) fn workspace(
    session: &mut Session,
    params: WorkspaceDiagnosticParams,
    wanted: &Wanted<'_>,
) -> WorkspaceDiagnosticReportResult {
    session.read_workspace(wanted);
    let previous: HashMap<Uri, String> =
        params.previous_result_ids.into_iter().map(|p| (p.uri, p.value)).collect();
    let open: Vec<Uri> = session.documents.keys().cloned().collect();
    let mut items = Vec::new();
    let mut seen = HashSet::new();
    for uri in open {
        session.analyse(&uri);
        let Some(document) = session.documents.get(&uri) else { continue };
        let Some(analysis) = &document.analysis else { continue };
        let version = Some(i64::from(document.version));
        items.extend(report(&uri, version, &analysis.result_id, &analysis.reported, previous.get(&uri)));
        seen.insert(uri);
    }
    for source in session.known() {
        if !wanted.still() {
            break;
        }
        let Some(uri) = file_uri(&source.path).filter(|uri| !seen.contains(uri)) else { continue };
        if !session.closed.contains_key(&*source.path) {
            let index = LineIndex::new(&source.text);
            let lines = Lines { text: &source.text, index: &index, unit: session.abilities.unit };
            let analysis = session.analysis(&source, &uri, lines);
            session.closed.insert(source.path.to_path_buf(), analysis);
        }
        if let Some(analysis) = session.closed.get(&*source.path) {
            items.extend(report(&uri, None, &analysis.result_id, &analysis.reported, previous.get(&uri)));
        }
        seen.insert(uri);
    }
    // What is no more has nothing wrong with it.
    let gone = previous.keys().filter(|uri| !seen.contains(uri) && file_path(uri).is_some());
    items.extend(gone.map(|uri| full(uri, None, None, Vec::new())));
    WorkspaceDiagnosticReport { items }.into()
}

fn report(
    uri: &Uri,
    version: Option<i64>,
    result_id: &str,
    reported: &[tower_lsp::ls_types::Diagnostic],
    previous: Option<&String>,
) -> Option<WorkspaceDocumentDiagnosticReport> {
    match previous {
        Some(previous) if previous == result_id => {
            Some(WorkspaceDocumentDiagnosticReport::Unchanged(WorkspaceUnchangedDocumentDiagnosticReport {
                uri: uri.clone(),
                version,
                unchanged_document_diagnostic_report: unchanged(result_id),
            }))
        }
        None if reported.is_empty() => None,
        _ => Some(full(uri, version, Some(result_id.to_owned()), reported.to_vec())),
    }
}

fn full(
    uri: &Uri,
    version: Option<i64>,
    result_id: Option<String>,
    items: Vec<tower_lsp::ls_types::Diagnostic>,
) -> WorkspaceDocumentDiagnosticReport {
    WorkspaceDocumentDiagnosticReport::Full(WorkspaceFullDocumentDiagnosticReport {
        uri: uri.clone(),
        version,
        full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id, items },
    })
}

fn unchanged(result_id: &str) -> UnchangedDocumentDiagnosticReport {
    UnchangedDocumentDiagnosticReport { result_id: result_id.to_owned() }
}
