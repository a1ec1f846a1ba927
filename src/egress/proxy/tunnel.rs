//! A connection whose inside is the guest's affair, once its client hello has been read.

use super::Shared;
use super::exchange::Exchange;
use super::refusal::Refusal;
use super::stream::GuestStream;
use crate::egress::code::Code;
use crate::egress::sni::{ClientHello, client_hello};
use hyper::body::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A fatal `unrecognized_name` alert, so that the guest's client can say what happened.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Passes bytes both ways until both sides are done.
pub(crate) async fn run<S>(
    shared: &Arc<Shared>,
    mut guest: GuestStream<S>,
    host: &str,
    mut upstream: TcpStream,
    exchange: Arc<Exchange>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Err(refusal) = expect_hello(&mut guest, host, shared.limits.handshake).await {
        exchange.refused(refusal);
        return;
    }
    let mut guest = guest.metered(exchange.clone());
    let buffer = shared.limits.buffer;
    let passed = copy_bidirectional_with_sizes(&mut guest, &mut upstream, buffer, buffer).await;
    if passed.is_err() {
        exchange.failed(Code::CutShort);
    }
}

/// The same without a look at what they are.
pub(crate) async fn raw<S>(
    shared: &Arc<Shared>,
    guest: GuestStream<S>,
    mut upstream: TcpStream,
    exchange: Arc<Exchange>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut guest = guest.metered(exchange.clone());
    let buffer = shared.limits.buffer;
    if copy_bidirectional_with_sizes(&mut guest, &mut upstream, buffer, buffer).await.is_err() {
        exchange.failed(Code::CutShort);
    }
}

/// Whether the guest's first byte begins a line of HTTP, which stays to be read again. Anything else is for
/// [`expect_hello`] to judge.
pub(crate) async fn speaks_http<S>(guest: &mut GuestStream<S>, within: Duration) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut first = Vec::with_capacity(2048);
    if !matches!(timeout(within, guest.read_buf(&mut first)).await, Ok(Ok(1..))) {
        return false;
    }
    let http = first[0].is_ascii_uppercase();
    guest.put_back(Bytes::from(first));
    http
}

/// Reads the client hello, which must be for `host`, and puts it back to be read again.
///
/// On a refusal the guest gets a TLS alert, and nothing was passed on.
pub(crate) async fn expect_hello<S>(
    guest: &mut GuestStream<S>,
    host: &str,
    within: Duration,
) -> Result<(), Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = Vec::with_capacity(2048);
    let hello = timeout(within, read_hello(guest, &mut bytes)).await;
    let refusal = match hello {
        Ok(Ok(hello)) => match judge(&hello, host) {
            Ok(()) => {
                guest.put_back(Bytes::from(bytes));
                return Ok(());
            }
            Err(refusal) => refusal,
        },
        Ok(Err(refusal)) => return Err(refusal),
        Err(_) => return Err(Refusal::silent(Code::NoHello)),
    };
    let _ = guest.write_all(&UNRECOGNIZED_NAME).await;
    let _ = guest.shutdown().await;
    Err(refusal)
}

async fn read_hello<S>(guest: &mut GuestStream<S>, bytes: &mut Vec<u8>) -> Result<ClientHello, Refusal>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match client_hello(bytes) {
            Ok(Some(hello)) => return Ok(hello),
            Ok(None) => {}
            Err(_) => return Err(Refusal::silent(Code::NotTls)),
        }
        match guest.read_buf(bytes).await {
            Ok(0) | Err(_) => return Err(Refusal::silent(Code::NoHello)),
            Ok(_) => {}
        }
    }
}

fn judge(hello: &ClientHello, host: &str) -> Result<(), Refusal> {
    if hello.encrypted {
        return Err(Refusal::silent(Code::EncryptedHello));
    }
    match &hello.server_name {
        Some(name) if name.eq_ignore_ascii_case(host) => Ok(()),
        Some(_) => Err(Refusal::silent(Code::SniMismatch)),
        None => Err(Refusal::silent(Code::NoSni)),
    }
}
