//! Long and large bodies: passed on as they come, never gathered.

use crate::client::{Http, connect, inside};
use crate::rig::{Setup, inspected, route, until, with_auth};
use crate::upstream::{Answer, Body, Upstream};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

const HOST: &str = "api.example.test";

/// A body fed through a channel.
struct Fed(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = ready!(self.0.poll_recv(cx));
        Poll::Ready(next.map(|b| Ok(Frame::data(b))))
    }
}

fn fed(receiver: mpsc::Receiver<Bytes>) -> Body {
    Fed(receiver).map_err(|never| match never {}).boxed()
}

#[tokio::test]
async fn a76_events_pass_one_by_one_as_they_come() {
    for (guest, offered) in [("http/1.1", "http/1.1"), ("h2", "h2"), ("http/1.1", "h2"), ("h2", "http/1.1")] {
        let (send, receive) = mpsc::channel(1);
        let receive = std::sync::Mutex::new(Some(receive));
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        let _upstream = setup
            .upstream(HOST, &[offered], move |_: Request<Incoming>| -> Answer {
                let body = fed(receive.lock().expect("a body").take().expect("one request"));
                Box::pin(async {
                    Response::builder()
                        .header("content-type", "text/event-stream")
                        .body(body)
                        .expect("an answer")
                })
            })
            .await;
        let rig = setup.start().await;
        let mut http = Http::to(&rig, HOST, guest).await;
        let request = match http {
            Http::One(_) => Request::get("/").header("host", HOST),
            Http::Two(_) => Request::get(format!("https://{HOST}/")),
        };
        let response = http.send(request.body(Default::default()).expect("a request")).await.expect("a head");
        let mut body = response.into_body();
        for i in 0..20 {
            // Each event is awaited before the next is sent: one that were held back would hang here.
            let event = Bytes::from(format!("data: {i} s sk sk-\n\n"));
            send.send(event.clone()).await.expect("sent");
            let mut got = Vec::new();
            while got.len() < event.len() {
                let frame = timeout(Duration::from_secs(10), body.frame()).await.expect("the event in time");
                got.extend_from_slice(frame.expect("a frame").expect("data").data_ref().expect("data"));
            }
            assert_eq!(got, event);
        }
        drop(send);
        assert!(body.collect().await.expect("an end").to_bytes().is_empty());
        assert_eq!(rig.codes(1).await, ["ok"]);
    }
}

/// Gives zeros without end, and counts them.
struct Endless(Arc<AtomicU64>);

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(16 * 1024, SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 16 * 1024])))))
    }
}

/// Waits until a counter stands still for half a second.
async fn settled(counter: &AtomicU64) -> u64 {
    let mut last = u64::MAX;
    loop {
        let now = counter.load(SeqCst);
        if now == last && now > 0 {
            return now;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a21_an_endless_answer_that_nobody_reads_is_not_gathered() {
    for offered in ["http/1.1", "h2"] {
        let given = Arc::new(AtomicU64::new(0));
        let count = given.clone();
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        let _upstream = setup
            .upstream(HOST, &[offered], move |_: Request<Incoming>| -> Answer {
                let body = Endless(count.clone()).map_err(|never| match never {}).boxed();
                Box::pin(async { Response::new(body) })
            })
            .await;
        let rig = setup.start().await;
        let mut io = inside(&rig, HOST, &["http/1.1"]).await;
        io.write_all(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await.expect("written");
        // Socket buffers take some megabytes of it; a proxy that gathers would take all.
        let taken = timeout(Duration::from_secs(20), settled(&given)).await.expect("it stops");
        assert!(taken < 32 << 20, "{offered}: {taken} bytes");
        drop(io);
        assert_eq!(rig.codes(1).await, ["cut-short"]);
    }
}

#[tokio::test]
async fn a21_an_endless_request_that_nobody_reads_is_not_gathered() {
    for offered in ["http/1.1", "h2"] {
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        setup.options.limits.response = Duration::from_secs(1);
        let _upstream = setup
            .upstream(HOST, &[offered], |request: Request<Incoming>| -> Answer {
                Box::pin(async move {
                    let _unread = request;
                    std::future::pending().await
                })
            })
            .await;
        let rig = setup.start().await;
        let mut io = inside(&rig, HOST, &["http/1.1"]).await;
        let head = "POST / HTTP/1.1\r\nHost: api.example.test\r\nContent-Length: 99999999999\r\n\r\n";
        io.write_all(head.as_bytes()).await.expect("written");
        let written = Arc::new(AtomicU64::new(0));
        let count = written.clone();
        let writing = tokio::spawn(async move {
            while let Ok(n) = io.write(&[0; 16 * 1024]).await {
                count.fetch_add(n as u64, SeqCst);
            }
        });
        let taken = timeout(Duration::from_secs(20), settled(&written)).await.expect("it stops");
        assert!(taken < 32 << 20, "{taken} bytes");
        // An upload that does not move is not waited for without end.
        assert_eq!(rig.codes(1).await, ["upstream-timeout"]);
        writing.abort();
    }
}

#[tokio::test]
async fn a76_a_large_body_passes_whole_both_ways() {
    fn mirror(request: Request<Incoming>) -> Answer {
        Box::pin(async move {
            let body = request.into_body().map_err(std::io::Error::other).boxed();
            Response::new(body)
        })
    }
    const SIZE: usize = 24 << 20;

    for (guest, offered) in [("http/1.1", "http/1.1"), ("h2", "h2"), ("http/1.1", "h2"), ("h2", "http/1.1")] {
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        let _upstream = setup.upstream(HOST, &[offered], mirror).await;
        let rig = setup.start().await;
        let mut http = Http::to(&rig, HOST, guest).await;
        let pattern: Vec<u8> = (0..SIZE).map(|i| (i % 251) as u8).collect();
        let request = match http {
            Http::One(_) => Request::post("/").header("host", HOST),
            Http::Two(_) => Request::post(format!("https://{HOST}/")),
        };
        let body = http_body_util::Full::new(Bytes::from(pattern.clone()));
        let response = http.send(request.body(body).expect("a request")).await.expect("a head");
        let got = timeout(Duration::from_secs(60), response.into_body().collect()).await.expect("in time");
        assert!(got.expect("a body").to_bytes() == pattern, "{guest} {offered}");
        let line = &rig.audit(1).await[0];
        assert_eq!((line.end.bytes_in, line.end.bytes_out), (SIZE as u64, SIZE as u64));
    }
}

#[tokio::test]
async fn hundreds_of_open_streams_do_not_wait_for_each_other() {
    // More than the streams of one HTTP/2 connection: the pool opens another.
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup
        .upstream(HOST, &["h2"], |_: Request<Incoming>| -> Answer {
            let (send, receive) = mpsc::channel(1);
            Box::pin(async move {
                send.send(Bytes::from_static(b"data: 1\n\n")).await.expect("sent");
                tokio::spawn(async move { send.closed().await });
                Response::new(fed(receive))
            })
        })
        .await;
    let rig = setup.start().await;
    let mut open = Vec::new();
    for _ in 0..300 {
        let mut io = inside(&rig, HOST, &["http/1.1"]).await;
        io.write_all(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await.expect("written");
        let mut got = Vec::new();
        while !got.windows(9).any(|w| w == b"data: 1\n\n") {
            let read = timeout(Duration::from_secs(10), io.read_buf(&mut got)).await.expect("in time");
            assert_ne!(read.expect("bytes"), 0);
        }
        open.push(io);
    }
    assert_eq!(upstream.seen().len(), 300);
    assert!((19..=24).contains(&upstream.connections()), "{} connections", upstream.connections());
}

#[tokio::test]
async fn a_tunnel_half_closes_as_its_ends_do() {
    let mut setup = Setup::new(vec![route(HOST)]);
    let acceptor = tokio_rustls::TlsAcceptor::from(setup.ca.server(&[HOST], &[]));
    let upstream = Upstream::start(move |tcp, _| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            let Ok(mut tls) = acceptor.accept(tcp).await else { return };
            let mut all = Vec::new();
            let _ = tls.read_to_end(&mut all).await;
            let _ = tls.write_all(&all).await;
            let _ = tls.shutdown().await;
        })
    })
    .await;
    setup.lead(HOST, 443, upstream.address);
    let pem = std::fs::read_to_string(setup.options.upstream_ca.clone().expect("a file")).expect("PEM");
    let rig = setup.start().await;
    let (_, io) = connect(&rig, "api.example.test:443").await;
    let mut tls =
        crate::client::handshake(crate::client::trusting(&[&pem], &[]), io, HOST).await.expect("TLS");
    tls.write_all(&[7; 100_000]).await.expect("written");
    tls.shutdown().await.expect("half closed");
    let mut back = Vec::new();
    tls.read_to_end(&mut back).await.expect("read");
    assert_eq!(back, [7; 100_000]);
}

#[tokio::test]
async fn a_guest_that_leaves_ends_its_upstream_request() {
    for offered in ["http/1.1", "h2"] {
        let gone = Arc::new(AtomicU64::new(0));
        let count = gone.clone();
        let mut setup = Setup::new(vec![inspected(HOST)]);
        let upstream = setup
            .upstream(HOST, &[offered], move |_: Request<Incoming>| -> Answer {
                struct Bell(Arc<AtomicU64>);
                impl Drop for Bell {
                    fn drop(&mut self) {
                        self.0.fetch_add(1, SeqCst);
                    }
                }
                let bell = Bell(count.clone());
                Box::pin(async move {
                    let _bell = bell;
                    std::future::pending().await
                })
            })
            .await;
        let rig = setup.start().await;
        let mut io = inside(&rig, HOST, &["http/1.1"]).await;
        io.write_all(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await.expect("written");
        until(|| upstream.seen().len() == 1, || "the request".into()).await;
        drop(io);
        until(|| gone.load(SeqCst) == 1, || format!("the end of the {offered} request")).await;
        assert_eq!(rig.codes(1).await, ["aborted"]);
    }
}
