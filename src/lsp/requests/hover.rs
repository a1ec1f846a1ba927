//! `textDocument/hover`.

use crate::ide;
use crate::lsp::session::Session;
use tower_lsp::ls_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

pub(in crate::lsp) fn hover(session: &Session, params: HoverParams) -> Option<Hover> {
    let at = params.text_document_position_params;
    session.view(&at.text_document.uri, |view| {
        let hover = ide::hover::hover(&view.snapshot, view.lines.offset(at.position))?;
        let contents = MarkupContent { kind: MarkupKind::Markdown, value: hover.markdown };
        Some(Hover { contents: HoverContents::Markup(contents), range: Some(view.lines.range(hover.span)) })
    })?
}
