//! # claude-only-field
//!
//! ## What it finds
//! `agent_provider.auth_token` under a template other than `claude`.
//!
//! ## Why it matters
//! Only Claude Code logs in with a token from a host variable. Under another template the field
//! would do nothing, and the agent would start without a login.
//!
//! ## Bad
//! ```yaml
//! agent_provider:
//!   template: codex
//!   auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN # <- claude-only-field
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   template: claude
//!   auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN
//! ```

use crate::check::{Context, Sink};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(resolved) = ctx.resolved().filter(|_| ctx.bottle.is_some()) else { return };
    if let Some(token) = resolved.bottle.provider.auth_token() {
        super::foreign_field(ctx, out, "claude-only-field", &token.place);
    }
}
