//! What the routes of one host allow together, cut into grants that can be compared.
//!
//! Sound by construction: some routes lie within others only if each grant of theirs is proven to. What
//! cannot be proven is not within.

use crate::egress::pattern::Pattern;
use crate::egress::policy::host_matches;
use crate::provider::{EgressRoute, GitAccess, HeaderTerm, Match, Protocol};

/// The routes that are asked about a host: those of the first layer with one that matches it.
pub(super) fn candidates<'a>(routes: &'a [EgressRoute], host: &str) -> Vec<&'a EgressRoute> {
    let mut matching = routes.iter().filter(|r| host_matches(&r.host, host)).peekable();
    let layer = matching.peek().map(|first| first.layer);
    matching.filter(|r| Some(r.layer) == layer).collect()
}

/// Whether nothing inside a connection matters to a route.
pub fn is_open(route: &EgressRoute) -> bool {
    route.auth.is_none() && !route.has_terms()
}

/// One thing that a route allows: a method, over a connection, on paths that lie in every pattern.
struct Grant<'a> {
    port: u16,
    over: Over,
    method: &'a str,
    /// Empty: any path, and nothing looks inside.
    paths: Vec<Pattern>,
    /// Also a path with two readings.
    ambiguous: bool,
    git: Option<GitAccess>,
    /// Each of these must be there.
    headers: &'a [HeaderTerm],
}

/// What goes over a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Tls,
    Plain,
    /// Any bytes.
    Raw,
}

/// What a route without `matches` asks.
const ANY: &[Match] = &[Match { paths: None, methods: None, headers: None }];

/// Stands for every method that nobody names.
const OTHER: &str = "*";

/// Whether all that `inner` allows is proven to be allowed by `outer`, both of them whole candidates of a
/// host.
pub(super) fn within(inner: &[&EgressRoute], outer: &[&EgressRoute]) -> bool {
    let methods = methods(inner.iter().chain(outer).copied());
    proven(&whole(inner, &methods), &whole(outer, &methods))
}

/// Whether each request that a route allows is proven to be allowed by one of some others, where all of
/// them are looked into.
pub fn adds_nothing(route: &EgressRoute, others: &[&EgressRoute]) -> bool {
    let methods = methods(others.iter().copied().chain([route]));
    let others: Vec<_> = others.iter().flat_map(|r| grants(r, &methods, false)).collect();
    proven(&grants(route, &methods, false), &others)
}

fn proven(inner: &[Grant<'_>], outer: &[Grant<'_>]) -> bool {
    inner.iter().all(|grant| outer.iter().any(|o| covers(o, grant)))
}

fn methods<'a>(routes: impl Iterator<Item = &'a EgressRoute>) -> Vec<&'a str> {
    let named = routes.flat_map(|r| r.matches.iter().flatten()).flat_map(|m| m.methods.iter().flatten());
    let mut all: Vec<&str> = ["GET", "POST", OTHER].into_iter().chain(named.map(String::as_str)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Behind a first route without terms no other is asked on its ports. What a credential takes from the guest is
/// told with the credential.
fn whole<'a>(candidates: &[&'a EgressRoute], methods: &[&'a str]) -> Vec<Grant<'a>> {
    let first = candidates.iter().position(|r| r.protocol == Protocol::Http);
    let mut all = Vec::new();
    for (index, route) in candidates.iter().enumerate() {
        let mut own = grants(route, methods, first == Some(index) && !route.has_terms());
        // A port that an earlier route opens for HTTP is not for other bytes.
        let taken = |port: u16| {
            let http = candidates[..index].iter().filter(|r| r.protocol == Protocol::Http);
            http.flat_map(|r| &r.ports).any(|ports| ports.contains(&port))
        };
        own.retain(|grant| grant.over != Over::Raw || !taken(grant.port));
        all.extend(own);
    }
    all
}

/// The connections that a route opens. The policy asks the same of each: see its `Terms::opens`.
fn connections(route: &EgressRoute) -> Vec<(u16, Over)> {
    match (&route.ports, route.protocol) {
        (None, Protocol::Http) => vec![(443, Over::Tls), (80, Over::Plain)],
        (None, Protocol::Tcp) => Vec::new(),
        (Some(ports), Protocol::Tcp) => ports.iter().map(|port| (*port, Over::Raw)).collect(),
        (Some(ports), Protocol::Http) => {
            let plain = ports.iter().filter(|port| **port != 443).map(|port| (*port, Over::Plain));
            ports.iter().map(|port| (*port, Over::Tls)).chain(plain).collect()
        }
    }
}

fn covers(outer: &Grant<'_>, inner: &Grant<'_>) -> bool {
    let git = match (outer.git, inner.git) {
        (None, _) | (Some(GitAccess::Write), Some(_)) => true,
        (Some(GitAccess::Read), inner) => inner == Some(GitAccess::Read),
        (Some(GitAccess::Write), None) => false,
    };
    if outer.port != inner.port || outer.over != inner.over && outer.over != Over::Raw {
        return false;
    }
    let paths = outer.paths.iter().all(|o| inner.paths.iter().any(|i| o.contains(i)));
    let headers = outer.headers.iter().all(|term| inner.headers.contains(term));
    headers && outer.method == inner.method && git && paths && (outer.ambiguous || !inner.ambiguous)
}

/// What a route allows; `tunnelled` where nothing looks inside.
fn grants<'a>(route: &'a EgressRoute, methods: &[&'a str], tunnelled: bool) -> Vec<Grant<'a>> {
    let raw = route.protocol == Protocol::Tcp;
    let base = if tunnelled || raw { Vec::new() } else { vec![Pattern::any()] };
    let prefixes: Vec<Vec<Pattern>> = match &route.path_allowlist {
        None => vec![Vec::new()],
        Some(list) => list.iter().map(|p| vec![Pattern::prefix(p)]).collect(),
    };
    let entries = route.matches.as_deref().unwrap_or(ANY);
    let mut all = Vec::new();
    for entry in entries {
        let headers = entry.headers.as_deref().unwrap_or_default();
        if entry.headers.is_some() && headers.is_empty() {
            continue;
        }
        let patterns: Vec<Vec<Pattern>> = match &entry.paths {
            None => vec![Vec::new()],
            Some(paths) => paths.iter().map(|p| vec![Pattern::new(p)]).collect(),
        };
        let listed = |m: &&&str| entry.methods.as_ref().is_none_or(|l| l.iter().any(|n| n == **m));
        let git = |m: &&&str| route.git.is_none() || ["GET", "POST"].contains(*m);
        for method in methods.iter().filter(listed).filter(git) {
            for prefix in &prefixes {
                for pattern in &patterns {
                    let paths: Vec<_> = [&base, prefix, pattern].into_iter().flatten().cloned().collect();
                    let ambiguous = route.git.is_none() && paths.iter().all(Pattern::is_every);
                    all.extend(connections(route).into_iter().map(|(port, over)| {
                        let paths = paths.clone();
                        Grant { port, over, method, paths, ambiguous, git: route.git, headers }
                    }));
                }
            }
        }
    }
    all
}
