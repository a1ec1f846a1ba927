//! `bot-bottle can`.

use super::{CLEAN, FINDINGS, Failure, target, terminal};
use crate::disk::Disk;
use crate::egress::policy::{
    Denial, Handling, Headers, Policy, Request, Scheme, narrowest_port, narrowest_route,
};
use crate::egress::shape::{is_header_name, same_name};
use crate::manifest::{Bottle, Catalog, Found, read_bottle, resolve};
use crate::plan::{Plan, egress_route};
use crate::provider::{EgressRoute, RouteOwner, Start};
use crate::shown::printable;
use crate::syntax::LineIndex;
use serde::Serialize;

/// Ask whether a bottle may make a request, by which route, and with which credential.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A manifest, or the name of an agent or a bottle.
    #[arg(value_name = "FILE[#NAME]")]
    target: String,
    /// The method, in capitals; none for `tcp://HOST:PORT`.
    #[arg(value_name = "METHOD")]
    method: String,
    /// The URL, as the guest would send it: nothing in it is normalised. `tcp://HOST:PORT` asks for a
    /// connection that carries any bytes.
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// A header of the request, as NAME: VALUE. May be repeated.
    #[arg(long, value_name = "HEADER", value_parser = header)]
    header: Vec<(String, String)>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let layout = terminal::layout();
    let catalog = Catalog::new(&Disk, &layout);
    let found = target::open(&args.target, &catalog)?;
    let asked = asked(args)?;
    let cleared = target::cleared(&found, &catalog, &Start::default())?;
    let policy = Policy::new(&cleared.plan().egress_routes);
    let verdict = match &asked {
        Asked::Request(request) => policy.judge(request, &Given(&args.header)).map(|allowed| allowed.route),
        Asked::Tcp(host, port) => policy.raw(host, *port),
    };
    let request = asked.as_request();
    // The route that decides about the request, whatever it says of it.
    let nearest = verdict.as_ref().err().and_then(Denial::nearest).map(|nearest| nearest.index);
    let index = verdict.as_ref().ok().copied().or(nearest).or_else(|| policy.deciding(request.host).ok());
    let mut answer = Answer::new(&policy, &request, &verdict, index);
    if let Some(bottle) = catalog.bottle_of(&found) {
        answer.from = index.and_then(|index| from(index, cleared.plan(), &bottle, &catalog));
        answer.keep_out_parents(&read_bottle(&bottle.source, &bottle.manifest));
    }
    let text = match args.format {
        FormatArg::Text => answer.text(),
        FormatArg::Json => {
            serde_json::to_string_pretty(&answer).map_err(|e| Failure::Internal(e.to_string()))? + "\n"
        }
    };
    terminal::print(&text)?;
    Ok(if verdict.is_ok() { CLEAN } else { FINDINGS })
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written as NAME: VALUE")?;
    if !is_header_name(name) {
        return Err(format!("`{name}` is not the name of a header"));
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// The headers of the question.
struct Given<'a>(&'a [(String, String)]);

impl Headers for Given<'_> {
    fn has(&self, name: &str, value: &str) -> bool {
        let mut all = self.0.iter().filter(|(n, _)| same_name(n, name)).peekable();
        all.peek().is_some() && all.all(|(_, v)| v == value)
    }
}

/// What is asked for.
enum Asked<'a> {
    Request(Request<'a>),
    /// A connection that carries any bytes.
    Tcp(&'a str, u16),
}

impl<'a> Asked<'a> {
    /// A connection as the guest asks for it.
    fn as_request(&self) -> Request<'a> {
        match *self {
            Self::Request(request) => request,
            Self::Tcp(host, port) => {
                Request { scheme: Scheme::Https, host, port, method: "CONNECT", target: "" }
            }
        }
    }
}

fn asked(args: &Args) -> Result<Asked<'_>, Failure> {
    let url = args.url.as_deref().unwrap_or(&args.method);
    let Some(address) = url.strip_prefix("tcp://") else {
        let missing =
            || Failure::usage("a URL is missing: `can FILE METHOD URL`, or `can FILE tcp://HOST:PORT`");
        let url = args.url.as_deref().ok_or_else(missing)?;
        return parse(&args.method, url).map(Asked::Request);
    };
    let (host, port) = address
        .split_once(':')
        .ok_or_else(|| Failure::usage("`tcp://` names a host and a port: tcp://db.example.com:5432"))?;
    let port = port.trim_end_matches('/');
    let port = port.parse().map_err(|_| Failure::usage(format!("`{port}` is no port")))?;
    Ok(Asked::Tcp(host, port))
}

/// Takes a URL apart without changing it: what the policy sees is what the guest would send.
fn parse<'a>(method: &'a str, url: &'a str) -> Result<Request<'a>, Failure> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        _ => return Err(Failure::usage("the URL must begin with https://, http:// or tcp://")),
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => {
            let port = port.parse().map_err(|_| Failure::usage(format!("`{port}` is not a port")))?;
            (host, port)
        }
        _ => (authority, scheme.port()),
    };
    let target = if target.is_empty() { "/" } else { target };
    Ok(Request { scheme, host, port, method, target })
}

#[derive(Serialize)]
struct Answer {
    version: u32,
    allowed: bool,
    /// The route's host, as the plan has it.
    route: Option<String>,
    owner: Option<crate::provider::RouteOwner>,
    /// `Bearer`, `token` or `Basic`; empty where a header has the credential alone.
    auth_scheme: Option<&'static str>,
    /// The header that has it alone, in small letters; empty where the scheme says it.
    auth_header: Option<String>,
    /// The user beside a `Basic` credential, or empty.
    auth_user: Option<String>,
    /// The same in words.
    #[serde(skip)]
    form: Option<String>,
    /// The name of the credential that the egress adds.
    token_ref: Option<String>,
    /// Whether the egress looks inside the connection.
    inspected: Option<bool>,
    /// Which bottle the route is from and where: `FILE:LINE`; `None` where the provider made it.
    from: Option<String>,
    /// Why not.
    code: Option<&'static str>,
    reason: Option<String>,
    /// The manifest lines below `egress:` that would allow it.
    suggestion: Option<String>,
}

impl Answer {
    fn new(
        policy: &Policy,
        request: &Request<'_>,
        verdict: &Result<usize, Denial>,
        index: Option<usize>,
    ) -> Self {
        let route: Option<&EgressRoute> = index.and_then(|i| policy.route(i));
        let auth = route.filter(|_| verdict.is_ok()).and_then(|r| r.auth.as_ref());
        let denial = verdict.as_ref().err();
        let handling = policy.connect(request.host, request.port).ok().map(|(_, h)| h == Handling::Inspect);
        Self {
            version: 1,
            allowed: denial.is_none(),
            route: route.map(|r| r.host.clone()),
            owner: route.map(|r| r.owner),
            auth_scheme: auth.map(|a| a.scheme.as_str()),
            auth_header: auth.map(|a| a.scheme.stated_header().to_owned()),
            auth_user: auth.map(|a| a.scheme.user().to_owned()),
            form: auth.map(|a| printable(&a.scheme.words())),
            token_ref: auth.map(|a| a.token_ref.name().to_owned()),
            from: None,
            inspected: handling.filter(|_| verdict.is_ok()),
            code: denial.map(|d| d.code().word()),
            reason: denial.map(ToString::to_string),
            suggestion: denial.and_then(|d| suggestion(d, request, route)),
        }
    }

    /// A bottle that takes nothing of its parents by `routes: []` would have their routes again with one of
    /// its own: then the advice says that it shall not.
    fn keep_out_parents(&mut self, own: &Bottle) {
        let dropped = !own.inherits_routes && !own.extends.is_empty();
        if let Some(lines) = self.suggestion.as_mut().filter(|_| dropped) {
            lines.insert_str(0, "  inherit: false\n");
        }
    }

    fn text(&self) -> String {
        let from = self.from.as_ref().map(|from| format!(", {from}")).unwrap_or_default();
        let route = format!("{}{from}", self.route.as_deref().unwrap_or_default());
        match (&self.reason, &self.token_ref) {
            (Some(reason), _) => {
                let add = self.suggestion.as_ref().map(|s| format!("to allow it, add:\negress:\n{s}"));
                format!("denied: {reason}\n{}", add.unwrap_or_default())
            }
            (None, Some(name)) => {
                let form = self.form.as_deref().unwrap_or_default();
                format!("allowed by the route {route}, with {form} from {name}\n")
            }
            (None, None) => format!("allowed by the route {route}, without a credential\n"),
        }
    }
}

/// Where the plan's route of this number is written.
fn from(index: usize, plan: &Plan, bottle: &Found, catalog: &Catalog<'_>) -> Option<String> {
    let own = |route: &&EgressRoute| route.owner == RouteOwner::Manifest;
    plan.egress_routes.get(index).filter(own)?;
    let number = plan.egress_routes[..index].iter().filter(own).count();
    let resolved = resolve(bottle, catalog).bottle;
    let mut written = resolved.egress.as_ref()?.value.iter().filter(|route| egress_route(route).is_some());
    let place = &written.nth(number)?.place;
    let source = catalog.source(&place.file)?;
    let line = LineIndex::new(&source.text).line_of(place.span.start as usize) + 1;
    Some(format!("{}:{line}", terminal::shown(&place.file)))
}

/// Only where one more route is the answer: never for what no route can allow, nor where the routes of a
/// parent or of the provider decide, which one of the bottle's own would take the place of.
fn suggestion(denial: &Denial, request: &Request<'_>, nearest: Option<&EgressRoute>) -> Option<String> {
    let own = nearest.is_none_or(|r| r.owner == RouteOwner::Manifest && r.layer < 2);
    let method = !["TRACE", "CONNECT"].contains(&request.method.to_ascii_uppercase().as_str());
    // What was asked for is a connection.
    let tcp = request.target.is_empty();
    let port = || {
        let tcp = if tcp { "      protocol: tcp\n" } else { "" };
        narrowest_port(request.host, request.port) + tcp
    };
    match denial {
        Denial::NotTcp { .. } | Denial::Port { .. } if own => Some(port()),
        Denial::Host { .. } if tcp => Some(port()),
        Denial::Host { .. } => {
            Some(narrowest_route(request.host, request.method, request.target.split('?').next()))
        }
        Denial::Path { .. } | Denial::Method { .. } | Denial::NotGit { .. } if own && method => {
            Some(narrowest_route(request.host, request.method, request.target.split('?').next()))
        }
        _ => None,
    }
}
