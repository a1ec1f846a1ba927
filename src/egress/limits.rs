//! What bounds the memory and the time that a guest or an upstream can take of the egress.
//!
//! The goal is 128 MiB whatever a guest does; `tests/egress/memory.rs` attacks it. A guest has the process
//! for itself, so what is bounded is the sum: so many connections, each with so much behind it.

use std::time::Duration;

/// What one HTTP/2 window or buffer holds at least (RFC 9113, section 6.9.2).
pub(crate) const SMALLEST_WINDOW: u32 = 65_535;

/// Times and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Guest connections at once; for one more, the one that was used least goes. An agent with its tools has
    /// some dozens. Also kept below the open-file limit.
    pub connections: usize,
    /// Requests and tunnels under way at once, on all connections; for one more, the connection with most goes.
    pub requests: usize,
    /// Connections to upstreams that are being opened at once: their handshakes take the processor's time.
    pub dials: usize,
    /// Streams on one HTTP/2 connection of a guest: what RFC 9113 asks servers for.
    pub streams: u32,
    /// A request's head, in bytes; servers take 8 to 32 KiB.
    pub head_bytes: usize,
    /// What is read ahead or waits to be written, on one connection and each way, in bytes. An HTTP/1.1 upstream's
    /// head must fit in it, as it must in clients (Node's take 16 KiB).
    pub buffer: usize,
    /// What waits for one stream of a guest's HTTP/2 connection, in bytes; one piece more can come on top.
    pub stream_buffer: usize,
    /// What a guest may have sent on one HTTP/2 connection before the upstream took it, in bytes. The way is
    /// short, so more would not be faster.
    pub upload_window: u32,
    /// What upstreams may have sent on all HTTP/2 connections before guests took it, in bytes. A new
    /// connection gets a part of what is left: the first can be fast over a long way.
    pub download_windows: usize,
    /// For a request's head, and between requests on one connection.
    pub head: Duration,
    /// For a client hello and for the TLS handshake with the guest.
    pub handshake: Duration,
    /// For resolving, connecting and the TLS handshake with an upstream.
    pub connect: Duration,
    /// For an upstream's head, from the last byte of the request. Models can think for minutes.
    pub response: Duration,
    /// After it, an unused upstream connection is closed.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests: 512,
            dials: 64,
            streams: 100,
            head_bytes: 32 * 1024,
            buffer: 16 * 1024,
            stream_buffer: 8 * 1024,
            upload_window: 2 * SMALLEST_WINDOW,
            download_windows: 16 * 1024 * 1024,
            head: Duration::from_secs(60),
            handshake: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            response: Duration::from_secs(600),
            idle: Duration::from_secs(60),
        }
    }
}
