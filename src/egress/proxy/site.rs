//! A connection on which a guest's requests come, and what it turns into after a CONNECT or an upgrade.

use super::Shared;
use super::exchange::{Asked, Exchange};
use super::needles::Needles;
use super::pool::Lease;
use super::refusal::Refusal;
use crate::egress::Protocol;
use crate::egress::code::Code;
use crate::egress::policy::Scheme;
use hyper::header::HeaderMap;
use hyper::upgrade::OnUpgrade;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;

/// One connection on which requests come: the guest's own, or the inside of an intercepted one.
pub(crate) struct Site {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scheme: Scheme,
    /// The port that its requests are for; on a guest's own connection each names one.
    pub(crate) port: u16,
    /// The host of an intercepted connection.
    pub(crate) host: Option<Arc<str>>,
    /// The guest's connection, as the log calls it.
    connection: u64,
    next: Mutex<Option<Next>>,
}

/// What becomes of a connection once an answer has changed it.
pub(crate) enum Next {
    /// Bytes pass through to this upstream, if they are TLS for the host.
    Tunnel { guest: OnUpgrade, host: Arc<str>, port: u16, upstream: TcpStream, exchange: Arc<Exchange> },
    /// Bytes pass through to this upstream as they are.
    Raw { guest: OnUpgrade, upstream: TcpStream, exchange: Arc<Exchange> },
    /// TLS ends here.
    Inspect { guest: OnUpgrade, host: Arc<str>, port: u16, route: usize },
    /// Frames pass through.
    WebSocket {
        guest: OnUpgrade,
        upstream: OnUpgrade,
        needles: Option<Arc<Needles>>,
        /// Extensions were agreed on.
        compressed: bool,
        /// The upstream's connection, which ends with it.
        lease: Lease,
        exchange: Arc<Exchange>,
    },
}

impl Site {
    pub(crate) fn new(
        shared: Arc<Shared>,
        (scheme, port): (Scheme, u16),
        host: Option<Arc<str>>,
        connection: u64,
    ) -> Arc<Self> {
        Arc::new(Self { shared, scheme, port, host, connection, next: Mutex::default() })
    }

    /// Whether its sender may use the egress at all.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        self.shared.login.as_ref().map_or(Ok(()), |login| login.admit(headers))
    }

    /// Finds room for a request that comes here.
    pub(crate) fn take_up(&self, exchange: &Exchange) -> Result<(), Refusal> {
        self.shared.room.request(self.connection).map(|ticket| exchange.take_up(ticket))
    }

    /// A request that comes here.
    pub(crate) fn exchange(&self, asked: &Asked<'_>) -> Arc<Exchange> {
        Exchange::new(&self.shared, self.connection, asked)
    }

    pub(crate) fn next(&self, next: Next) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }

    pub(crate) fn take_next(&self) -> Option<Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A line for a request that never became one.
    pub(crate) fn malformed(&self, error: &hyper::Error) {
        let refusal = if error.is_parse_too_large() {
            Refusal::silent(Code::TooLarge)
        } else if error.is_parse() {
            Refusal::silent(Code::Malformed)
        } else {
            return;
        };
        let (host, port) = match &self.host {
            Some(host) => (&**host, Some(self.port)),
            None => ("", None),
        };
        let (scheme, method, path) = (self.scheme, "", "");
        let protocol = Protocol::Http1;
        self.exchange(&Asked { scheme, protocol, method, host, port, path }).refused(refusal);
    }
}
