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

use crate::check::{Context, Severity, Sink, shown};
use crate::manifest::speaks_of_credential;
use crate::plan::{EnvValue, env_value};
use std::collections::HashSet;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let used = credentials_of_routes(ctx, out);
    for variable in ctx.bottle.iter().flat_map(|b| &b.env) {
        let name = variable.name.value.as_str();
        let (source, host_name) = match env_value(name, variable.value.value.clone()) {
            EnvValue::Host(host) if used.contains(&host) => continue,
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
        let message = format!(
            "this puts {source}, by its name a credential, into the guest, where the agent can read it"
        );
        let name = host_name
            .filter(|n| super::invalid_env_name::is_variable(n))
            .unwrap_or_else(|| "NAME".to_owned());
        out.at(&variable.value.place, message).help(format!(
            "give the route of the host that wants it `auth: {{scheme: Bearer, token_ref: {}}}`, and remove the variable",
            shown(&name)
        ));
    }
}

/// The credentials of routes, and an error for each variable that brings one of them into the guest:
/// what the egress keeps away from the agent would be in its environment.
fn credentials_of_routes(ctx: &Context<'_>, out: &mut Sink<'_>) -> HashSet<String> {
    let Some(bottle) = ctx.resolved().map(|r| &r.bottle).filter(|_| ctx.bottle.is_some()) else {
        return HashSet::new();
    };
    let routes = bottle.egress.iter().flat_map(|e| &e.value);
    let of_routes = routes.filter_map(|r| r.auth.as_ref()?.token_ref.as_ref());
    let refs: Vec<_> = of_routes.chain(bottle.provider.variables()).collect();
    for variable in &bottle.env {
        let EnvValue::Host(host) = env_value(&variable.name.value, variable.value.value.clone()) else {
            continue;
        };
        let Some(token_ref) = refs.iter().find(|t| t.value == host) else { continue };
        let host = shown(&host);
        out.at(&variable.value.place, format!("this puts the host's `{host}`, a credential that the egress adds for the agent, into the guest"))
            .severity(Severity::Error)
            .help("remove the variable: requests get the credential on their way out, and the agent needs none")
            .related(&token_ref.place, "the credential of a route");
    }
    refs.into_iter().map(|t| t.value.clone()).collect()
}
