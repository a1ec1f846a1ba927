//! # signed-host
//!
//! ## What it finds
//! `auth` on a route to a service of AWS that wants each request signed (AWS Signature Version 4): any host below
//! `amazonaws.com`, `amazonaws.com.cn` or `api.aws` but Bedrock's own, which takes an API key as a bearer.
//!
//! ## Why it matters
//! The signature covers the request and is made with the secret key, by the program that sends it. Putting another
//! credential into a header on the way makes none: the service refuses every request. This version does not sign
//! requests on the way out.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: s3.eu-central-1.amazonaws.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN} # <- signed-host
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: bedrock-runtime.eu-central-1.amazonaws.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//! ```

use crate::check::{Context, Sink, shown};

/// Zones in which requests are signed.
const SIGNED: [&str; 3] = ["amazonaws.com", "amazonaws.com.cn", "api.aws"];
/// Services there that take an API key.
const BEARER: [&str; 4] = ["bedrock", "bedrock-runtime", "bedrock-fips", "bedrock-runtime-fips"];

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for route in super::routes(ctx) {
        let (Some(host), Some(auth)) = (&route.host, &route.auth) else { continue };
        let name = host.value.to_ascii_lowercase();
        let signed =
            SIGNED.iter().any(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')));
        if !signed || name.split('.').next().is_some_and(|service| BEARER.contains(&service)) {
            continue;
        }
        let text =
            format!("{} wants signed requests, and a credential in a header is no signature", shown(&name));
        out.at(&auth.place, text).help(
            "remove `auth`: what signs in the bottle needs keys of its own, best short-lived ones that allow little",
        );
    }
}
