//! # provider-owned-route
//!
//! ## What it finds
//! A route of the manifest on a host that the provider owns: api.anthropic.com for claude,
//! api.openai.com and chatgpt.com for codex.
//!
//! ## Why it matters
//! The provider makes that route itself, with the credential and the settings that the agent needs,
//! and it comes first. A second one would never be reached, and would hide from a reader where the
//! credential comes from.
//!
//! ## Bad
//! ```yaml
//! agent_provider:
//!   template: codex
//! egress:
//!   routes:
//!     - host: chatgpt.com # <- provider-owned-route
//!     - host: api.github.com
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   template: codex
//! egress:
//!   routes:
//!     - host: api.github.com
//! ```

use crate::check::{Context, Sink};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let (Some(resolved), Some(provider)) = (ctx.resolved(), ctx.provider()) else { return };
    if ctx.bottle.is_none() {
        return;
    }
    let routes = resolved.bottle.egress.iter().flat_map(|e| e.value.iter().enumerate());
    for (index, route) in routes.filter(|(_, r)| r.role.is_none()) {
        let Some(host) = &route.host else { continue };
        if !ctx.provided().hosts.contains(&host.value.to_ascii_lowercase()) {
            continue;
        }
        let template = provider.template();
        let fields = provider.login_fields();
        let finding =
            out.at(&host.place, format!("the provider {template} owns the route to {}", host.value));
        finding.help(format!("remove this route; the login is set with {}", fields.join(" or ")));
        if host.place.file == ctx.source.path
            && let Some(edits) = super::remove_route(ctx, index)
        {
            finding.unsafe_fix("remove the route", edits);
        }
    }
}
