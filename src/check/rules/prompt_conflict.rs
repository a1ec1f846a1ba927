//! # prompt-conflict
//!
//! ## What it finds
//! A manifest with two prompts: `prompt` and `prompt_file`, or one of them and a Markdown agent's
//! body.
//!
//! ## Why it matters
//! The agent gets one prompt. Which one of two is meant only the author knows, and the other would
//! be left out without a word.
//!
//! ## Bad
//! ```yaml review.md
//! Review the last commit.
//! ```
//! ```yaml
//! prompt: Review the last commit.
//! prompt_file: ./review.md # <- prompt-conflict
//! ```
//!
//! ## Good
//! ```yaml review.md
//! Review the last commit.
//! ```
//! ```yaml
//! prompt_file: ./review.md
//! ```

use crate::check::{Context, Sink};
use crate::manifest::{Body, Place};
use crate::syntax::{Entry, Span};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let entry = |key: &str| ctx.root.and_then(|r| r.entry(key));
    let place = |e: &Entry| Place { origin: e.key.origin, ..ctx.place(e.key.span) };
    let fields = (entry("prompt"), entry("prompt_file"));
    if let (Some(prompt), Some(file)) = fields {
        out.at(&place(file), "there are two prompts, `prompt` and `prompt_file`, and the agent gets one")
            .help("keep one of them")
            .related(&place(prompt), "the other one");
        return;
    }
    let body = ctx.agent.as_ref().filter(|a| !a.body.is_empty()).and(match ctx.source.body {
        Body::After(span) => Some(span),
        _ => None,
    });
    let (Some(entry), Some(body)) = (fields.0.or(fields.1), body) else { return };
    let start = ctx.text().len() - body_tail(ctx, body);
    let body = super::first_line(ctx, Span::new(start, body.end as usize));
    out.at(
        &place(entry),
        format!("there are two prompts, `{}` and the text below, and the agent gets one", entry.key.text),
    )
    .help("keep one of them")
    .related(&ctx.place(body), "the other one");
}

/// How much of the text is left where the body's first word stands.
fn body_tail(ctx: &Context<'_>, body: Span) -> usize {
    ctx.text()[body.start as usize..].trim_start().len()
}
