//! One request on its way: written to the audit before it leaves and when it is over, counted in between.

use super::refusal::Refusal;
use super::room::Ticket;
use super::{Route, Shared};
use crate::egress::audit::{Audit, AuditLine, EndLine, HeaderTerm, Protocol, RequestLine};
use crate::egress::code::Code;
use crate::egress::policy::Scheme;
use crate::provider::GitAccess;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};
use tracing::{debug, info, warn};

/// The number of the next request of this process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Tells this process from others that write to the same file.
static PROCESS: LazyLock<String> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", now.as_nanos(), std::process::id())
});

/// What the guest asked for, as it sent it.
pub(crate) struct Asked<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) protocol: Protocol,
    pub(crate) method: &'a str,
    /// What stands before an `@` is left out: it is a name and a password.
    pub(crate) host: &'a str,
    /// `None` where none could be read.
    pub(crate) port: Option<u16>,
    /// Without the query, which may hold anything.
    pub(crate) path: &'a str,
}

/// Its first line is written when it leaves or is refused, its second when the last part that holds it is
/// done: the answer's body, the request's body or the tunnel.
pub(crate) struct Exchange {
    audit: Arc<dyn Audit>,
    /// Its number in the log, and that of its connection.
    number: u64,
    connection: u64,
    began: Instant,
    state: Mutex<State>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// The whole request body has been handed on.
    sent: AtomicBool,
    left_out: AtomicBool,
    /// Its place in the egress.
    ticket: OnceLock<Ticket>,
}

struct State {
    request: RequestLine,
    /// The request's line is in the audit.
    written: bool,
    /// What went wrong or was refused since.
    code: Option<Code>,
    status: u16,
}

impl Exchange {
    /// In the log the path is left out.
    pub(crate) fn new(shared: &Shared, connection: u64, asked: &Asked<'_>) -> Arc<Self> {
        let number = NEXT.fetch_add(1, Relaxed);
        let host = asked.host.rsplit('@').next().unwrap_or_default();
        let [method, host, path] = shared.masked([asked.method, host, asked.path]);
        let host = host.to_ascii_lowercase();
        debug!(connection, request = number, method, host, port = asked.port, "request");
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let request = RequestLine {
            scheme: asked.scheme,
            protocol: asked.protocol,
            port: asked.port,
            ..RequestLine::new(&format!("{}-{number}", *PROCESS), &time, &method, &host, &path)
        };
        Arc::new(Self {
            audit: shared.audit.clone(),
            number,
            connection,
            began: Instant::now(),
            state: Mutex::new(State { request, written: false, code: Some(Code::Aborted), status: 0 }),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            sent: AtomicBool::new(false),
            left_out: AtomicBool::new(false),
            ticket: OnceLock::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps its place for as long as it lasts.
    pub(crate) fn take_up(&self, ticket: Ticket) {
        let _ = self.ticket.set(ticket);
    }

    /// The route that decided.
    pub(crate) fn route(&self, route: &Route) {
        debug!(request = self.number, route = &*route.host, "decided by");
        self.state().request.route = Some(route.host.to_string());
    }

    /// Which way git goes.
    pub(crate) fn git(&self, direction: Option<GitAccess>) {
        self.state().request.git = direction;
    }

    /// Which of the headers that the host's routes ask for it has.
    pub(crate) fn headers(&self, terms: Vec<HeaderTerm>) {
        self.state().request.headers = terms;
    }

    /// The name of the credential that is added.
    pub(crate) fn credential(&self, name: &str) {
        self.state().request.credential = Some(name.to_owned());
    }

    /// Writes the request down; to be called before anything of it leaves.
    ///
    /// # Errors
    /// When it could not be written: then nothing may leave.
    pub(crate) fn depart(&self) -> Result<(), Refusal> {
        let mut state = self.state();
        if state.written {
            return Ok(());
        }
        let Err(error) = state.write(&*self.audit) else { return Ok(()) };
        state.request = state.request.clone().refused(Code::Audit);
        state.code = None;
        state.status = Code::Audit.status();
        warn!(request = self.number, %error, "the audit cannot be written");
        Err(Refusal::new(
            Code::Audit,
            format!("nothing leaves unrecorded, and the audit cannot be written ({error})"),
        ))
    }

    /// The egress answers itself, with what this gives back: where even that cannot be written down, it
    /// says so.
    pub(crate) fn refused(&self, refusal: Refusal) -> Refusal {
        let mut state = self.state();
        if refusal.code.status() != 0 {
            state.status = refusal.code.status();
        }
        state.code = Some(refusal.code);
        if state.written || state.request.code.is_some() {
            return refusal;
        }
        if refusal.code.is_refusal() {
            state.request = state.request.clone().refused(refusal.code);
            state.code = None;
        }
        drop(state);
        self.depart().err().unwrap_or(refusal)
    }

    /// The answer's head went to the guest.
    pub(crate) fn answered(&self, status: u16) {
        debug!(request = self.number, status, "answer");
        let mut state = self.state();
        state.code = None;
        state.status = status;
    }

    /// Something went wrong after the head.
    pub(crate) fn failed(&self, code: Code) {
        debug!(request = self.number, code = code.word(), "cut off");
        self.state().code = Some(code);
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

impl State {
    fn write(&mut self, audit: &dyn Audit) -> std::io::Result<()> {
        let line = AuditLine::Request(self.request.clone());
        self.written = audit.write(&line).map(|()| true)?;
        Ok(())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if *self.left_out.get_mut() {
            return;
        }
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (bytes_in, bytes_out) = (*self.bytes_in.get_mut(), *self.bytes_out.get_mut());
        let end = EndLine {
            code: state.code,
            bytes_in,
            bytes_out,
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..EndLine::new(&state.request.id, state.status)
        };
        let code = state.request.code.or(state.code);
        info!(
            connection = self.connection,
            request = self.number,
            method = state.request.method,
            host = state.request.host,
            port = state.request.port,
            decision = if code.is_some_and(Code::is_refusal) { "denied" } else { "allowed" },
            code = code.map(Code::word),
            status = state.status,
            bytes_in,
            bytes_out,
            ms = end.duration_ms,
            "ended",
        );
        // One that never left, or could not be written down: nothing depends on its line any more.
        let known = if state.written { Ok(()) } else { state.write(&*self.audit) };
        if let Err(error) = known.and_then(|()| self.audit.write(&AuditLine::End(end))) {
            warn!(request = self.number, %error, "the audit misses the end of a request");
        }
    }
}
