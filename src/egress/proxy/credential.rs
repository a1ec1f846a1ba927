//! A route's credential, written as its scheme wants it, in the header that it wants.

use super::needles::Needles;
use super::refusal::Refusal;
use crate::egress::code::Code;
use crate::egress::shape::never_carries;
use crate::egress::{Credentials, EgressError};
use crate::provider::{AuthScheme, EgressRoute, RouteAuth, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use std::sync::{Arc, Mutex, PoisonError};

/// The user that git hosts expect beside a token.
const GIT_USER: &str = "x-access-token";

/// A credential ready to be sent, and to be found in what comes back.
pub(crate) struct Prepared {
    secret: Secret,
    pub(crate) name: HeaderName,
    pub(crate) header: HeaderValue,
    pub(crate) needles: Arc<Needles>,
}

/// Makes a route's credential ready; the last one is kept, since it seldom changes.
pub(crate) struct Injector {
    auth: RouteAuth,
    name: HeaderName,
    git: bool,
    last: Mutex<Option<Arc<Prepared>>>,
}

impl Injector {
    /// `None` for a route without a credential.
    pub(crate) fn new(route: &EgressRoute) -> Result<Option<Self>, EgressError> {
        let Some(auth) = route.auth.clone() else { return Ok(None) };
        let name = auth.scheme.header();
        let wrong = || EgressError::Header { host: route.host.clone(), header: name.to_owned() };
        let name =
            HeaderName::from_bytes(name.as_bytes()).ok().filter(|n| never_carries(n.as_str()).is_none());
        let name = name.ok_or_else(wrong)?;
        Ok(Some(Self { auth, name, git: route.git.is_some(), last: Mutex::default() }))
    }

    /// The header that carries it.
    pub(crate) fn header(&self) -> &HeaderName {
        &self.name
    }

    /// The name that the manifest knows the credential by.
    pub(crate) fn name(&self) -> &str {
        self.auth.token_ref.name()
    }

    /// Today's credential.
    pub(crate) fn prepare(&self, credentials: &dyn Credentials) -> Result<Arc<Prepared>, Refusal> {
        let token_ref = &self.auth.token_ref;
        let name = token_ref.name();
        let missing = |what: &str| {
            Refusal::new(Code::NoCredential, format!("the credential {name} {what} on the host"))
        };
        let secret = credentials.get(token_ref).ok_or_else(|| missing("is not available"))?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = last.as_ref().filter(|p| p.secret == secret) {
            return Ok(prepared.clone());
        }
        if secret.expose().is_empty() {
            return Err(missing("is empty"));
        }
        let value = self.value(secret.expose());
        let mut header = HeaderValue::from_str(&value)
            .map_err(|_| missing("holds characters that no header can carry"))?;
        header.set_sensitive(true);
        let needles = Arc::new(Needles::new(&spellings(&value, secret.expose(), &decoded(&value))));
        let prepared = Arc::new(Prepared { secret, name: self.name.clone(), header, needles });
        *last = Some(prepared.clone());
        Ok(prepared)
    }

    /// The header's value. A Basic value with a colon is `user:password` and gets encoded; one
    /// without is taken as encoded already. Git hosts want Basic whatever the token's scheme.
    fn value(&self, secret: &str) -> String {
        match &self.auth.scheme {
            AuthScheme::Header(_) => secret.to_owned(),
            AuthScheme::BasicAs(user) => format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))),
            AuthScheme::Basic if secret.contains(':') => format!("Basic {}", STANDARD.encode(secret)),
            AuthScheme::Basic => format!("Basic {secret}"),
            AuthScheme::Bearer | AuthScheme::Token if self.git => {
                format!("Basic {}", STANDARD.encode(format!("{GIT_USER}:{secret}")))
            }
            scheme => format!("{} {secret}", scheme.as_str()),
        }
    }
}

/// The text inside an encoded Basic value, or nothing.
fn decoded(header: &str) -> String {
    let sent = header.split_once(' ').map_or(header, |(_, value)| value);
    STANDARD.decode(sent).ok().and_then(|b| String::from_utf8(b).ok()).unwrap_or_default()
}

/// All that must not come back: the value, what stands behind the scheme's name, and passwords.
fn spellings<'a>(header: &'a str, secret: &'a str, decoded: &'a str) -> Vec<&'a str> {
    let sent = header.split_once(' ').map_or(header, |(_, value)| value);
    let password = |text: &'a str| text.split_once(':').map_or("", |(_, password)| password);
    let mut all = vec![secret, sent, password(secret)];
    if decoded.contains(':') {
        all.extend([decoded, password(decoded)]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::FixedCredentials;
    use crate::provider::TokenRef;
    use crate::provider::{GitAccess, RouteOwner};
    use std::collections::HashMap;

    fn prepare(scheme: AuthScheme, git: Option<GitAccess>, value: &str) -> Result<Arc<Prepared>, Refusal> {
        let auth = RouteAuth { scheme, token_ref: TokenRef::variable("T") };
        let route = EgressRoute { auth: Some(auth), git, ..EgressRoute::new("a.test", RouteOwner::Manifest) };
        let all = FixedCredentials::new(HashMap::from([("T".to_owned(), Secret::new(value))]));
        Injector::new(&route).expect("a header").expect("a credential").prepare(&all)
    }

    fn header(scheme: AuthScheme, git: Option<GitAccess>, value: &str) -> String {
        let prepared = prepare(scheme, git, value).map_err(|r| r.code).expect("a header");
        assert!(prepared.header.is_sensitive());
        prepared.header.to_str().expect("text").to_owned()
    }

    #[test]
    fn each_scheme_is_written_its_own_way() {
        assert_eq!(header(AuthScheme::Bearer, None, "abc"), "Bearer abc");
        assert_eq!(header(AuthScheme::Token, None, "abc"), "token abc");
        assert_eq!(header(AuthScheme::Basic, None, "u:p"), "Basic dTpw");
        assert_eq!(header(AuthScheme::Basic, None, "dTpw"), "Basic dTpw");
        assert_eq!(header(AuthScheme::BasicAs("u".into()), None, "p:q"), "Basic dTpwOnE=");
        assert_eq!(header(AuthScheme::Header("x-api-key".into()), None, "a b"), "a b");
        let git = header(AuthScheme::Bearer, Some(GitAccess::Read), "abc");
        assert_eq!(git, format!("Basic {}", STANDARD.encode("x-access-token:abc")));
    }

    #[test]
    fn what_no_header_can_carry_is_an_error_that_shows_nothing_of_it() {
        for value in ["", "line\nbreak", "nul\0", "del\x7f"] {
            let Err(refusal) = prepare(AuthScheme::Bearer, None, value) else { panic!("{value:?} was sent") };
            assert_eq!(refusal.code, Code::NoCredential);
            assert!(value.is_empty() || !refusal.message.contains(value));
        }
    }

    #[test]
    fn a_basic_password_is_found_alone_and_decoded() {
        let password = ["pass", "word", "123"].join("-");
        let plain = format!("user:{password}");
        for value in [plain.clone(), STANDARD.encode(&plain)] {
            let prepared = prepare(AuthScheme::Basic, None, &value).map_err(|r| r.code).expect("a header");
            for text in [password.clone(), plain.clone(), STANDARD.encode(&plain)] {
                assert!(prepared.needles.mask(text.as_bytes()).is_some(), "{value}");
            }
        }
    }
}
