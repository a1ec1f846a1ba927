//! One route ready to be asked, and what it lacks for a request.

use super::path::canonical_path;
use super::pattern::Pattern;
use super::shape::{Shape, never_passes, shape};
use crate::provider::{EgressRoute, GitAccess, HeaderTerm, Match, Protocol};
use crate::shown::printable;
use serde::{Deserialize, Serialize};

/// Whether a guest spoke TLS to the host that it named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTPS.
    Https,
}

impl Scheme {
    /// The port that it has where none is named.
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A route with its patterns.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) route: EgressRoute,
    allowlist: Option<Vec<Pattern>>,
    matches: Option<Vec<Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    paths: Option<Vec<Pattern>>,
    methods: Option<Vec<String>>,
    headers: Option<Vec<Header>>,
}

#[derive(Debug, Clone)]
struct Header {
    term: HeaderTerm,
    /// A header of that name leaves as the guest sent it.
    leaves: bool,
}

/// The headers of a request, as the guest sent them.
pub trait Headers {
    /// Whether there is one of this name, in any spelling that a server may take for it, and each has this
    /// value.
    fn has(&self, name: &str, value: &str) -> bool;
}

/// None.
impl Headers for () {
    fn has(&self, _: &str, _: &str) -> bool {
        false
    }
}

/// What a route lacks for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// It opens other ports.
    Port,
    /// It allows git only.
    NotGit,
    /// It limits paths, and this one has more than one reading.
    Ambiguous(&'static str),
    Path,
    Method,
    /// It allows git to read.
    Push,
    /// Of which entry, and which of its headers.
    Header(usize, usize),
}

impl Lack {
    /// How far the request came: what it lacks least for is named.
    pub(super) fn nearness(self) -> u8 {
        match self {
            Self::Port => 0,
            Self::NotGit => 1,
            Self::Ambiguous(_) => 2,
            Self::Path => 3,
            Self::Method => 4,
            Self::Push => 5,
            Self::Header(..) => 6,
        }
    }
}

/// A request, with its path read once for all routes.
pub(super) struct Asked<'a> {
    scheme: Scheme,
    port: u16,
    pub(super) method: &'a str,
    raw: &'a str,
    query: Option<&'a str>,
    headers: &'a dyn Headers,
    reading: Option<Result<String, &'static str>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        (scheme, port): (Scheme, u16),
        (method, target): (&'a str, &'a str),
        headers: &'a dyn Headers,
    ) -> Self {
        let (raw, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Self { scheme, port, method, raw, query, headers, reading: None }
    }

    fn reading(&mut self) -> &Result<String, &'static str> {
        self.reading.get_or_insert_with(|| canonical_path(self.raw))
    }

    /// The path as it was judged.
    pub(super) fn path(&self) -> String {
        match &self.reading {
            Some(Ok(path)) => path.clone(),
            _ => printable(self.raw),
        }
    }
}

impl Terms {
    pub(super) fn new(route: &EgressRoute) -> Self {
        let EgressRoute {
            path_allowlist,
            matches,
            // Asked of the route itself, by the questions below.
            host: _,
            auth: _,
            git: _,
            ports: _,
            protocol: _,
            // The proxy's and the DLP hop's, after a verdict.
            pass_headers: _,
            tls_passthrough: _,
            ssrf_ip_allowlist: _,
            // Only told.
            owner: _,
            // The policy's: who is asked at all.
            layer: _,
        } = route;
        let header = |term: &HeaderTerm| Header { leaves: leaves(route, &term.name), term: term.clone() };
        let entry = |Match { paths, methods, headers }: &Match| Entry {
            paths: paths.as_ref().map(|p| p.iter().map(Pattern::new).collect()),
            methods: methods.clone(),
            headers: headers.as_ref().map(|headers| headers.iter().map(header).collect()),
        };
        Self {
            route: route.clone(),
            allowlist: path_allowlist.as_ref().map(|l| l.iter().map(|p| Pattern::prefix(p)).collect()),
            matches: matches.as_ref().map(|entries| entries.iter().map(entry).collect()),
        }
    }

    /// Whether it says something on methods, paths or git.
    pub(super) fn has_terms(&self) -> bool {
        self.allowlist.is_some() || self.matches.is_some() || self.route.git.is_some()
    }

    /// Whether it states nothing that needs a look inside the connection.
    pub(super) fn is_open(&self) -> bool {
        self.route.auth.is_none() && !self.has_terms()
    }

    /// Whether it opens a port for HTTP of this scheme. 443 is TLS alone; on another port that it states the
    /// guest's first bytes say which of the two it is.
    pub(super) fn opens(&self, port: u16, scheme: Scheme) -> bool {
        let open = match &self.route.ports {
            None => port == scheme.port(),
            Some(ports) => ports.contains(&port) && (port != Scheme::Https.port() || scheme == Scheme::Https),
        };
        open && self.route.protocol == Protocol::Http
    }

    /// Whether a connection to a port may be opened by it. Without a word of its own plain HTTP comes as a
    /// proxy is asked for it, not through a tunnel.
    pub(super) fn opens_port(&self, port: u16) -> bool {
        match (&self.route.ports, self.route.protocol) {
            (Some(ports), _) => ports.contains(&port),
            (None, Protocol::Http) => port == Scheme::Https.port(),
            (None, Protocol::Tcp) => false,
        }
    }

    /// What it lacks for a request; `None` where it allows it.
    pub(super) fn lack(&self, asked: &mut Asked<'_>) -> Option<Lack> {
        let (method, query, headers) = (asked.method, asked.query, asked.headers);
        if !self.opens(asked.port, asked.scheme) {
            return Some(Lack::Port);
        }
        if method.eq_ignore_ascii_case("TRACE") || method.eq_ignore_ascii_case("CONNECT") {
            return Some(Lack::Method);
        }
        if !self.has_terms() {
            return None;
        }
        let reading = asked.reading();
        let off = || match reading {
            Ok(_) => Lack::Path,
            Err(why) => Lack::Ambiguous(why),
        };
        if let Some(access) = self.route.git {
            let Ok(path) = reading else { return Some(off()) };
            match git_direction(method, path, query) {
                None => return Some(Lack::NotGit),
                Some(GitAccess::Write) if access == GitAccess::Read => return Some(Lack::Push),
                Some(_) => {}
            }
        }
        // Where every path is allowed it does not matter how the server reads this one.
        let on = |patterns: &[Pattern]| match reading {
            Ok(path) => patterns.iter().any(|p| p.matches(path)),
            Err(_) => patterns.iter().any(Pattern::is_every),
        };
        if self.allowlist.as_ref().is_some_and(|l| !on(l)) {
            return Some(off());
        }
        let entries = self.matches.as_ref()?;
        let mut nearest = off();
        for (index, entry) in entries.iter().enumerate() {
            if !entry.paths.as_ref().is_none_or(|paths| on(paths)) {
                continue;
            }
            let lack = match entry.missing(method, headers) {
                None => return None,
                Some(None) => Lack::Method,
                Some(Some(header)) => Lack::Header(index, header),
            };
            if lack.nearness() > nearest.nearness() {
                nearest = lack;
            }
        }
        Some(nearest)
    }

    /// A header that a request lacks, by what [`Lack::Header`] says.
    pub(super) fn header(&self, entry: usize, header: usize) -> Option<&HeaderTerm> {
        Some(&self.matches.as_ref()?.get(entry)?.headers.as_ref()?.get(header)?.term)
    }

    /// Every header that it asks for, and whether one of that name leaves as it was sent.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&HeaderTerm, bool)> {
        let entries = self.matches.iter().flatten();
        entries.flat_map(|e| e.headers.iter().flatten()).map(|header| (&header.term, header.leaves))
    }
}

impl Entry {
    /// What lacks of it once the path is right: the method (`Some(None)`) or a header, by its number.
    fn missing(&self, method: &str, headers: &dyn Headers) -> Option<Option<usize>> {
        if !self.methods.as_ref().is_none_or(|all| all.iter().any(|m| m == method)) {
            return Some(None);
        }
        let terms = self.headers.as_ref()?;
        let has = |header: &Header| header.leaves && headers.has(&header.term.name, &header.term.value);
        // An empty list allows nothing.
        if terms.is_empty() { Some(None) } else { terms.iter().position(|term| !has(term)).map(Some) }
    }
}

/// Whether a header leaves as the guest sent it. One by a credential's name is no term: its value would stand
/// in the manifest, and beside a credential of ours it goes.
fn leaves(route: &EgressRoute, name: &str) -> bool {
    let passed = || route.pass_headers.iter().any(|passed| passed == name);
    never_passes(name).is_none()
        && match shape(name) {
            None => true,
            Some(Shape::Claim) => passed(),
            Some(Shape::Credential | Shape::Override) => false,
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
