//! Comparing two lists of routes, host by host.
//!
//! Sound by construction: what one side allows is cut into grants, and a side lies within the other
//! only if each of its grants is proven to. What cannot be proven counts as widening.

use super::{Change, Direction, push};
use crate::egress::pattern::Pattern;
use crate::egress::policy::host_matches;
use crate::plan::grants::{credential, terms};
use crate::provider::{EgressRoute, GitAccess, RouteAuth};
use crate::shown::printable;

pub(super) fn compare(old: &[EgressRoute], new: &[EgressRoute], changes: &mut Vec<Change>) {
    let methods = methods(old, new);
    for class in classes(old, new) {
        let (before, after) = (deciding(old, &class.name), deciding(new, &class.name));
        let direction = match (before, after) {
            (None, None) => None,
            (None, Some(_)) => Some(Direction::Widened),
            (Some(_), None) => Some(Direction::Narrowed),
            (Some(before), Some(after)) => {
                let widened = !within(after, before, &methods) || adds_reach(before, after);
                let narrowed = !within(before, after, &methods) || adds_reach(after, before);
                Direction::of(widened, narrowed)
            }
        };
        let words = |route: Option<&EgressRoute>| route.map(reach).unwrap_or_default();
        push(changes, direction, "egress", &class.shown, (words(before), words(after)));
        auth(&class.shown, before, after, changes);
    }
}

/// The credential apart from the reach: which name the host adds for the agent.
fn auth(subject: &str, before: Option<&EgressRoute>, after: Option<&EgressRoute>, changes: &mut Vec<Change>) {
    fn of(route: Option<&EgressRoute>) -> Option<&RouteAuth> {
        route.and_then(|r| r.auth.as_ref())
    }
    let direction = match (of(before), of(after)) {
        (None, Some(_)) => Some(Direction::Widened),
        (Some(_), None) if after.is_none() => Some(Direction::Narrowed),
        // Without a credential the route opens plain HTTP, so this is more than a loss.
        (Some(_), None) => Some(Direction::Changed),
        (Some(a), Some(b)) if a != b => Some(Direction::Changed),
        _ => None,
    };
    let words =
        |route: Option<&EgressRoute>| route.and_then(|r| r.auth.as_ref()).map(credential).unwrap_or_default();
    push(changes, direction, "credential", subject, (words(before), words(after)));
}

fn reach(route: &EgressRoute) -> String {
    let terms = terms(route);
    if terms.is_empty() { "every path".to_owned() } else { terms.join("; ") }
}

/// What a route opens beside paths: private addresses, the guest's own headers, and a host that no DLP looks at.
fn adds_reach(before: &EgressRoute, after: &EgressRoute) -> bool {
    let EgressRoute {
        pass_headers: _,
        tls_passthrough: _,
        ssrf_ip_allowlist: _,
        // What `within` compares.
        path_allowlist: _,
        matches: _,
        git: _,
        // By class, and as a credential.
        host: _,
        auth: _,
        // Whose it is permits nothing; which layer decides follows from the order.
        owner: _,
        layer: _,
    } = after;
    let known = |range: &String| before.ssrf_ip_allowlist.contains(range);
    let passed = |name: &String| before.pass_headers.contains(name);
    !after.pass_headers.iter().all(passed)
        || after.tls_passthrough && !before.tls_passthrough
        || !after.ssrf_ip_allowlist.iter().all(known)
}

fn deciding<'a>(routes: &'a [EgressRoute], host: &str) -> Option<&'a EgressRoute> {
    routes.iter().find(|r| host_matches(&r.host, host))
}

/// Hosts that both sides treat alike, by one name that stands for all of them.
struct Class {
    name: String,
    shown: String,
}

/// Every exact host, and for every wildcard the subdomains that no other pattern speaks of.
fn classes(old: &[EgressRoute], new: &[EgressRoute]) -> Vec<Class> {
    let mut hosts: Vec<&str> = old.iter().chain(new).map(|r| r.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let class = |host: &str| match host.strip_prefix("*.") {
        None => Class { name: host.to_owned(), shown: printable(host) },
        Some(domain) => {
            let mut label = "other".to_owned();
            let taken = |label: &str| {
                let suffix = format!("{label}.{domain}");
                hosts.iter().any(|h| h.trim_start_matches("*.").ends_with(&suffix))
            };
            while taken(&label) {
                label.push('x');
            }
            Class { name: format!("{label}.{domain}"), shown: printable(host) }
        }
    };
    hosts.iter().map(|h| class(h)).collect()
}

/// One thing that a route allows: a method, on paths that lie in every pattern.
struct Grant<'a> {
    method: &'a str,
    /// Empty: any path, and nothing looks inside.
    paths: Vec<Pattern>,
    /// Also a path with two readings.
    ambiguous: bool,
    git: Option<GitAccess>,
}

/// Stands for every method that neither side names.
const OTHER: &str = "*";

fn methods<'a>(old: &'a [EgressRoute], new: &'a [EgressRoute]) -> Vec<&'a str> {
    let entries = old.iter().chain(new).flat_map(|r| r.matches.iter().flatten());
    let named = entries.flat_map(|m| m.methods.iter().flatten()).map(String::as_str);
    let mut all: Vec<&str> = ["GET", "POST", OTHER].into_iter().chain(named).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether all that `inner` allows is proven to be allowed by `outer`.
fn within(inner: &EgressRoute, outer: &EgressRoute, methods: &[&str]) -> bool {
    let outer = grants(outer, methods);
    grants(inner, methods).iter().all(|grant| outer.iter().any(|o| covers(o, grant)))
}

fn covers(outer: &Grant<'_>, inner: &Grant<'_>) -> bool {
    let git = match (outer.git, inner.git) {
        (None, _) | (Some(GitAccess::Write), Some(_)) => true,
        (Some(GitAccess::Read), inner) => inner == Some(GitAccess::Read),
        (Some(GitAccess::Write), None) => false,
    };
    let paths = outer.paths.iter().all(|o| inner.paths.iter().any(|i| o.contains(i)));
    outer.method == inner.method && git && paths && (outer.ambiguous || !inner.ambiguous)
}

fn grants<'a>(route: &EgressRoute, methods: &[&'a str]) -> Vec<Grant<'a>> {
    let open = route.path_allowlist.is_none() && route.matches.is_none() && route.git.is_none();
    // With any term at all, TLS ends at the egress.
    let base = if open { Vec::new() } else { vec![Pattern::any()] };
    let prefixes: Vec<Vec<Pattern>> = match &route.path_allowlist {
        None => vec![Vec::new()],
        Some(list) => list.iter().map(|p| vec![Pattern::prefix(p)]).collect(),
    };
    let any_entry = [crate::provider::Match { paths: None, methods: None }];
    let entries = route.matches.as_deref().unwrap_or(&any_entry);
    let mut all = Vec::new();
    for entry in entries {
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
                    all.push(Grant { method, paths, ambiguous, git: route.git });
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::policy::{Policy, Request, Scheme};
    use crate::provider::TokenRef;
    use crate::provider::{AuthScheme, Match, PathKind, PathPattern, RouteOwner};
    use proptest::prelude::*;

    const HOSTS: [&str; 5] =
        ["a.example.com", "b.example.com", "*.example.com", "*.a.example.com", "other.example.com"];
    const PATHS: [&str; 6] = ["/", "/a", "/a/", "/a/b", "/c", "/a/*/c"];
    const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

    fn pick<const N: usize>(from: [&'static str; N]) -> impl Strategy<Value = String> {
        (0..N).prop_map(move |i| from[i].to_owned())
    }

    fn pattern() -> impl Strategy<Value = PathPattern> {
        (0..3usize, pick(PATHS)).prop_map(|(kind, value)| PathPattern {
            kind: [PathKind::Exact, PathKind::Prefix, PathKind::Glob][kind],
            value,
        })
    }

    fn entry() -> impl Strategy<Value = Match> {
        let paths = proptest::option::of(proptest::collection::vec(pattern(), 0..3));
        let methods = proptest::option::of(proptest::collection::vec(pick(METHODS), 0..3));
        (paths, methods).prop_map(|(paths, methods)| Match { paths, methods })
    }

    fn route() -> impl Strategy<Value = EgressRoute> {
        let allowlist = proptest::option::of(proptest::collection::vec(pick(PATHS), 0..3));
        let matches = proptest::option::of(proptest::collection::vec(entry(), 0..3));
        (pick(HOSTS), allowlist, matches, 0..4usize, any::<bool>()).prop_map(
            |(host, path_allowlist, matches, git, auth)| EgressRoute {
                path_allowlist,
                matches,
                git: [None, None, Some(GitAccess::Read), Some(GitAccess::Write)][git],
                auth: auth
                    .then(|| RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("T") }),
                ..EgressRoute::new(host, RouteOwner::Manifest)
            },
        )
    }

    /// Requests that tell the routes above apart.
    fn requests() -> Vec<(Scheme, &'static str, &'static str, &'static str)> {
        let hosts =
            ["a.example.com", "b.example.com", "x.example.com", "x.a.example.com", "other.example.com"];
        let targets = [
            "/",
            "/a",
            "/a/",
            "/a/b",
            "/a/b/c",
            "/a/x/c",
            "/c",
            "/c/d",
            "/ab",
            "/a/../b",
            "/a//b",
            "/r/info/refs?service=git-upload-pack",
            "/a/r/info/refs?service=git-receive-pack",
            "/a/r/git-upload-pack",
            "/a/r/git-receive-pack",
            "/r/git-receive-pack",
        ];
        let mut all = Vec::new();
        for scheme in [Scheme::Http, Scheme::Https] {
            for host in hosts {
                for method in METHODS.into_iter().chain(["PATCH"]) {
                    all.extend(targets.map(|target| (scheme, host, method, target)));
                }
            }
        }
        all
    }

    fn shown_class(host: &str, old: &[EgressRoute], new: &[EgressRoute]) -> Vec<String> {
        let patterns = old.iter().chain(new).map(|r| r.host.clone());
        patterns.filter(|p| host_matches(p, host)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn a_widening_is_never_reported_as_less(
            old in proptest::collection::vec(route(), 0..4),
            new in proptest::collection::vec(route(), 0..4),
        ) {
            let mut changes = Vec::new();
            compare(&old, &new, &mut changes);
            let (before, after) = (Policy::new(&old), Policy::new(&new));
            for (scheme, host, method, target) in requests() {
                let request = Request { scheme, host, port: scheme.port(), method, target };
                if after.request(&request).is_ok() && before.request(&request).is_err() {
                    let patterns = shown_class(host, &old, &new);
                    prop_assert!(
                        changes.iter().any(|c| c.direction != Direction::Narrowed && patterns.contains(&c.subject)),
                        "{method} {host}{target} opened and {changes:?} does not say so"
                    );
                }
            }
        }

        #[test]
        fn nothing_moves_between_equal_routes(routes in proptest::collection::vec(route(), 0..4)) {
            let mut changes = Vec::new();
            compare(&routes, &routes, &mut changes);
            prop_assert_eq!(changes, vec![]);
        }
    }

    #[test]
    fn plain_cases_have_plain_answers() {
        let with = |paths: &[&str]| EgressRoute {
            path_allowlist: Some(paths.iter().map(|p| (*p).to_owned()).collect()),
            ..EgressRoute::new("a.example.com", RouteOwner::Manifest)
        };
        let seen = |old: &[EgressRoute], new: &[EgressRoute]| {
            let mut changes = Vec::new();
            compare(old, new, &mut changes);
            changes.into_iter().map(|c| c.direction.word()).collect::<Vec<_>>()
        };
        assert_eq!(seen(&[with(&["/a/"])], &[with(&["/a/b/"])]), ["narrowed"]);
        assert_eq!(seen(&[with(&["/a/"])], &[with(&["/"])]), ["widened"]);
        assert_eq!(seen(&[with(&["/a/"])], &[with(&["/b/"])]), ["changed"]);
        assert_eq!(
            seen(&[with(&["/"])], &[EgressRoute::new("a.example.com", RouteOwner::Manifest)]),
            ["widened"]
        );
        let passing = EgressRoute { pass_headers: vec!["x-csrf-token".to_owned()], ..with(&["/a/"]) };
        assert_eq!(seen(&[with(&["/a/"])], std::slice::from_ref(&passing)), ["widened"]);
        assert_eq!(seen(&[passing], &[with(&["/a/"])]), ["narrowed"]);
        let git = |access| EgressRoute {
            git: Some(access),
            ..EgressRoute::new("g.example.com", RouteOwner::Manifest)
        };
        assert_eq!(seen(&[git(GitAccess::Read)], &[git(GitAccess::Write)]), ["widened"]);
        assert_eq!(seen(&[git(GitAccess::Write)], &[git(GitAccess::Read)]), ["narrowed"]);
    }
}
