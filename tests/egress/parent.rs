//! A parent proxy: everything goes through it, by CONNECT.

use crate::client::{connect, exchange, get, handshake, inside, rest, trusting};
use crate::rig::{Setup, inspected, route, secret, with_auth};
use crate::upstream::{Upstream, hello};
use bot_bottle::egress::{EgressError, Listen, start};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

/// A proxy that knows CONNECT and these names, and records the heads that it got.
async fn parent(names: HashMap<String, SocketAddr>) -> (Upstream, Arc<Mutex<Vec<String>>>) {
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = heads.clone();
    let proxy = Upstream::start(move |mut tcp, _| {
        let (names, kept) = (names.clone(), kept.clone());
        Box::pin(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = tcp.read_u8().await else { return };
                head.push(byte);
            }
            let head = String::from_utf8(head).expect("text");
            let target = head.split(' ').nth(1).expect("a target").to_owned();
            kept.lock().expect("heads").push(head);
            let Some(address) = names.get(&target) else {
                let _ = tcp.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno\n").await;
                return;
            };
            let mut upstream = TcpStream::connect(address).await.expect("the upstream");
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n").await;
            let _ = copy_bidirectional(&mut tcp, &mut upstream).await;
        })
    })
    .await;
    (proxy, heads)
}

#[tokio::test]
async fn every_kind_of_connection_goes_through_the_parent() {
    let mut setup = Setup::new(vec![with_auth("api.test"), route("open.test"), inspected("plain.test")]);
    let api = Upstream::tls(setup.ca.server(&["api.test"], &["h2", "http/1.1"]), hello).await;
    let open = Upstream::tls(setup.ca.server(&["open.test"], &["http/1.1"]), hello).await;
    let plain = Upstream::plain(hello).await;
    let names = HashMap::from([
        ("api.test:443".to_owned(), api.address),
        ("open.test:443".to_owned(), open.address),
        ("plain.test:80".to_owned(), plain.address),
    ]);
    let (proxy, heads) = parent(names).await;
    setup.options.upstream_proxy = Some(format!("http://u:p@{}", proxy.address));
    let pem = std::fs::read_to_string(setup.options.upstream_ca.clone().expect("a file")).expect("PEM");
    let rig = setup.start().await;

    assert_eq!(get(&rig, "api.test", "/", &[]).await, (200, "hello".to_owned()));
    let (_, io) = connect(&rig, "open.test:443").await;
    let mut tls = handshake(trusting(&[&pem], &[]), io, "open.test").await.expect("TLS");
    tls.write_all(b"GET / HTTP/1.1\r\nHost: open.test\r\n\r\n").await.expect("written");
    assert!(rest(&mut tls).await.ends_with("hello"));
    let answer = exchange(&rig, "GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n\r\n").await;
    assert!(answer.ends_with("hello"), "{answer}");
    // A WebSocket too, though this upstream will have none of it.
    let mut io = inside(&rig, "api.test", &["http/1.1"]).await;
    let opening = "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: x\r\n\r\n";
    io.write_all(opening.as_bytes()).await.expect("written");
    assert!(rest(&mut io).await.ends_with("hello"));

    let heads = heads.lock().expect("heads").clone();
    let targets: Vec<_> = heads.iter().map(|h| h.split(' ').nth(1).expect("a target")).collect();
    assert_eq!(targets, ["api.test:443", "open.test:443", "plain.test:80", "api.test:443"]);
    // It learns its own credential and nothing of ours.
    assert!(
        heads.iter().all(|h| h.contains("Proxy-Authorization: Basic dTpw\r\n") && !h.contains(&secret()))
    );
    assert_eq!(api.seen()[0].header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
    assert_eq!(api.seen()[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn what_the_parent_refuses_is_an_error_with_its_status() {
    let mut setup = Setup::new(vec![with_auth("api.test"), route("open.test")]);
    let (proxy, _) = parent(HashMap::new()).await;
    setup.options.upstream_proxy = Some(format!("http://{}", proxy.address));
    let rig = setup.start().await;
    let (status, body) = get(&rig, "api.test", "/", &[]).await;
    assert!(status == 502 && body.contains("it answered 403"), "{status} {body}");
    assert_eq!(connect(&rig, "open.test:443").await.0, 502);
    // What our own policy refuses never reaches it.
    let before = proxy.connections();
    assert_eq!(connect(&rig, "evil.test:443").await.0, 403);
    assert_eq!(proxy.connections(), before);
}

#[tokio::test]
async fn wrong_options_stop_the_start() {
    let listen = || Listen::Tcp(([127, 0, 0, 1], 0).into());
    let mut setup = Setup::new(vec![]);
    setup.options.upstream_proxy = Some("socks5://x:1".into());
    assert!(matches!(start(setup.options, listen()).await, Err(EgressError::UpstreamProxy)));
    let mut setup = Setup::new(vec![]);
    setup.options.upstream_ca = Some("/nonexistent/ca.pem".into());
    assert!(matches!(start(setup.options, listen()).await, Err(EgressError::UpstreamCa { .. })));
    let mut wrong = route("a.test");
    wrong.ssrf_ip_allowlist = vec!["10.0.0.0/99".into()];
    assert!(matches!(start(Setup::new(vec![wrong]).options, listen()).await, Err(EgressError::Range { .. })));
    let busy = Setup::new(vec![]).start().await;
    let taken = Listen::Tcp(busy.address());
    assert!(matches!(start(Setup::new(vec![]).options, taken).await, Err(EgressError::Listen { .. })));
}
