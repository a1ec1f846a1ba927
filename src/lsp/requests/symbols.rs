//! `textDocument/documentSymbol` and `workspace/symbol`.

use crate::ide::symbols::{self, Symbol, SymbolKind};
use crate::lsp::convert::location;
use crate::lsp::owner::Wanted;
use crate::lsp::position::Lines;
use crate::lsp::session::Session;
use tower_lsp::ls_types::{
    DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, Location, SymbolInformation, Uri,
    WorkspaceSymbolParams, WorkspaceSymbolResponse,
};

pub(in crate::lsp) fn document(
    session: &Session,
    params: DocumentSymbolParams,
) -> Option<DocumentSymbolResponse> {
    let uri = params.text_document.uri;
    let nested = session.abilities.nested_symbols;
    session.view(&uri, |view| {
        let all = symbols::document_symbols(view.snapshot.source);
        if nested {
            let all: Vec<_> = all.into_iter().map(|s| tree(s, view.lines)).collect();
            return all.into();
        }
        let mut flat = Vec::new();
        all.into_iter().for_each(|s| flatten(s, None, &uri, view.lines, &mut flat));
        flat.into()
    })
}

fn tree(symbol: Symbol, lines: Lines<'_>) -> DocumentSymbol {
    let children: Vec<_> = symbol.children.into_iter().map(|s| tree(s, lines)).collect();
    #[allow(deprecated)]
    DocumentSymbol {
        name: symbol.name,
        detail: Some(symbol.detail).filter(|d| !d.is_empty()),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: lines.range(symbol.whole),
        selection_range: lines.range(symbol.span),
        children: (!children.is_empty()).then_some(children),
    }
}

fn flatten(
    symbol: Symbol,
    container: Option<&str>,
    uri: &Uri,
    lines: Lines<'_>,
    out: &mut Vec<SymbolInformation>,
) {
    let location = Location::new(uri.clone(), lines.range(symbol.whole));
    out.push(information(symbol.name.clone(), symbol.kind, location, container));
    for child in symbol.children {
        flatten(child, Some(&symbol.name), uri, lines, out);
    }
}

pub(in crate::lsp) fn workspace(
    session: &mut Session,
    params: WorkspaceSymbolParams,
    wanted: &Wanted<'_>,
) -> Option<WorkspaceSymbolResponse> {
    session.read_workspace(wanted);
    let unit = session.abilities.unit;
    let known = session.known();
    let all = symbols::workspace_symbols(&known, &params.query);
    // Any manifest will do: only its catalog is asked, for the lines of the others.
    let converted = session.with(known.first()?, |snapshot| {
        let one = |s: symbols::WorkspaceSymbol| {
            let location = location(&s.location.file, s.location.span, unit, snapshot.catalog)?;
            let container = Some(s.container.as_str()).filter(|c| !c.is_empty());
            Some(information(s.name, s.kind, location, container))
        };
        all.into_iter().filter_map(one).collect::<Vec<_>>()
    });
    Some(converted.into())
}

fn information(
    name: String,
    symbol: SymbolKind,
    location: Location,
    container: Option<&str>,
) -> SymbolInformation {
    #[allow(deprecated)]
    SymbolInformation {
        name,
        kind: kind(symbol),
        tags: None,
        deprecated: None,
        location,
        container_name: container.map(str::to_owned),
    }
}

fn kind(kind: SymbolKind) -> tower_lsp::ls_types::SymbolKind {
    use tower_lsp::ls_types::SymbolKind as Lsp;
    match kind {
        SymbolKind::Bottle => Lsp::PACKAGE,
        SymbolKind::Agent => Lsp::CLASS,
        SymbolKind::Route => Lsp::INTERFACE,
        SymbolKind::Mapping => Lsp::OBJECT,
        SymbolKind::List => Lsp::ARRAY,
        SymbolKind::Text => Lsp::STRING,
        SymbolKind::Number => Lsp::NUMBER,
        SymbolKind::Boolean => Lsp::BOOLEAN,
    }
}
