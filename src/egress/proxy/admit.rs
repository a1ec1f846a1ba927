//! Whether a request may leave: the names must agree, then the policy is asked.

use super::headers;
use super::refusal::Refusal;
use super::{Route, Shared};
use crate::egress::audit::HeaderTerm;
use crate::egress::code::Code;
use crate::egress::policy::{self, Allowed, Headers, Scheme};
use crate::egress::shape::same_name;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderValue};
use hyper::{Request, Uri, Version};

/// The host that a connection or request is for, in lower case.
pub(crate) fn request<'a, B>(
    shared: &'a Shared,
    scheme: Scheme,
    (host, port): (&str, u16),
    request: &Request<B>,
) -> Result<(Allowed, &'a Route), Refusal> {
    let (uri, method) = (request.uri(), request.method().as_str());
    let asked = policy::Request {
        scheme,
        host,
        port,
        method,
        target: uri.path_and_query().map_or("/", |p| p.as_str()),
    };
    let allowed = shared
        .policy
        .judge(&asked, &Sent(request.headers()))
        .map_err(|denial| Refusal::policy(&denial, method, Some(uri.path())))?;
    names_agree(uri, request.headers(), request.version(), scheme, (host, port))?;
    if !headers::only_chunked(request.headers()) {
        let why = "a transfer coding other than `chunked` cannot be checked";
        return Err(Refusal::new(Code::Malformed, why));
    }
    let route = &shared.routes[allowed.route];
    // With terms nothing lets such a header through: it would undo them.
    let passed = if allowed.termed { &[] } else { route.pass_headers.as_slice() };
    let judged = allowed.termed || allowed.guarded;
    if let Some(name) = headers::override_header(request.headers(), passed).filter(|_| judged) {
        let why = format!("the header {name} could turn it into another request than the one checked");
        return Err(Refusal::new(Code::Override, why));
    }
    Ok((allowed, route))
}

/// Whether the request has each header that a route of the host asks for, for the audit.
pub(crate) fn header_terms(shared: &Shared, host: &str, headers: &HeaderMap) -> Vec<HeaderTerm> {
    let asked = shared.policy.header_terms(host, &Sent(headers)).into_iter();
    asked.map(|(term, matched)| HeaderTerm { name: term.name.clone(), matched }).collect()
}

/// The guest's headers, as the policy asks for them.
struct Sent<'a>(&'a HeaderMap);

impl Headers for Sent<'_> {
    fn has(&self, name: &str, value: &str) -> bool {
        // One that `Connection` names is taken away on the way.
        let hop = |v: &HeaderValue| v.to_str().is_ok_and(|v| v.split(',').any(|n| same_name(n.trim(), name)));
        if self.0.get_all(CONNECTION).iter().any(hop) {
            return false;
        }
        let mut all = self.0.iter().filter(|(n, _)| same_name(n.as_str(), name)).peekable();
        all.peek().is_some() && all.all(|(_, v)| v.as_bytes() == value.as_bytes())
    }
}

/// The name in the request line or `:authority` and the one in `Host` must both be the
/// connection's: a server may go by either.
fn names_agree(
    uri: &Uri,
    headers: &HeaderMap,
    version: Version,
    scheme: Scheme,
    (host, port): (&str, u16),
) -> Result<(), Refusal> {
    let other = |what: &str| {
        let why = format!("its {what} names another host than {host}, which the connection is for");
        Err(Refusal::new(Code::HostMismatch, why))
    };
    if let Some(authority) = uri.authority()
        && !is_host(authority.as_str().as_bytes(), host, port)
    {
        return other("target");
    }
    let wanted = match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    if uri.scheme_str().is_some_and(|s| s != wanted) {
        return other("target's scheme");
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(one), None) if is_host(one.as_bytes(), host, port) => Ok(()),
        (Some(_), _) => other("Host header"),
        // HTTP/2 has `:authority` in its place.
        (None, _) if version == Version::HTTP_2 && uri.authority().is_some() => Ok(()),
        (None, _) => Err(Refusal::new(Code::Malformed, "it has no Host header")),
    }
}

fn is_host(text: &[u8], host: &str, port: u16) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let name = match text.rsplit_once(':') {
        Some((name, digits)) if digits.parse() == Ok(port) && digits.bytes().all(|b| b.is_ascii_digit()) => {
            name
        }
        Some(_) => return false,
        None => text,
    };
    name.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_itself_with_or_without_its_port() {
        for same in ["a.test", "A.Test", "a.test:443"] {
            assert!(is_host(same.as_bytes(), "a.test", 443), "{same}");
        }
        for other in
            ["a.test.", "a.test:80", "a.test:+443", "x@a.test", "b.test", "a.test:", "a.test:443:443", ""]
        {
            assert!(!is_host(other.as_bytes(), "a.test", 443), "{other}");
        }
    }
}
