//! What a bottle may send: the one place that decides, and it does no I/O.
//!
//! `bot-bottle can`, the findings, the hover, the permission diff and the proxy all ask here. In the first
//! layer with a route that matches the host, the first route that allows the request decides, and all that
//! it states must hold.

use super::code::Code;
use super::hosts;
pub use super::hosts::{covering, host_covers, host_matches};
use super::shape::same_name;
use super::terms::{Asked, Lack, Terms};
pub use super::terms::{Headers, Scheme, git_direction};
use crate::provider::{EgressRoute, HeaderTerm, Protocol, login_for};
use crate::shown::printable;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

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
    /// Pass any bytes: the route is `protocol: tcp`.
    Raw,
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
    #[error("port {port} of {host} is not open ({open})")]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What is, in words.
        open: String,
    },
    /// Anything but HTTP and TLS where no route is `protocol: tcp`.
    #[error("port {port} of {host} is open for HTTP and TLS alone, not for other bytes")]
    NotTcp {
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
    #[error("{route} does not allow {method}")]
    Method {
        /// The route.
        route: Nearest,
        /// The method.
        method: String,
    },
    /// A header that the route asks for is not there, or has another value.
    #[error("{route} allows this only with the header `{header}`")]
    Header {
        /// The route.
        route: Nearest,
        /// Its name and value.
        header: String,
    },
    /// None of the route's paths matches.
    #[error("{route} does not allow the path {path}")]
    Path {
        /// The route.
        route: Nearest,
        /// The canonical path.
        path: String,
    },
    /// The route allows some paths only, and this one can be read in more than one way.
    #[error("the path is ambiguous: {why}")]
    AmbiguousPath {
        /// The route.
        route: Nearest,
        /// What is ambiguous.
        why: &'static str,
    },
    /// A route for git saw something else.
    #[error("{route} allows git only, and this is no git request")]
    NotGit {
        /// The route.
        route: Nearest,
    },
    /// A push through a route for reading.
    #[error("{route} allows git to read only, and this is a push")]
    GitPush {
        /// The route.
        route: Nearest,
    },
}

/// Of the routes that are asked about a host, the one that a request lacks least for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// The host that was asked for.
    pub host: String,
    /// The route, by its number in the policy.
    pub index: usize,
    /// Its number among those of the host, from 1.
    pub number: usize,
    /// How many those are.
    pub of: usize,
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, index: _, number, of } = self;
        if *of == 1 {
            return write!(f, "the route for {host}");
        }
        write!(f, "the nearest of {of} routes for {host} (number {number})")
    }
}

impl Denial {
    /// The route that came nearest, where one was asked about the request itself.
    pub fn nearest(&self) -> Option<&Nearest> {
        match self {
            Self::NotAHost { .. }
            | Self::Host { .. }
            | Self::Port { .. }
            | Self::NotTcp { .. }
            | Self::PlainHttp { .. } => None,
            Self::Header { route, .. }
            | Self::Method { route, .. }
            | Self::Path { route, .. }
            | Self::AmbiguousPath { route, .. }
            | Self::NotGit { route }
            | Self::GitPush { route } => Some(route),
        }
    }

    /// Its word in the audit.
    pub fn code(&self) -> Code {
        match self {
            Self::NotAHost { .. } => Code::NotAHost,
            Self::Host { .. } => Code::Host,
            Self::Port { .. } => Code::Port,
            Self::NotTcp { .. } => Code::NotTcp,
            Self::PlainHttp { .. } => Code::PlainHttp,
            Self::Method { .. } => Code::Method,
            Self::Header { .. } => Code::Header,
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
    routes: Vec<Terms>,
    /// For each route the end of those that may match a host of its own in its layer; its own number and one
    /// where it stands alone.
    until: Vec<usize>,
}

/// The answer to a request that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// The route that decided.
    pub route: usize,
    /// Some route of the host has a credential: the rules for the guest's headers hold, whichever decides.
    pub guarded: bool,
    /// Some route of the host has terms.
    pub termed: bool,
}

impl Policy {
    /// Compiles the routes of a plan, in their order.
    pub fn new(routes: &[EgressRoute]) -> Self {
        Self { routes: routes.iter().map(Terms::new).collect(), until: until(routes) }
    }

    /// The routes, in the order in which they are asked.
    pub fn routes(&self) -> impl Iterator<Item = &EgressRoute> {
        self.routes.iter().map(|c| &c.route)
    }

    /// The route at an index that a verdict gave.
    pub fn route(&self, index: usize) -> Option<&EgressRoute> {
        self.routes.get(index).map(|c| &c.route)
    }

    /// The routes that are asked about a host, by index and in order: those of the first layer with one that
    /// matches it.
    ///
    /// # Errors
    /// When the text is not a host name or no route lists it.
    pub fn candidates(&self, host: &str) -> Result<Vec<usize>, Denial> {
        let host = lower(host)?;
        let all: Vec<usize> = self.matching(&host).map(|(index, _)| index).collect();
        if all.is_empty() { Err(Denial::Host { host: host.into_owned() }) } else { Ok(all) }
    }

    /// The index of the first of them.
    ///
    /// # Errors
    /// As [`Policy::candidates`].
    pub fn deciding(&self, host: &str) -> Result<usize, Denial> {
        let host = lower(host)?;
        let first = self.matching(&host).next().map(|(index, _)| index);
        first.ok_or_else(|| Denial::Host { host: host.to_string() })
    }

    /// The same, by index, for a name that is known to be one, in small letters.
    pub(super) fn of_host<'p>(&'p self, host: &'p str) -> impl Iterator<Item = usize> {
        self.matching(host).map(|(index, _)| index)
    }

    fn matching<'p>(&'p self, host: &'p str) -> impl Iterator<Item = (usize, &'p Terms)> + Clone {
        let first = self.routes.iter().position(|c| host_matches(&c.route.host, host));
        let range = first.map_or(0..0, |first| first..self.until[first]);
        let matches = move |index: &usize| host_matches(&self.routes[*index].route.host, host);
        range.filter(matches).map(|index| (index, &self.routes[index]))
    }

    /// Whether a connection to `host:port` may be opened, by which route, and how it is handled.
    ///
    /// Nothing inside a tunnel is looked at. So the host's first route for HTTP must be one that asks nothing
    /// of it, and it must open this very port.
    ///
    /// # Errors
    /// Why not.
    pub fn connect(&self, host: &str, port: u16) -> Result<(usize, Handling), Denial> {
        let host = lower(host)?;
        let mut first = true;
        for (index, candidate) in self.matching(&host) {
            let tcp = candidate.route.protocol == Protocol::Tcp;
            if candidate.opens_port(port) {
                let handling =
                    match (tcp, first && candidate.is_open() && candidate.opens(port, Scheme::Https)) {
                        (true, _) => Handling::Raw,
                        (false, true) => Handling::Tunnel,
                        (false, false) => Handling::Inspect,
                    };
                return Ok((index, handling));
            }
            first &= tcp;
        }
        Err(self.closed(&host, port))
    }

    /// Whether any bytes may go to `host:port`, and by which route.
    ///
    /// # Errors
    /// Why not.
    pub fn raw(&self, host: &str, port: u16) -> Result<usize, Denial> {
        match self.connect(host, port)? {
            (index, Handling::Raw) => Ok(index),
            _ => Err(Denial::NotTcp { host: host.to_ascii_lowercase(), port }),
        }
    }

    /// Why a port of a host is not open.
    fn closed(&self, host: &str, port: u16) -> Denial {
        let mut open: Vec<u16> =
            self.matching(host).flat_map(|(_, c)| c.route.open_ports().iter().copied()).collect();
        open.sort_unstable();
        open.dedup();
        if self.matching(host).next().is_none() {
            return Denial::Host { host: host.to_owned() };
        }
        let open = match open.as_slice() {
            [] => "none is".to_owned(),
            [443] => "443 is".to_owned(),
            [80, 443] => "443 is, and 80 for plain HTTP".to_owned(),
            ports => format!("{} are", ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
        };
        Denial::Port { host: host.to_owned(), port, open }
    }

    /// Whether a request may leave, and by which route.
    ///
    /// # Errors
    /// Why not.
    pub fn request(&self, request: &Request<'_>) -> Result<usize, Denial> {
        self.judge(request, &()).map(|allowed| allowed.route)
    }

    /// Each header that the routes of a host ask for, in order, and whether a request has it as it leaves.
    pub fn header_terms(&self, host: &str, headers: &dyn Headers) -> Vec<(&HeaderTerm, bool)> {
        let Ok(host) = lower(host) else { return Vec::new() };
        let mut all: Vec<(&HeaderTerm, bool)> = Vec::new();
        for index in self.of_host(&host) {
            for (term, leaves) in self.routes[index].headers() {
                if !all.iter().any(|(known, _)| *known == term) {
                    let kept = leaves && !self.takes(&host, &term.name);
                    all.push((term, kept && headers.has(&term.name, &term.value)));
                }
            }
        }
        all
    }

    /// Whether a credential of a host's routes goes in a header of this name.
    fn takes(&self, host: &str, name: &str) -> bool {
        self.matching(host)
            .any(|(_, c)| c.route.auth.as_ref().is_some_and(|a| same_name(a.scheme.header(), name)))
    }

    /// [`Policy::request`] of a request with headers, and what holds for every request to the host.
    ///
    /// # Errors
    /// Why not: what the nearest route lacks.
    pub fn judge(&self, request: &Request<'_>, headers: &dyn Headers) -> Result<Allowed, Denial> {
        let host = lower(request.host)?;
        let candidates = self.matching(&host);
        let (mut guarded, mut termed, mut of) = (false, false, 0);
        for (_, candidate) in candidates.clone() {
            guarded |= candidate.route.auth.is_some();
            termed |= candidate.has_terms();
            of += 1;
        }
        if of == 0 {
            return Err(Denial::Host { host: host.to_string() });
        }
        let (scheme, port) = (request.scheme, request.port);
        if scheme == Scheme::Http && guarded && candidates.clone().any(|(_, c)| c.opens(port, scheme)) {
            return Err(Denial::PlainHttp { host: host.to_string() });
        }
        let headers = Leaving { policy: self, host: &host, guarded, headers };
        let mut asked = Asked::new((scheme, port), (request.method, request.target), &headers);
        let mut nearest: Option<(usize, usize, Lack)> = None;
        for (number, (index, candidate)) in candidates.enumerate() {
            let Some(lack) = candidate.lack(&mut asked) else {
                return Ok(Allowed { route: index, guarded, termed });
            };
            if nearest.is_none_or(|(.., before)| lack.nearness() > before.nearness()) {
                nearest = Some((number + 1, index, lack));
            }
        }
        let (number, index, lack) = nearest.unwrap_or((1, 0, Lack::Method));
        if lack == Lack::Port {
            return Err(self.closed(&host, port));
        }
        let route = Nearest { host: host.to_string(), index, number, of };
        if let Lack::Header(entry, header) = lack
            && let Some(term) = self.routes[index].header(entry, header)
        {
            return Err(Denial::Header {
                route,
                header: printable(&format!("{}: {}", term.name, term.value)),
            });
        }
        Err(denial(lack, route, &asked))
    }
}

fn denial(lack: Lack, route: Nearest, asked: &Asked<'_>) -> Denial {
    match lack {
        Lack::NotGit => Denial::NotGit { route },
        Lack::Push => Denial::GitPush { route },
        Lack::Ambiguous(why) => Denial::AmbiguousPath { route, why },
        Lack::Path => Denial::Path { route, path: asked.path() },
        // Those besides it are the policy's own to tell.
        Lack::Port | Lack::Header(..) | Lack::Method => {
            Denial::Method { route, method: printable(asked.method) }
        }
    }
}

/// Headers as they leave: where a route of the host puts its credential, nothing of the guest's does.
struct Leaving<'a> {
    policy: &'a Policy,
    host: &'a str,
    guarded: bool,
    headers: &'a dyn Headers,
}

impl Headers for Leaving<'_> {
    fn has(&self, name: &str, value: &str) -> bool {
        !(self.guarded && self.policy.takes(self.host, name)) && self.headers.has(name, value)
    }
}

/// See [`Policy`]. Most hosts have one route, and then nothing behind it is looked at.
fn until(routes: &[EgressRoute]) -> Vec<usize> {
    let mut all = Vec::with_capacity(routes.len());
    for layer in routes.chunk_by(|a, b| a.layer == b.layer) {
        let from = all.len();
        if layer.len() == 1 {
            all.push(from + 1);
            continue;
        }
        // The last route of each pattern, and the last one whose hosts a pattern covers.
        let (mut last, mut below) = (HashMap::new(), HashMap::new());
        for (index, route) in layer.iter().enumerate() {
            last.insert(route.host.as_str(), index);
            below.extend(covering(&route.host).map(|pattern| (pattern, index)));
        }
        for (index, route) in layer.iter().enumerate() {
            let wider = covering(&route.host).filter_map(|pattern| last.get(pattern.as_str()).copied());
            let end = wider.chain(below.get(&route.host).copied()).max().unwrap_or(index).max(index);
            all.push(from + end + 1);
        }
    }
    all
}

/// Manifest lines below `egress:` that would open a port.
pub fn narrowest_port(host: &str, port: u16) -> String {
    format!("  routes:\n    - host: {}\n      ports: [{port}]\n", printable(host))
}

/// A host name in lower case.
///
/// # Errors
/// When the text is an address, holds anything but letters, digits, `-`, `_` and dots, or is no
/// name by its lengths. Never more lenient than a resolver.
pub fn host_name(host: &str) -> Result<String, Denial> {
    lower(host).map(Cow::into_owned)
}

fn lower(host: &str) -> Result<Cow<'_, str>, Denial> {
    hosts::lower(host).map_err(|why| Denial::NotAHost { host: printable(host), why })
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
            "  # With `template: {template}` the route is made by agent_provider.{field}, or by api_key.\n"
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
mod tests;
