//! `textDocument/semanticTokens`.

use crate::ide::tokens::{Modifiers, Token, TokenKind, tokens};
use crate::lsp::position::Lines;
use crate::lsp::session::Session;
use crate::syntax::Span;
use tower_lsp::ls_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensFullOptions,
    SemanticTokensLegend, SemanticTokensOptions, SemanticTokensParams, SemanticTokensRangeParams,
    SemanticTokensRangeResult, SemanticTokensResult, SemanticTokensServerCapabilities,
    WorkDoneProgressOptions,
};

/// The types of the legend, in the order of [`index`]. Standard ones, which every theme colours.
const TYPES: [SemanticTokenType; 9] = [
    SemanticTokenType::PROPERTY,
    SemanticTokenType::ENUM_MEMBER,
    SemanticTokenType::CLASS,
    SemanticTokenType::NAMESPACE,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::PARAMETER,
    SemanticTokenType::STRING,
    SemanticTokenType::MACRO,
    SemanticTokenType::DECORATOR,
];

/// The modifiers of the legend, one a bit.
const MODIFIERS: [SemanticTokenModifier; 3] = [
    SemanticTokenModifier::DECLARATION,
    SemanticTokenModifier::new("credential"),
    SemanticTokenModifier::DEPRECATED,
];

/// What is offered.
pub(in crate::lsp) fn provider() -> SemanticTokensServerCapabilities {
    SemanticTokensOptions {
        work_done_progress_options: WorkDoneProgressOptions::default(),
        legend: SemanticTokensLegend { token_types: TYPES.into(), token_modifiers: MODIFIERS.into() },
        range: Some(true),
        full: Some(SemanticTokensFullOptions::Bool(true)),
    }
    .into()
}

pub(in crate::lsp) fn full(session: &Session, params: SemanticTokensParams) -> Option<SemanticTokensResult> {
    session.view(&params.text_document.uri, |view| {
        let all = Span::new(0, view.lines.text.len());
        encoded(&tokens(view.snapshot.source, all), view.lines).into()
    })
}

pub(in crate::lsp) fn range(
    session: &Session,
    params: SemanticTokensRangeParams,
) -> Option<SemanticTokensRangeResult> {
    session.view(&params.text_document.uri, |view| {
        let span = view.lines.span(params.range);
        encoded(&tokens(view.snapshot.source, span), view.lines).into()
    })
}

/// Each token's place is relative to the one before it.
fn encoded(tokens: &[Token], lines: Lines<'_>) -> SemanticTokens {
    let mut data = Vec::with_capacity(tokens.len());
    let (mut line, mut column) = (0, 0);
    for token in tokens {
        let range = lines.range(token.span);
        // The protocol's tokens do not span lines.
        if range.start.line != range.end.line || range.start == range.end {
            continue;
        }
        let same_line = range.start.line == line;
        data.push(SemanticToken {
            delta_line: range.start.line - line,
            delta_start: range.start.character - if same_line { column } else { 0 },
            length: range.end.character - range.start.character,
            token_type: index(token.kind),
            token_modifiers_bitset: bits(token.modifiers),
        });
        (line, column) = (range.start.line, range.start.character);
    }
    SemanticTokens { result_id: None, data }
}

/// The place of a kind in [`TYPES`].
fn index(kind: TokenKind) -> u32 {
    match kind {
        TokenKind::Key => 0,
        TokenKind::Value => 1,
        TokenKind::Name => 2,
        TokenKind::Host => 3,
        TokenKind::GuestVariable => 4,
        TokenKind::HostVariable => 5,
        TokenKind::Question => 6,
        TokenKind::Anchor | TokenKind::Alias => 7,
        TokenKind::Rule => 8,
    }
}

fn bits(modifiers: Modifiers) -> u32 {
    u32::from(modifiers.declaration)
        | u32::from(modifiers.credential) << 1
        | u32::from(modifiers.deprecated) << 2
}
