//! # duplicate-route
//!
//! ## What it finds
//! A route that adds nothing to the earlier ones of the same host: each request that it allows is allowed by
//! one of them, with the same credential. Capitals make no difference. Also routes to a host that a parent has
//! to the letter.
//!
//! ## Why it matters
//! Several routes may serve one host: the first that allows a request decides. One that adds nothing does
//! nothing, however carefully it is written. The parents' routes follow a bottle's own, so what they have need
//! not be said again, and goes its own way when they change.
//!
//! ## Bad
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! egress: {routes: [{host: example.com}]}
//! ---
//! ```
//! ```yaml
//! extends: base
//! egress:
//!   routes:
//!     - host: example.com # <- duplicate-route
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//!     - host: API.github.com # <- duplicate-route
//!       path_allowlist: [/repos/acme/site/]
//! ```
//!
//! ## Good
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! egress: {routes: [{host: example.com}]}
//! ---
//! ```
//! ```yaml
//! extends: base
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//!       path_allowlist: [/user]
//! ```

use super::idle::{Idle, idle};
use crate::check::{Context, Sink, shown};
use crate::manifest::Route;
use crate::plan::egress_route;
use crate::provider::EgressRoute;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    repeated(ctx, out);
    let routes = super::routes(ctx);
    for Idle { index, earlier, duplicate } in idle(routes) {
        let Some(host) = routes[index].host.as_ref().filter(|_| duplicate) else { continue };
        let name = shown(&host.value);
        let finding = out
            .at(&host.place, format!("this route to {name} adds nothing: an earlier one allows all of it"));
        finding.help("remove it, or write into it what the earlier one does not allow");
        if let Some(before) = &routes[earlier].host {
            finding.related(&before.place, "the earlier route");
        }
        let Some(edits) = super::remove_route(ctx, index) else { continue };
        let json = |i| super::route_node(ctx, i).map(|n| n.to_json());
        if json(earlier) == json(index) {
            finding.safe_fix("remove the second one, which says the same", edits);
        } else {
            finding.unsafe_fix("remove the second one, which never decides", edits);
        }
    }
}

/// Routes to a host that a parent has already, to the letter and all of them: with one less, or one more, the
/// nearer layer means something else.
fn repeated(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let inherits =
        ctx.bottle.as_ref().is_some_and(|b| b.inherits_routes && !b.extends.is_empty() && b.egress.is_some());
    let Some(resolved) = ctx.resolved().filter(|_| inherits) else { return };
    let all = resolved.bottle.egress.iter().flat_map(|e| &e.value);
    let as_planned = |route: &Route| egress_route(&Route { layer: 0, ..route.clone() });
    let planned: Vec<(&Route, EgressRoute)> = all.filter_map(|r| Some((r, as_planned(r)?))).collect();
    let of = |layer: u32, host: &str| -> Vec<_> {
        planned.iter().filter(|(r, p)| r.layer == layer && p.host == host).collect()
    };
    let mut told: Vec<&str> = Vec::new();
    // A route with a role is another rule's.
    for (_, route) in planned.iter().filter(|(r, _)| r.layer == 0 && r.role.is_none()) {
        let below = planned.iter().find(|(r, p)| r.layer > 0 && p.host == route.host);
        let Some(layer) = below.map(|(r, _)| r.layer).filter(|_| !told.contains(&route.host.as_str())) else {
            continue;
        };
        told.push(&route.host);
        let (own, parents) = (of(0, &route.host), of(layer, &route.host));
        if own.len() != parents.len() || own.iter().zip(&parents).any(|((_, a), (_, b))| a != b) {
            continue;
        }
        for ((own, _), (parent, _)) in own.iter().zip(&parents) {
            let Some(host) = &own.host else { continue };
            out.at(&host.place, format!("a parent has this very route to {}", shown(&host.value)))
                .help("remove it: a parent's routes follow this bottle's own")
                .related(&parent.place, "the parent's");
        }
    }
}
