//! # unknown-bottle
//!
//! ## What it finds
//! An agent whose `bottle` names no bottle. A project's own `.bot-bottle/bottles/` is never looked
//! at, so a bottle there is none.
//!
//! ## Why it matters
//! Without its bottle the agent has no walls, and it is not started.
//!
//! ## Bad
//! ```yaml ~/.bot-bottle/bottles/dev.md
//! ---
//! agent_provider: {template: claude}
//! ---
//! ```
//! ```yaml review.agent.yaml
//! bottle: dve # <- unknown-bottle
//! prompt: Review the last commit.
//! ```
//!
//! ## Good
//! ```yaml ~/.bot-bottle/bottles/dev.md
//! ---
//! agent_provider: {template: claude}
//! ---
//! ```
//! ```yaml review.agent.yaml
//! bottle: dev
//! prompt: Review the last commit.
//! ```

use crate::check::{Context, Sink};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if let Some(name) = ctx.agent.as_ref().and_then(|a| a.bottle.as_ref()) {
        super::missing_bottle(ctx, out, name);
    }
}
