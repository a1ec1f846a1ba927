//! Upstream connections that serve again, kept apart by route and host.
//!
//! A connection is only ever used for the route and host that it was opened for, so that a
//! credential cannot cross to another.

use super::answer::Refusal;
use super::body::Outgoing;
use super::dial::{Dialer, Target};
use super::exchange::Exchange;
use super::stream::Upstream;
use crate::egress::Limits;
use crate::egress::policy::Scheme;
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, Response, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Idle HTTP/1.1 connections kept for one host.
const IDLE: usize = 128;
/// Hosts remembered before those without a connection are forgotten.
const HOSTS: usize = 256;
/// Streams on one HTTP/2 connection, where the upstream allows as many.
const STREAMS: usize = 128;

type Key = (usize, bool, String);

/// All upstream connections of an egress.
pub(crate) struct Pool {
    dialer: Dialer,
    limits: Limits,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// The connections of one route and host.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// Held while a first connection is opened: many requests at once to a host that turns out
    /// to speak HTTP/2 then share it.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    shared: Vec<Multiplexed>,
    /// The host speaks HTTP/1.1, so that connections are opened side by side.
    http1: bool,
}

struct Idle {
    connection: Single,
    since: Instant,
}

/// An HTTP/1.1 connection, for one request at a time.
struct Single {
    sender: http1::SendRequest<Outgoing>,
    /// Ends with this: a request that was given up must not go on being sent.
    _driver: Driver,
}

/// The task that moves a connection's bytes; dropping it closes the connection.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Clone)]
struct Multiplexed {
    sender: http2::SendRequest<Outgoing>,
    active: Arc<AtomicUsize>,
    /// What the upstream's settings allow.
    allowed: Arc<AtomicUsize>,
}

/// A connection to send one request on.
enum Sender {
    One { connection: Single, reused: bool },
    Many { sender: http2::SendRequest<Outgoing>, _stream: Stream },
}

/// Counts a stream of a connection for as long as it lives.
struct Stream(Arc<AtomicUsize>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Keeps a connection for the time that an answer's body takes.
pub(crate) struct Lease {
    sender: Sender,
    slot: Option<Arc<Slot>>,
}

impl Lease {
    /// The body is through: the connection may serve again.
    pub(crate) fn give_back(self) {
        let (Sender::One { connection, .. }, Some(slot)) = (self.sender, self.slot) else { return };
        let mut state = slot.state();
        if state.idle.len() < IDLE && !connection.sender.is_closed() {
            state.idle.push(Idle { connection, since: Instant::now() });
        }
    }
}

impl Pool {
    pub(crate) fn new(dialer: Dialer, limits: Limits) -> Self {
        Self { dialer, limits, slots: Mutex::default() }
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Sends a request whose headers are complete but for the host.
    ///
    /// It is tried again only when the upstream cannot have acted on it: nothing of it was
    /// written, or it is safe, without a body, and the connection was an old one that had died.
    pub(crate) async fn send(
        &self,
        to: Target<'_>,
        mut request: Request<Outgoing>,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let slot = self.slot(to);
        let exchange = request.body().exchange().clone();
        for attempt in 0..3 {
            let mut sender = slot.sender(&self.dialer, to, &self.limits, attempt > 0).await?;
            let spare = sender.spare(&request);
            sender.address(&mut request, to);
            let sent = self.head(&exchange, sender.send(request)).await.ok_or_else(|| stalled(to.host))?;
            let failed = match sent {
                Ok(response) => return Ok((response, Lease { sender, slot: Some(slot) })),
                Err(failed) => failed,
            };
            match failed.unsent.or(spare) {
                Some(again) => request = again,
                None => return Err(broken(to.host, &failed.error)),
            }
        }
        Err(Refusal::fault(502, "upstream-reset", format!("{} closed each connection", to.host)))
    }

    /// Sends a WebSocket's opening request on a connection of its own.
    pub(crate) async fn send_upgrade(
        &self,
        to: Target<'_>,
        mut request: Request<Outgoing>,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let (stream, _) = self.dialer.http(to, true).await?;
        let mut sender = Sender::One { connection: single(stream, to.host).await?, reused: false };
        let exchange = request.body().exchange().clone();
        sender.address(&mut request, to);
        match self.head(&exchange, sender.send(request)).await {
            Some(Ok(response)) => Ok((response, Lease { sender, slot: None })),
            Some(Err(failed)) => Err(broken(to.host, &failed.error)),
            None => Err(stalled(to.host)),
        }
    }

    /// Waits for the head of an answer. The clock starts anew while the request's body moves.
    async fn head<T>(&self, exchange: &Exchange, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = pin!(answer);
        let mut before = None;
        loop {
            tokio::select! {
                answer = &mut answer => return Some(answer),
                () = sleep(self.limits.response) => {
                    let now = Some((exchange.bytes_in(), exchange.is_request_sent()));
                    if now == before {
                        return None;
                    }
                    before = now;
                }
            }
        }
    }

    fn slot(&self, to: Target<'_>) -> Arc<Slot> {
        let key = (to.route, to.scheme == Scheme::Https, to.host.to_owned());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= HOSTS && !slots.contains_key(&key) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || !slot.is_unused());
        }
        slots.entry(key).or_default().clone()
    }

    /// Closes what has been idle for too long.
    pub(crate) fn sweep(&self) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.values() {
            let mut state = slot.state();
            state.idle.retain(|i| i.since.elapsed() < self.limits.idle && !i.connection.sender.is_closed());
            state.shared.retain(|m| !m.sender.is_closed());
        }
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_unused(&self) -> bool {
        let state = self.state();
        state.idle.is_empty() && state.shared.is_empty()
    }

    async fn sender(
        self: &Arc<Self>,
        dialer: &Dialer,
        to: Target<'_>,
        limits: &Limits,
        fresh: bool,
    ) -> Result<Sender, Refusal> {
        if let Some(sender) = self.reuse(limits, fresh) {
            return Ok(sender);
        }
        let alone = !self.state().http1;
        let _turn = if alone {
            let turn = timeout(limits.connect, self.opening.lock()).await.map_err(|_| stalled(to.host))?;
            if let Some(sender) = self.reuse(limits, fresh) {
                return Ok(sender);
            }
            Some(turn)
        } else {
            None
        };
        let (stream, http2) = dialer.http(to, false).await?;
        if !http2 {
            self.state().http1 = true;
            return Ok(Sender::One { connection: single(stream, to.host).await?, reused: false });
        }
        let connection = multiplex(stream, to.host).await?;
        let stream = connection.stream().ok_or_else(|| stalled(to.host))?;
        let mut state = self.state();
        state.shared.push(connection.clone());
        Ok(Sender::Many { sender: connection.sender, _stream: stream })
    }

    /// A connection that is open already. After a failure only a shared one: idle ones may have
    /// died together.
    fn reuse(&self, limits: &Limits, fresh: bool) -> Option<Sender> {
        let mut state = self.state();
        state.shared.retain(|m| !m.sender.is_closed());
        let shared = state.shared.iter().find_map(|m| Some((m.sender.clone(), m.stream()?)));
        if let Some((sender, stream)) = shared {
            return Some(Sender::Many { sender, _stream: stream });
        }
        if fresh {
            state.idle.clear();
            return None;
        }
        while let Some(idle) = state.idle.pop() {
            if !idle.connection.sender.is_closed() && idle.since.elapsed() < limits.idle {
                return Some(Sender::One { connection: idle.connection, reused: true });
            }
        }
        None
    }
}

impl Multiplexed {
    /// Takes one of the connection's streams; `None` when all are in use.
    fn stream(&self) -> Option<Stream> {
        let most = self.allowed.load(Relaxed).clamp(1, STREAMS);
        let taken = self.active.fetch_update(Relaxed, Relaxed, |n| (n < most).then_some(n + 1));
        taken.ok().map(|_| Stream(self.active.clone()))
    }
}

/// A request that did not get an answer.
struct Failed {
    error: hyper::Error,
    /// The request, when nothing of it was written.
    unsent: Option<Request<Outgoing>>,
}

impl Sender {
    /// Writes the host where this version of HTTP has it.
    fn address(&self, request: &mut Request<Outgoing>, to: Target<'_>) {
        let path = request.uri().path_and_query().cloned();
        match self {
            Self::One { .. } => {
                *request.version_mut() = Version::HTTP_11;
                *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
                if let Ok(host) = HeaderValue::from_str(to.host) {
                    request.headers_mut().insert(HOST, host);
                }
            }
            Self::Many { .. } => {
                *request.version_mut() = Version::HTTP_2;
                let uri = Uri::builder().scheme("https").authority(to.host);
                let uri = uri.path_and_query(path.map_or_else(|| "/".to_owned(), |p| p.as_str().to_owned()));
                *request.uri_mut() = uri.build().unwrap_or_default();
                request.headers_mut().remove(HOST);
            }
        }
    }

    /// A copy for another try, where another try does no harm.
    fn spare(&self, request: &Request<Outgoing>) -> Option<Request<Outgoing>> {
        let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let reused = matches!(self, Self::One { reused: true, .. });
        if !(safe && reused && request.body().is_end_stream()) {
            return None;
        }
        let mut spare = Request::new(request.body().empty_like());
        *spare.method_mut() = request.method().clone();
        *spare.uri_mut() = request.uri().clone();
        *spare.headers_mut() = request.headers().clone();
        Some(spare)
    }

    async fn send(&mut self, request: Request<Outgoing>) -> Result<Response<Incoming>, Failed> {
        let sent = match self {
            Self::One { connection, .. } => connection.sender.try_send_request(request).await,
            Self::Many { sender, .. } => sender.try_send_request(request).await,
        };
        sent.map_err(|mut failed| Failed { unsent: failed.take_message(), error: failed.into_error() })
    }
}

fn stalled(host: &str) -> Refusal {
    Refusal::fault(504, "upstream-timeout", format!("{host} did not answer in time"))
}

fn broken(host: &str, error: &hyper::Error) -> Refusal {
    if error.is_parse() {
        return Refusal::fault(
            502,
            "upstream-garbage",
            format!("{host} answered something that is not HTTP"),
        );
    }
    Refusal::fault(502, "upstream-reset", format!("{host} closed the connection before it answered"))
}

async fn single(stream: Upstream, host: &str) -> Result<Single, Refusal> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(256 * 1024)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|e| broken(host, &e))?;
    let driver = tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    Ok(Single { sender, _driver: Driver(driver) })
}

async fn multiplex(stream: Upstream, host: &str) -> Result<Multiplexed, Refusal> {
    let (sender, mut connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(512 * 1024)
        .initial_connection_window_size(8 * 1024 * 1024)
        .max_send_buf_size(256 * 1024)
        .max_header_list_size(64 * 1024)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|e| broken(host, &e))?;
    let allowed = Arc::new(AtomicUsize::new(connection.current_max_send_streams()));
    let seen = allowed.clone();
    tokio::spawn(async move {
        let _ = poll_fn(|cx| {
            let done = Pin::new(&mut connection).poll(cx);
            seen.store(connection.current_max_send_streams(), Relaxed);
            done
        })
        .await;
    });
    Ok(Multiplexed { sender, active: Arc::default(), allowed })
}
