//! # invalid-protocol
//!
//! ## What it finds
//! A route with `protocol: tcp` that does not name its `ports`, is for a wildcard, opens 80 or 443, or states what
//! only HTTP has: `auth`, `pass_headers`, `path_allowlist`, `matches`, `git`.
//!
//! ## Why it matters
//! Over such a route every byte goes as it is: nothing can be looked at, no credential added. So it is for one
//! host and the ports of one service, and ports 80 and 443 stay with the routes that are looked into.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: db.example.com
//!       protocol: tcp # <- invalid-protocol
//!     - host: "*.internal.example.com"
//!       protocol: tcp # <- invalid-protocol
//!       ports: [5432]
//!     - host: mail.example.com
//!       protocol: tcp
//!       ports:
//!         - 587
//!         - 443 # <- invalid-protocol
//!       path_allowlist: [/a/] # <- invalid-protocol
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: db.example.com
//!       protocol: tcp
//!       ports: [5432]
//!     - host: mail.example.com
//!       protocol: tcp
//!       ports: [587]
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::{Place, Route};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for (index, route) in super::routes(ctx).iter().enumerate() {
        let Some(protocol) = route.protocol.as_ref().filter(|protocol| protocol.value == "tcp") else {
            continue;
        };
        let wildcard = route.host.as_ref().filter(|host| host.value.starts_with("*."));
        if let Some(host) = wildcard {
            let text =
                format!("`{}` is no single host, and every byte would go to all of them", shown(&host.value));
            out.at(&protocol.place, text).help("name each host that is meant");
        }
        if route.ports.is_none() {
            out.at(&protocol.place, "`protocol: tcp` opens no port by itself")
                .help("name the ports of the service: `ports: [5432]`");
        }
        for port in route.ports.iter().flat_map(|ports| &ports.value) {
            if ["80", "443"].contains(&port.value.as_str()) {
                let text = format!("port {} is for HTTP, which is looked into", port.value);
                out.at(&port.place, text).help("leave it out: a route without `protocol: tcp` opens it");
            }
        }
        for field in ["auth", "pass_headers", "path_allowlist", "matches", "git"] {
            let Some(entry) = super::route_node(ctx, index).and_then(|node| node.entry(field)) else {
                continue;
            };
            let place = Place { origin: entry.key.origin, ..ctx.place(entry.key.span) };
            let text = format!("`{field}` has no effect over `protocol: tcp`, where nothing is looked at");
            out.at(&place, text).help(help(route, field));
        }
    }
}

fn help(route: &Route, field: &str) -> String {
    let host = route.host.as_ref().map_or("the host", |host| &host.value);
    format!("remove it, or write another route to {} for what goes over HTTP with `{field}`", shown(host))
}
