//! One request on its way: what is counted and, at its very end, written to the audit.

use crate::egress::audit::{Audit, AuditLine, Verdict};
use crate::shown::printable;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tracing::{debug, info};

use super::refusal::Refusal;

/// The number of the next request of this process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Writes its line when the last part that holds it is done: the answer's body, the request's
/// body or the tunnel.
pub(crate) struct Exchange {
    audit: Arc<dyn Audit>,
    /// Its number in the log, and that of its connection.
    id: u64,
    connection: u64,
    time: SystemTime,
    method: String,
    host: String,
    /// For the log.
    port: u16,
    path: String,
    outcome: Mutex<Outcome>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// The whole request body has been handed on.
    sent: AtomicBool,
    left_out: AtomicBool,
}

struct Outcome {
    route: Option<Arc<str>>,
    verdict: Verdict,
    code: Option<&'static str>,
    status: u16,
}

impl Exchange {
    /// Begins with the text that the guest sent. The query is left out: it may hold anything. So is what
    /// stands before an `@`, which is a name and a password.
    ///
    /// In the log the path is left out too. `port` is 0 where it is not known.
    pub(crate) fn new(
        (audit, connection): (Arc<dyn Audit>, u64),
        method: &str,
        host: &str,
        port: u16,
        path: &str,
    ) -> Arc<Self> {
        let id = NEXT.fetch_add(1, Relaxed);
        let host = host.rsplit('@').next().unwrap_or_default();
        debug!(connection, request = id, method, host, port, "request");
        let outcome = Outcome { route: None, verdict: Verdict::Allowed, code: Some("aborted"), status: 0 };
        Arc::new(Self {
            audit,
            id,
            connection,
            time: SystemTime::now(),
            method: printable(method),
            host: printable(host).to_ascii_lowercase(),
            port,
            path: printable(path),
            outcome: Mutex::new(outcome),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            sent: AtomicBool::new(false),
            left_out: AtomicBool::new(false),
        })
    }

    fn outcome(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The route that decided.
    pub(crate) fn route(&self, route: &Arc<str>) {
        debug!(request = self.id, route = &**route, "decided by");
        self.outcome().route = Some(route.clone());
    }

    /// The egress answers itself.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        let mut outcome = self.outcome();
        outcome.verdict = if refusal.denied { Verdict::Denied } else { Verdict::Allowed };
        outcome.code = Some(refusal.code);
        outcome.status = refusal.status;
    }

    /// The answer's head went to the guest.
    pub(crate) fn answered(&self, status: u16) {
        debug!(request = self.id, status, "answer");
        let mut outcome = self.outcome();
        outcome.code = None;
        outcome.status = status;
    }

    /// Something went wrong after the head.
    pub(crate) fn failed(&self, code: &'static str) {
        debug!(request = self.id, code, "cut off");
        self.outcome().code = Some(code);
    }

    /// No line for this one: what it carries has lines of its own.
    pub(crate) fn leave_out(&self) {
        self.left_out.store(true, Relaxed);
    }

    pub(crate) fn came_in(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Relaxed)
    }

    pub(crate) fn went_out(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn request_sent(&self) {
        self.sent.store(true, Relaxed);
    }

    pub(crate) fn is_request_sent(&self) -> bool {
        self.sent.load(Relaxed)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if *self.left_out.get_mut() {
            return;
        }
        let outcome = self.outcome.get_mut().unwrap_or_else(PoisonError::into_inner);
        info!(
            connection = self.connection,
            request = self.id,
            method = self.method,
            host = self.host,
            port = self.port,
            decision = outcome.verdict.word(),
            code = outcome.code,
            status = outcome.status,
            bytes_in = *self.bytes_in.get_mut(),
            bytes_out = *self.bytes_out.get_mut(),
            ms = self.time.elapsed().unwrap_or_default().as_millis() as u64,
            "ended",
        );
        let line = AuditLine {
            time: humantime::format_rfc3339_millis(self.time).to_string(),
            route: outcome.route.as_deref().map(str::to_owned),
            method: std::mem::take(&mut self.method),
            host: std::mem::take(&mut self.host),
            path: std::mem::take(&mut self.path),
            verdict: outcome.verdict,
            code: outcome.code.map(str::to_owned),
            status: outcome.status,
            bytes_in: *self.bytes_in.get_mut(),
            bytes_out: *self.bytes_out.get_mut(),
        };
        self.audit.write(&line);
    }
}
