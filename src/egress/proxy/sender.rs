//! One upstream connection of either version, and a request sent on it.

use super::dial::Target;
use super::outgoing::Outgoing;
use super::refusal::Refusal;
use super::share::Share;
use super::stream::Upstream;
use crate::egress::Limits;
use crate::egress::code::Code;
use crate::egress::limits::SMALLEST_WINDOW;
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, Response, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::task::JoinHandle;

/// Streams on one HTTP/2 connection, where the upstream allows as many. Each has its part of the connection's
/// window for itself, so that a guest that does not read one answer holds up no other.
const STREAMS: u32 = 16;

/// An answer's head, in bytes.
const HEAD: u32 = 64 * 1024;

/// An HTTP/1.1 connection, for one request at a time.
pub(super) struct Single {
    pub(super) sender: http1::SendRequest<Outgoing>,
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
pub(super) struct Multiplexed {
    pub(super) sender: http2::SendRequest<Outgoing>,
    pub(super) active: Arc<AtomicUsize>,
    /// What the upstream's settings allow.
    allowed: Arc<AtomicUsize>,
}

/// A connection to send one request on.
pub(super) enum Sender {
    One { connection: Single, reused: bool },
    Many { sender: http2::SendRequest<Outgoing>, stream: Stream },
}

/// Counts a stream of a connection for as long as it lives.
pub(super) struct Stream(pub(super) Arc<AtomicUsize>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Multiplexed {
    /// Takes one of the connection's streams; `None` when all are in use.
    pub(super) fn stream(&self) -> Option<Stream> {
        let most = self.allowed.load(Relaxed).clamp(1, STREAMS as usize);
        let taken = self.active.fetch_update(Relaxed, Relaxed, |n| (n < most).then_some(n + 1));
        taken.ok().map(|_| Stream(self.active.clone()))
    }
}

/// A request that did not get an answer.
pub(super) struct Failed {
    pub(super) error: hyper::Error,
    /// The request, when nothing of it was written.
    pub(super) unsent: Option<Request<Outgoing>>,
}

impl Sender {
    /// Writes the host where this version of HTTP has it.
    pub(super) fn address(&self, request: &mut Request<Outgoing>, to: Target<'_>) {
        let path = request.uri().path_and_query().cloned();
        match self {
            Self::One { .. } => {
                *request.version_mut() = Version::HTTP_11;
                *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
                if let Ok(host) = HeaderValue::from_str(&authority(to)) {
                    request.headers_mut().insert(HOST, host);
                }
            }
            Self::Many { .. } => {
                *request.version_mut() = Version::HTTP_2;
                let uri = Uri::builder().scheme("https").authority(&*authority(to));
                let uri = uri.path_and_query(path.map_or_else(|| "/".to_owned(), |p| p.as_str().to_owned()));
                *request.uri_mut() = uri.build().unwrap_or_default();
                request.headers_mut().remove(HOST);
            }
        }
    }

    /// A copy for another try, where another try does no harm.
    pub(super) fn spare(&self, request: &Request<Outgoing>) -> Option<Request<Outgoing>> {
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

    pub(super) async fn send(&mut self, request: Request<Outgoing>) -> Result<Response<Incoming>, Failed> {
        let sent = match self {
            Self::One { connection, .. } => connection.sender.try_send_request(request).await,
            Self::Many { sender, .. } => sender.try_send_request(request).await,
        };
        sent.map_err(|mut failed| Failed { unsent: failed.take_message(), error: failed.into_error() })
    }
}

/// The host, with its port where that is not the scheme's own.
fn authority(to: Target<'_>) -> Cow<'_, str> {
    if to.port == to.scheme.port() {
        return Cow::Borrowed(to.host);
    }
    Cow::Owned(format!("{}:{}", to.host, to.port))
}

pub(super) fn stalled(host: &str) -> Refusal {
    Refusal::new(Code::UpstreamTimeout, format!("{host} did not answer in time"))
}

pub(super) fn broken(host: &str, error: &hyper::Error) -> Refusal {
    if error.is_parse() {
        return Refusal::new(Code::UpstreamGarbage, format!("{host} answered something that is not HTTP"));
    }
    Refusal::new(Code::UpstreamReset, format!("{host} closed the connection before it answered"))
}

pub(super) async fn single(stream: Upstream, host: &str, limits: &Limits) -> Result<Single, Refusal> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(limits.buffer)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|e| broken(host, &e))?;
    let driver = tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    Ok(Single { sender, _driver: Driver(driver) })
}

pub(super) async fn multiplex(
    stream: Upstream,
    host: &str,
    limits: &Limits,
    share: Share,
) -> Result<Multiplexed, Refusal> {
    let window = share.at_least(SMALLEST_WINDOW);
    let (sender, mut connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(window / STREAMS)
        .initial_connection_window_size(window)
        .max_send_buf_size(limits.stream_buffer)
        .max_header_list_size(HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|e| broken(host, &e))?;
    let allowed = Arc::new(AtomicUsize::new(connection.current_max_send_streams()));
    let seen = allowed.clone();
    tokio::spawn(async move {
        let _share = share;
        let _ = poll_fn(|cx| {
            let done = Pin::new(&mut connection).poll(cx);
            seen.store(connection.current_max_send_streams(), Relaxed);
            done
        })
        .await;
    });
    Ok(Multiplexed { sender, active: Arc::default(), allowed })
}
