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

use crate::check::{Context, Edit, Sink, edit};
use crate::check::shown;
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
                let value = shown(former.value(token_ref(route)).unwrap_or("NAME"));
                out.at(&role.place, format!("{message}: the provisioner owns this route, a manifest cannot declare it"))
                    .help(format!("remove the route and set `agent_provider.{}: {value}` ({template})", former.field));
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
    provider::all()
        .iter()
        .find_map(|p| p.former_roles().iter().find(|f| f.role == role).map(|f| (*p, f)))
}

fn token_ref(route: &Route) -> Option<&str> {
    route.auth.as_ref()?.token_ref.as_ref().map(|t| t.value.as_str())
}

/// For a former role on the provider's own host: the route goes, the provider's field comes. For
/// anything else the role alone goes.
fn fix(
    ctx: &Context<'_>,
    route: &Route,
    index: usize,
    former: Option<(&'static dyn Provider, &'static FormerRole)>,
) -> Option<(String, Vec<Edit>)> {
    let root = ctx.root?;
    let host = route.host.as_ref().map(|h| h.value.as_str()).unwrap_or_default();
    let own = former.filter(|(provider, _)| provider.vendor_hosts().iter().any(|h| h.eq_ignore_ascii_case(host)));
    let Some((provider, former)) = own else {
        let node = root.get("egress")?.get("routes")?.items().get(index)?;
        return Some(("remove the role".to_owned(), vec![edit::remove_entry(ctx.text(), node, "role")?]));
    };
    let mut edits = super::remove_route(ctx, index)?;
    let same = ctx.provider().is_some_and(|p| p.template() == provider.template());
    let value = former.value(token_ref(route));
    let Some(value) = value.filter(|_| same) else {
        return Some(("remove the route".to_owned(), edits));
    };
    let before = edits.iter().map(|e| e.span.start as usize).min().unwrap_or(0);
    let at = root.entry("egress").map_or(before, |e| edit::line_start(ctx.text(), e.key.span.start as usize));
    edits.push(edit::set_below(ctx.text(), root, "agent_provider", former.field, value, at)?);
    Some((format!("remove the route and set `agent_provider.{}`", former.field), edits))
}
