//! `bot-bottle can`.

use super::{CLEAN, FINDINGS, Failure, target, terminal};
use crate::disk::Disk;
use crate::egress::policy::{Denial, Handling, Policy, Request, Scheme, narrowest_route};
use crate::manifest::Catalog;
use crate::provider::{EgressRoute, Start};
use serde::Serialize;

/// Ask whether a bottle may make a request, by which route, and with which credential.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A manifest, or the name of an agent or a bottle.
    #[arg(value_name = "FILE[#NAME]")]
    target: String,
    /// The method, in capitals.
    method: String,
    /// The URL, as the guest would send it: nothing in it is normalised.
    url: String,
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
    let request = parse(&args.method, &args.url)?;
    let cleared = target::cleared(&found, &catalog, &Start::default())?;
    let policy = Policy::new(&cleared.plan().egress_routes);
    let verdict = policy.request(&request);
    let answer = Answer::new(&policy, &request, &verdict);
    let text = match args.format {
        FormatArg::Text => answer.text(),
        FormatArg::Json => {
            serde_json::to_string_pretty(&answer).map_err(|e| Failure::Internal(e.to_string()))? + "\n"
        }
    };
    terminal::print(&text)?;
    Ok(if verdict.is_ok() { CLEAN } else { FINDINGS })
}

/// Takes a URL apart without changing it: what the policy sees is what the guest would send.
fn parse<'a>(method: &'a str, url: &'a str) -> Result<Request<'a>, Failure> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        _ => return Err(Failure::usage("the URL must begin with https:// or http://")),
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => {
            let port = port.parse().map_err(|_| Failure::usage(format!("`{port}` is no port")))?;
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
    auth_scheme: Option<crate::provider::AuthScheme>,
    /// The name of the credential that the egress adds.
    token_ref: Option<String>,
    /// Whether the egress looks inside the connection.
    inspected: Option<bool>,
    /// Why not.
    code: Option<&'static str>,
    reason: Option<String>,
    /// The manifest lines below `egress:` that would allow it.
    suggestion: Option<String>,
}

impl Answer {
    fn new(policy: &Policy, request: &Request<'_>, verdict: &Result<usize, Denial>) -> Self {
        let index = verdict.as_ref().ok().copied().or_else(|| policy.deciding(request.host).ok());
        let route: Option<&EgressRoute> = index.and_then(|i| policy.route(i));
        let auth = route.filter(|_| verdict.is_ok()).and_then(|r| r.auth.as_ref());
        let denial = verdict.as_ref().err();
        let handling = policy.connect(request.host, request.port).ok().map(|(_, h)| h == Handling::Inspect);
        Self {
            version: 1,
            allowed: denial.is_none(),
            route: route.map(|r| r.host.clone()),
            owner: route.map(|r| r.owner),
            auth_scheme: auth.map(|a| a.scheme),
            token_ref: auth.map(|a| a.token_ref.name().to_owned()),
            inspected: handling.filter(|_| verdict.is_ok()),
            code: denial.map(Denial::code),
            reason: denial.map(ToString::to_string),
            suggestion: denial.and_then(|d| suggestion(d, request)),
        }
    }

    fn text(&self) -> String {
        let route = self.route.as_deref().unwrap_or_default();
        match (&self.reason, &self.token_ref) {
            (Some(reason), _) => {
                let add = self.suggestion.as_ref().map(|s| format!("to allow it, add:\negress:\n{s}"));
                format!("denied: {reason}\n{}", add.unwrap_or_default())
            }
            (None, Some(name)) => {
                let scheme = self.auth_scheme.map_or("", crate::provider::AuthScheme::as_str);
                format!("allowed by the route {route}, with {scheme} from {name}\n")
            }
            (None, None) => format!("allowed by the route {route}, without a credential\n"),
        }
    }
}

/// Only where one more route is the answer: never for what no route can allow.
fn suggestion(denial: &Denial, request: &Request<'_>) -> Option<String> {
    let path = request.target.split('?').next();
    matches!(denial, Denial::Host { .. }).then(|| narrowest_route(request.host, request.method, path))
}
