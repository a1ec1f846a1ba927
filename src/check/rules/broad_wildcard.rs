//! # broad-wildcard
//!
//! ## What it finds
//! A wildcard over names that anyone can register: `*`, `*.com`, `*.co.uk`, `*.github.io`. The
//! public suffix list says which.
//!
//! ## Why it matters
//! Whoever tricks the agent picks the host that the data goes to. Below a public suffix that host
//! costs an attacker a few minutes, so such a route is as open as no wall at all.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: "*.github.io" # <- broad-wildcard
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: acme.github.io
//!     - host: "*.example.com"
//! ```

use crate::check::{Context, Sink, shown};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for host in super::routes(ctx).iter().filter_map(|r| r.host.as_ref()) {
        let name = host.value.to_ascii_lowercase();
        let why = match name.strip_prefix("*.") {
            None if name == "*" => "every host there is".to_owned(),
            Some(suffix) if psl::suffix_str(suffix) == Some(suffix) => {
                format!("every name below `{}`, where anyone can register one", shown(suffix))
            }
            _ => continue,
        };
        if super::private_host::reason(&name).is_some() {
            continue;
        }
        out.at(&host.place, format!("this wildcard covers {why}")).help("list the hosts one by one");
    }
}
