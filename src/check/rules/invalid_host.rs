//! # invalid-host
//!
//! ## What it finds
//! A route's `host` that is not a host name: a URL, a name with a port or a path, an address, `*`
//! anywhere but alone in front.
//!
//! ## Why it matters
//! The egress compares the host's name and nothing else. Text that is not a name matches no request,
//! so the route would be dead; and an address says nothing about who answers there.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: https://api.github.com/x # <- invalid-host
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//! ```

use crate::check::{Context, Sink, shown};
use crate::egress::address::{forbidden, literal, numeric_host};
use crate::egress::policy::{Denial, host_name};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for host in super::routes(ctx).iter().filter_map(|r| r.host.as_ref()) {
        let Some(why) = problem(&host.value) else { continue };
        let finding = out.at(&host.place, format!("`{}` is not a host name: {why}", shown(&host.value)));
        let bare = bare(&host.value);
        let private = super::private_host::reason(&bare).is_some();
        if bare == host.value || bare == "*" || private || problem(&bare).is_some() {
            finding.help("write a name such as `api.example.com`, or `*.example.com` for its subdomains");
            continue;
        }
        let path = host.value.split_once(&bare).and_then(|(_, rest)| rest.split_once('/'));
        let and_path = if path.is_some_and(|(_, path)| !path.is_empty()) {
            ", and the path in `path_allowlist`"
        } else {
            ""
        };
        finding.help(format!("write `{bare}`{and_path}"));
        let title = format!("write `{bare}`");
        // A scheme, a last slash or a last dot say nothing more; a port or a path did.
        let rest = host.value.split_once("://").map_or(host.value.as_str(), |(_, rest)| rest);
        if rest.trim().trim_end_matches(['/', '.']) == bare {
            finding.safe_fix(title, super::replaced(&host.place, &bare));
        } else {
            finding.unsafe_fix(title, super::replaced(&host.place, &bare));
        }
    }
}

/// What keeps the text from being a route's host. `*` alone and private addresses have rules of
/// their own.
fn problem(host: &str) -> Option<String> {
    if host == "*" || literal(host).is_some_and(|a| forbidden(a).is_some()) {
        return None;
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    let checked = host_name(name);
    if checked.is_ok() && host.len() <= 253 {
        return None;
    }
    let why = |text: &str| Some(text.to_owned());
    if host.contains("://") {
        return why("it begins with a scheme, and a route is for a host");
    }
    if numeric_host(name) && literal(name).is_some() {
        return why("it is an address, and routes are for names");
    }
    if host.contains('/') {
        return why("it holds a path, which belongs into `path_allowlist`");
    }
    if host.contains('@') {
        return why("it holds a user name; a credential belongs into `auth`");
    }
    if host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
        return why("it holds a port; a route opens 443, and 80 for plain HTTP");
    }
    if name.contains('*') {
        return why("`*` may only stand alone in front, as in `*.example.com`");
    }
    if name.len() > 1 && name.ends_with('.') {
        return why("it ends with a dot");
    }
    if host.len() > 253 {
        return why("it is longer than 253 characters");
    }
    match checked {
        Err(Denial::NotAHost { why, .. }) => Some(why.to_owned()),
        _ => None,
    }
}

/// The host of what may be a URL.
fn bare(text: &str) -> String {
    let rest = text.trim().split_once("://").map_or(text.trim(), |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = |(_, port): &(&str, &str)| port.bytes().all(|b| b.is_ascii_digit());
    let host = host.rsplit_once(':').filter(port).map_or(host, |(host, _)| host);
    host.trim_end_matches('.').to_owned()
}
