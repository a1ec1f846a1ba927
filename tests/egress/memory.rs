//! What the egress takes of the machine, as a process of its own, whatever a guest does; and whether an
//! honest request still gets through meanwhile. `cargo test --test egress memory -- --nocapture` prints
//! the table of docs/benchmarks.md; `LOAD=tunnels` before it takes the loads of that name alone.
#![allow(clippy::print_stderr)]

use crate::client::{Raw, handshake, trusting};
use crate::rig::Setup;
use crate::upstream::{Answer, Upstream, full};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::{Request, Response};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

const HOST: &str = "api.example.com";
const TUNNEL: &str = "tunnel.example.com";
/// In MiB.
const MOST: u64 = 128;

/// A body without an end.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = io::Error;
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0x7e; 64 * 1024])))))
    }
}

fn answer(request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        match request.uri().path() {
            "/endless" => Response::new(Endless.boxed()),
            "/socket" => {
                let mut answer = Response::new(full(""));
                *answer.status_mut() = hyper::StatusCode::SWITCHING_PROTOCOLS;
                answer.headers_mut().insert("connection", hyper::header::HeaderValue::from_static("upgrade"));
                answer.headers_mut().insert("upgrade", hyper::header::HeaderValue::from_static("websocket"));
                let upgraded = hyper::upgrade::on(request);
                tokio::spawn(async move {
                    let Ok(socket) = upgraded.await else { return };
                    let (_, mut out) = tokio::io::split(hyper_util::rt::TokioIo::new(socket));
                    // A frame of 2^62 bytes.
                    let _ = out.write_all(&[0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0]).await;
                    while out.write_all(&[0x7e; 16 * 1024]).await.is_ok() {}
                });
                answer
            }
            // Never takes a byte of the body.
            "/stall" => std::future::pending().await,
            _ => Response::new(full("hello")),
        }
    })
}

/// The program's egress, and the machine's view of it.
struct Egress {
    child: Child,
    socket: PathBuf,
    ca: String,
    _upstreams: [Upstream; 2],
    _dir: tempfile::TempDir,
}

impl Drop for Egress {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Egress {
    async fn start(alpn: &str) -> Self {
        let setup = Setup::new(Vec::new());
        let upstream = Upstream::tls(setup.ca.server(&[HOST], &[alpn]), answer).await;
        let tunnel = Upstream::tls(setup.ca.server(&[TUNNEL], &["http/1.1"]), answer).await;
        let dir = tempfile::tempdir().expect("a folder");
        let home = dir.path();
        let bottles = home.join(".bot-bottle/bottles");
        std::fs::create_dir_all(&bottles).expect("folders");
        let routes = format!(
            "---\negress:\n  routes:\n    - host: {HOST}\n      auth: {{scheme: Bearer, token_ref: TOKEN}}\n    - host: {TUNNEL}\n---\n"
        );
        std::fs::write(bottles.join("dev.md"), routes).expect("written");
        let authority = setup.options.upstream_ca.clone().expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_bot-bottle"))
            .args([
                "egress",
                "dev",
                "--listen",
                "unix:egress.sock",
                "--audit",
                "audit.jsonl",
                "--ca-out",
                "ca.pem",
            ])
            .args(["--resolve", &format!("{HOST}:443:{}", upstream.address)])
            .args(["--resolve", &format!("{TUNNEL}:443:{}", tunnel.address)])
            .arg("--upstream-ca")
            .arg(&authority)
            .current_dir(home)
            .env_clear()
            .env("HOME", home)
            .env("TOKEN", crate::rig::secret())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut said = String::new();
        BufReader::new(child.stderr.as_mut().expect("a pipe")).read_line(&mut said).expect("a line");
        assert!(said.starts_with("listening on"), "{said}");
        let both = [home.join("ca.pem"), authority].map(|p| std::fs::read_to_string(p).expect("PEM"));
        let socket = home.join("egress.sock");
        Self { child, socket, ca: both.join("\n"), _upstreams: [upstream, tunnel], _dir: dir }
    }

    /// The most memory that it ever had, in MiB.
    fn peak(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the process");
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    }

    fn guest(&self) -> Guest {
        Guest { socket: self.socket.clone(), ca: self.ca.clone() }
    }

    /// Milliseconds that an honest request takes, which tries again when its connection is closed.
    async fn honest(&self) -> u128 {
        let begun = Instant::now();
        for _ in 0..10 {
            let asked = async {
                let mut io = self.guest().inside(HOST, "http/1.1").await?;
                io.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await?;
                let mut got = Vec::new();
                while !got.ends_with(b"hello") {
                    if io.read_buf(&mut got).await? == 0 {
                        return Err(io::Error::other(String::from_utf8_lossy(&got).into_owned()));
                    }
                }
                Ok(())
            };
            let asked = timeout(Duration::from_secs(30), asked).await;
            let told = || {
                let audit = std::fs::read_to_string(self.socket.with_file_name("audit.jsonl"));
                let audit = audit.unwrap_or_default();
                let lines: Vec<_> = audit.lines().collect();
                lines[lines.len().saturating_sub(8)..].join("\n")
            };
            match asked.unwrap_or_else(|_| panic!("no answer; the audit ends with\n{}", told())) {
                Ok(()) => return begun.elapsed().as_millis(),
                Err(error) => eprintln!("an honest request tries again: {error}"),
            }
        }
        panic!("no honest request gets through");
    }
}

#[derive(Clone)]
struct Guest {
    socket: PathBuf,
    ca: String,
}

impl Guest {
    /// Waits where the queue of the socket is full, as a guest's relay does; a connection that does not block is an
    /// error there.
    async fn raw(&self) -> io::Result<Raw> {
        let socket = self.socket.clone();
        let connected = tokio::task::spawn_blocking(move || std::os::unix::net::UnixStream::connect(socket));
        let stream = connected.await.expect("no panic")?;
        stream.set_nonblocking(true)?;
        Ok(Box::new(UnixStream::from_std(stream)?))
    }

    async fn connect(&self, host: &str) -> io::Result<Raw> {
        let mut io = self.raw().await?;
        io.write_all(format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
        let mut got = Vec::new();
        while !got.ends_with(b"\r\n\r\n") {
            got.push(io.read_u8().await?);
        }
        Ok(io)
    }

    async fn inside(&self, host: &str, alpn: &str) -> io::Result<crate::client::Tls> {
        let io = self.connect(host).await?;
        let pems: Vec<_> = self.ca.split_inclusive("-----END CERTIFICATE-----\n").collect();
        let pems: Vec<_> = pems.into_iter().filter(|p| p.contains("BEGIN")).collect();
        handshake(trusting(&pems, &[alpn]), io, host).await
    }

    /// An HTTP/2 connection on which nothing is ever read, with the widest windows.
    async fn http2(&self) -> io::Result<crate::client::Tls> {
        let mut io = self.inside(HOST, "h2").await?;
        io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        io.write_all(&frame(4, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff])).await?;
        io.write_all(&frame(8, 0, 0, &0x7fff_0000u32.to_be_bytes())).await?;
        Ok(io)
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The header block of a request.
fn block(method: u8, path: &str) -> Vec<u8> {
    let text = |name: u8, value: &str| {
        [&[name, u8::try_from(value.len()).expect("short")], value.as_bytes()].concat()
    };
    [vec![method, 0x87], text(0x04, path), text(0x01, HOST)].concat()
}

const GET: u8 = 0x82;
const POST: u8 = 0x83;

/// Writes until nobody takes anything any more, the other side closes or so many bytes are through.
async fn pour(io: &mut (impl tokio::io::AsyncWrite + Unpin), piece: &[u8], most: usize) {
    let mut through = 0;
    while through < most {
        match timeout(Duration::from_millis(500), io.write_all(piece)).await {
            Ok(Ok(())) => through += piece.len(),
            _ => return,
        }
    }
    let _ = timeout(Duration::from_millis(500), io.flush()).await;
}

/// One connection of a load.
async fn one(load: &str, guest: Guest) -> io::Result<Box<dyn std::any::Any + Send>> {
    match load {
        "HTTP/2, 100 streams each, answers not read" | "the same, from HTTP/1.1 upstreams" => {
            let mut io = guest.http2().await?;
            for n in 0..100u32 {
                io.write_all(&frame(1, 5, 2 * n + 1, &block(GET, "/endless"))).await?;
            }
            io.flush().await?;
            Ok(Box::new(io))
        }
        "HTTP/2, 100 uploads each that no upstream takes" => {
            let mut io = guest.http2().await?;
            for n in 0..100u32 {
                io.write_all(&frame(1, 4, 2 * n + 1, &block(POST, "/stall"))).await?;
            }
            for n in 0..100u32 {
                pour(&mut io, &frame(0, 0, 2 * n + 1, &[0x7e; 16 * 1024]), 60 * 1024).await;
            }
            Ok(Box::new(io))
        }
        "HTTP/1.1, answers not read" => {
            let mut io = guest.inside(HOST, "http/1.1").await?;
            io.write_all(format!("GET /endless HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await?;
            io.flush().await?;
            Ok(Box::new(io))
        }
        "tunnels, answers not read" => {
            let mut io = guest.inside(TUNNEL, "http/1.1").await?;
            io.write_all(format!("GET /endless HTTP/1.1\r\nHost: {TUNNEL}\r\n\r\n").as_bytes()).await?;
            io.flush().await?;
            Ok(Box::new(io))
        }
        "heads without an end" => {
            let mut io = guest.raw().await?;
            io.write_all(b"GET http://x.example.com/ HTTP/1.1\r\nx: ").await?;
            pour(&mut io, &[b'y'; 1024], 31 * 1024).await;
            Ok(Box::new(io))
        }
        "heads without an end, inside TLS" => {
            let mut io = guest.inside(HOST, "http/1.1").await?;
            io.write_all(b"GET / HTTP/1.1\r\nx: ").await?;
            pour(&mut io, &[b'y'; 1024], 31 * 1024).await;
            Ok(Box::new(io))
        }
        "HTTP/2 CONTINUATION without an end" => {
            let mut io = guest.http2().await?;
            io.write_all(&frame(1, 0, 1, &block(GET, "/"))).await?;
            let name = [&[0x40, 100][..], &[b'x'; 100], &[100], &[b'y'; 100]].concat();
            pour(&mut io, &frame(9, 0, 1, &name.repeat(50)), 16 << 20).await;
            Ok(Box::new(io))
        }
        "HTTP/2 streams opened and reset" => {
            let mut io = guest.http2().await?;
            for n in 0..20_000u32 {
                let reset = frame(3, 0, 2 * n + 1, &8u32.to_be_bytes());
                let both = [frame(1, 5, 2 * n + 1, &block(GET, "/endless")), reset].concat();
                match timeout(Duration::from_millis(500), io.write_all(&both)).await {
                    Ok(Ok(())) => {}
                    _ => break,
                }
            }
            Ok(Box::new(io))
        }
        "HTTP/2 pings and settings" => {
            let mut io = guest.http2().await?;
            let pair = [frame(6, 0, 0, &[0; 8]), frame(4, 0, 0, &[0, 3, 0, 0, 1, 0])].concat();
            pour(&mut io, &pair.repeat(200), 8 << 20).await;
            Ok(Box::new(io))
        }
        "WebSocket frames without an end" => {
            let mut io = guest.inside(HOST, "http/1.1").await?;
            let opening = format!(
                "GET /socket HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"
            );
            io.write_all(opening.as_bytes()).await?;
            io.write_all(&[0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await?;
            pour(&mut io, &[0x7e; 16 * 1024], 1 << 20).await;
            Ok(Box::new(io))
        }
        _ => Ok(Box::new(guest.connect(HOST).await?)),
    }
}

/// Loads, each with its connections and what its upstream speaks.
const LOADS: [(&str, usize, &str); 11] = [
    ("HTTP/2, 100 streams each, answers not read", 100, "h2"),
    ("the same, from HTTP/1.1 upstreams", 100, "http/1.1"),
    ("HTTP/2, 100 uploads each that no upstream takes", 100, "h2"),
    ("HTTP/1.1, answers not read", 1500, "h2"),
    ("tunnels, answers not read", 1500, "h2"),
    ("heads without an end", 4000, "h2"),
    ("heads without an end, inside TLS", 1500, "h2"),
    ("HTTP/2 CONTINUATION without an end", 50, "h2"),
    ("HTTP/2 streams opened and reset", 20, "h2"),
    ("HTTP/2 pings and settings", 50, "h2"),
    ("WebSocket frames without an end", 400, "http/1.1"),
];

/// The peak in MiB, and how long an honest request took while the load went on and after, in milliseconds.
async fn under(load: &'static str, connections: usize, alpn: &str) -> (u64, u128) {
    let egress = Egress::start(alpn).await;
    let mut all = JoinSet::new();
    let many = std::sync::Arc::new(tokio::sync::Semaphore::new(200));
    for _ in 0..connections {
        let (guest, many) = (egress.guest(), many.clone());
        all.spawn(async move {
            let _turn = many.acquire().await;
            one(load, guest).await.ok()
        });
    }
    let mut slowest = egress.honest().await;
    let mut held = Vec::new();
    while let Some(done) = all.join_next().await {
        held.push(done.expect("no panic"));
    }
    slowest = slowest.max(egress.honest().await);
    let peak = egress.peak();
    drop(held);
    (peak, slowest)
}

fn many_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a21_no_load_takes_more_than_128_mib_and_an_honest_request_gets_through() {
    many_files();
    let mut rows =
        String::from("| load | connections | peak | honest request |\n| --- | ---: | ---: | ---: |\n");
    let mut over = Vec::new();
    let half_open = [("tunnels asked for and never used", 10_000, "h2")];
    let only = std::env::var("LOAD").ok();
    let chosen = |load: &str| only.as_ref().is_none_or(|only| load.contains(&**only));
    for (load, connections, alpn) in LOADS.into_iter().chain(half_open).filter(|(l, ..)| chosen(l)) {
        let (peak, slowest) = under(load, connections, alpn).await;
        let row = format!("| {load} | {connections} | {peak} MiB | {slowest} ms |\n");
        eprint!("{row}");
        rows.push_str(&row);
        if peak > MOST {
            over.push(load);
        }
    }
    assert!(over.is_empty(), "more than {MOST} MiB under {over:?}:\n{rows}");
}
