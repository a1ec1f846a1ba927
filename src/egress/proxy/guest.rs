//! A guest's connection, from its first byte to what it turned into.

use super::site::{Next, Site};
use super::stream::GuestStream;
use super::{Shared, http1, inspect, tunnel, websocket};
use crate::egress::policy::Scheme;
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, warn};

/// The number of the next connection of this process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Serves a guest's connection to its end.
pub(crate) async fn serve<S>(shared: Arc<Shared>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = NEXT.fetch_add(1, Relaxed);
    debug!(connection, "opened");
    let seat = shared.room.enter(connection);
    tokio::select! {
        () = serve_as(connection, shared, io) => debug!(connection, "closed"),
        () = seat.asked_to_leave() => warn!(connection, "sent away: there is no more room"),
    }
}

async fn serve_as<S>(connection: u64, shared: Arc<Shared>, io: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let site = Site::new(shared, (Scheme::Http, Scheme::Http.port()), None, connection);
    // Each stage in memory of its own: a connection is in one of them, and as one future they add up.
    Box::pin(http1::serve(&site, io)).await;
    let shared = &site.shared;
    match site.take_next() {
        Some(Next::Raw { guest, upstream, exchange }) => {
            let Ok(upgraded) = guest.await else { return };
            Box::pin(tunnel::raw(shared, back::<S>(upgraded), upstream, exchange)).await;
        }
        Some(Next::Tunnel { guest, host, port, upstream, exchange }) => {
            let Ok(upgraded) = guest.await else { return };
            let mut guest = back::<S>(upgraded);
            if plain(shared, &mut guest, port).await {
                drop(upstream);
                exchange.leave_out();
                return Box::pin(serve_plain(shared, guest, host, port, connection)).await;
            }
            Box::pin(tunnel::run(shared, guest, &host, upstream, exchange)).await;
        }
        Some(Next::Inspect { guest, host, port, route }) => {
            let Ok(upgraded) = guest.await else { return };
            let mut guest = back::<S>(upgraded);
            if plain(shared, &mut guest, port).await {
                return Box::pin(serve_plain(shared, guest, host, port, connection)).await;
            }
            Box::pin(inspect::run(shared, guest, (host, port), route, connection)).await;
        }
        Some(socket) => Box::pin(websocket::run(socket)).await,
        None => {}
    }
}

/// Whether plain HTTP comes over a connection to a port. 443 is TLS alone.
async fn plain<S>(shared: &Shared, guest: &mut GuestStream<S>, port: u16) -> bool
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    port != Scheme::Https.port() && tunnel::speaks_http(guest, shared.limits.handshake).await
}

/// Each request has its own line, and is judged by itself.
async fn serve_plain<S>(
    shared: &Arc<Shared>,
    guest: GuestStream<S>,
    host: Arc<str>,
    port: u16,
    connection: u64,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let site = Site::new(shared.clone(), (Scheme::Http, port), Some(host), connection);
    http1::serve_inside(site, guest).await;
}

/// The guest's own stream out of an upgraded connection, with what was read ahead.
fn back<S>(upgraded: Upgraded) -> GuestStream<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match upgraded.downcast::<TokioIo<S>>() {
        Ok(Parts { io, read_buf, .. }) => GuestStream::new(read_buf, io.into_inner()),
        Err(_) => unreachable!("a connection is upgraded with the stream that it was served on"),
    }
}
