//! # token-unset
//!
//! ## What it finds
//! A `token_ref` or `auth_token` that this host's environment lacks. Only an editor says so, for
//! the environment that it runs in.
//!
//! ## Why it matters
//! A launch from here stops before it starts anything. In another shell, or on another machine, the
//! variable may well be set.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.example.com
//!       auth: {scheme: Bearer, token_ref: EXAMPLE_TOKEN} # <- token-unset
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//! ```

use super::invalid_env_name::is_variable;
use crate::check::{Context, Sink};
use crate::manifest::looks_secret;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(names) = ctx.facts.env_names else { return };
    for token_ref in super::token_refs(ctx) {
        let name = token_ref.value.as_str();
        if names.contains(name) || !is_variable(name) || looks_secret(name).is_some() {
            continue;
        }
        out.at(&token_ref.place, format!("this host's environment has no {name}"))
            .help(format!("set it where you launch: `export {name}=…`"));
    }
}
