//! HTTP/1.1 from a guest, outside and inside an intercepted connection.

use super::reply::Reply;
use super::site::{Next, Site};
use super::{connect, forward, websocket};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// Serves HTTP/1.1 until the connection ends or becomes something else.
pub(crate) async fn serve<S>(site: &Arc<Site>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(answer(&site, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(site.shared.limits.head)
        .max_buf_size(site.shared.limits.head_bytes)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        site.malformed(&error);
    }
}

/// Serves HTTP/1.1 inside an intercepted connection, and the WebSocket that may come of it.
pub(crate) async fn serve_inside<S>(site: Arc<Site>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    serve(&site, io).await;
    if let Some(socket @ Next::WebSocket { .. }) = site.take_next() {
        websocket::run(socket).await;
    }
}

async fn answer(site: &Site, request: Request<Incoming>) -> Response<Reply> {
    match &site.host {
        Some(host) => forward::answer(site, host, site.port, request).await,
        None if *request.method() == Method::CONNECT => connect::answer(site, request).await,
        None => connect::plain(site, request).await,
    }
}
