//! # incomplete-auth
//!
//! ## What it finds
//! A route's `auth` without `scheme` or without `token_ref`.
//!
//! ## Why it matters
//! The egress would not know which credential to send, or how to write it into the request. It
//! sends none rather than guess, and the agent meets a closed door.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth:
//!         token_ref: GITHUB_TOKEN # <- incomplete-auth
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth:
//!         scheme: Bearer
//!         token_ref: GITHUB_TOKEN
//! ```

use crate::check::{Context, Sink, edit};
use crate::syntax::Value;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for index in 0..super::routes(ctx).len() {
        let Some(auth) = super::route_node(ctx, index).and_then(|n| n.get("auth")) else { continue };
        if !matches!(auth.value, Value::Mapping(_)) {
            continue;
        }
        let missing: Vec<_> = ["scheme", "token_ref"].into_iter().filter(|k| auth.get(k).is_none()).collect();
        let help = match missing[..] {
            [] => continue,
            ["scheme"] => "add `scheme: Bearer` (or `token`, or `Basic`)",
            ["token_ref"] => "add `token_ref:` with the name of the host variable that holds the credential",
            _ => "write it like `{scheme: Bearer, token_ref: NAME}`",
        };
        let fields = missing.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" and ");
        let span = super::first_line(ctx, auth.span);
        let finding =
            out.span(span, auth.origin, format!("`auth` lacks {fields}, so no credential can be sent"));
        finding.help(help);
        if missing == ["scheme"] && auth.origin.is_none() {
            let edit = edit::add_entry(ctx.text(), auth, "scheme", "Bearer");
            finding.unsafe_fix("add `scheme: Bearer`", edit.into_iter().collect());
        }
    }
}
