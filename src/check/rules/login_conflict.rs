//! # login-conflict
//!
//! ## What it finds
//! Two logins at once: `agent_provider.api_key` beside `auth_token`, or beside `forward_host_credentials: true`.
//!
//! ## Why it matters
//! The agent logs in once. Which of the two it would take is its own affair, and the other credential would be
//! read from the host for nothing.
//!
//! ## Bad
//! ```yaml
//! agent_provider:
//!   auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN
//!   api_key: ANTHROPIC_API_KEY # <- login-conflict
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   api_key: ANTHROPIC_API_KEY
//! ```

use crate::check::{Context, Sink, edit};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(resolved) = ctx.resolved().filter(|_| ctx.bottle.is_some()) else { return };
    let provider = &resolved.bottle.provider;
    let Some(key) = provider.api_key() else { return };
    let token = provider.auth_token().map(|token| ("auth_token", &token.place, "auth_token: \"\""));
    let forward = provider
        .forward_host_credentials
        .as_ref()
        .filter(|forward| forward.value)
        .map(|forward| ("forward_host_credentials", &forward.place, "forward_host_credentials: false"));
    let Some((field, other, none)) = token.or(forward) else { return };
    let message = format!("there are two logins, `api_key` and `{field}`, and the agent has one");
    let finding = out.at(&key.place, message);
    finding.related(other, "the other one");
    if other.file == ctx.source.path {
        finding.help("keep one of them");
        let node = ctx.root.and_then(|r| r.get("agent_provider"));
        if let Some(edit) = node.and_then(|node| edit::remove_entry(ctx.text(), node, field)) {
            finding.unsafe_fix(format!("remove `{field}`"), vec![edit]);
        }
    } else {
        finding.help(format!("the parent has the other one: remove this one, or write `{none}` beside it"));
    }
}
