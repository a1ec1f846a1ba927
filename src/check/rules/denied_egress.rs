//! # denied-egress
//!
//! ## What it finds
//! Requests that the last runs of this bottle made and that were refused, and that its manifest
//! would still refuse. Editors show them where the bottle has run; on the command line
//! `check --denied` does.
//!
//! ## Why it matters
//! Either the agent needs a route that is missing, or something in its input told it to call a
//! host that it should not. Which of the two is for a person to say: the fix adds the narrowest
//! route and is never applied unasked. For private, metadata and malformed hosts there is none.
//!
//! ## Bad
//! ```yaml denied.bottle.yaml
//! egress:
//!   routes:
//!     - host: api.github.com # <- denied-egress
//!       matches:
//!         - methods: [GET]
//! ```
//!
//! ## Good
//! ```yaml denied.bottle.yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//! ```

use super::invalid_method::METHODS;
use crate::check::{Context, Denied, Edit, Sink, edit, shown};
use crate::egress::code::Code;
use crate::egress::path::canonical_path;
use crate::egress::policy::{Denial, Nearest, Policy, Request, Scheme, host_name};
use crate::manifest::{Kind, Route, looks_secret};
use crate::plan::build;
use crate::provider::{GitAccess, RouteOwner, Start, login_for};
use crate::syntax::Entry;

/// An agent that tries a thousand hosts shall not bury the other findings.
const MOST: usize = 20;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if ctx.facts.denied.is_empty() {
        return;
    }
    let file = ctx.catalog.files.canonical(&ctx.source.path).unwrap_or_else(|| ctx.source.path.to_path_buf());
    let own = |d: &&Denied| d.bottle == ctx.manifest.name && d.file == file;
    let mut denied = ctx.facts.denied.iter().filter(own).peekable();
    let (Some(resolved), Some(_)) = (ctx.resolved(), denied.peek()) else { return };
    let Ok(plan) = build(&resolved.bottle, ctx.agent.as_ref(), &Start::default(), ctx.catalog.layout) else {
        return;
    };
    let policy = Policy::new(&plan.egress_routes);
    let still = denied.filter_map(|d| Some((d, verdict(&policy, d)?)));
    for (denied, reason) in still.take(MOST) {
        let host = denied.host.to_ascii_lowercase();
        let nearest = reason.as_ref().and_then(Denial::nearest).map(|nearest| nearest.index);
        let deciding = nearest.or_else(|| policy.deciding(&host).ok()).and_then(|i| policy.route(i));
        let routes = resolved.bottle.egress.iter().flat_map(|e| &e.value);
        let named = |r: &&Route| {
            r.host.as_ref().is_some_and(|h| deciding.is_some_and(|d| h.value.eq_ignore_ascii_case(&d.host)))
        };
        let route_place = routes.clone().find(named).and_then(|r| Some(r.host.as_ref()?.place.clone()));
        let egress_place = || {
            let own = ctx.root.and_then(|r| r.entry("egress")).map(|e| ctx.place(e.key.span));
            own.or_else(|| resolved.bottle.egress.as_ref().map(|e| e.place.clone()))
        };
        let place = route_place.or_else(egress_place).unwrap_or_else(|| ctx.place(ctx.head()));
        let times = if denied.count == 1 { "once".to_owned() } else { format!("{} times", denied.count) };
        let what = match &denied.path {
            Some(path) => format!("{} {}{}", shown(&denied.method), shown(&denied.host), shown(path)),
            // The tunnel was refused, and nobody saw what was to go through it.
            None => shown(&denied.host),
        };
        let reason = match &reason {
            Some(denial) => shown(&denial.to_string()),
            None => format!("refused as `{}`", denied.code),
        };
        let message = format!("a run asked {times} for {what} (first {}): {reason}", moment(&denied.first));
        let finding = out.at(&place, message);
        match login_for(&host).filter(|(p, _)| ctx.provider().is_some_and(|own| own.template() == p.template())) {
            Some((provider, field)) => finding.help(format!(
                "for {}'s own login set `agent_provider.{field}` (or `api_key`), which makes that route; else add a route if the work needs it",
                provider.template()
            )),
            None => finding.help("add a route if the work needs it; if not, find out what made the agent ask"),
        };
        if let Some(edits) = fix(ctx, denied, &policy) {
            finding.unsafe_fix(format!("allow {what}"), edits);
        }
    }
}

/// A time as a person reads it: `2026-01-01 09:30:00 UTC` of `2026-01-01T09:30:00.000Z`.
fn moment(time: &str) -> String {
    match (time.get(..10), time.get(11..19)) {
        (Some(day), Some(clock)) => format!("{} {} UTC", shown(day), shown(clock)),
        _ => shown(time),
    }
}

/// Why today's routes refuse the request; `Some(None)` where the refusal was not the routes'.
fn verdict(policy: &Policy, denied: &Denied) -> Option<Option<Denial>> {
    let answer = match (denied.code, &denied.path) {
        (Code::GitPush, _) => {
            let all = policy.candidates(&denied.host).ok()?;
            let with = |access| all.iter().position(|i| policy.route(*i).and_then(|r| r.git) == Some(access));
            let number = with(GitAccess::Read).filter(|_| with(GitAccess::Write).is_none())?;
            let (host, index) = (denied.host.clone(), all[number]);
            let route = Nearest { host, index, number: number + 1, of: all.len() };
            return Some(Some(Denial::GitPush { route }));
        }
        (
            Code::Host
            | Code::Path
            | Code::Method
            | Code::Header
            | Code::NotGit
            | Code::AmbiguousPath
            | Code::PlainHttp,
            Some(path),
        ) => {
            let scheme = if denied.code == Code::PlainHttp { Scheme::Http } else { Scheme::Https };
            let (host, method) = (denied.host.as_str(), denied.method.as_str());
            policy.request(&Request { scheme, host, port: scheme.port(), method, target: path }).map(|_| ())
        }
        (Code::Host | Code::NotAHost, _) => policy.connect(&denied.host, Scheme::Https.port()).map(|_| ()),
        _ => return Some(None),
    };
    answer.err().map(Some)
}

/// Adds the narrowest route, or the narrowest term to the route that decides.
fn fix(ctx: &Context<'_>, denied: &Denied, policy: &Policy) -> Option<Vec<Edit>> {
    let host = host_name(&denied.host).ok()?;
    let text = ctx.text();
    let own = ctx.bottle.as_ref().and_then(|b| b.egress.as_ref());
    // With a route of its own a bottle that dropped its parents' routes would have them again.
    let dropped = ctx.bottle.as_ref().is_some_and(|b| !b.inherits_routes && !b.extends.is_empty())
        && own.is_some_and(|own| own.value.is_empty());
    if ctx.manifest.kind != Kind::Bottle || dropped || super::private_host::reason(&host).is_some() {
        return None;
    }
    let term = match denied.path.as_deref() {
        None => None,
        Some(path) if looks_secret(path).is_some() || !METHODS.contains(&denied.method.as_str()) => {
            return None;
        }
        Some(path) => {
            let value = edit::scalar(&canonical_path(path).ok()?);
            Some(format!("{{paths: [{{type: exact, value: {value}}}], methods: [{}]}}", denied.method))
        }
    };
    match verdict(policy, denied)?? {
        Denial::Host { .. } => add_route(ctx, &host, term),
        Denial::Path { route: nearest, .. } | Denial::Method { route: nearest, .. } => {
            // Only in the layer that decides does one more route add to what there is.
            let decides = policy.route(nearest.index)?;
            if decides.owner != RouteOwner::Manifest || decides.layer > 1 {
                return None;
            }
            let same = |r: &Route| r.host.as_ref().is_some_and(|h| h.value.eq_ignore_ascii_case(&host));
            let plain = |r: &Route| r.path_allowlist.is_none() && r.git.is_none();
            let index = super::routes(ctx).iter().position(|r| same(r) && plain(r));
            let matches: Option<&Entry> =
                index.and_then(|i| super::route_node(ctx, i)).and_then(|n| n.entry("matches"));
            let Some(matches) = matches else { return add_route(ctx, &host, term) };
            let term = term?;
            Some(vec![edit::add_item(text, &matches.value, std::slice::from_ref(&term), &term)?])
        }
        _ => None,
    }
}

/// One more route, to a host or to what `term` says of it alone.
fn add_route(ctx: &Context<'_>, host: &str, term: Option<String>) -> Option<Vec<Edit>> {
    let (text, root) = (ctx.text(), ctx.root?);
    let mut block = vec![format!("host: {}", edit::scalar(host))];
    block.extend(term.iter().flat_map(|t| ["matches:".to_owned(), format!("  - {t}")]));
    let matches = term.map(|t| format!(", matches: [{t}]")).unwrap_or_default();
    let flow = format!("{{host: {}{matches}}}", edit::scalar(host));
    let Some(egress) = root.entry("egress") else {
        return Some(vec![edit::add_entry(text, root, "egress", &format!("{{routes: [{flow}]}}"))?]);
    };
    let Some(routes) = egress.value.get("routes") else {
        let routes = format!("[{flow}]");
        return Some(vec![edit::add_entry(text, &egress.value, "routes", &routes)?]);
    };
    Some(vec![edit::add_item(text, routes, &block, &flow)?])
}
