//! # unknown-role
//!
//! ## What it finds
//! Any `role` on a route. The field is reserved, and there are no roles.
//!
//! ## Why it matters
//! Earlier manifests marked the provider's own route with a role (`claude_code_oauth`,
//! `codex_auth`). Today the provisioner owns that route: the bottle says how the agent logs in,
//! and the plan adds the route with the right host, credential and DLP setting.
//!
//! ## Bad
//! ```yaml
//! agent_provider:
//!   template: claude
//! egress:
//!   routes:
//!     - host: api.anthropic.com
//!       auth: {scheme: Bearer, token_ref: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN}
//!       role: claude_code_oauth # <- unknown-role
//!     - host: api.github.com
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   template: claude
//!   auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN
//! egress:
//!   routes:
//!     - host: api.github.com
//! ```

use super::invalid_env_name::is_variable;
use crate::check::shown;
use crate::check::{Context, Edit, Sink, edit};
use crate::manifest::Route;
use crate::provider::{self, FormerRole, Provider};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let routes = ctx.bottle.iter().flat_map(|b| b.egress.iter()).flat_map(|e| e.value.iter().enumerate());
    for (index, route) in routes {
        let Some(role) = &route.role else { continue };
        let former = former(&role.value);
        let message = format!("unknown role `{}`", shown(&role.value));
        match former {
            Some((provider, former)) => {
                let template = provider.template();
                let (field, written) = (former.field, token_ref(route));
                let value = shown(former.value(written).unwrap_or("NAME"));
                let help = match set_already(ctx, former) {
                    Some(set) if written.is_some_and(|w| former.takes_token_ref && w != set) => format!(
                        "remove the route; `agent_provider.{field}: {}` stays, and the route's was `{value}`",
                        shown(&set)
                    ),
                    Some(_) => format!("remove the route; `agent_provider.{field}` makes it"),
                    None => {
                        format!("remove the route and set `agent_provider.{field}: {value}` ({template})")
                    }
                };
                out.at(
                    &role.place,
                    format!("{message}: the provisioner owns this route, a manifest cannot declare it"),
                )
                .help(help);
            }
            None => {
                out.at(&role.place, format!("{message}: the field is reserved, and there are no roles"))
                    .help("remove it");
            }
        }
        if let Some((title, edits)) = fix(ctx, route, index, former)
            && let Some(finding) = out.last()
        {
            finding.safe_fix(title, edits);
        }
    }
}

fn former(role: &str) -> Option<(&'static dyn Provider, &'static FormerRole)> {
    provider::all().iter().find_map(|p| p.former_roles().iter().find(|f| f.role == role).map(|f| (*p, f)))
}

fn token_ref(route: &Route) -> Option<&str> {
    route.auth.as_ref()?.token_ref.as_ref().map(|t| t.value.as_str())
}

/// What the field that took the role's place says already, here or in a parent.
fn set_already(ctx: &Context<'_>, former: &FormerRole) -> Option<String> {
    let provider = &ctx.resolved()?.bottle.provider;
    if former.takes_token_ref {
        return provider.auth_token().map(|t| t.value.clone());
    }
    provider.forward_host_credentials.as_ref().filter(|f| f.value).map(|_| "true".to_owned())
}

/// For a former role on the provider's own host: the route goes, and the provider's field comes where
/// there is none yet; a login that is there stays as it is. For anything else the role alone goes.
fn fix(
    ctx: &Context<'_>,
    route: &Route,
    index: usize,
    former: Option<(&'static dyn Provider, &'static FormerRole)>,
) -> Option<(String, Vec<Edit>)> {
    let root = ctx.root?;
    let host = route.host.as_ref().map(|h| h.value.as_str()).unwrap_or_default();
    let own =
        former.filter(|(provider, _)| provider.vendor_hosts().iter().any(|h| h.eq_ignore_ascii_case(host)));
    let Some((provider, former)) = own else {
        let node = root.get("egress")?.get("routes")?.items().get(index)?;
        return Some(("remove the role".to_owned(), vec![edit::remove_entry(ctx.text(), node, "role")?]));
    };
    let same = ctx.provider().is_some_and(|p| p.template() == provider.template());
    let value = former.value(token_ref(route)).filter(|v| is_variable(v));
    let Some(value) = value.filter(|_| same && set_already(ctx, former).is_none()) else {
        return Some(("remove the route".to_owned(), super::remove_route(ctx, index)?));
    };
    let mut edits = super::remove_route_beside(ctx, index, true)?;
    let before = edits.iter().map(|e| e.span.start as usize).min().unwrap_or(0);
    let at = root.entry("egress").map_or(before, |e| edit::line_start(ctx.text(), e.key.span.start as usize));
    edits.push(edit::set_below(ctx.text(), root, "agent_provider", former.field, value, at)?);
    Some((format!("remove the route and set `agent_provider.{}`", former.field), edits))
}
