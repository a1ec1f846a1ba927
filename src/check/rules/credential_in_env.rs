//! # credential-in-env
//!
//! ## What it finds
//! A variable of `env` that is filled at launch (`${NAME}` or `?question`) and whose name or
//! question speaks of a token, key, secret or password.
//!
//! ## Why it matters
//! The agent can read its own environment, and whatever tricks the agent can send it away. A route
//! with `auth` needs no variable in the guest: the egress adds the credential on the way out.
//!
//! ## Bad
//! ```yaml
//! env:
//!   GITHUB_TOKEN: "${GITHUB_TOKEN}" # <- credential-in-env
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::speaks_of_credential;
use crate::plan::{EnvValue, env_value};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for variable in ctx.bottle.iter().flat_map(|b| &b.env) {
        let name = variable.name.value.as_str();
        let (source, host_name) = match env_value(name, variable.value.value.clone()) {
            EnvValue::Host(host) if speaks_of_credential(name) || speaks_of_credential(&host) => {
                (format!("the host's `{}`", shown(&host)), Some(host))
            }
            EnvValue::Ask(text) if speaks_of_credential(name) || speaks_of_credential(&text) => {
                ("the answer".to_owned(), None)
            }
            _ => continue,
        };
        // Those may not be set at all, which is the finding to mend.
        if super::engine_owned_env::owns(name) || ctx.provided().env.contains(name) {
            continue;
        }
        let message = format!("this puts {source}, by its name a credential, into the guest, where the agent can read it");
        let name = host_name.filter(|n| super::invalid_env_name::is_variable(n)).unwrap_or_else(|| "NAME".to_owned());
        out.at(&variable.value.place, message).help(format!(
            "give the route of the host that wants it `auth: {{scheme: Bearer, token_ref: {}}}`, and remove the variable",
            shown(&name)
        ));
    }
}
