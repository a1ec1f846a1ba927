//! `textDocument/codeLens`.

use crate::ide::commands::{Lens, lenses};
use crate::lsp::session::Session;
use serde_json::Value;
use tower_lsp::ls_types::{CodeLens, CodeLensParams, Command, Uri};

pub(in crate::lsp) fn code_lens(session: &Session, params: CodeLensParams) -> Option<Vec<CodeLens>> {
    let uri = params.text_document.uri;
    session.view(&uri, |view| {
        let one = |lens: Lens| CodeLens {
            range: view.lines.range(lens.span),
            command: Some(command(&lens, &uri)),
            data: None,
        };
        lenses(&view.snapshot).into_iter().map(one).collect()
    })
}

/// The arguments are the document and, where it holds several manifests, the name of one.
fn command(lens: &Lens, uri: &Uri) -> Command {
    let arguments = std::iter::once(uri.as_str().into()).chain(lens.name.clone().map(Value::String));
    Command {
        title: lens.command.title().to_owned(),
        command: lens.command.id().to_owned(),
        arguments: Some(arguments.collect()),
    }
}
