//! The shape of a text: folds, selections, links.

use crate::ide::folding::{FoldKind, folds};
use crate::ide::links::{LinkTarget, links};
use crate::ide::selection::selection;
use crate::lsp::session::Session;
use crate::lsp::uri::file_uri;
use tower_lsp::ls_types::{
    DocumentLink, DocumentLinkParams, FoldingRange, FoldingRangeKind, FoldingRangeParams, SelectionRange,
    SelectionRangeParams,
};

/// `textDocument/foldingRange`.
pub(in crate::lsp) fn folding(session: &Session, params: FoldingRangeParams) -> Option<Vec<FoldingRange>> {
    session.view(&params.text_document.uri, |view| {
        let ranges = folds(view.snapshot.source).into_iter().map(|fold| {
            let range = view.lines.range(fold.span);
            let kind = (fold.kind == FoldKind::Comment).then_some(FoldingRangeKind::Comment);
            let (start_line, end_line) = (range.start.line, range.end.line);
            FoldingRange { start_line, end_line, kind, ..FoldingRange::default() }
        });
        ranges.filter(|r| r.start_line < r.end_line).collect()
    })
}

/// `textDocument/selectionRange`: the answer has one entry for each position.
pub(in crate::lsp) fn selections(
    session: &Session,
    params: SelectionRangeParams,
) -> Option<Vec<SelectionRange>> {
    session.view(&params.text_document.uri, |view| {
        let one = |position| {
            let spans = selection(view.snapshot.source, view.lines.offset(position));
            let outward = spans.into_iter().rev().fold(None, |parent: Option<SelectionRange>, span| {
                Some(SelectionRange { range: view.lines.range(span), parent: parent.map(Box::new) })
            });
            outward.unwrap_or_default()
        };
        params.positions.into_iter().map(one).collect()
    })
}

/// `textDocument/documentLink`.
pub(in crate::lsp) fn document_links(
    session: &Session,
    params: DocumentLinkParams,
) -> Option<Vec<DocumentLink>> {
    session.view(&params.text_document.uri, |view| {
        let one = |link: crate::ide::links::Link| {
            let target = match link.target {
                LinkTarget::File(path) => file_uri(&path),
                LinkTarget::Url(url) => url.parse().ok(),
            };
            let range = view.lines.range(link.span);
            Some(DocumentLink { range, target: Some(target?), tooltip: None, data: None })
        };
        links(&view.snapshot).into_iter().filter_map(one).collect()
    })
}
