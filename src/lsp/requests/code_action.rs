//! `textDocument/codeAction`.

use super::command::EXPLAIN;
use crate::check::Applicability;
use crate::ide::actions::{Act, Action, actions, fix_everything};
use crate::lsp::convert::text_edits;
use crate::lsp::session::{Session, View};
use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Command, Diagnostic,
};

/// The kind of the action that applies every safe fix.
pub(in crate::lsp) const FIX_ALL: CodeActionKind = CodeActionKind::new("source.fixAll.bot-bottle");

pub(in crate::lsp) fn code_action(
    session: &mut Session,
    params: CodeActionParams,
) -> Option<Vec<CodeActionOrCommand>> {
    // A client so old takes bare commands only, and an edit is none.
    if !session.abilities.action_literals {
        return None;
    }
    let uri = params.text_document.uri;
    session.analyse(&uri);
    session.view(&uri, |view| {
        let analysis = view.document.analysis.as_ref()?;
        let only = params.context.only.as_deref();
        let mut all = Vec::new();
        if wanted(only, &CodeActionKind::QUICKFIX) {
            let span = view.lines.span(params.range);
            for action in actions(&view.snapshot, &analysis.findings, span) {
                let about = analysis
                    .findings
                    .iter()
                    .position(|f| action.finding.is_some_and(|a| std::ptr::eq(a, f)))
                    .and_then(|i| analysis.reported.get(i));
                all.push(converted(session, view, action, about));
            }
        }
        if wanted(only, &FIX_ALL)
            && let Some(action) = fix_everything(&view.snapshot)
        {
            all.push(converted(session, view, action, None));
        }
        Some(all.into_iter().map(CodeActionOrCommand::CodeAction).collect())
    })?
}

/// A wanted kind stands for its sub-kinds too: `source` for `source.fixAll.bot-bottle`.
fn wanted(only: Option<&[CodeActionKind]>, kind: &CodeActionKind) -> bool {
    let covers = |wanted: &CodeActionKind| {
        let rest = kind.as_str().strip_prefix(wanted.as_str());
        wanted.as_str().is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    only.is_none_or(|only| only.iter().any(covers))
}

fn converted(
    session: &Session,
    view: &View<'_>,
    action: Action<'_>,
    about: Option<&Diagnostic>,
) -> CodeAction {
    let mut converted = CodeAction {
        title: action.title,
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: about.map(|d| vec![d.clone()]),
        ..CodeAction::default()
    };
    let edit = |edits: &[_]| Some(session.workspace_edit(view.document, text_edits(edits, view.lines)));
    match action.act {
        Act::Fix { edits, applicability } => {
            converted.edit = edit(&edits);
            converted.is_preferred = Some(applicability == Applicability::Safe);
        }
        Act::Suppress { edits } => converted.edit = edit(&edits),
        Act::FixAll { edits } => {
            converted.kind = Some(FIX_ALL);
            converted.edit = edit(&edits);
        }
        Act::Explain { rule } => {
            converted.command = Some(Command {
                title: converted.title.clone(),
                command: EXPLAIN.to_owned(),
                arguments: Some(vec![rule.id.into()]),
            });
        }
    }
    converted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_wanted_by_its_own_name_or_its_parents() {
        let kinds = |names: &[&'static str]| names.iter().map(|n| CodeActionKind::new(n)).collect::<Vec<_>>();
        for yes in [&["source"][..], &["source.fixAll"], &["source.fixAll.bot-bottle"], &["refactor", ""]] {
            assert!(wanted(Some(&kinds(yes)), &FIX_ALL), "{yes:?}");
        }
        for no in [&[][..], &["quickfix"], &["source.fix"], &["source.fixAll.bot-bottle.x"]] {
            assert!(!wanted(Some(&kinds(no)), &FIX_ALL), "{no:?}");
        }
        assert!(wanted(None, &FIX_ALL));
    }
}
