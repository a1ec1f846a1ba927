//! # duplicate-route
//!
//! ## What it finds
//! Two routes of one bottle on the same host. Capitals make no difference. Also a route that a parent has
//! to the letter.
//!
//! ## Why it matters
//! The first route whose host matches decides. The second one is never reached, so its paths, its
//! credential and its limits do nothing, however carefully they are written. The parents' routes follow
//! a bottle's own, so what they have need not be said again, and goes its own way when they change.
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
//!       path_allowlist: [/user]
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
//!       path_allowlist: [/repos/acme/, /user]
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::Route;
use crate::plan::egress_route;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    repeated(ctx, out);
    let routes = super::routes(ctx);
    let by_host = super::first_by_host(routes);
    for (index, route) in routes.iter().enumerate() {
        let Some(host) = &route.host else { continue };
        let first = by_host.get(&host.value.to_ascii_lowercase()).copied();
        let Some(first) = first.filter(|first| *first < index) else { continue };
        let name = shown(&host.value);
        let finding =
            out.at(&host.place, format!("there are two routes on {name}, and only the first one decides"));
        finding.help("put all that it allows into one route");
        if let Some(earlier) = &routes[first].host {
            finding.related(&earlier.place, "the route that decides");
        }
        let Some(edits) = super::remove_route(ctx, index) else { continue };
        let json = |i| super::route_node(ctx, i).map(|n| n.to_json());
        if json(first) == json(index) {
            finding.safe_fix("remove the second one, which says the same", edits);
        } else {
            finding.unsafe_fix("remove the second one, which is never reached", edits);
        }
    }
}

/// A route that a parent has already, to the letter.
fn repeated(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let inherits =
        ctx.bottle.as_ref().is_some_and(|b| b.inherits_routes && !b.extends.is_empty() && b.egress.is_some());
    let Some(resolved) = ctx.resolved().filter(|_| inherits) else { return };
    let all = resolved.bottle.egress.iter().flat_map(|e| &e.value);
    let as_planned = |route: &Route| egress_route(&Route { layer: 0, ..route.clone() });
    let parents: Vec<_> =
        all.clone().filter(|r| r.layer > 0).filter_map(|r| Some((r, as_planned(r)?))).collect();
    // A route with a role is another rule's.
    for route in all.filter(|r| r.layer == 0 && r.role.is_none()) {
        let (Some(host), Some(planned)) = (&route.host, as_planned(route)) else { continue };
        let Some((same, _)) = parents.iter().find(|(_, p)| *p == planned) else { continue };
        out.at(&host.place, format!("a parent has this very route to {}", shown(&host.value)))
            .help("remove it: a parent's routes follow this bottle's own")
            .related(&same.place, "the parent's");
    }
}
