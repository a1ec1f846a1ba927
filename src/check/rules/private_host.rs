//! # private-host
//!
//! ## What it finds
//! A route to a name or an address that lies inside a network: loopback, private, link-local, cloud
//! metadata, a name without a dot, `*.local`, `*.internal`, or a name that spells a private address
//! (`10-0-0-1.nip.io`). Also, as a warning, an `ssrf_ip_allowlist` that lets cloud metadata through.
//!
//! ## Why it matters
//! What answers there trusts its callers by where they are. The metadata service of a cloud hands
//! out the machine's own credentials. The egress refuses such addresses after it has resolved the
//! name, so the route would only fail later. A host of a private network needs
//! `pipelock.ssrf_ip_allowlist` with the addresses that it may have.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: localhost # <- private-host
//!     - host: 169.254.169.254 # <- private-host
//!     - host: db.corp.internal # <- private-host
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: db.example.com
//!     - host: db.corp.internal
//!       pipelock: {ssrf_ip_allowlist: [10.20.0.0/16]}
//! ```

use crate::check::{Context, Severity, Sink, shown};
use crate::egress::address::{Range, forbidden, literal};
use crate::egress::policy::host_name;
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for route in super::routes(ctx) {
        let ranges = &route.pipelock.ssrf_ip_allowlist;
        if let Some(host) = &route.host
            && let Some(reason) = reason(&host.value)
            && (ranges.is_empty() || reason.metadata || literal(&host.value).is_some())
        {
            let message = format!("`{}` is {}, which the egress refuses", shown(&host.value), reason.why);
            out.at(&host.place, message).help(if reason.metadata {
                "remove the route: this service hands out the machine's own credentials"
            } else {
                "name a public host, or list the addresses that it may have in `pipelock.ssrf_ip_allowlist`"
            });
        }
        for range in ranges {
            let open = Range::parse(&range.value).is_some_and(|r| METADATA.iter().any(|m| in_range(&r, m)));
            if open {
                out.at(
                    &range.place,
                    "this range holds a cloud metadata address, so the host could lead there",
                )
                .severity(Severity::Warning)
                .help("list the addresses that the host has, and no more");
            }
        }
    }
}

const METADATA: [&str; 3] = ["169.254.169.254", "100.100.100.200", "fd00:ec2::254"];

fn in_range(range: &Range, address: &str) -> bool {
    address.parse().is_ok_and(|a| range.contains(a))
}

/// Why a host is private.
pub(super) struct Reason {
    why: &'static str,
    metadata: bool,
}

/// Names of the network that a machine is in, by their last label.
const SUFFIXES: [(&str, &str); 10] = [
    ("localhost", "a loopback name"),
    ("localdomain", "a loopback name"),
    ("local", "a name of the local network"),
    ("internal", "a name of a private network"),
    ("intranet", "a name of a private network"),
    ("private", "a name of a private network"),
    ("corp", "a name of a private network"),
    ("lan", "a name of the local network"),
    ("home", "a name of the local network"),
    ("home.arpa", "a name of the local network"),
];

/// Public names whose subdomains spell the address that they lead to.
const SPELLED: [&str; 4] = ["nip.io", "sslip.io", "xip.io", "traefik.me"];

/// Public names that always lead to this machine.
const LOOPBACK: [&str; 3] = ["localtest.me", "lvh.me", "vcap.me"];

pub(super) fn reason(host: &str) -> Option<Reason> {
    let plain = |why| Some(Reason { why, metadata: false });
    if let Some(why) = literal(host).and_then(forbidden) {
        return Some(Reason { why, metadata: why.contains("metadata") });
    }
    let bare = host.strip_prefix("*.").unwrap_or(host);
    let name = host_name(bare).ok()?;
    let below = |suffix: &str| name.strip_suffix(suffix).is_some_and(|n| n.is_empty() || n.ends_with('.'));
    if ["metadata.google.internal", "instance-data", "metadata"].contains(&name.as_str()) {
        return Some(Reason { why: "the cloud's metadata service", metadata: true });
    }
    if let Some((_, why)) = SUFFIXES.iter().find(|(suffix, _)| below(suffix)) {
        return plain(why);
    }
    if LOOPBACK.iter().any(|suffix| below(suffix)) {
        return plain("a name that leads to this machine");
    }
    if let Some(suffix) = SPELLED.iter().find(|suffix| below(suffix)) {
        let spelled = spelled_address(name.strip_suffix(suffix).unwrap_or("").trim_end_matches('.'));
        // A wildcard there covers every address.
        let private = spelled.is_none_or(|a| forbidden(IpAddr::V4(a)).is_some());
        return if private { plain("a name that spells a private address") } else { None };
    }
    if bare == host && !host.contains('.') {
        plain("a name without a dot, which only a private network knows")
    } else {
        None
    }
}

/// The address in `app.10.0.0.1`, `app-10-0-0-1` or `0a000001`.
fn spelled_address(labels: &str) -> Option<Ipv4Addr> {
    let parts: Vec<_> = labels.split(['.', '-']).collect();
    let dotted = parts.windows(4).find_map(|w| w.join(".").parse().ok());
    let hex = || parts.iter().find_map(|p| (p.len() == 8).then(|| u32::from_str_radix(p, 16).ok()).flatten());
    dotted.or_else(|| hex().map(Ipv4Addr::from))
}
