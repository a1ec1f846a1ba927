//! An intercepted connection: TLS ends here, and every request inside is looked at.

use super::exchange::{Asked, Exchange};
use super::refusal::Refusal;
use super::site::Site;
use super::stream::GuestStream;
use super::tunnel::expect_hello;
use super::{Shared, forward, http1};
use crate::egress::Protocol;
use crate::egress::code::Code;
use crate::egress::limits::SMALLEST_WINDOW;
use crate::egress::policy::Scheme;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

/// Answers as `host` until the guest leaves.
pub(crate) async fn run<S>(
    shared: &Arc<Shared>,
    mut guest: GuestStream<S>,
    (host, port): (Arc<str>, u16),
    route: usize,
    connection: u64,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let refuse = |refusal: Refusal| {
        let (scheme, protocol) = (Scheme::Https, Protocol::Tunnel);
        let port = Some(port);
        let asked = Asked { scheme, protocol, method: "CONNECT", host: &host, port, path: "" };
        let exchange = Exchange::new(shared, connection, &asked);
        exchange.route(&shared.routes[route]);
        exchange.refused(refusal);
    };
    if let Err(refusal) = expect_hello(&mut guest, &host, shared.limits.handshake).await {
        return refuse(refusal);
    }
    let Ok(config) = shared.ca.server_config(&host) else {
        return refuse(Refusal::silent(Code::Certificate));
    };
    let buffer = shared.limits.buffer;
    let accept = TlsAcceptor::from(config).accept_with(guest, |tls| tls.set_buffer_limit(Some(buffer)));
    let accepted = timeout(shared.limits.handshake, accept).await;
    let Ok(Ok(tls)) = accepted else {
        // Most often the guest does not trust the launch's authority.
        return refuse(Refusal::silent(Code::GuestTls));
    };
    debug!(connection, host = &*host, "TLS ends here");
    let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let site = Site::new(shared.clone(), (Scheme::Https, port), Some(host), connection);
    if http2 {
        serve_http2(site, tls).await;
    } else {
        http1::serve_inside(site, tls).await;
    }
}

async fn serve_http2<S>(site: Arc<Site>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = site.shared.limits;
    let served = site.clone();
    let service = service_fn(move |request| {
        let site = served.clone();
        async move {
            let host = site.host.clone().unwrap_or_default();
            Ok::<_, Infallible>(forward::answer(&site, &host, site.port, request).await)
        }
    });
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(SMALLEST_WINDOW)
        .initial_connection_window_size(limits.upload_window)
        .max_send_buf_size(limits.stream_buffer)
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .serve_connection(TokioIo::new(io), service)
        .await;
    if let Err(error) = served {
        site.malformed(&error);
    }
}
