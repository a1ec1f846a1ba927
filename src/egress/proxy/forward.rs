//! One request from its arrival to its answer's head.

use super::dial::Target;
use super::exchange::{Asked, Exchange};
use super::needles::Needles;
use super::outgoing::Outgoing;
use super::pool::Lease;
use super::refusal::Refusal;
use super::reply::Reply;
use super::site::{Next, Site};
use super::{admit, answer, guard, headers, websocket};
use crate::egress::Protocol;
use crate::egress::code::Code;
use crate::egress::policy::{Allowed, git_direction};
use crate::egress::shape::Shape;
use hyper::body::{Body, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, EXPECT, HeaderMap, HeaderValue, SEC_WEBSOCKET_EXTENSIONS,
    TE, UPGRADE,
};
use hyper::{Request, Response, StatusCode, Version};
use std::sync::Arc;

/// Answers a request: from the upstream, or with why not. Whatever happens, one audit line.
pub(crate) async fn answer(
    site: &Site,
    host: &str,
    port: u16,
    request: Request<Incoming>,
) -> Response<Reply> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let (scheme, protocol) = (site.scheme, protocol(&request));
    let exchange = site.exchange(&Asked { scheme, protocol, method, host, port: Some(port), path });
    let accepts = request.headers().get(hyper::header::ACCEPT).cloned();
    match forward(site, (host, port), request, &exchange).await {
        Ok(response) => response,
        Err(refusal) => {
            let refusal = exchange.refused(refusal);
            let accepts = accepts.into_iter().map(|v| (hyper::header::ACCEPT, v)).collect();
            answer::refused(&refusal, &accepts, site.shared.guest_policy)
        }
    }
}

fn protocol(request: &Request<Incoming>) -> Protocol {
    match request.version() {
        Version::HTTP_2 => Protocol::Http2,
        _ if websocket::is_opening(request) => Protocol::Websocket,
        _ => Protocol::Http1,
    }
}

async fn forward(
    site: &Site,
    (host, port): (&str, u16),
    mut request: Request<Incoming>,
    exchange: &Arc<Exchange>,
) -> Result<Response<Reply>, Refusal> {
    exchange.headers(admit::header_terms(&site.shared, host, request.headers()));
    let (allowed, route) = admit::request(&site.shared, site.scheme, (host, port), &request)?;
    site.take_up(exchange)?;
    exchange.route(route);
    if route.is_git {
        let uri = request.uri();
        exchange.git(git_direction(request.method().as_str(), uri.path(), uri.query()));
    }
    let socket = websocket::is_opening(&request) && !route.is_git;
    let upgrade = socket.then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    head.extensions.clear();
    let needles = prepare(site, host, allowed, &mut head.headers, socket)?;
    if let (Some(injector), Some(_)) = (&route.injector, &needles) {
        exchange.credential(injector.name());
    }
    let body = Outgoing::new(body, exchange.clone(), !allowed.guarded);
    let request = Request::from_parts(head, body);

    let exceptions = &route.exceptions;
    let to = Target { route: allowed.route, scheme: site.scheme, host, port, exceptions, exchange };
    let Some(upgrade) = upgrade else {
        let (response, lease) = site.shared.pool.send(to, request).await?;
        return relay(response, lease, exchange, needles);
    };
    let (mut response, lease) = site.shared.pool.send_upgrade(to, request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return relay(response, lease, exchange, needles);
    }
    let compressed = response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS);
    if compressed && needles.is_some() || !headers::has_token(response.headers(), &UPGRADE, "websocket") {
        return Err(Refusal::new(
            Code::UpstreamGarbage,
            format!("{host} changed to a protocol not asked for"),
        ));
    }
    let upstream = hyper::upgrade::on(&mut response);
    let shown = cleaned(response.headers_mut(), needles.as_deref());
    site.next(Next::WebSocket {
        guest: upgrade,
        upstream,
        needles,
        compressed,
        lease,
        exchange: exchange.clone(),
    });
    let mut answer = Response::new(Reply::text(""));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *answer.headers_mut() = shown;
    switch(answer.headers_mut());
    exchange.answered(101);
    Ok(answer)
}

/// Makes the guest's headers fit to leave, and gives what to look for in the answer.
fn prepare(
    site: &Site,
    host: &str,
    allowed: Allowed,
    map: &mut HeaderMap,
    socket: bool,
) -> Result<Option<Arc<Needles>>, Refusal> {
    let route = &site.shared.routes[allowed.route];
    // gRPC needs it, and it is the only value that HTTP/2 has.
    let trailers = headers::has_token(map, &TE, "trailers");
    headers::strip_hop_by_hop(map);
    headers::strip(map, Shape::Claim, &route.pass_headers);
    // Our own side answers it when the body is asked for.
    map.remove(EXPECT);
    if trailers {
        map.insert(TE, HeaderValue::from_static("trailers"));
    }
    if socket {
        switch(map);
    }
    if !allowed.guarded || route.issued_bearer(map) {
        return Ok(None);
    }
    let needles = guard::apply(&site.shared, host, allowed, map)?;
    // A compressed answer could carry the credential past the redactor. None is asked for where
    // the client said nothing: some servers then compress.
    if map.contains_key(ACCEPT_ENCODING) {
        map.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    map.remove(SEC_WEBSOCKET_EXTENSIONS);
    Ok(Some(needles))
}

/// Hands the upstream's answer on.
fn relay(
    response: Response<Incoming>,
    lease: Lease,
    exchange: &Arc<Exchange>,
    needles: Option<Arc<Needles>>,
) -> Result<Response<Reply>, Refusal> {
    let (mut head, body) = response.into_parts();
    if !headers::only_chunked(&head.headers) {
        let why = "the upstream used a transfer coding that cannot be taken off";
        return Err(Refusal::new(Code::UpstreamGarbage, why));
    }
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Refusal::new(Code::UpstreamGarbage, "the upstream changed the protocol unasked"));
    }
    if needles.is_some() && !body.is_end_stream() && is_encoded(&head.headers) {
        let why = "the upstream compressed its answer, which on a route with a credential cannot be \
                   searched for it";
        return Err(Refusal::new(Code::EncodedAnswer, why));
    }
    head.extensions.remove::<ReasonPhrase>();
    head.headers = cleaned(&mut head.headers, needles.as_deref());
    exchange.answered(head.status.as_u16());
    let mut answer = Response::new(Reply::upstream(body, exchange.clone(), needles, lease));
    *answer.status_mut() = head.status;
    *answer.headers_mut() = head.headers;
    Ok(answer)
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// An answer's headers as the guest may see them.
fn cleaned(map: &mut HeaderMap, needles: Option<&Needles>) -> HeaderMap {
    let mut map = std::mem::take(map);
    headers::strip_hop_by_hop(&mut map);
    // It would send the guest to ports and protocols that are not open to it.
    map.remove("alt-svc");
    if let Some(needles) = needles {
        headers::redact(&mut map, needles);
    }
    map
}

/// The pair of headers that opens a WebSocket.
fn switch(map: &mut HeaderMap) {
    map.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    map.insert(UPGRADE, HeaderValue::from_static("websocket"));
}
