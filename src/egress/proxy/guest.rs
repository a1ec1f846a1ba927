//! A guest's connection: its requests, and what it turns into after a CONNECT or an upgrade.

use super::answer::Refusal;
use super::body::Reply;
use super::exchange::Exchange;
use super::needles::Needles;
use super::pool::Lease;
use super::stream::Guest;
use super::{Shared, connect, forward, inspect, tunnel, websocket};
use crate::egress::policy::Scheme;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Parts, Upgraded};
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// One connection on which requests come: the guest's own, or the inside of an intercepted one.
pub(crate) struct Site {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scheme: Scheme,
    /// The host of an intercepted connection.
    pub(crate) host: Option<Arc<str>>,
    next: Mutex<Option<Next>>,
}

/// What becomes of a connection once an answer has changed it.
pub(crate) enum Next {
    /// Bytes pass through to this upstream, if they are TLS for the host.
    Tunnel { guest: OnUpgrade, host: Arc<str>, upstream: TcpStream, exchange: Arc<Exchange> },
    /// TLS ends here.
    Inspect { guest: OnUpgrade, host: Arc<str>, route: usize },
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
    pub(crate) fn new(shared: Arc<Shared>, scheme: Scheme, host: Option<Arc<str>>) -> Arc<Self> {
        Arc::new(Self { shared, scheme, host, next: Mutex::default() })
    }

    pub(crate) fn next(&self, next: Next) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }

    fn take_next(&self) -> Option<Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Reply> {
        match &self.host {
            Some(host) => forward::answer(self, host, request).await,
            None if *request.method() == Method::CONNECT => connect::answer(self, request).await,
            None => connect::plain(self, request).await,
        }
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
        Exchange::new(self.shared.audit.clone(), "", host, "").refused(&refusal);
    }
}

/// Serves a guest's connection to its end.
pub(crate) async fn serve<S>(shared: Arc<Shared>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let site = Site::new(shared, Scheme::Http, None);
    http1(&site, io).await;
    match site.take_next() {
        Some(Next::Tunnel { guest, host, upstream, exchange }) => {
            let Ok(upgraded) = guest.await else { return };
            tunnel::run(&site.shared, back::<S>(upgraded), &host, upstream, exchange).await;
        }
        Some(Next::Inspect { guest, host, route }) => {
            let Ok(upgraded) = guest.await else { return };
            inspect::run(&site.shared, back::<S>(upgraded), host, route).await;
        }
        Some(socket) => websocket::run(socket).await,
        None => {}
    }
}

/// Serves HTTP/1.1 until the connection ends or becomes something else.
pub(crate) async fn http1<S>(site: &Arc<Site>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(site.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(site.shared.limits.head)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        site.malformed(&error);
    }
}

/// Serves HTTP/1.1 inside an intercepted connection, and the WebSocket that may come of it.
pub(crate) async fn http1_inside<S>(site: Arc<Site>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    http1(&site, io).await;
    if let Some(socket @ Next::WebSocket { .. }) = site.take_next() {
        websocket::run(socket).await;
    }
}

/// The guest's own stream out of an upgraded connection, with what was read ahead.
fn back<S>(upgraded: Upgraded) -> Guest<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match upgraded.downcast::<TokioIo<S>>() {
        Ok(Parts { io, read_buf, .. }) => Guest::new(read_buf, io.into_inner()),
        Err(_) => unreachable!("a connection is upgraded with the stream that it was served on"),
    }
}
