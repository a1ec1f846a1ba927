//! WebSockets: after the 101, frames pass both ways and nothing else does.
//!
//! What the guest sends must be frames (RFC 6455), so that a 101 opens no raw tunnel. On a route
//! with a credential no extension is offered, so that payloads come uncompressed and can be
//! searched.

use super::exchange::Exchange;
use super::frames::{Frames, Masker};
use super::headers::has_token;
use super::needles::Needles;
use super::site::Next;
use crate::egress::code::Code;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::{Method, Request, Version};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

const BUFFER: usize = 16 * 1024;

/// Whether a request asks for a WebSocket. Any other upgrade is not taken up.
pub(crate) fn is_opening(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_11
        && *request.method() == Method::GET
        && has_token(headers, &UPGRADE, "websocket")
        && has_token(headers, &CONNECTION, "upgrade")
        && headers.contains_key(SEC_WEBSOCKET_KEY)
        && request.body().is_end_stream()
}

/// Relays until one side ends or sends what is not a frame.
pub(crate) async fn run(socket: Next) {
    let Next::WebSocket { guest, upstream, needles, compressed, lease: _lease, exchange } = socket else {
        return;
    };
    let (Ok(guest), Ok(upstream)) = tokio::join!(guest, upstream) else {
        return exchange.failed(Code::Aborted);
    };
    let (guest_in, guest_out) = split(TokioIo::new(guest));
    let (upstream_in, upstream_out) = split(TokioIo::new(upstream));
    let relayed = tokio::try_join!(
        to_upstream(guest_in, upstream_out, compressed, &exchange),
        to_guest(upstream_in, guest_out, needles, &exchange),
    );
    if let Err(error) = relayed {
        let bad = error.kind() == io::ErrorKind::InvalidData;
        exchange.failed(if bad { Code::NotWebsocket } else { Code::CutShort });
    }
}

async fn to_upstream(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    compressed: bool,
    exchange: &Exchange,
) -> io::Result<()> {
    let mut frames = Frames::of_client(compressed);
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return to.shutdown().await;
        }
        frames.check(&buffer[..n])?;
        exchange.came_in(n as u64);
        to.write_all(&buffer[..n]).await?;
        to.flush().await?;
    }
}

async fn to_guest(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    needles: Option<Arc<Needles>>,
    exchange: &Exchange,
) -> io::Result<()> {
    let mut masker = needles.map(Masker::new);
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return to.shutdown().await;
        }
        let masked = masker.as_mut().map(|m| m.push(&buffer[..n])).transpose()?;
        let out = masked.as_deref().unwrap_or(&buffer[..n]);
        exchange.went_out(out.len() as u64);
        to.write_all(out).await?;
        to.flush().await?;
    }
}
