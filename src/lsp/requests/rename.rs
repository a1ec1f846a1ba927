//! `textDocument/prepareRename` and `textDocument/rename`.

use crate::ide;
use crate::lsp::convert::{range_in, text_edits_in};
use crate::lsp::owner::Wanted;
use crate::lsp::session::{Session, View};
use crate::lsp::uri::file_uri;
use std::collections::HashMap;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    DocumentChangeOperation, DocumentChanges, OneOf, OptionalVersionedTextDocumentIdentifier,
    PrepareRenameResponse, RenameFile, RenameParams, ResourceOp, TextDocumentEdit,
    TextDocumentPositionParams, TextEdit, Uri, WorkspaceEdit,
};

pub(in crate::lsp) fn prepare(
    session: &Session,
    at: TextDocumentPositionParams,
) -> Option<PrepareRenameResponse> {
    session.view(&at.text_document.uri, |view| {
        let span = ide::rename::prepare_rename(&view.snapshot, view.lines.offset(at.position))?;
        let placeholder = span.of(view.lines.text).to_owned();
        Some(PrepareRenameResponse::RangeWithPlaceholder { range: view.lines.range(span), placeholder })
    })?
}

pub(in crate::lsp) fn rename(
    session: &mut Session,
    params: RenameParams,
    wanted: &Wanted<'_>,
) -> Result<Option<WorkspaceEdit>> {
    if !session.read_workspace(wanted) {
        // Half a renaming would break what was not seen.
        return Err(Error::invalid_params("the workspace was not read whole, so nothing is renamed"));
    }
    let at = params.text_document_position;
    let edit = session.view(&at.text_document.uri, |view| {
        let offset = view.lines.offset(at.position);
        let rename = ide::rename::rename(&view.snapshot, offset, &params.new_name)
            .map_err(|error| Error::invalid_params(error.to_string()))?;
        if !rename.files.is_empty() && !session.abilities.renames_files {
            let why = "a file would have to be renamed, which this editor does not do for a server";
            return Err(Error::invalid_params(why));
        }
        Ok(workspace_edit(session, view, rename))
    });
    edit.transpose()
}

fn workspace_edit(session: &Session, view: &View<'_>, rename: ide::rename::Rename) -> WorkspaceEdit {
    let edits_of = |file: &_, edits: Vec<crate::check::Edit>| {
        let range = |span| range_in(file, span, view.lines.unit, view.snapshot.catalog);
        text_edits_in(&edits, range)
    };
    let edits = rename.edits.into_iter().filter_map(|(file, edits)| {
        let edits = edits_of(&file, edits);
        // As the client spells it, where it holds the document.
        let open = session.documents.values().find(|d| d.in_file && d.path == file);
        let uri = open.map(|d| d.uri.clone()).or_else(|| file_uri(&file))?;
        Some((uri, open.map(|d| d.version), edits))
    });
    // Only `documentChanges` can say that a file is renamed. Neovim declares `resourceOperations` and not
    // `documentChanges`, and takes both.
    if !session.abilities.versioned_edits && rename.files.is_empty() {
        let changes: HashMap<Uri, Vec<TextEdit>> = edits.map(|(uri, _, edits)| (uri, edits)).collect();
        return WorkspaceEdit { changes: Some(changes), ..Default::default() };
    }
    let edits = edits.map(|(uri, version, edits)| TextDocumentEdit {
        text_document: OptionalVersionedTextDocumentIdentifier { uri, version },
        edits: edits.into_iter().map(OneOf::Left).collect(),
    });
    let changes = if rename.files.is_empty() {
        DocumentChanges::Edits(edits.collect())
    } else {
        let renames = rename.files.iter().filter_map(|(from, to)| {
            let (old_uri, new_uri) = (file_uri(from)?, file_uri(to)?);
            let rename = RenameFile { old_uri, new_uri, options: None, annotation_id: None };
            Some(DocumentChangeOperation::Op(ResourceOp::Rename(rename)))
        });
        DocumentChanges::Operations(edits.map(DocumentChangeOperation::Edit).chain(renames).collect())
    };
    WorkspaceEdit { document_changes: Some(changes), ..Default::default() }
}
