//! # invalid-header
//!
//! ## What it finds
//! A name in `pass_headers`, `auth.header` or the `headers` of `matches` that no header can have, or that is never let through: where
//! the route's own credential goes, what belongs to one connection, and, on a route with terms, what would
//! undo them. Of `matches` also a header that is taken away before it could match, and a value that none has.
//!
//! ## Why it matters
//! The egress takes the guest's credentials and a proxy's claims away by the shape of their names, and
//! `pass_headers` says which ones go through all the same. A name here that has no effect promises more
//! than happens.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//!       pass_headers:
//!         - x-csrf-token
//!         - "x-csrf-token:" # <- invalid-header
//!         - Authorization # <- invalid-header
//!         - host # <- invalid-header
//!     - host: api.example.com
//!       auth:
//!         header: connection # <- invalid-header
//!         token_ref: GITHUB_TOKEN
//!     - host: www.example.com
//!       matches:
//!         - headers:
//!             - {name: x-team, value: core}
//!             - name: x-forwarded-for # <- invalid-header
//!               value: 10.0.0.1
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//!       pass_headers: [x-csrf-token]
//!     - host: api.example.com
//!       auth:
//!         header: x-api-key
//!         token_ref: GITHUB_TOKEN
//!     - host: www.example.com
//!       matches:
//!         - headers:
//!             - {name: x-team, value: core}
//! ```

use crate::check::{Context, Sink, shown};
use crate::egress::shape::{Shape, is_header_name, never_carries, never_passes, same_name, shape};
use crate::manifest::{HeaderSpec, Located, Route};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for route in super::routes(ctx) {
        let own = route.auth.as_ref().and_then(|auth| auth.header.as_ref());
        own.iter().for_each(|header| credentials(out, header));
        let terms = route.matches.iter().flat_map(|m| &m.value).flat_map(|e| e.headers.iter().flatten());
        terms.for_each(|term| asked_for(out, route, term));
        let has_terms = route.has_terms();
        for name in &route.pass_headers {
            let text = name.value.as_str();
            if !is_header_name(text) {
                out.at(&name.place, format!("`{}` is not the name of a header", shown(text)))
                    .help("write the name alone, such as `x-csrf-token`");
            } else if own.is_some_and(|own| same_name(&own.value, text)) {
                out.at(&name.place, format!("`{}` is where the route's own credential goes", shown(text)))
                    .help("remove it");
            } else if let Some(why) = never_passes(text) {
                out.at(&name.place, format!("`{}` is never let through: {why}", shown(text)))
                    .help("remove it");
            } else if has_terms && shape(text) == Some(Shape::Override) {
                let why = "it could turn a request into another than the route's terms allow";
                out.at(&name.place, format!("`{}` is never let through here: {why}", shown(text)))
                    .help("remove it, or the terms");
            }
        }
    }
}

/// The header that a credential is to go in.
fn credentials(out: &mut Sink<'_>, header: &Located<String>) {
    let text = header.value.as_str();
    if !is_header_name(text) {
        out.at(&header.place, format!("`{}` is not the name of a header", shown(text)))
            .help("write the name alone, such as `x-api-key`");
    } else if let Some(why) = never_carries(text) {
        out.at(&header.place, format!("`{}` carries no credential: {why}", shown(text)))
            .help("write the header that the service documents, such as `x-api-key`");
    }
}

/// A header that a request must have.
fn asked_for(out: &mut Sink<'_>, route: &Route, term: &HeaderSpec) {
    let HeaderSpec { name, value } = term;
    let text = name.value.as_str();
    let passed = route.pass_headers.iter().any(|passed| passed.value.eq_ignore_ascii_case(text));
    let own = route.auth.as_ref().and_then(|auth| auth.header.as_ref());
    let why = match shape(text) {
        _ if !is_header_name(text) => Some("no header has such a name"),
        _ if own.is_some_and(|own| same_name(&own.value, text)) => {
            Some("the route's own credential goes there")
        }
        Some(Shape::Credential) => Some("a credential stands in no manifest; `auth` adds one"),
        Some(Shape::Override) => Some("a request that has it is refused"),
        Some(Shape::Claim) if !passed => Some("it is taken away before; `pass_headers` would let it through"),
        _ => never_passes(text),
    };
    if let Some(why) = why {
        out.at(&name.place, format!("`{}` can be no term: {why}", shown(text)))
            .help("write a header that only describes the request, such as `x-team`");
    } else if !value.value.bytes().all(|b| b == b'\t' || (b' '..0x7f).contains(&b)) {
        out.at(&value.place, "no header has such a value").help("write printable ASCII text in one line");
    }
}
