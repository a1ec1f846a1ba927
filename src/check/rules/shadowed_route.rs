//! # shadowed-route
//!
//! ## What it finds
//! A route behind a wildcard that covers its host. Also, as a warning, a route that takes the place
//! of a parent's route on the same host and drops that route's limits.
//!
//! ## Why it matters
//! The first route whose host matches decides. Behind `*.example.com` a route on `api.example.com`
//! is never reached: its limits do nothing, and the wildcard's terms hold instead. A bottle's
//! `egress` replaces its parent's as a whole, so a limit that the parent stated is gone where the
//! child does not repeat it.
//!
//! ## Bad
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! ---
//! ```
//! ```yaml
//! extends: base
//! egress:
//!   routes:
//!     - host: "*.example.com"
//!     - host: api.example.com # <- shadowed-route
//!       path_allowlist: [/v1/]
//!     - host: api.github.com # <- shadowed-route
//! ```
//!
//! ## Good
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! ---
//! ```
//! ```yaml
//! extends: base
//! egress:
//!   routes:
//!     - host: api.example.com
//!       path_allowlist: [/v1/]
//!     - host: "*.example.com"
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/, /user]
//! ```

use crate::check::{Context, Severity, Sink, edit, shown};
use crate::egress::policy::{covering, host_covers};
use crate::manifest::Route;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let routes = super::routes(ctx);
    let by_host = super::first_by_host(routes);
    for (index, route) in routes.iter().enumerate() {
        let (Some(host), Some(name)) = (&route.host, lower(route)) else { continue };
        let first = covering(&name).filter_map(|pattern| by_host.get(&pattern).copied()).min();
        let Some(first) = first.filter(|first| *first < index) else { continue };
        let Some(outer) = routes[first].host.as_ref().filter(|h| !h.value.eq_ignore_ascii_case(&name)) else {
            continue;
        };
        let message = format!("this route is never reached: {} comes first and decides", shown(&outer.value));
        let finding = out.at(&host.place, message);
        finding.help("put the narrower route first").related(&outer.place, "the route that decides");
        let list = ctx.root.and_then(|r| r.get("egress")).and_then(|e| e.get("routes"));
        if let Some(edits) = list.and_then(|l| edit::move_item_before(ctx.text(), l, index, first)) {
            finding.unsafe_fix("move it in front of that route", edits);
        }
    }
    dropped_limits(ctx, out);
}

fn lower(route: &Route) -> Option<String> {
    route.host.as_ref().map(|h| h.value.to_ascii_lowercase())
}

/// Limits of a parent's routes that this bottle's own `egress` drops.
fn dropped_limits(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let routes = super::routes(ctx);
    if routes.is_empty() {
        return;
    }
    let Some(base) = ctx.parents().into_iter().rev().find_map(|p| p.bottle.egress) else { return };
    for limited in base.value.iter().filter(|r| has_limits(r)) {
        let (Some(was), Some(name)) = (&limited.host, lower(limited)) else { continue };
        let deciding = routes.iter().find(|r| lower(r).is_some_and(|h| host_covers(&h, &name)));
        let Some(host) = deciding.filter(|r| !has_limits(r)).and_then(|r| r.host.as_ref()) else { continue };
        let message = format!(
            "this opens all of {}, where the parent's route has limits: `egress` replaces the parent's as a whole",
            shown(&was.value)
        );
        out.at(&host.place, message)
            .severity(Severity::Warning)
            .help("repeat the limits here, or say in a suppression why they are dropped")
            .related(&was.place, "the parent's route");
    }
}

fn has_limits(route: &Route) -> bool {
    route.path_allowlist.is_some() || route.matches.is_some() || route.git.is_some()
}
