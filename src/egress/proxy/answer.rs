//! The response with which the egress itself answers a request that it did not carry.

use super::refusal::Refusal;
use super::reply::Reply;
use crate::egress::code::Code;
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, PROXY_AUTHENTICATE};
use hyper::{Response, StatusCode};

/// As text or, for a client that asks for it, as JSON. `policy` is the guest's file that says what it
/// may do; a 403 points there.
pub(crate) fn refused(refusal: &Refusal, request: &HeaderMap, policy: Option<&str>) -> Response<Reply> {
    let policy = policy.filter(|_| refusal.code.status() == 403);
    let (kind, text) = if wants_json(request) {
        ("application/json", refusal.json(policy))
    } else {
        ("text/plain; charset=utf-8", refusal.text(policy))
    };
    let mut response = Response::new(Reply::text(text));
    *response.status_mut() = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if refusal.code == Code::Login {
        headers.insert(PROXY_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bot-bottle\""));
    }
    headers.insert("x-bot-bottle", HeaderValue::from_static(refusal.code.word()));
    response
}

fn wants_json(request: &HeaderMap) -> bool {
    request.get(ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("json"))
}
