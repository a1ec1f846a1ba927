//! The login that clients need where other machines reach the egress.

use super::needles::Needles;
use super::refusal::Refusal;
use crate::egress::Login;
use crate::egress::code::Code;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderMap, PROXY_AUTHORIZATION};
use ring::hmac;
use ring::rand::SystemRandom;

/// Knows the login, and takes the same time over every wrong one.
pub(crate) struct Doorkeeper {
    key: hmac::Key,
    tag: hmac::Tag,
    pub(crate) needles: Needles,
}

impl Doorkeeper {
    pub(crate) fn new(login: &Login) -> Result<Self, ring::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        let sent = STANDARD.encode(format!("{}:{}", Login::USER, login.secret()));
        let tag = hmac::sign(&key, sent.as_bytes());
        Ok(Self { key, tag, needles: Needles::new(&[login.secret(), &sent]) })
    }

    /// Whether a request carries the login, once.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(PROXY_AUTHORIZATION).iter();
        if let (Some(one), None) = (values.next(), values.next())
            && let Some((scheme, sent)) = one.to_str().ok().and_then(|v| v.split_once(' '))
            && scheme.eq_ignore_ascii_case("basic")
            && hmac::verify(&self.key, sent.trim().as_bytes(), self.tag.as_ref()).is_ok()
        {
            return Ok(());
        }
        let why = "this egress asks for the login that it printed when it started";
        Err(Refusal::new(Code::Login, why))
    }
}
