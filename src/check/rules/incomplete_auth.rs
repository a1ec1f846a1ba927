//! # incomplete-auth
//!
//! ## What it finds
//! A route's `auth` without `token_ref`, or that does not say one way to write the credential: a `scheme`
//! (`user` beside `Basic` alone), or in its place a `header`.
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
//!     - host: gitlab.example.com
//!       auth:
//!         scheme: Bearer # <- incomplete-auth
//!         header: private-token
//!         token_ref: GITHUB_TOKEN
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
//!     - host: gitlab.example.com
//!       auth:
//!         header: private-token
//!         token_ref: GITHUB_TOKEN
//! ```

use crate::check::{Context, Sink, edit, shown};
use crate::manifest::Auth;
use crate::syntax::Value;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for (index, route) in super::routes(ctx).iter().enumerate() {
        let Some(node) = super::route_node(ctx, index).and_then(|n| n.get("auth")) else { continue };
        if !matches!(node.value, Value::Mapping(_)) {
            continue;
        }
        let has = |key: &str| node.get(key).is_some();
        let missing: Vec<_> = [("scheme", has("scheme") || has("header")), ("token_ref", has("token_ref"))]
            .into_iter()
            .filter_map(|(key, there)| (!there).then_some(key))
            .collect();
        let help = match missing[..] {
            [] => {
                route.auth.iter().for_each(|auth| two_ways(out, auth));
                continue;
            }
            ["scheme"] => {
                "add `scheme: Bearer` (or `token`, or `Basic`), or `header:` with the header's name"
            }
            ["token_ref"] => "add `token_ref:` with the name of the host variable that holds the credential",
            _ => {
                "write it like `{scheme: Bearer, token_ref: NAME}` or `{header: x-api-key, token_ref: NAME}`"
            }
        };
        let fields = missing.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" and ");
        let span = super::first_line(ctx, node.span);
        let finding =
            out.span(span, node.origin, format!("`auth` lacks {fields}, so no credential can be sent"));
        finding.help(help);
        if missing == ["scheme"] && node.origin.is_none() {
            let edit = edit::add_entry(ctx.text(), node, "scheme", "Bearer");
            finding.unsafe_fix("add `scheme: Bearer`", edit.into_iter().collect());
        }
    }
}

/// What contradicts itself in an `auth` that has all it needs.
fn two_ways(out: &mut Sink<'_>, auth: &Auth) {
    match (&auth.scheme, &auth.header, &auth.user) {
        (Some(scheme), Some(_), _) => {
            out.at(&scheme.place, "a credential is written with a `scheme` or into a `header`, not both")
                .help("remove one of them: `header` sends the value alone");
        }
        (_, Some(_), Some(user)) => {
            out.at(&user.place, "`header` sends the credential alone, without a user")
                .help("remove `user`, or write `scheme: Basic` in place of `header`");
        }
        (Some(scheme), _, Some(user)) if scheme.value != "Basic" => {
            out.at(&user.place, "only the scheme `Basic` has a user")
                .help("remove it, or write `scheme: Basic`");
        }
        (_, _, Some(user)) if !is_user(&user.value) => {
            let text = shown(&user.value);
            out.at(&user.place, format!("`{text}` is no user of the scheme `Basic`"))
                .help("write the name alone: without a colon or a control character, and not empty");
        }
        _ => {}
    }
}

fn is_user(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c == ':' || c.is_ascii_control())
}
