//! # codex-only-field
//!
//! ## What it finds
//! `agent_provider.forward_host_credentials: true` under a template other than `codex`.
//!
//! ## Why it matters
//! Only Codex keeps a login on the host that can be forwarded. Under another template the field
//! would do nothing, and the agent would start without a login.
//!
//! ## Bad
//! ```yaml
//! agent_provider:
//!   template: claude
//!   forward_host_credentials: true # <- codex-only-field
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   template: codex
//!   forward_host_credentials: true
//! ```

use crate::check::{Context, Sink};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(resolved) = ctx.resolved().filter(|_| ctx.bottle.is_some()) else { return };
    if let Some(forward) = resolved.bottle.provider.forward_host_credentials.as_ref().filter(|f| f.value) {
        super::foreign_field(ctx, out, "codex-only-field", &forward.place);
    }
}
