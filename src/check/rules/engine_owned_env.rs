//! # engine-owned-env
//!
//! ## What it finds
//! A variable of `env` that the engine sets: the proxy's address, the CA file, the guest's home and
//! user. In small letters too, and those that would override them.
//!
//! ## Why it matters
//! The one way out of a bottle is the egress, and these variables lead there. A proxy of the
//! manifest's own would lead nowhere, and another CA file would break every connection that the
//! egress looks into.
//!
//! ## Bad
//! ```yaml
//! env:
//!   LOG_LEVEL: debug
//!   HTTPS_PROXY: http://proxy.example.com:3128 # <- engine-owned-env
//! ```
//!
//! ## Good
//! ```yaml
//! env:
//!   LOG_LEVEL: debug
//! ```

use crate::check::{Context, Sink};
use crate::plan::engine_env::NAMES;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for variable in ctx.bottle.iter().flat_map(|b| &b.env).filter(|v| owns(&v.name.value)) {
        let name = variable.name.value.as_str();
        let account = ACCOUNT.contains(&name);
        let why = if account { "the guest's account" } else { "the way to the egress" };
        let finding = out.at(&variable.name.place, format!("{name} is the engine's: it belongs to {why}"));
        finding.help(match account {
            true => "remove it",
            false => "remove it; a proxy behind the egress is the operator's `--upstream-proxy`",
        });
        if let Some(edit) = super::remove_variable(ctx, name) {
            finding.unsafe_fix(format!("remove {name}"), vec![edit]);
        }
    }
}

/// The guest's account.
const ACCOUNT: [&str; 3] = ["HOME", "LOGNAME", "USER"];

/// What the engine does not set, and what would override what it sets.
const OVERRIDING: [&str; 6] = [
    "FTP_PROXY",
    "GIT_SSL_CAPATH",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "PYTHONHTTPSVERIFY",
    "SSL_CERT_DIR",
    "WS_PROXY",
];

/// Whether a variable is the engine's. Programs read the proxy variables in any case.
pub(super) fn owns(name: &str) -> bool {
    let proxy = name.to_ascii_lowercase();
    NAMES.contains(&name)
        || ACCOUNT.contains(&name)
        || OVERRIDING.contains(&name)
        || proxy.ends_with("_proxy")
            && NAMES.iter().chain(&OVERRIDING).any(|n| n.eq_ignore_ascii_case(&proxy))
}
