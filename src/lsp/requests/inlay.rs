//! `textDocument/inlayHint`.

use crate::ide::inlay::{Hint, hints};
use crate::lsp::convert::location;
use crate::lsp::session::{Session, View};
use tower_lsp::ls_types::{
    InlayHint, InlayHintLabel, InlayHintLabelPart, InlayHintParams, InlayHintTooltip, MarkupContent,
    MarkupKind,
};

pub(in crate::lsp) fn inlay_hints(session: &Session, params: InlayHintParams) -> Option<Vec<InlayHint>> {
    session.view(&params.text_document.uri, |view| {
        let range = view.lines.span(params.range);
        hints(&view.snapshot, range).into_iter().map(|hint| converted(view, hint)).collect()
    })
}

fn converted(view: &View<'_>, hint: Hint) -> InlayHint {
    let unit = view.lines.unit;
    let target = hint.target.and_then(|t| location(&t.file, t.span, unit, view.snapshot.catalog));
    let label = match target {
        Some(location) => InlayHintLabel::LabelParts(vec![InlayHintLabelPart {
            value: hint.label,
            tooltip: None,
            location: Some(location),
            command: None,
        }]),
        None => InlayHintLabel::String(hint.label),
    };
    let markdown = |value| MarkupContent { kind: MarkupKind::Markdown, value };
    let tooltip = Some(hint.tooltip).filter(|t| !t.is_empty()).map(markdown);
    InlayHint {
        position: view.lines.position(hint.offset),
        label,
        kind: None,
        text_edits: None,
        tooltip: tooltip.map(InlayHintTooltip::MarkupContent),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}
