//! # unquoted-description
//!
//! ## What it finds
//! A `description` in an agent's frontmatter that Claude Code reads and YAML does not: one line with a colon or a
//! special character in it, and no quotes.
//!
//! ## Why it matters
//! The file serves here as it does there. Other programs that read the frontmatter as YAML stop at that line.
//!
//! ## Bad
//! ```markdown ~/.bot-bottle/bottles/dev.md
//! ---
//! agent_provider: {template: claude}
//! ---
//! ```
//! ```markdown ~/.bot-bottle/agents/review.md
//! ---
//! name: review
//! description: Use this after a change: it reviews the diff # <- unquoted-description
//! bottle: dev
//! ---
//! Review the last commit.
//! ```
//!
//! ## Good
//! ```markdown ~/.bot-bottle/bottles/dev.md
//! ---
//! agent_provider: {template: claude}
//! ---
//! ```
//! ```markdown ~/.bot-bottle/agents/review.md
//! ---
//! name: review
//! description: "Use this after a change: it reviews the diff"
//! bottle: dev
//! ---
//! Review the last commit.
//! ```

use crate::check::{Context, Edit, Sink};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(span) = ctx.source.unquoted_description else { return };
    let text = serde_json::Value::from(span.of(ctx.text())).to_string();
    let finding = out.span(span, None, "the description is read here and by Claude Code, and is not YAML");
    finding.help("put it in quotes").safe_fix("put it in quotes", vec![Edit { span, text }]);
}
