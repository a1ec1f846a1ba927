//! Routes that never decide, for the two rules that report them.

use crate::egress::policy::covering;
use crate::manifest::Route;
use crate::plan::{adds_nothing, egress_route, is_open};
use crate::provider::EgressRoute;
use std::collections::HashMap;

/// So many earlier routes of a host are looked at: each keystroke asks.
const MOST: usize = 32;

/// A route of a manifest that never decides.
pub(super) struct Idle {
    /// It.
    pub(super) index: usize,
    /// The earlier route that decides in its place, or the first of them.
    pub(super) earlier: usize,
    /// It is for the same host, and would do the same.
    pub(super) duplicate: bool,
}

/// Those of one bottle's own routes, in order.
pub(super) fn idle(routes: &[Route]) -> Vec<Idle> {
    let planned: Vec<Option<EgressRoute>> = routes.iter().map(egress_route).collect();
    let mut by_host: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut all = Vec::new();
    for (index, route) in planned.iter().enumerate() {
        let Some(route) = route else { continue };
        let mut earlier: Vec<usize> = covering(&route.host)
            .filter_map(|pattern| by_host.get(pattern.as_str()))
            .flat_map(|indices| indices.iter().copied().take(MOST))
            .collect();
        earlier.sort_unstable();
        all.extend(one(&planned, index, route, &earlier));
        by_host.entry(&route.host).or_default().push(index);
    }
    all
}

fn one(
    planned: &[Option<EgressRoute>],
    index: usize,
    route: &EgressRoute,
    earlier: &[usize],
) -> Option<Idle> {
    let before: Vec<(usize, &EgressRoute)> =
        earlier.iter().filter_map(|i| Some((*i, planned[*i].as_ref()?))).collect();
    if before.is_empty() || !adds_nothing(route, &before.iter().map(|(_, r)| *r).collect::<Vec<_>>()) {
        return None;
    }
    let alone = before.iter().find(|(_, r)| adds_nothing(route, &[r]));
    let duplicate = before.iter().find(|(_, r)| same(route, r) && adds_nothing(route, &[r]));
    let decides = duplicate.or(alone).unwrap_or(&before[0]);
    Some(Idle { index, earlier: decides.0, duplicate: duplicate.is_some() })
}

/// Whether a route that allows no more would also do nothing else than another.
fn same(route: &EgressRoute, other: &EgressRoute) -> bool {
    let has = |list: &[String], of: &[String]| of.iter().all(|item| list.contains(item));
    route.host == other.host
        && route.protocol == other.protocol
        && route.auth == other.auth
        // What is tunnelled is not looked at, so that the terms do nothing.
        && is_open(route) == is_open(other)
        && has(&other.pass_headers, &route.pass_headers)
        && has(&other.ssrf_ip_allowlist, &route.ssrf_ip_allowlist)
        && (other.tls_passthrough || !route.tls_passthrough)
}
