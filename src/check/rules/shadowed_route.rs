//! # shadowed-route
//!
//! ## What it finds
//! A route that can never decide: earlier ones to the same host, or to a wildcard that covers it, allow all
//! that it does. So does one without `auth` and terms, which is tunnelled: nothing inside is looked at. Also a
//! parent's route behind a wildcard of this bottle.
//!
//! ## Why it matters
//! Of several routes to a host the first that allows a request decides. Behind `*.example.com` a route on
//! `api.example.com` is never reached: its limits do nothing, and its credential is never sent.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: "*.example.com"
//!     - host: api.example.com # <- shadowed-route
//!       path_allowlist: [/v1/]
//!     - host: api.github.com
//!       path_allowlist: [/repos/]
//!     - host: api.github.com # <- shadowed-route
//!       path_allowlist: [/repos/acme/]
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.example.com
//!       path_allowlist: [/v1/]
//!     - host: "*.example.com"
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//!     - host: api.github.com
//!       path_allowlist: [/repos/]
//! ```

use super::idle::{Idle, idle};
use super::loosened_parent::loosened;
use crate::check::{Context, Sink, edit, shown};
use crate::egress::policy::covering;
use crate::manifest::{Route, overlay};
use crate::plan::{egress_route, is_open};
use std::collections::BTreeMap;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let routes = super::routes(ctx);
    for Idle { index, earlier, duplicate } in idle(routes) {
        let (Some(host), false) = (&routes[index].host, duplicate) else { continue };
        let Some(outer) = &routes[earlier].host else { continue };
        let open = egress_route(&routes[earlier]).is_some_and(|r| is_open(&r));
        let why = if open { "allows everything there" } else { "allows all of it first" };
        let message =
            format!("this route can never decide: the earlier one to {} {why}", shown(&outer.value));
        let finding = out.at(&host.place, message);
        finding.help("put the narrower route first").related(&outer.place, "the route that decides");
        let list = ctx.root.and_then(|r| r.get("egress")).and_then(|e| e.get("routes"));
        if let Some(edits) = list.and_then(|l| edit::move_item_before(ctx.text(), l, index, earlier)) {
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
