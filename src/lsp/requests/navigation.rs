//! `textDocument/definition` and `textDocument/references`.

use crate::ide;
use crate::lsp::convert::{location, range_in};
use crate::lsp::owner::Wanted;
use crate::lsp::session::Session;
use crate::lsp::uri::file_uri;
use tower_lsp::ls_types::{
    GotoDefinitionParams, GotoDefinitionResponse, Location, LocationLink, ReferenceParams,
};

pub(in crate::lsp) fn definition(
    session: &Session,
    params: GotoDefinitionParams,
) -> Option<GotoDefinitionResponse> {
    let at = params.text_document_position_params;
    let links = session.abilities.definition_links;
    session.view(&at.text_document.uri, |view| {
        let definition = ide::definition::definition(&view.snapshot, view.lines.offset(at.position))?;
        let range = |span| range_in(&definition.file, span, view.lines.unit, view.snapshot.catalog);
        let target_uri = file_uri(&definition.file)?;
        Some(if links {
            GotoDefinitionResponse::Link(vec![LocationLink {
                origin_selection_range: Some(view.lines.range(definition.from)),
                target_uri,
                target_range: range(definition.whole),
                target_selection_range: range(definition.name),
            }])
        } else {
            GotoDefinitionResponse::Scalar(Location::new(target_uri, range(definition.name)))
        })
    })?
}

pub(in crate::lsp) fn references(
    session: &mut Session,
    params: ReferenceParams,
    wanted: &Wanted<'_>,
) -> Option<Vec<Location>> {
    session.read_workspace(wanted);
    let at = params.text_document_position;
    session.view(&at.text_document.uri, |view| {
        let offset = view.lines.offset(at.position);
        let declared = params.context.include_declaration;
        let all = ide::references::references(&view.snapshot, offset, declared);
        let unit = view.lines.unit;
        all.iter().filter_map(|l| location(&l.file, l.span, unit, view.snapshot.catalog)).collect()
    })
}
