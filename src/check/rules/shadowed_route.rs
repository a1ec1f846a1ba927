//! # shadowed-route
//!
//! ## What it finds
//! A route behind a wildcard that covers its host, in this bottle or in one that it extends.
//!
//! ## Why it matters
//! The first route whose host matches decides. Behind `*.example.com` a route on `api.example.com`
//! is never reached: its limits do nothing, and the wildcard's terms hold instead.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: "*.example.com"
//!     - host: api.example.com # <- shadowed-route
//!       path_allowlist: [/v1/]
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.example.com
//!       path_allowlist: [/v1/]
//!     - host: "*.example.com"
//! ```

use super::loosened_parent::loosened;
use crate::check::{Context, Sink, edit, shown};
use crate::egress::policy::covering;
use crate::manifest::{Route, overlay};
use std::collections::BTreeMap;

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
    parents(ctx, routes, out);
}

/// A wildcard of this bottle that stands before a parent's route, since the nearer layer decides alone. Where
/// that permits more, it is `loosened-parent`'s to tell.
fn parents(ctx: &Context<'_>, routes: &[Route], out: &mut Sink<'_>) {
    let Some(own) = ctx.bottle.as_ref().filter(|b| b.inherits_routes && !b.extends.is_empty()) else {
        return;
    };
    let by_host = super::first_by_host(routes);
    if !by_host.keys().any(|host| host.starts_with('*')) {
        return;
    }
    let Some(resolved) = ctx.resolved() else { return };
    let mut covered: BTreeMap<usize, Vec<&Route>> = BTreeMap::new();
    for parents in resolved.bottle.egress.iter().flat_map(|e| &e.value).filter(|r| r.layer > 0) {
        let Some(name) = lower(parents).filter(|name| !by_host.contains_key(name)) else { continue };
        let first = covering(&name).filter_map(|pattern| by_host.get(&pattern).copied()).min();
        if let Some(first) = first {
            covered.entry(first).or_default().push(parents);
        }
    }
    if covered.is_empty() {
        return;
    }
    let base = own.extends.iter().filter_map(|name| Some(ctx.parent(name)?.bottle)).reduce(overlay);
    let told = base.map(|base| loosened(ctx, &base, &resolved.bottle)).unwrap_or_default();
    for (first, parents) in covered {
        let hosts = parents.iter().filter_map(|r| r.host.as_ref());
        let mut hosts = hosts
            .filter(|h| !told.iter().any(|c| c.area == "egress" && c.subject.eq_ignore_ascii_case(&h.value)));
        let (Some(outer), Some(host)) = (&routes[first].host, hosts.next()) else { continue };
        let more = hosts.count();
        let more = if more == 0 { String::new() } else { format!(", nor are {more} more of its routes") };
        out.at(
            &outer.place,
            format!("a parent's route to {} is never reached behind this one{more}", shown(&host.value)),
        )
        .help("name the hosts that are meant here, or repeat the parent's route in front of this one")
        .related(&host.place, "the parent's");
    }
}

fn lower(route: &Route) -> Option<String> {
    route.host.as_ref().map(|h| h.value.to_ascii_lowercase())
}
