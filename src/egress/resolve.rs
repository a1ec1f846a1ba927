//! From a host's name to the addresses that may be dialled.
//!
//! Names are resolved here and nowhere else, and exactly the addresses that were checked are
//! dialled: an answer that changes a moment later changes nothing.

use super::address::{Range, forbidden};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

/// An operator's word on where a name leads: `HOST:PORT:ADDR:PORT`.
///
/// It may point at a loopback or private address; a manifest cannot make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    host: String,
    port: u16,
    to: SocketAddr,
}

impl Resolve {
    /// Sends `host:port` to an address.
    pub fn new(host: &str, port: u16, to: SocketAddr) -> Self {
        Self { host: host.to_ascii_lowercase(), port, to }
    }

    /// Reads `HOST:PORT:ADDR:PORT`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not HOST:PORT:ADDRESS:PORT, such as api.example.com:443:127.0.0.1:8443");
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(to)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        if host.is_empty() {
            return Err(wrong());
        }
        let port = port.parse().map_err(|_| wrong())?;
        let to = to.parse().map_err(|_| wrong())?;
        Ok(Self::new(host, port, to))
    }
}

/// A future on the heap.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Turns a name into addresses.
pub trait Lookup: Send + Sync {
    /// The addresses of `host`, each with `port`.
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The resolver failed or knows no address.
    #[error("the name {0} cannot be resolved")]
    Unknown(String),
    /// It leads only to addresses that a bottle must not reach.
    #[error(
        "{host} leads to {why}, which is refused; `pipelock.ssrf_ip_allowlist` of its route can allow it"
    )]
    Forbidden {
        /// The name.
        host: String,
        /// The kind of address.
        why: &'static str,
    },
}

/// Resolves names and checks the addresses.
pub(crate) struct Resolver {
    overrides: Vec<Resolve>,
    lookup: Arc<dyn Lookup>,
}

impl Resolver {
    pub(crate) fn new(overrides: Vec<Resolve>, lookup: Arc<dyn Lookup>) -> Self {
        Self { overrides, lookup }
    }

    /// The addresses that may be dialled for `host:port`; never empty.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
        exceptions: &[Range],
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        if let Some(entry) = self.overrides.iter().find(|r| r.port == port && r.host == host) {
            return Ok(vec![entry.to]);
        }
        let found = self.lookup.lookup(host, port).await.unwrap_or_default();
        permitted(host, found, exceptions)
    }
}

/// What is left of an answer once forbidden addresses are out of it.
fn permitted(
    host: &str,
    found: Vec<SocketAddr>,
    exceptions: &[Range],
) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut refused = None;
    let kept: Vec<_> = found
        .into_iter()
        .filter(|address| {
            let ip = address.ip().to_canonical();
            let why = forbidden(ip).filter(|_| !exceptions.iter().any(|r| r.contains(ip)));
            refused = refused.or(why);
            why.is_none()
        })
        .collect();
    match refused {
        _ if !kept.is_empty() => Ok(kept),
        Some(why) => Err(ResolveError::Forbidden { host: host.to_owned(), why }),
        None => Err(ResolveError::Unknown(host.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_entry_is_read_as_curl_reads_it() {
        let v4 = Resolve::parse("Api.Example.com:443:127.0.0.1:8443").expect("v4");
        assert_eq!(v4, Resolve::new("api.example.com", 443, "127.0.0.1:8443".parse().expect("address")));
        let v6 = Resolve::parse("a.test:80:[::1]:8080").expect("v6");
        assert_eq!(v6.to, "[::1]:8080".parse().expect("address"));
        for wrong in
            ["", "a.test", "a.test:443", "a.test:443:127.0.0.1", "a.test:x:1.1.1.1:1", ":1:1.1.1.1:1"]
        {
            assert!(Resolve::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn forbidden_addresses_are_taken_out_unless_the_route_excepts_them() {
        let all = |list: &[&str]| list.iter().map(|a| a.parse().expect("address")).collect::<Vec<_>>();
        let private = all(&["10.0.0.5:443"]);
        let mixed = all(&["10.0.0.5:443", "1.1.1.1:443"]);
        assert!(matches!(permitted("h", private.clone(), &[]), Err(ResolveError::Forbidden { .. })));
        assert_eq!(permitted("h", mixed, &[]).expect("public"), all(&["1.1.1.1:443"]));
        let exception = Range::parse("10.0.0.0/24").expect("range");
        assert_eq!(permitted("h", private.clone(), &[exception]).expect("excepted"), private);
        assert!(permitted("h", all(&["[::ffff:10.0.1.5]:443"]), &[exception]).is_err());
        assert!(matches!(permitted("h", vec![], &[]), Err(ResolveError::Unknown(_))));
    }
}
