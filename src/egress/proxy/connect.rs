//! The first request on a guest's connection: CONNECT, or plain HTTP with an absolute target.

use super::dial::Target;
use super::exchange::{Asked, Exchange};
use super::refusal::Refusal;
use super::reply::Reply;
use super::site::{Next, Site};
use super::{answer, forward};
use crate::egress::Protocol;
use crate::egress::code::Code;
use crate::egress::policy::{Handling, Scheme, host_name};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, Response, Uri};
use std::sync::Arc;

/// Answers a CONNECT.
pub(crate) async fn answer(site: &Site, request: Request<Incoming>) -> Response<Reply> {
    let text = request.uri().authority().map_or("", |a| a.as_str());
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let (scheme, protocol) = (Scheme::Https, Protocol::Tunnel);
    let asked = Asked { scheme, protocol, method: "CONNECT", host, port: port.parse().ok(), path: "" };
    let exchange = site.exchange(&asked);
    let headers = request.headers().clone();
    match open(site, request, &exchange).await {
        Ok(next) => {
            site.next(next);
            Response::new(Reply::text(""))
        }
        Err(refusal) => answer::refused(&exchange.refused(refusal), &headers, site.shared.guest_policy),
    }
}

async fn open(
    site: &Site,
    mut request: Request<Incoming>,
    exchange: &Arc<Exchange>,
) -> Result<Next, Refusal> {
    site.admit(request.headers())?;
    let text = request.uri().authority().map_or("", |a| a.as_str());
    let malformed = || Refusal::new(Code::Malformed, "CONNECT needs HOST:PORT");
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
    exchange.route(route);
    let guest = hyper::upgrade::on(&mut request);
    match handling {
        Handling::Inspect => {
            // Each request inside has its own line.
            exchange.leave_out();
            Ok(Next::Inspect { guest, host, port, route: index })
        }
        Handling::Tunnel | Handling::Raw => {
            site.take_up(exchange)?;
            let (scheme, exceptions) = (Scheme::Https, &*route.exceptions);
            let to = Target { route: index, scheme, host: &host, port, exceptions, exchange };
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
    match site.admit(request.headers()).and_then(|()| host(request.uri())) {
        Ok((host, port)) => forward::answer(site, &host, port, request).await,
        Err(refusal) => {
            let (uri, method) = (request.uri(), request.method().as_str());
            let host = uri.host().unwrap_or_default();
            let port = uri.host().map(|_| uri.port_u16().unwrap_or(site.port));
            let (scheme, protocol, path) = (site.scheme, Protocol::Http1, uri.path());
            let exchange = site.exchange(&Asked { scheme, protocol, method, host, port, path });
            answer::refused(&exchange.refused(refusal), &HeaderMap::new(), site.shared.guest_policy)
        }
    }
}

/// The host of an absolute target, in lower case, and its port.
fn host(uri: &Uri) -> Result<(String, u16), Refusal> {
    let Some(authority) = uri.authority() else {
        let why = "this is a proxy; it takes CONNECT and absolute http:// targets";
        return Err(Refusal::new(Code::NotAProxyRequest, why));
    };
    if uri.scheme_str() != Some("http") {
        let why = "targets other than http:// go through CONNECT";
        return Err(Refusal::new(Code::NotAProxyRequest, why));
    }
    let text = authority.as_str();
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            let wrong = |_| Refusal::new(Code::Malformed, "the port of its target is not a number");
            (name, port.parse().map_err(wrong)?)
        }
        _ => (text, Scheme::Http.port()),
    };
    let name = host_name(name).map_err(|denial| Refusal::policy(&denial, "GET", None))?;
    Ok((name, port))
}
