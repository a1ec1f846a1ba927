//! What a bottle may send: the one place that decides, and it does no I/O.
//!
//! `bot-bottle can`, the findings, the hover, the permission diff and the proxy all ask here. The
//! first route whose host matches decides, and all that it states must hold.

use super::address::numeric_host;
use super::code::Code;
use super::path::canonical_path;
use super::pattern::Pattern;
use crate::provider::{EgressRoute, GitAccess, Match, login_for};
use crate::shown::printable;
use serde::{Deserialize, Serialize};

/// Whether a guest spoke TLS to the host that it named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP, port 80.
    Http,
    /// HTTPS, port 443.
    Https,
}

impl Scheme {
    /// The only port that a route opens.
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A request as the guest makes it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Plain or TLS.
    pub scheme: Scheme,
    /// The host that the guest named, without its port.
    pub host: &'a str,
    /// The port that the guest named.
    pub port: u16,
    /// The method as sent.
    pub method: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
}

/// What the egress does with a connection once its host is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// Pass the bytes through: the route asks nothing that is inside.
    Tunnel,
    /// End the TLS here: the route has a credential or terms on paths, methods or git.
    Inspect,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The text names no host that could be allowed.
    #[error("`{host}` is not a host name ({why})")]
    NotAHost {
        /// What was asked for, cleaned for display.
        host: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No route lists the host.
    #[error("no route allows the host {host}")]
    Host {
        /// The host.
        host: String,
    },
    /// A host is listed, but another port was asked for.
    #[error("port {port} of {host} is not open; a route opens 443 (and 80 for plain HTTP)")]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The route has a credential, which must never cross the network in the clear.
    #[error("plain HTTP to {host} is refused: its route has a credential, so it needs HTTPS")]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// A method that no route can allow (TRACE, CONNECT) or that this one does not.
    #[error("the route for {host} does not allow {method}")]
    Method {
        /// The host.
        host: String,
        /// The method.
        method: String,
    },
    /// None of the route's paths matches.
    #[error("the route for {host} does not allow the path {path}")]
    Path {
        /// The host.
        host: String,
        /// The canonical path.
        path: String,
    },
    /// The route allows some paths only, and this one can be read in more than one way.
    #[error("the path is ambiguous: {why}")]
    AmbiguousPath {
        /// The host.
        host: String,
        /// What is ambiguous.
        why: &'static str,
    },
    /// A route for git saw something else.
    #[error("the route for {host} allows git only, and this is no git request")]
    NotGit {
        /// The host.
        host: String,
    },
    /// A push through a route for reading.
    #[error("the route for {host} allows git to read only, and this is a push")]
    GitPush {
        /// The host.
        host: String,
    },
}

impl Denial {
    /// Its word in the audit.
    pub fn code(&self) -> Code {
        match self {
            Self::NotAHost { .. } => Code::NotAHost,
            Self::Host { .. } => Code::Host,
            Self::Port { .. } => Code::Port,
            Self::PlainHttp { .. } => Code::PlainHttp,
            Self::Method { .. } => Code::Method,
            Self::Path { .. } => Code::Path,
            Self::AmbiguousPath { .. } => Code::AmbiguousPath,
            Self::NotGit { .. } => Code::NotGit,
            Self::GitPush { .. } => Code::GitPush,
        }
    }
}

/// The routes of a plan, ready to be asked.
#[derive(Debug, Clone)]
pub struct Policy {
    routes: Vec<Compiled>,
}

#[derive(Debug, Clone)]
struct Compiled {
    route: EgressRoute,
    allowlist: Option<Vec<Pattern>>,
    matches: Option<Vec<Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    paths: Option<Vec<Pattern>>,
    methods: Option<Vec<String>>,
}

impl Policy {
    /// Compiles the routes of a plan, in their order.
    pub fn new(routes: &[EgressRoute]) -> Self {
        let entry = |Match { paths, methods }: &Match| Entry {
            paths: paths.as_ref().map(|p| p.iter().map(Pattern::new).collect()),
            methods: methods.clone(),
        };
        let compile = |route: &EgressRoute| {
            let EgressRoute {
                path_allowlist,
                matches,
                // Asked of the route itself, by the questions below.
                host: _,
                auth: _,
                git: _,
                // The proxy's and the DLP hop's, after a verdict.
                pass_headers: _,
                tls_passthrough: _,
                ssrf_ip_allowlist: _,
                // Only told.
                owner: _,
                // In the order of the layers: the first that matches decides.
                layer: _,
            } = route;
            Compiled {
                route: route.clone(),
                allowlist: path_allowlist.as_ref().map(|l| l.iter().map(|p| Pattern::prefix(p)).collect()),
                matches: matches.as_ref().map(|entries| entries.iter().map(entry).collect()),
            }
        };
        Self { routes: routes.iter().map(compile).collect() }
    }

    /// The routes, in the order in which they are asked.
    pub fn routes(&self) -> impl Iterator<Item = &EgressRoute> {
        self.routes.iter().map(|c| &c.route)
    }

    /// The route at an index that a verdict gave.
    pub fn route(&self, index: usize) -> Option<&EgressRoute> {
        self.routes.get(index).map(|c| &c.route)
    }

    /// The index of the route that decides for a host.
    ///
    /// # Errors
    /// When the text is no host name or no route lists it.
    pub fn deciding(&self, host: &str) -> Result<usize, Denial> {
        let host = host_name(host)?;
        self.routes.iter().position(|c| host_matches(&c.route.host, &host)).ok_or(Denial::Host { host })
    }

    /// Whether a connection to `host:port` may be opened, by which route, and how it is handled.
    ///
    /// # Errors
    /// Why not.
    pub fn connect(&self, host: &str, port: u16) -> Result<(usize, Handling), Denial> {
        let index = self.deciding(host)?;
        let compiled = &self.routes[index];
        if port != Scheme::Https.port() {
            return Err(Denial::Port { host: host.to_ascii_lowercase(), port });
        }
        let handling = if compiled.open() { Handling::Tunnel } else { Handling::Inspect };
        Ok((index, handling))
    }

    /// Whether a request may leave, and by which route.
    ///
    /// # Errors
    /// Why not.
    pub fn request(&self, request: &Request<'_>) -> Result<usize, Denial> {
        let index = self.deciding(request.host)?;
        let host = request.host.to_ascii_lowercase();
        let compiled = &self.routes[index];
        if request.port != request.scheme.port() {
            return Err(Denial::Port { host, port: request.port });
        }
        if request.scheme == Scheme::Http && compiled.route.auth.is_some() {
            return Err(Denial::PlainHttp { host });
        }
        compiled.terms(request, host).map(|()| index)
    }
}

impl Compiled {
    /// Whether the route states nothing that needs a look inside the connection.
    fn open(&self) -> bool {
        self.route.auth.is_none()
            && self.allowlist.is_none()
            && self.matches.is_none()
            && self.route.git.is_none()
    }

    fn terms(&self, request: &Request<'_>, host: String) -> Result<(), Denial> {
        let method = request.method;
        if method.eq_ignore_ascii_case("TRACE") || method.eq_ignore_ascii_case("CONNECT") {
            return Err(Denial::Method { host, method: printable(method) });
        }
        if self.allowlist.is_none() && self.matches.is_none() && self.route.git.is_none() {
            return Ok(());
        }
        let (raw, query) = match request.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (request.target, None),
        };
        let reading = canonical_path(raw);
        let ambiguous = |why| Denial::AmbiguousPath { host: host.clone(), why };
        if let Some(access) = self.route.git {
            let path = reading.as_deref().map_err(|why| ambiguous(why))?;
            match git_direction(method, path, query) {
                None => return Err(Denial::NotGit { host }),
                Some(GitAccess::Write) if access == GitAccess::Read => return Err(Denial::GitPush { host }),
                Some(_) => {}
            }
        }
        // Where every path is allowed it does not matter how the server reads this one.
        let on = |patterns: &[Pattern]| match &reading {
            Ok(path) => patterns.iter().any(|p| p.matches(path)),
            Err(_) => patterns.iter().any(Pattern::is_every),
        };
        let off = |reading: &Result<String, &'static str>| match reading {
            Ok(path) => Denial::Path { host: host.clone(), path: path.clone() },
            Err(why) => ambiguous(why),
        };
        if self.allowlist.as_ref().is_some_and(|l| !on(l)) {
            return Err(off(&reading));
        }
        let Some(entries) = &self.matches else { return Ok(()) };
        let on_path: Vec<_> =
            entries.iter().filter(|e| e.paths.as_ref().is_none_or(|paths| on(paths))).collect();
        if on_path.is_empty() {
            return Err(off(&reading));
        }
        if on_path.iter().any(|e| e.methods.as_ref().is_none_or(|all| all.iter().any(|m| m == method))) {
            Ok(())
        } else {
            Err(Denial::Method { host, method: printable(method) })
        }
    }
}

/// The direction of a smart-HTTP git request; `None` for anything else.
///
/// Strict on purpose: one query parameter on the advertisement, none on the exchange, so that
/// `service=` cannot say one thing to us and another to the server.
pub fn git_direction(method: &str, path: &str, query: Option<&str>) -> Option<GitAccess> {
    let (repository, service) = if let Some(repository) = path.strip_suffix("/info/refs") {
        if method != "GET" {
            return None;
        }
        (repository, query?.strip_prefix("service=")?)
    } else {
        if method != "POST" || query.is_some_and(|q| !q.is_empty()) {
            return None;
        }
        path.rsplit_once('/')?
    };
    if repository.is_empty() {
        return None;
    }
    match service {
        "git-upload-pack" => Some(GitAccess::Read),
        "git-receive-pack" => Some(GitAccess::Write),
        _ => None,
    }
}

/// Whether a route's host covers a name in lower case: exactly, or any subdomain for `*.name`.
pub fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|labels| !labels.is_empty()),
        None => pattern == host,
    }
}

/// Whether every name that `inner` covers is covered by `outer`.
pub fn host_covers(outer: &str, inner: &str) -> bool {
    covering(inner).any(|pattern| pattern == outer)
}

/// Every pattern that covers all that a host pattern covers, itself first.
pub fn covering(pattern: &str) -> impl Iterator<Item = String> {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    // A leading dot leaves no label for the star.
    let dots = name.match_indices('.').filter(|(i, _)| *i > 0);
    std::iter::once(pattern.to_owned()).chain(dots.map(|(i, _)| format!("*{}", &name[i..])))
}

/// A host name in lower case.
///
/// # Errors
/// When the text is an address, holds anything but letters, digits, `-`, `_` and dots, or is no
/// name by its lengths. Never more lenient than a resolver.
pub fn host_name(host: &str) -> Result<String, Denial> {
    match host_problem(host) {
        None => Ok(host.to_ascii_lowercase()),
        Some(why) => Err(Denial::NotAHost { host: printable(host), why }),
    }
}

fn host_problem(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("it is empty");
    }
    if host.len() > 253 {
        return Some("it is longer than 253 characters");
    }
    if !host.is_ascii() {
        return Some("it holds a character outside ASCII; write its punycode form");
    }
    if numeric_host(host) {
        return Some("it is an address, and routes are for names");
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Some("it holds a character that no host name has");
    }
    if host.split('.').any(|l| l.is_empty() || l.len() > 63 || l.starts_with('-') || l.ends_with('-')) {
        return Some("a part between its dots is empty, too long or begins or ends with `-`");
    }
    None
}

/// The narrowest route that would allow a request, as manifest lines below `egress:`.
///
/// A refusal shows them to whoever has to decide; nothing adds them by itself.
pub fn narrowest_route(host: &str, method: &str, path: Option<&str>) -> String {
    let mut lines = String::new();
    // Where the agent's own login is wanted, a route of the manifest's has no credential for it.
    if let Some((provider, field)) = login_for(host) {
        let template = provider.template();
        lines.push_str(&format!(
            "  # With `template: {template}` the route is made by agent_provider.{field}.\n"
        ));
    }
    lines.push_str(&format!("  routes:\n    - host: {}\n", printable(host)));
    if let Some(path) = path {
        let path = serde_json::Value::from(printable(path));
        lines.push_str(&format!(
            "      matches:\n        - {{paths: [{{type: exact, value: {path}}}], methods: [{}]}}\n",
            printable(method)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{AuthScheme, Match, PathKind, PathPattern, RouteAuth, RouteOwner, TokenRef};

    fn route(host: &str) -> EgressRoute {
        EgressRoute::new(host, RouteOwner::Manifest)
    }

    fn ask(policy: &Policy, method: &str, url: &str) -> Result<usize, &'static str> {
        let (scheme, rest) = match url.strip_prefix("https://") {
            Some(rest) => (Scheme::Https, rest),
            None => (Scheme::Http, url.strip_prefix("http://").expect("a URL")),
        };
        let slash = rest.find('/').expect("a path");
        let (host, target) = rest.split_at(slash);
        policy
            .request(&Request { scheme, host, port: scheme.port(), method, target })
            .map_err(|d| d.code().word())
    }

    #[test]
    fn a_wildcard_covers_subdomains_and_nothing_else() {
        let policy = Policy::new(&[route("*.example.com")]);
        assert!(policy.connect("a.example.com", 443).is_ok());
        assert!(policy.connect("A.B.Example.Com", 443).is_ok());
        for host in [
            "example.com",
            "evil-example.com",
            "example.com.evil.net",
            ".example.com",
            "a.example.com.",
            "a.exаmple.com",
            "a%2eexample.com",
            "x@a.example.com",
            "a.example.com\0",
            "a.example.com\r\nx",
            "127.0.0.1",
            "2130706433",
            "[::1]",
            "0x7f.0.0.1",
        ] {
            assert!(policy.connect(host, 443).is_err(), "{host}");
        }
        assert_eq!(policy.connect("a.example.com", 22).map_err(|d| d.code().word()), Err("port"));
    }

    #[test]
    fn the_first_matching_route_decides() {
        let narrow = EgressRoute { path_allowlist: Some(vec!["/v1/".into()]), ..route("api.example.com") };
        let policy = Policy::new(&[narrow, route("*.example.com")]);
        assert_eq!(ask(&policy, "GET", "https://api.example.com/v1/x"), Ok(0));
        assert_eq!(ask(&policy, "GET", "https://api.example.com/v2/x"), Err("path"));
        assert_eq!(ask(&policy, "GET", "https://www.example.com/v2/x"), Ok(1));
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        for route in [
            EgressRoute { path_allowlist: Some(vec![]), ..route("a.example.com") },
            EgressRoute { matches: Some(vec![]), ..route("a.example.com") },
            EgressRoute {
                matches: Some(vec![Match { paths: Some(vec![]), methods: None }]),
                ..route("a.example.com")
            },
            EgressRoute {
                matches: Some(vec![Match { paths: None, methods: Some(vec![]) }]),
                ..route("a.example.com")
            },
        ] {
            assert!(ask(&Policy::new(&[route]), "GET", "https://a.example.com/").is_err());
        }
        assert!(Policy::new(&[]).connect("a.example.com", 443).is_err());
    }

    #[test]
    fn an_entry_needs_its_path_and_its_method_together() {
        let entry = |kind, value: &str, methods: &[&str]| Match {
            paths: Some(vec![PathPattern { kind, value: value.into() }]),
            methods: Some(methods.iter().map(|m| (*m).to_owned()).collect()),
        };
        let policy = Policy::new(&[EgressRoute {
            matches: Some(vec![
                entry(PathKind::Exact, "/r", &["GET"]),
                entry(PathKind::Prefix, "/w", &["POST"]),
            ]),
            ..route("a.example.com")
        }]);
        assert!(ask(&policy, "GET", "https://a.example.com/r?q=1").is_ok());
        assert!(ask(&policy, "POST", "https://a.example.com/w/1").is_ok());
        assert_eq!(ask(&policy, "POST", "https://a.example.com/r"), Err("method"));
        assert_eq!(ask(&policy, "get", "https://a.example.com/r"), Err("method"));
        assert_eq!(ask(&policy, "GET", "https://a.example.com/w/../r"), Err("ambiguous-path"));
        assert_eq!(ask(&policy, "TRACE", "https://a.example.com/r"), Err("method"));
    }

    #[test]
    fn reading_git_is_no_push() {
        let policy = Policy::new(&[EgressRoute { git: Some(GitAccess::Read), ..route("git.example.com") }]);
        let git =
            |method, rest: &str| ask(&policy, method, &format!("https://git.example.com/a/b.git/{rest}"));
        assert!(git("GET", "info/refs?service=git-upload-pack").is_ok());
        assert!(git("POST", "git-upload-pack").is_ok());
        assert_eq!(git("GET", "info/refs?service=git-receive-pack"), Err("git-push"));
        assert_eq!(git("POST", "git-receive-pack"), Err("git-push"));
        for (method, rest) in [
            ("GET", "info/refs"),
            ("GET", "info/refs?service=git-upload-pack&service=git-receive-pack"),
            ("POST", "git-upload-pack?service=git-receive-pack"),
            ("PUT", "git-receive-pack"),
            ("GET", "HEAD"),
        ] {
            assert_eq!(git(method, rest), Err("not-git"), "{method} {rest}");
        }
        assert_eq!(git("POST", "%67it-receive-pack"), Err("git-push"));
    }

    #[test]
    fn a_credential_never_goes_out_in_the_clear() {
        let auth = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("T") };
        let policy = Policy::new(&[
            EgressRoute { auth: Some(auth), ..route("a.example.com") },
            route("b.example.com"),
        ]);
        assert_eq!(ask(&policy, "GET", "http://a.example.com/"), Err("plain-http"));
        assert!(ask(&policy, "GET", "http://b.example.com/").is_ok());
        assert_eq!(policy.connect("a.example.com", 443), Ok((0, Handling::Inspect)));
        assert_eq!(policy.connect("b.example.com", 443), Ok((1, Handling::Tunnel)));
    }

    #[test]
    fn one_host_covers_another_only_when_it_always_matches() {
        assert!(host_covers("*.a.com", "b.a.com") && host_covers("*.a.com", "*.b.a.com"));
        assert!(host_covers("*.a.com", "*.a.com") && host_covers("a.com", "a.com"));
        assert!(!host_covers("*.a.com", "a.com") && !host_covers("*.b.a.com", "*.a.com"));
        assert!(!host_covers("b.a.com", "*.a.com"));
    }

    #[test]
    fn covering_and_matching_agree() {
        let names = ["a.com", "b.a.com", "c.b.a.com", "com", "ba.com", ".a.com", "x.", "a..com"];
        for name in names {
            for domain in names.into_iter().chain([""]) {
                let outer = format!("*.{domain}");
                assert_eq!(host_covers(&outer, name), host_matches(&outer, name), "{outer} {name}");
                let inner = format!("*.{name}");
                let expected = outer == inner || host_matches(&outer, name);
                assert_eq!(host_covers(&outer, &inner), expected, "{outer} {inner}");
            }
            assert!(!host_covers(name, &format!("*.{name}")) && host_covers(name, name));
        }
    }

    #[test]
    fn what_is_shown_moves_no_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}"), "a\u{fffd}[2Jb\u{fffd}");
    }

    /// Where the agent's own login is wanted, the lines name the field that makes the route first.
    #[test]
    fn the_lines_for_a_vendors_host_name_the_login_first() {
        for (host, field) in [
            ("api.anthropic.com", "agent_provider.auth_token"),
            ("chatgpt.com", "agent_provider.forward_host_credentials"),
        ] {
            let lines = narrowest_route(host, "POST", Some("/v1/messages"));
            let (login, route) = (lines.find(field), lines.find("- host"));
            assert!(login.is_some() && login < route, "{lines}");
        }
        assert!(!narrowest_route("api.github.com", "GET", None).contains("agent_provider"));
    }
}
