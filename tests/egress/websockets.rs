//! WebSockets: opened on the route's terms, frames only, and the credential does not come back.

use crate::client::{exchange_inside, inside, rest};
use crate::rig::{Setup, inspected, secret, with_auth};
use crate::upstream::{Answer, Upstream, full};
use bot_bottle::provider::EgressRoute;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const HOST: &str = "api.example.test";

/// A WebSocket upstream that sends what it got as `Authorization`, in the frames given.
async fn socket_upstream(setup: &mut Setup, host: &'static str) -> Upstream {
    let upstream = Upstream::tls(setup.ca.server(&[host], &["http/1.1"]), |mut request| {
        Box::pin(async move {
            let value = request.headers().get("authorization").map_or(Vec::new(), |v| v.as_bytes().to_vec());
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let Ok(upgraded) = upgrade.await else { return };
                let mut io = hyper_util::rt::TokioIo::new(upgraded);
                let (start, end) = value.split_at(value.len() / 2);
                let frame = |first: u8, payload: &[u8]| {
                    [&[first, u8::try_from(payload.len()).expect("short")], payload].concat()
                };
                for bytes in [frame(0x81, &value), frame(0x01, start), frame(0x80, end)].concat().chunks(3) {
                    let _ = io.write_all(bytes).await;
                    let _ = io.flush().await;
                }
                // Then it gives back what it gets.
                let mut buffer = [0; 1024];
                while let Ok(n @ 1..) = io.read(&mut buffer).await {
                    let _ = io.write_all(&frame(0x82, &buffer[..n])).await;
                }
            });
            Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-accept", "x")
                .body(full(""))
                .expect("an answer")
        })
    })
    .await;
    setup.lead(host, 443, upstream.address);
    upstream
}

const OPENING: &str = "GET /ws HTTP/1.1\r\nHost: api.example.test\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\nAuthorization: Bearer placeholder\r\n\r\n";

#[tokio::test]
async fn a24_a_websocket_does_not_hand_the_credential_back() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = socket_upstream(&mut setup, HOST).await;
    let rig = setup.start().await;
    let mut io = inside(&rig, HOST, &["http/1.1"]).await;
    io.write_all(OPENING.as_bytes()).await.expect("written");
    let mut got = Vec::new();
    let value = format!("Bearer {}", secret());
    let wanted = 3 * 2 + 2 * value.len();
    while String::from_utf8_lossy(&got).split_once("\r\n\r\n").is_none_or(|(_, f)| f.len() < wanted) {
        assert_ne!(io.read_buf(&mut got).await.expect("frames"), 0);
    }
    let text = String::from_utf8_lossy(&got).into_owned();
    assert!(text.starts_with("HTTP/1.1 101 ") && text.contains("sec-websocket-accept: x"), "{text}");
    assert!(text.contains(&format!("Bearer {}", "*".repeat(secret().len()))), "{text}");
    let half = &secret()[secret().len() - 8..];
    assert!(!text.contains(&secret()) && !text.contains(half), "{text}");
    let seen = upstream.only();
    assert_eq!(seen.header("authorization"), Some(value.as_str()));
    assert_eq!(seen.header("sec-websocket-extensions"), None);
    assert_eq!((seen.header("upgrade"), seen.header("connection")), (Some("websocket"), Some("Upgrade")));

    // Frames pass the other way.
    let frame = [&[0x81, 0x85, 0, 0, 0, 0][..], b"hello"].concat();
    io.write_all(&frame).await.expect("written");
    got.clear();
    while !got.ends_with(b"hello") {
        assert_ne!(io.read_buf(&mut got).await.expect("frames"), 0);
    }
    drop(io);
    let line = &rig.audit(1).await[0];
    assert_eq!((line.end.status, line.end.bytes_in), (101, frame.len() as u64));
}

#[tokio::test]
async fn a19_a56_raw_bytes_after_a_101_are_not_passed() {
    for routes in [vec![with_auth(HOST)], vec![inspected(HOST)]] {
        let mut setup = Setup::new(routes);
        let upstream = socket_upstream(&mut setup, HOST).await;
        let rig = setup.start().await;
        let mut io = inside(&rig, HOST, &["http/1.1"]).await;
        io.write_all(OPENING.as_bytes()).await.expect("written");
        let raw = "POST /elsewhere HTTP/1.1\r\nHost: evil.test\r\n\r\n";
        io.write_all(raw.as_bytes()).await.expect("written");
        let mut got = Vec::new();
        let closed = timeout(Duration::from_secs(10), io.read_to_end(&mut got)).await;
        assert!(closed.is_ok(), "the connection stays open");
        assert!(!String::from_utf8_lossy(&got).contains("elsewhere"));
        assert_eq!(upstream.seen().len(), 1);
        assert_eq!(rig.codes(1).await, ["not-websocket"]);
    }
}

#[tokio::test]
async fn a19_an_upgrade_that_the_route_does_not_list() {
    let route = EgressRoute { path_allowlist: Some(vec!["/v1/".into()]), ..with_auth(HOST) };
    let mut setup = Setup::new(vec![route]);
    let upstream = socket_upstream(&mut setup, HOST).await;
    let rig = setup.start().await;
    let answer = exchange_inside(&rig, HOST, OPENING).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    upstream.assert_untouched();
    // Another protocol is not taken up: the request goes on as a plain one.
    let other = OPENING.replace("/ws", "/v1/x").replace("Upgrade: websocket", "Upgrade: h2c");
    let answer = exchange_inside(&rig, HOST, other).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert_eq!(upstream.only().header("upgrade"), None);
}

#[tokio::test]
async fn a_websocket_that_is_refused_upstream_is_an_ordinary_answer() {
    fn upgrade_required(_: Request<Incoming>) -> Answer {
        Box::pin(async { Response::builder().status(426).body(full("no")).expect("an answer") })
    }
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let _upstream = setup.upstream(HOST, &["http/1.1"], upgrade_required).await;
    let rig = setup.start().await;
    let mut io = inside(&rig, HOST, &["http/1.1"]).await;
    for _ in 0..2 {
        io.write_all(OPENING.as_bytes()).await.expect("written");
        let answer = rest(&mut io).await;
        assert!(answer.starts_with("HTTP/1.1 426") && answer.ends_with("no"), "{answer}");
    }
}
