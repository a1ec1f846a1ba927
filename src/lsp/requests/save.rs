//! `textDocument/willSaveWaitUntil`.

use crate::ide::actions::{Act, fix_everything};
use crate::lsp::convert::text_edits;
use crate::lsp::session::Session;
use tower_lsp::ls_types::{TextEdit, WillSaveTextDocumentParams};

/// Every safe fix, if the person has set that a save applies them.
pub(in crate::lsp) fn will_save(
    session: &Session,
    params: WillSaveTextDocumentParams,
) -> Option<Vec<TextEdit>> {
    if !session.settings.fix_on_save {
        return None;
    }
    session.view(&params.text_document.uri, |view| match fix_everything(&view.snapshot)?.act {
        Act::FixAll { edits } => Some(text_edits(&edits, view.lines)),
        _ => None,
    })?
}
