//! # shadowed-route
//!
//! ## What it finds
//! A route behind a wildcard that covers its host.
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

use crate::check::{Context, Sink, edit, shown};
use crate::egress::policy::covering;
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
}

fn lower(route: &Route) -> Option<String> {
    route.host.as_ref().map(|h| h.value.to_ascii_lowercase())
}
