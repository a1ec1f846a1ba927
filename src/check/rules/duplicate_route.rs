//! # duplicate-route
//!
//! ## What it finds
//! Two routes of one bottle on the same host. Capitals make no difference.
//!
//! ## Why it matters
//! The first route whose host matches decides. The second one is never reached, so its paths, its
//! credential and its limits do nothing, however carefully they are written.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//!     - host: API.github.com # <- duplicate-route
//!       path_allowlist: [/user]
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/, /user]
//! ```

use crate::check::{Context, Sink, shown};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let routes = super::routes(ctx);
    let by_host = super::first_by_host(routes);
    for (index, route) in routes.iter().enumerate() {
        let Some(host) = &route.host else { continue };
        let first = by_host.get(&host.value.to_ascii_lowercase()).copied();
        let Some(first) = first.filter(|first| *first < index) else { continue };
        let name = shown(&host.value);
        let finding = out.at(&host.place, format!("there are two routes on {name}, and only the first one decides"));
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
