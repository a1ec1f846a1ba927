//! Upstreams and guests that misbehave: one request fails, the egress goes on.

use crate::client::{Http, connect, exchange_inside, get, inside, raw, rest};
use crate::rig::{Rig, Setup, route, until, with_auth};
use crate::upstream::{Answer, Upstream, hello, text};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const HOST: &str = "api.example.test";

type Act = fn(TlsStream<TcpStream>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// An upstream that reads a request's head and then does as `act` says.
async fn acting(setup: &mut Setup, act: Act) -> Upstream {
    let acceptor = TlsAcceptor::from(setup.ca.server(&[HOST], &["http/1.1"]));
    let upstream = Upstream::start(move |tcp, _| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            let Ok(mut tls) = acceptor.accept(tcp).await else { return };
            let mut head = Vec::new();
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                if !matches!(tls.read_buf(&mut head).await, Ok(1..)) {
                    return;
                }
            }
            act(tls).await;
        })
    })
    .await;
    setup.lead(HOST, 443, upstream.address);
    upstream
}

async fn still_works(rig: &Rig) {
    assert_eq!(get(rig, "good.test", "/", &[]).await, (200, "hello".to_owned()));
}

#[tokio::test]
async fn a46_an_upstream_that_fails_before_its_head() {
    let cases: [(Act, u16, &str); 5] = [
        // Reset.
        (
            |tls| {
                Box::pin(async move {
                    let _ = tls.get_ref().0.set_zero_linger();
                })
            },
            502,
            "upstream-reset",
        ),
        // Closed in order.
        (
            |mut tls| {
                Box::pin(async move {
                    let _ = tls.shutdown().await;
                })
            },
            502,
            "upstream-reset",
        ),
        // Garbage.
        (
            |mut tls| {
                Box::pin(async move {
                    let _ = tls.write_all(b"\0\x01garbage\r\n\r\n").await;
                    let _ = tls.shutdown().await;
                })
            },
            502,
            "upstream-garbage",
        ),
        // Half a head.
        (
            |mut tls| {
                Box::pin(async move {
                    let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
                    let _ = tls.shutdown().await;
                })
            },
            502,
            "upstream-reset",
        ),
        // Stalled.
        (
            |tls| {
                Box::pin(async move {
                    let _open = tls;
                    std::future::pending().await
                })
            },
            504,
            "upstream-timeout",
        ),
    ];
    for (act, status, code) in cases {
        let mut setup = Setup::new(vec![with_auth(HOST), with_auth("good.test")]);
        setup.options.limits.response = Duration::from_millis(300);
        let _bad = acting(&mut setup, act).await;
        let _good = setup.upstream("good.test", &["h2"], hello).await;
        let rig = setup.start().await;
        let (got, body) = get(&rig, HOST, "/", &[]).await;
        assert_eq!(got, status, "{code}: {body}");
        assert!(body.starts_with("bot-bottle failed this request: api.example.test"), "{body}");
        still_works(&rig).await;
        assert_eq!(rig.codes(2).await, [code, "ok"]);
    }
}

#[tokio::test]
async fn a46_an_upstream_that_fails_within_its_body() {
    let mut setup = Setup::new(vec![with_auth(HOST), with_auth("good.test")]);
    let _bad = acting(&mut setup, |mut tls| {
        Box::pin(async move {
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
            let _ = tls.shutdown().await;
        })
    })
    .await;
    let _good = setup.upstream("good.test", &["h2"], hello).await;
    let rig = setup.start().await;
    let mut io = inside(&rig, HOST, &["http/1.1"]).await;
    io.write_all(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await.expect("written");
    let mut got = Vec::new();
    // The guest must see that it is not whole: the connection ends early.
    let _ = io.read_to_end(&mut got).await;
    assert!(String::from_utf8_lossy(&got).ends_with("half"));
    still_works(&rig).await;
    assert_eq!(rig.codes(2).await, ["upstream-reset", "ok"]);
}

#[tokio::test]
async fn a46_an_upstream_that_is_not_there() {
    let mut setup = Setup::new(vec![with_auth(HOST), route("open.test"), with_auth("good.test")]);
    setup.options.limits.connect = Duration::from_millis(500);
    // A port that was just free; and one that takes the connection but never speaks TLS.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = free.local_addr().expect("an address");
    drop(free);
    setup.lead(HOST, 443, address);
    setup.lead("open.test", 443, address);
    let _good = setup.upstream("good.test", &["h2"], hello).await;
    let rig = setup.start().await;
    let (status, body) = get(&rig, HOST, "/", &[]).await;
    assert!(status == 502 && body.contains("cannot be reached"), "{status} {body}");
    assert_eq!(connect(&rig, "open.test:443").await.0, 502);
    still_works(&rig).await;

    let mut setup = Setup::new(vec![with_auth(HOST)]);
    setup.options.limits.connect = Duration::from_millis(300);
    let mute = Upstream::start(|tcp, _| {
        Box::pin(async move {
            let _open = tcp;
            std::future::pending().await
        })
    })
    .await;
    setup.lead(HOST, 443, mute.address);
    let rig = setup.start().await;
    let (status, body) = get(&rig, HOST, "/", &[]).await;
    assert!(status == 504 && body.contains("in time"), "{status} {body}");
}

#[tokio::test]
async fn a46_a_kept_connection_that_died_is_replaced() {
    // The upstream closes after each answer without saying so.
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = acting(&mut setup, |mut tls| {
        Box::pin(async move {
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            let mut next = [0; 1];
            // It reads the beginning of the next request and closes then: the worst moment.
            let _ = tls.read(&mut next).await;
        })
    })
    .await;
    let rig = setup.start().await;
    let mut http = Http::to(&rig, HOST, "http/1.1").await;
    for i in 0..4 {
        assert_eq!(http.request("GET", HOST, "/", &[], "").await.0, 200, "{i}");
    }
    assert_eq!(upstream.connections(), 4);
    // What may have had an effect is not sent twice.
    assert_eq!(http.request("POST", HOST, "/", &[], "x").await.0, 502);
}

#[tokio::test]
async fn a46_an_http2_upstream_that_says_goodbye_is_dialled_anew() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let acceptor = TlsAcceptor::from(setup.ca.server(&[HOST], &["h2"]));
    let upstream = Upstream::start(move |tcp, _| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            let asked = Arc::new(tokio::sync::Notify::new());
            let bell = asked.clone();
            let service = service_fn(move |request| {
                bell.notify_one();
                async { Ok::<_, Infallible>(hello(request).await) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(tls), service));
            tokio::select! {
                _ = &mut connection => return,
                () = asked.notified() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        })
    })
    .await;
    setup.lead(HOST, 443, upstream.address);
    let rig = setup.start().await;
    let mut http = Http::to(&rig, HOST, "h2").await;
    for i in 0..10 {
        assert_eq!(http.request("POST", HOST, "/", &[], "x").await.0, 200, "{i}");
    }
    assert_eq!(upstream.connections(), 10);
}

#[tokio::test]
async fn a21_slow_heads_are_cut() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    setup.options.limits.head = Duration::from_millis(300);
    setup.options.limits.handshake = Duration::from_millis(300);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    // Half a request; nothing at all; nothing after CONNECT; half a request inside.
    let mut half = raw(&rig).await;
    half.write_all(b"CONNECT api.exa").await.expect("written");
    let mut silent = raw(&rig).await;
    let (_, mut unspoken) = connect(&rig, "api.example.test:443").await;
    let mut inner = inside(&rig, HOST, &["http/1.1"]).await;
    inner.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("written");
    for io in [&mut half, &mut silent, &mut unspoken] {
        let closed = tokio::time::timeout(Duration::from_secs(10), rest(io)).await;
        assert!(closed.is_ok());
    }
    rest(&mut inner).await;
    upstream.assert_untouched();
    assert_eq!(get(&rig, HOST, "/", &[]).await.0, 200);
}

#[tokio::test]
async fn a21_for_a_connection_beyond_the_limit_the_one_used_least_goes() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    setup.options.limits.connections = 8;
    let _upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(inside(&rig, HOST, &["http/1.1"]).await);
    }
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    held[0].write_all(request.as_bytes()).await.expect("written");
    assert!(rest(&mut held[0]).await.ends_with("hello"));
    assert_eq!(get(&rig, HOST, "/", &[]).await.0, 200);
    assert_eq!(rest(&mut held[1]).await, "", "the one that never asked for anything is closed");
    held[0].write_all(request.as_bytes()).await.expect("written");
    assert!(rest(&mut held[0]).await.ends_with("hello"), "the one that was used goes on");
}

#[tokio::test]
async fn a21_for_a_request_beyond_the_limit_the_connection_with_most_goes() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    setup.options.limits.requests = 10;
    let upstream = setup.upstream(HOST, &["h2"], |request: Request<Incoming>| -> Answer {
        let stalls = request.uri().path() == "/stall";
        Box::pin(async move {
            if stalls {
                std::future::pending::<()>().await;
            }
            text("hello")
        })
    });
    let _upstream = upstream.await;
    let rig = setup.start().await;
    let mut greedy = Http::to(&rig, HOST, "h2").await;
    let first: Vec<_> = (0..10).map(|_| greedy.start("GET", HOST, "/stall")).collect();
    until(|| rig.lines.text().matches("/stall").count() == 10, || rig.lines.text()).await;
    // Its own eleventh is refused, another's request is not.
    assert_eq!(greedy.request("GET", HOST, "/", &[], "").await.0, 503);
    assert_eq!(get(&rig, HOST, "/", &[]).await.0, 200);
    for answer in first {
        assert!(answer.await.expect("no panic").is_err(), "the greedy connection is closed");
    }
}

#[tokio::test]
async fn a66_a_stopped_egress_leaves_nothing_open() {
    let mut setup = Setup::new(vec![with_auth(HOST), route("open.test")]);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let open = Upstream::start(|mut tcp, log| {
        Box::pin(async move {
            let mut sink = Vec::new();
            let _ = tcp.read_to_end(&mut sink).await;
            log.connections.fetch_sub(1, SeqCst);
        })
    })
    .await;
    setup.lead("open.test", 443, open.address);
    let rig = setup.start().await;
    let address = rig.address();
    let mut kept = inside(&rig, HOST, &["http/1.1"]).await;
    let (_, mut tunnel) = connect(&rig, "open.test:443").await;
    until(|| open.connections() == 1, || "the tunnel".into()).await;
    rig.egress.stop().await;
    assert_eq!(rest(&mut kept).await, "");
    assert_eq!(rest(&mut tunnel).await, "");
    until(|| open.connections() == 0, || "the end of the tunnel".into()).await;
    assert!(TcpStream::connect(address).await.is_err());
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a10_pipelined_requests_are_each_looked_at() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let two = "GET /1 HTTP/1.1\r\nHost: api.example.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: evil.test\r\n\r\n";
    let answer = exchange_inside(&rig, HOST, two).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(rig.codes(2).await, ["ok", "host-mismatch"]);
    assert_eq!(upstream.only().target, "/1");
}
