//! `textDocument/completion`.

use crate::ide::completion::{self, Completion, CompletionKind};
use crate::lsp::client::Abilities;
use crate::lsp::position::Lines;
use crate::lsp::session::Session;
use tower_lsp::ls_types::{
    Command, CompletionItem, CompletionItemKind, CompletionParams, CompletionResponse, CompletionTextEdit,
    Documentation, InsertTextFormat, InsertTextMode, MarkupContent, MarkupKind, TextEdit,
};

pub(in crate::lsp) fn completion(
    session: &mut Session,
    params: CompletionParams,
) -> Option<CompletionResponse> {
    // The hosts of other manifests are offered from the next time on.
    session.read_workspace_soon();
    let at = params.text_document_position;
    let abilities = session.abilities;
    session.view(&at.text_document.uri, |view| {
        let mut all = completion::completion(&view.snapshot, view.lines.offset(at.position));
        all.sort_by(|a, b| (&a.sort, &a.label).cmp(&(&b.sort, &b.label)));
        all.into_iter().map(|c| item(c, view.lines, abilities)).collect::<Vec<_>>().into()
    })
}

fn item(completion: Completion, lines: Lines<'_>, abilities: Abilities) -> CompletionItem {
    let snippet = completion.snippet.filter(|_| abilities.snippets);
    let format = if snippet.is_some() { InsertTextFormat::SNIPPET } else { InsertTextFormat::PLAIN_TEXT };
    let text = snippet.unwrap_or(completion.edit.text);
    // The lines behind the first get the first one's indentation.
    let mode = (text.contains('\n') && abilities.indents).then_some(InsertTextMode::ADJUST_INDENTATION);
    let markdown = |value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value });
    let filled = |text: &String| !text.is_empty();
    CompletionItem {
        label: completion.label,
        kind: Some(kind(completion.kind)),
        detail: Some(completion.detail).filter(filled),
        documentation: Some(completion.documentation).filter(filled).map(markdown),
        sort_text: Some(completion.sort),
        filter_text: Some(completion.filter),
        insert_text_format: abilities.snippets.then_some(format),
        insert_text_mode: mode,
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(lines.range(completion.edit.span), text))),
        command: (completion.retrigger && abilities.suggests_again).then(suggest_again),
        ..CompletionItem::default()
    }
}

/// VS Code's own command; other editors have none.
fn suggest_again() -> Command {
    Command {
        title: "Suggest".to_owned(),
        command: "editor.action.triggerSuggest".to_owned(),
        arguments: None,
    }
}

fn kind(kind: CompletionKind) -> CompletionItemKind {
    match kind {
        CompletionKind::Key => CompletionItemKind::PROPERTY,
        CompletionKind::Value => CompletionItemKind::ENUM_MEMBER,
        CompletionKind::Bottle => CompletionItemKind::REFERENCE,
        CompletionKind::Skill => CompletionItemKind::MODULE,
        CompletionKind::Variable => CompletionItemKind::VARIABLE,
        CompletionKind::Host => CompletionItemKind::VALUE,
        CompletionKind::Rule => CompletionItemKind::CONSTANT,
        CompletionKind::File => CompletionItemKind::FILE,
        CompletionKind::Folder => CompletionItemKind::FOLDER,
        CompletionKind::Snippet => CompletionItemKind::SNIPPET,
    }
}
