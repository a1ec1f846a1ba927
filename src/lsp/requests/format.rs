//! Formatting: a document, a range, and the line that was just begun.

use crate::ide::format::{format, format_range};
use crate::ide::on_type::on_enter;
use crate::lsp::convert::text_edits;
use crate::lsp::session::Session;
use tower_lsp::ls_types::{
    DocumentFormattingParams, DocumentOnTypeFormattingParams, DocumentRangeFormattingParams, TextEdit,
};

/// `textDocument/formatting`. The indentation is the language's, not the editor's.
pub(in crate::lsp) fn document(session: &Session, params: DocumentFormattingParams) -> Option<Vec<TextEdit>> {
    session.view(&params.text_document.uri, |view| text_edits(&format(view.snapshot.source), view.lines))
}

/// `textDocument/rangeFormatting`.
pub(in crate::lsp) fn range(
    session: &Session,
    params: DocumentRangeFormattingParams,
) -> Option<Vec<TextEdit>> {
    session.view(&params.text_document.uri, |view| {
        let span = view.lines.span(params.range);
        text_edits(&format_range(view.snapshot.source, span), view.lines)
    })
}

/// `textDocument/onTypeFormatting`, for a line break.
pub(in crate::lsp) fn on_type(
    session: &Session,
    params: DocumentOnTypeFormattingParams,
) -> Option<Vec<TextEdit>> {
    let at = params.text_document_position;
    session.view(&at.text_document.uri, |view| {
        let edit = on_enter(view.snapshot.source, view.lines.offset(at.position))?;
        Some(text_edits(&[edit], view.lines))
    })?
}
