//! Headers: what belongs to one connection, what carries a credential, what could mislead.

use super::needles::Needles;
use crate::egress::shape::{Shape, same_name, shape};
use hyper::header::{
    self, CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL, TE, TRANSFER_ENCODING,
};

/// Removes what belongs to one connection only, and what `Connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    const NAMES: [HeaderName; 6] = [
        CONNECTION,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
        TE,
        TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    for name in NAMES {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

/// Removes every header of one shape but those that the route lets through.
pub(crate) fn strip(headers: &mut HeaderMap, what: Shape, passed: &[HeaderName]) {
    let goes = |n: &&HeaderName| shape(n.as_str()) == Some(what) && !passed.contains(n);
    let names: Vec<HeaderName> = headers.keys().filter(goes).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Removes a header in each spelling that a server may take for it.
pub(crate) fn strip_named(headers: &mut HeaderMap, name: &HeaderName) {
    let same: Vec<HeaderName> =
        headers.keys().filter(|n| same_name(n.as_str(), name.as_str())).cloned().collect();
    for name in same {
        headers.remove(name);
    }
}

/// Removes every credential of the guest's.
///
/// Cookies count. What an upstream sets still reaches the guest; it only does not come back on
/// routes where the egress answers for the login.
pub(crate) fn strip_credentials(headers: &mut HeaderMap, passed: &[HeaderName]) {
    strip(headers, Shape::Credential, passed);
    // Some services take a key as a WebSocket subprotocol.
    if let Some(protocols) = headers.get(SEC_WEBSOCKET_PROTOCOL).and_then(|v| v.to_str().ok()) {
        let secretive = |p: &str| {
            let p = p.to_ascii_lowercase();
            p.contains("api-key") || p.contains("bearer") || p.contains("token")
        };
        let kept: Vec<_> = protocols.split(',').map(str::trim).filter(|p| !secretive(p)).collect();
        match HeaderValue::from_str(&kept.join(", ")) {
            Ok(value) if !kept.is_empty() => headers.insert(SEC_WEBSOCKET_PROTOCOL, value),
            _ => headers.remove(SEC_WEBSOCKET_PROTOCOL),
        };
    }
}

/// A header that makes some servers act on another method or path than the one checked.
pub(crate) fn override_header<'a>(headers: &'a HeaderMap, passed: &[HeaderName]) -> Option<&'a HeaderName> {
    headers.keys().find(|n| shape(n.as_str()) == Some(Shape::Override) && !passed.contains(n))
}

/// Whether the one coding that we take off, `chunked`, is all that there is.
pub(crate) fn only_chunked(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    match (values.next(), values.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    }
}

/// Whether a comma-separated header holds a word.
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|t| t.trim().eq_ignore_ascii_case(token))
}

/// Stars the credential in values; a header whose name holds it is removed.
pub(crate) fn redact(headers: &mut HeaderMap, needles: &Needles) {
    let named: Vec<HeaderName> = headers.keys().filter(|n| needles.in_name(n.as_str())).cloned().collect();
    for name in named {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        if let Some(masked) = needles.mask(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&masked).unwrap_or(HeaderValue::from_static("*"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let pair = |(n, v): &(&str, &str)| {
            (n.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(v).expect("a value"))
        };
        list.iter().map(pair).collect()
    }

    #[test]
    fn what_connection_names_goes_too() {
        let mut map = headers(&[
            ("connection", "close, X-Secret-Hop"),
            ("x-secret-hop", "1"),
            ("te", "trailers"),
            ("keep-alive", "5"),
            ("accept", "*/*"),
        ]);
        strip_hop_by_hop(&mut map);
        assert_eq!(map.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn a_guests_credentials_go_in_any_header() {
        let mut map = headers(&[
            ("Authorization", "a"),
            ("AUTHORIZATION", "b"),
            ("x-api-key", "c"),
            ("X-Goog-Api-Key", "d"),
            ("cookie", "e"),
            ("private-token", "f"),
            ("x-amz-security-token", "g"),
            ("sec-websocket-protocol", "realtime, openai-insecure-api-key.x"),
            ("idempotency-key", "kept"),
            ("chatgpt-account-id", "kept"),
        ]);
        strip_credentials(&mut map, &[]);
        let mut kept: Vec<_> = map.iter().map(|(n, v)| (n.as_str(), v.to_str().expect("text"))).collect();
        kept.sort_unstable();
        assert_eq!(
            kept,
            [
                ("chatgpt-account-id", "kept"),
                ("idempotency-key", "kept"),
                ("sec-websocket-protocol", "realtime")
            ]
        );
    }

    #[test]
    fn only_chunked_is_taken_off() {
        assert!(only_chunked(&headers(&[])) && only_chunked(&headers(&[("transfer-encoding", "Chunked")])));
        for codings in ["gzip, chunked", "chunked, chunked", "x", "chunked;x"] {
            assert!(!only_chunked(&headers(&[("transfer-encoding", codings)])), "{codings}");
        }
        let twice = headers(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]);
        assert!(!only_chunked(&twice));
    }
}
