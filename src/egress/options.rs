//! What the egress is started with.

use super::audit::Audit;
use super::ca::CaError;
use super::credentials::Credentials;
use super::limits::Limits;
use super::resolve::{Lookup, Resolve, SystemLookup};
use crate::provider::EgressRoute;
use crate::shown::hex;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// What a running egress works with.
pub struct Options {
    /// The plan's routes, in order.
    pub routes: Vec<EgressRoute>,
    /// Where credentials come from.
    pub credentials: Arc<dyn Credentials>,
    /// Where each request is written down.
    pub audit: Arc<dyn Audit>,
    /// The operator's own addresses for names; they may be loopback addresses.
    pub resolve: Vec<Resolve>,
    /// A PEM file of further authorities that upstream certificates may come from.
    pub upstream_ca: Option<PathBuf>,
    /// `http://HOST:PORT` of a proxy that everything goes through, by CONNECT. It resolves names
    /// and checks their addresses in our place, so `resolve` is not asked then.
    pub upstream_proxy: Option<String>,
    /// Routes on which a bearer other than the placeholder passes unchanged; see [`IssuedBearer`].
    pub issued_bearers: Vec<IssuedBearer>,
    /// Who may connect to a Unix socket.
    pub peers: Peers,
    /// Where the guest reads what it may do; a 403 points there.
    pub guest_policy: Option<&'static str>,
    /// What every client has to send; needed where other machines reach the egress.
    pub login: Option<Login>,
    /// Resolves names.
    pub lookup: Arc<dyn Lookup>,
    /// Times and sizes.
    pub limits: Limits,
}

impl Options {
    /// Routes, credentials and an audit; everything else as usual.
    pub fn new(routes: Vec<EgressRoute>, credentials: Arc<dyn Credentials>, audit: Arc<dyn Audit>) -> Self {
        Self {
            routes,
            credentials,
            audit,
            resolve: Vec::new(),
            upstream_ca: None,
            upstream_proxy: None,
            issued_bearers: Vec::new(),
            peers: Peers::Anyone,
            guest_policy: None,
            login: None,
            lookup: Arc::new(SystemLookup),
            limits: Limits::default(),
        }
    }
}

/// A route whose upstream hands out bearers of its own.
///
/// Remote control gives its workers such bearers. With this, only the placeholder's value is
/// replaced on that route and any other bearer passes as it is. It also lets the guest use a
/// bearer of an account of its own there, so it belongs to launches with remote control alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedBearer {
    /// The route's host, as the route writes it.
    pub host: String,
    /// The value that stands for the real credential in the guest.
    pub placeholder: String,
}

/// A name and a secret that clients send as `Proxy-Authorization: Basic`.
pub struct Login(String);

impl Login {
    /// The name, which is no secret.
    pub const USER: &'static str = "bot-bottle";

    /// A new secret of 256 random bits.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate() -> io::Result<Self> {
        let mut bytes = [0; 32];
        let failed = |_| io::Error::other("no random numbers");
        SystemRandom::new().fill(&mut bytes).map_err(failed)?;
        Ok(Self(hex(&bytes)))
    }

    /// The secret, in hexadecimal.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

/// Who may connect to a Unix socket, beside what its file's mode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// Whoever can open it.
    Anyone,
    /// Processes of another process namespace than this one: a guest's, and none of the host, which may have the
    /// guest's user number and reach the socket through `/proc/<pid>/root`.
    Guests,
}

/// Where the guest reaches the egress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address; port 0 picks one. Any but a loopback address needs [`Options::login`].
    Tcp(SocketAddr),
    /// A Unix socket, made with mode 0600.
    Unix(PathBuf),
}

impl Listen {
    /// The address, where more than this machine reaches it.
    pub fn outside(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address).filter(|a| !a.ip().to_canonical().is_loopback()),
            Self::Unix(_) => None,
        }
    }

    /// Reads `ADDRESS:PORT` or `unix:PATH`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("`unix:` needs a path".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| format!("`{text}` is neither ADDRESS:PORT nor unix:PATH")),
        }
    }
}

/// Why the egress did not start.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The listening socket.
    #[error("the egress cannot listen on {on}: {source}")]
    Listen {
        /// The address or path.
        on: String,
        /// What the system said.
        source: io::Error,
    },
    /// Other machines could use the credentials.
    #[error("other machines reach {0}, so its clients need a login, and there is none")]
    Login(SocketAddr),
    /// The launch's authority.
    #[error("the launch's certificate authority could not be made: {0}")]
    Ca(#[from] CaError),
    /// The file of further authorities.
    #[error("the upstream CA file {path} cannot be used: {what}")]
    UpstreamCa {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Nothing to verify upstreams with.
    #[error("this host has no root certificates; install ca-certificates or name a file with --upstream-ca")]
    NoRoots,
    /// The TLS library.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The parent proxy's address.
    #[error("the upstream proxy must be http://HOST:PORT")]
    UpstreamProxy,
    /// The header that a route's credential is to go in.
    #[error("`{header}` in the route for {host} is no header for a credential")]
    Header {
        /// The route.
        host: String,
        /// The header's name.
        header: String,
    },
    /// A range that a route excepts.
    #[error("`{range}` in the route for {host} is not an address range")]
    Range {
        /// The route.
        host: String,
        /// The text.
        range: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_place_is_an_address_or_a_path() {
        assert_eq!(Listen::parse("unix:/run/x"), Ok(Listen::Unix("/run/x".into())));
        assert_eq!(Listen::parse("127.0.0.1:0"), Ok(Listen::Tcp(([127, 0, 0, 1], 0).into())));
        assert!(Listen::parse("unix:").is_err() && Listen::parse("localhost").is_err());
    }
}
