//! Comparing two lists of routes, host by host.
//!
//! Sound by construction: what one side allows is cut into grants, and a side lies within the other
//! only if each of its grants is proven to. What cannot be proven counts as widening.

use super::{Change, Direction, push};
use crate::plan::grants::{credential, terms};
use crate::plan::reach::{candidates, within};
use crate::provider::{EgressRoute, Protocol, RouteAuth};
use crate::shown::printable;

pub(super) fn compare(old: &[EgressRoute], new: &[EgressRoute], changes: &mut Vec<Change>) {
    for class in classes(old, new) {
        let (before, after) = (candidates(old, &class.name), candidates(new, &class.name));
        let direction = match (before.is_empty(), after.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Direction::Widened),
            (false, true) => Some(Direction::Narrowed),
            (false, false) => {
                let widened = !within(&after, &before) || adds_reach(&before, &after);
                let narrowed = !within(&before, &after) || adds_reach(&after, &before);
                Direction::of(widened, narrowed)
            }
        };
        push(changes, direction, "egress", &class.shown, (reach(&before), reach(&after)));
        auth(&class.shown, &before, &after, changes);
    }
}

/// The credential apart from the reach: which name the host adds for the agent.
fn auth(subject: &str, before: &[&EgressRoute], after: &[&EgressRoute], changes: &mut Vec<Change>) {
    let direction = match (added(before), added(after)) {
        (a, b) if a == b => None,
        (a, _) if a.is_empty() => Some(Direction::Widened),
        (_, b) if b.is_empty() && after.is_empty() => Some(Direction::Narrowed),
        // Without a credential the routes open plain HTTP, so this is more than a loss.
        _ => Some(Direction::Changed),
    };
    let words = |routes: &[&EgressRoute]| {
        let mut all: Vec<_> = routes.iter().filter_map(|r| r.auth.as_ref()).map(credential).collect();
        all.dedup();
        all.join(", ")
    };
    push(changes, direction, "credential", subject, (words(before), words(after)));
}

/// Each credential, and of several routes what stands before it and what it is added to: the first that
/// allows a request decides.
fn added<'a>(routes: &[&'a EgressRoute]) -> Vec<(Option<&'a RouteAuth>, Vec<String>)> {
    let end = routes.iter().rposition(|r| r.auth.is_some()).map_or(0, |last| last + 1);
    let told = |r: &&'a EgressRoute| (r.auth.as_ref(), if end > 1 { terms(r) } else { Vec::new() });
    routes[..end].iter().map(told).collect()
}

fn reach(routes: &[&EgressRoute]) -> String {
    let words = |route: &&EgressRoute| {
        let terms = terms(route);
        match terms.as_slice() {
            [] => "every path".to_owned(),
            [ports] if route.ports.is_some() && route.protocol == Protocol::Http => {
                format!("every path; {ports}")
            }
            terms => terms.join("; "),
        }
    };
    routes.iter().map(words).collect::<Vec<_>>().join(" | ")
}

/// What routes open beside paths: private addresses, the guest's own headers, and a host that no DLP looks at.
/// Of several, which one decides about a request is not looked into: each must add no more than any.
fn adds_reach(before: &[&EgressRoute], after: &[&EgressRoute]) -> bool {
    let whole =
        |routes: &[&EgressRoute]| -> Vec<_> { routes.iter().map(|r| (terms(r), r.auth.is_some())).collect() };
    if whole(before) == whole(after) {
        return false;
    }
    after.iter().any(|a| before.iter().any(|b| adds_beside_paths(b, a)))
}

fn adds_beside_paths(before: &EgressRoute, after: &EgressRoute) -> bool {
    let EgressRoute {
        pass_headers: _,
        tls_passthrough: _,
        ssrf_ip_allowlist: _,
        // What `within` compares.
        ports: _,
        protocol: _,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::policy::{Policy, Request, Scheme, host_matches};
    use crate::provider::GitAccess;
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
        (paths, methods).prop_map(|(paths, methods)| Match { paths, methods, headers: None })
    }

    fn route() -> impl Strategy<Value = EgressRoute> {
        let allowlist = proptest::option::of(proptest::collection::vec(pick(PATHS), 0..3));
        let matches = proptest::option::of(proptest::collection::vec(entry(), 0..3));
        let ports =
            proptest::option::weighted(0.3, proptest::sample::subsequence(vec![80u16, 443, 8443], 0..3));
        let http = (allowlist, matches, 0..4usize, any::<bool>(), ports).prop_map(
            |(path_allowlist, matches, git, auth, ports)| EgressRoute {
                ports,
                path_allowlist,
                matches,
                git: [None, None, Some(GitAccess::Read), Some(GitAccess::Write)][git],
                auth: auth
                    .then(|| RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("T") }),
                ..EgressRoute::new("", RouteOwner::Manifest)
            },
        );
        let tcp = proptest::sample::subsequence(vec![22u16, 8443], 0..3).prop_map(|ports| EgressRoute {
            ports: Some(ports),
            protocol: Protocol::Tcp,
            ..EgressRoute::new("", RouteOwner::Manifest)
        });
        (pick(HOSTS), proptest::prop_oneof![5 => http, 1 => tcp])
            .prop_map(|(host, route)| EgressRoute { host, ..route })
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
            let connections = requests().into_iter().flat_map(|(scheme, host, method, target)| {
                [scheme.port(), 8443].map(|port| Request { scheme, host, port, method, target })
            });
            for request in connections {
                let Request { host, method, target, .. } = request;
                let was_not = || before.request(&request).is_err() && before.raw(host, request.port).is_err();
                if after.request(&request).is_ok() && was_not() {
                    let patterns = shown_class(host, &old, &new);
                    prop_assert!(
                        changes.iter().any(|c| c.direction != Direction::Narrowed && patterns.contains(&c.subject)),
                        "{method} {host}{target} opened and {changes:?} does not say so"
                    );
                }
            }
            for (host, port) in HOSTS.into_iter().flat_map(|host| [22, 8443].map(|port| (host, port))) {
                if after.raw(host, port).is_ok() && before.raw(host, port).is_err() {
                    let patterns = shown_class(host, &old, &new);
                    prop_assert!(
                        changes.iter().any(|c| c.direction != Direction::Narrowed && patterns.contains(&c.subject)),
                        "{host}:{port} opened for any bytes and {changes:?} does not say so"
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
