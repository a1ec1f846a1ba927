//! `textDocument/codeLens`.

use crate::ide::commands::{Lens, Subject, lenses};
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
        let runs = session.runs_of(&view.document.path);
        lenses(&view.snapshot, &runs, session.abilities.terminal).into_iter().map(one).collect()
    })
}

/// The arguments are the document and, where it holds several manifests, the name of one; or a run.
fn command(lens: &Lens, uri: &Uri) -> Command {
    let uri = || Value::from(uri.as_str());
    let arguments = match lens.subject.clone() {
        Subject::Run(id) => vec![id.into()],
        Subject::Manifest(None) => vec![uri()],
        Subject::Manifest(Some(name)) => vec![uri(), name.into()],
    };
    Command { title: lens.title.clone(), command: lens.command.id().to_owned(), arguments: Some(arguments) }
}
