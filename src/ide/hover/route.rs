//! What a route allows and what the egress adds, in the policy's words.

use crate::check::shown;
use crate::egress::policy::{Handling, Policy, Scheme};
use crate::ide::Snapshot;
use crate::ide::markdown::{code, codes};
use crate::manifest::{Found, Kind, read_bottle};
use crate::plan::draft;
use crate::provider::{
    AuthScheme, EgressRoute, GitAccess, PathKind, PathPattern, Protocol, RouteOwner, Start,
};

/// The `index`-th route of a bottle's own text, as Markdown.
pub(super) fn describe(snapshot: &Snapshot<'_>, found: &Found, index: usize) -> Option<String> {
    if found.manifest.kind != Kind::Bottle {
        return None;
    }
    let bottle = read_bottle(&found.source, &found.manifest);
    let routes = &bottle.egress.as_ref()?.value;
    routes.get(index)?.host.as_ref()?;
    // A route without a host is in no plan.
    let nth = routes[..index].iter().filter(|r| r.host.is_some()).count();
    let plan = draft(found, snapshot.catalog, &Start::default()).ok()?;
    let provided = plan.egress_routes.iter().filter(|r| r.owner == RouteOwner::Provider).count();
    let place = provided + nth;
    let route = plan.egress_routes.get(place)?;
    let mut lines = vec![format!("Route to {}:\n", code(&route.host))];
    if let Some(domain) = route.host.strip_prefix("*.") {
        lines.push(format!("- every subdomain, but not {} itself", code(domain)));
    }
    lines.extend(allowed(route));
    lines.push(credential(route));
    lines.extend(handling(&plan.egress_routes, route, place));
    Some(lines.join("\n"))
}

fn allowed(route: &EgressRoute) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(ports) = &route.ports {
        let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
        lines.push(match ports.as_slice() {
            [] => "- no port: the list is empty".to_owned(),
            [one] => format!("- port {} alone", code(one)),
            all => format!("- the ports {} alone", codes(all.iter().map(String::as_str))),
        });
    }
    if route.protocol == Protocol::Tcp {
        lines.push("- every byte: no method, path or credential".to_owned());
        return lines;
    }
    let stated = lines.len();
    match route.git {
        Some(GitAccess::Read) => lines.push("- only git over HTTPS: fetch and clone".to_owned()),
        Some(GitAccess::Write) => lines.push("- only git over HTTPS: fetch, clone and push".to_owned()),
        None => {}
    }
    match route.path_allowlist.as_deref() {
        Some([]) => lines.push("- no path at all: the list is empty".to_owned()),
        Some(paths) => lines.push(format!("- below {}", codes(paths.iter().map(String::as_str)))),
        None => {}
    }
    match route.matches.as_deref() {
        Some([]) => lines.push("- nothing: no entry can match".to_owned()),
        Some(entries) => lines.extend(entries.iter().map(|entry| {
            let methods = match entry.methods.as_deref() {
                None => "any method".to_owned(),
                Some([]) => "no method".to_owned(),
                Some(methods) => codes(methods.iter().map(String::as_str)),
            };
            let paths = match entry.paths.as_deref() {
                None => "any path".to_owned(),
                Some([]) => "no path".to_owned(),
                Some(paths) => paths.iter().map(pattern).collect::<Vec<_>>().join(" or "),
            };
            let headers = match entry.headers.as_deref() {
                None => String::new(),
                Some([]) => ", never: the list of headers is empty".to_owned(),
                Some(all) => {
                    let all: Vec<_> = all.iter().map(|h| format!("{}: {}", h.name, h.value)).collect();
                    format!(", with {}", codes(all.iter().map(String::as_str)))
                }
            };
            format!("- {methods} on {paths}{headers}")
        })),
        None => {}
    }
    if lines.len() == stated {
        lines.push("- any method on any path".to_owned());
    }
    lines
}

fn pattern(pattern: &PathPattern) -> String {
    let value = code(&pattern.value);
    match pattern.kind {
        PathKind::Exact => format!("exactly {value}"),
        PathKind::Prefix => format!("below {value}"),
        PathKind::Glob => format!("whatever matches {value}"),
        PathKind::Regex => format!("whatever the regular expression {value} takes whole"),
    }
}

fn credential(route: &EgressRoute) -> String {
    match &route.auth {
        Some(auth) => format!(
            "- the egress adds {} from the host's {}, over HTTPS alone; the guest never sees it",
            code(&shown(&written(&auth.scheme))),
            code(&shown(auth.token_ref.name()))
        ),
        None => "- no credential is added".to_owned(),
    }
}

/// The header that carries a credential.
fn written(scheme: &AuthScheme) -> String {
    match scheme {
        AuthScheme::Header(name) => format!("{name}: …"),
        AuthScheme::BasicAs(user) => format!("Authorization: Basic … (of the user {user})"),
        other => format!("Authorization: {} …", other.as_str()),
    }
}

fn earlier(count: usize) -> String {
    if count == 1 {
        "the route before it does".to_owned()
    } else {
        format!("the {count} routes before it do")
    }
}

/// How connections are handled, and whether another route comes first.
fn handling(routes: &[EgressRoute], route: &EgressRoute, place: usize) -> Vec<String> {
    let policy = Policy::new(routes);
    let mut lines = Vec::new();
    // Some host that the route covers stands for all of them.
    let host = match route.host.strip_prefix("*.") {
        Some(domain) => format!("any.{domain}"),
        None => route.host.clone(),
    };
    let candidates = policy.candidates(&host).unwrap_or_default();
    let before = candidates.iter().position(|index| *index == place);
    let port = route.open_ports().first().copied().unwrap_or(Scheme::Https.port());
    match policy.connect(&host, port) {
        Ok((deciding, handling)) if deciding != place => {
            let first = policy.route(deciding).map(|first| (first.owner, code(&first.host)));
            let (owner, first) = first.unwrap_or((RouteOwner::Manifest, String::new()));
            let owner = if owner == RouteOwner::Provider { "the provider's" } else { "an earlier" };
            lines.push(match (before, handling) {
                (Some(before), Handling::Inspect) => {
                    format!("- asked about what {} not allow", earlier(before))
                }
                _ => format!("- never asked: {owner} route to {first} comes first"),
            });
        }
        Ok((_, Handling::Tunnel)) => {
            lines.push("- TLS goes through unopened: no term needs a look inside".to_owned())
        }
        Ok((_, Handling::Raw)) => {
            lines.push("- any bytes go through as they are: nothing looks inside".to_owned());
        }
        Ok((_, Handling::Inspect)) => {
            lines.push("- TLS ends at the egress, with the launch's own CA".to_owned())
        }
        Err(denial) => lines.push(format!("- refused as it stands ({})", denial.code())),
    }
    if !route.pass_headers.is_empty() {
        let names = codes(route.pass_headers.iter().map(String::as_str));
        lines.push(format!("- the guest's own {names} pass"));
    }
    if route.tls_passthrough {
        lines.push("- a DLP proxy behind the egress leaves this host alone".to_owned());
    }
    if !route.ssrf_ip_allowlist.is_empty() {
        let ranges = codes(route.ssrf_ip_allowlist.iter().map(String::as_str));
        lines.push(format!("- may resolve to the private addresses {ranges}"));
    }
    lines
}
