//! The first request on a guest's connection: CONNECT, or plain HTTP with an absolute target.

use super::dial::Target;
use super::exchange::Exchange;
use super::refusal::Refusal;
use super::reply::Reply;
use super::site::{Next, Site};
use super::{answer, forward};
use crate::egress::policy::{Handling, Scheme, host_name};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, Response, Uri};
use std::sync::Arc;

/// Answers a CONNECT.
pub(crate) async fn answer(site: &Site, request: Request<Incoming>) -> Response<Reply> {
    let text = request.uri().authority().map_or("", |a| a.as_str());
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let exchange = Exchange::new(site.of(), "CONNECT", host, port.parse().unwrap_or(0), "");
    let headers = request.headers().clone();
    match open(site, request, &exchange).await {
        Ok(next) => {
            site.next(next);
            Response::new(Reply::text(""))
        }
        Err(refusal) => {
            exchange.refused(&refusal);
            answer::refused(&refusal, &headers, site.shared.guest_policy)
        }
    }
}

async fn open(
    site: &Site,
    mut request: Request<Incoming>,
    exchange: &Arc<Exchange>,
) -> Result<Next, Refusal> {
    let text = request.uri().authority().map_or("", |a| a.as_str());
    let malformed = || Refusal::denied(400, "malformed", "CONNECT needs HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(malformed());
    }
    let port = port.parse().map_err(|_| malformed())?;
    let shared = &site.shared;
    let (index, handling) =
        shared.policy.connect(host, port).map_err(|denial| Refusal::policy(&denial, "CONNECT", None))?;
    let host: Arc<str> = host.to_ascii_lowercase().into();
    let route = &shared.routes[index];
    exchange.route(&route.host);
    let guest = hyper::upgrade::on(&mut request);
    match handling {
        Handling::Inspect => {
            // Each request inside has its own line.
            exchange.leave_out();
            Ok(Next::Inspect { guest, host, port, route: index })
        }
        Handling::Tunnel | Handling::Raw => {
            let exceptions = &route.exceptions;
            let to = Target { route: index, scheme: Scheme::Https, host: &host, port, exceptions };
            let upstream = shared.pool.dialer().tcp(to).await?;
            exchange.answered(200);
            let exchange = exchange.clone();
            Ok(if handling == Handling::Raw {
                Next::Raw { guest, upstream, exchange }
            } else {
                Next::Tunnel { guest, host, port, upstream, exchange }
            })
        }
    }
}

/// Answers a request that is not a CONNECT: plain HTTP with an absolute target, nothing else.
pub(crate) async fn plain(site: &Site, request: Request<Incoming>) -> Response<Reply> {
    match host(request.uri()) {
        Ok((host, port)) => forward::answer(site, &host, port, request).await,
        Err(refusal) => {
            let uri = request.uri();
            let host = uri.host().unwrap_or_default();
            let port = uri.port_u16().unwrap_or(site.port);
            let exchange = Exchange::new(site.of(), request.method().as_str(), host, port, uri.path());
            exchange.refused(&refusal);
            answer::refused(&refusal, &HeaderMap::new(), site.shared.guest_policy)
        }
    }
}

/// The host of an absolute target, in lower case, and its port.
fn host(uri: &Uri) -> Result<(String, u16), Refusal> {
    let Some(authority) = uri.authority() else {
        let why = "this is a proxy; it takes CONNECT and absolute http:// targets";
        return Err(Refusal::denied(400, "not-a-proxy-request", why));
    };
    if uri.scheme_str() != Some("http") {
        let why = "targets other than http:// go through CONNECT";
        return Err(Refusal::denied(400, "not-a-proxy-request", why));
    }
    let text = authority.as_str();
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            let wrong = |_| Refusal::denied(400, "malformed", "the port of its target is no number");
            (name, port.parse().map_err(wrong)?)
        }
        _ => (text, Scheme::Http.port()),
    };
    let name = host_name(name).map_err(|denial| Refusal::policy(&denial, "GET", None))?;
    Ok((name, port))
}
