//! A connection on which a guest's requests come, and what it turns into after a CONNECT or an upgrade.

use super::Shared;
use super::exchange::Exchange;
use super::needles::Needles;
use super::pool::Lease;
use super::refusal::Refusal;
use crate::egress::Audit;
use crate::egress::policy::Scheme;
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

    /// What a request that comes here is written into and belongs to.
    pub(crate) fn of(&self) -> (Arc<dyn Audit>, u64) {
        (self.shared.audit.clone(), self.connection)
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
            Refusal::denied(431, "too-large", "")
        } else if error.is_parse() {
            Refusal::denied(400, "malformed", "")
        } else {
            return;
        };
        let host = self.host.as_deref().unwrap_or_default();
        Exchange::new(self.of(), "", host, self.port, "").refused(&refusal);
    }
}
