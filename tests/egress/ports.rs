//! Ports that routes name, what is spoken over them, and bytes as they are.

use crate::client::{connect, exchange, rest, tls};
use crate::rig::{Setup, inspected, route, secret, with_auth};
use crate::upstream::{Upstream, hello};
use bot_bottle::egress::{Boxed, Lookup};
use bot_bottle::provider::{EgressRoute, Protocol};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HOST: &str = "api.example.test";

fn on(ports: &[u16], route: EgressRoute) -> EgressRoute {
    EgressRoute { ports: Some(ports.to_vec()), ..route }
}

fn tcp(port: u16, host: &str) -> EgressRoute {
    EgressRoute { protocol: Protocol::Tcp, ..on(&[port], route(host)) }
}

/// A server that speaks first, as databases and mail do, and then gives back what it gets.
async fn greeter() -> Upstream {
    Upstream::start(|mut tcp, _| {
        Box::pin(async move {
            let _ = tcp.write_all(b"220 ready\r\n").await;
            let mut line = [0; 4];
            while tcp.read_exact(&mut line).await.is_ok() && tcp.write_all(&line).await.is_ok() {}
        })
    })
    .await
}

#[tokio::test]
async fn over_tcp_the_bytes_go_as_they_are_to_the_named_port_alone() {
    let upstream = greeter().await;
    let mut setup = Setup::new(vec![tcp(5432, "db.test"), route("db.test")]);
    setup.lead("db.test", 5432, upstream.address);
    let rig = setup.start().await;
    let (status, mut io) = connect(&rig, "db.test:5432").await;
    assert_eq!(status, 200);
    let mut greeting = [0; 11];
    io.read_exact(&mut greeting).await.expect("what the server says first");
    assert_eq!(&greeting, b"220 ready\r\n");
    for bytes in [*b"\x16\x03\x01\0", *b"\0\xff\x80\x01", *b"GET "] {
        io.write_all(&bytes).await.expect("written");
        let mut back = [0; 4];
        io.read_exact(&mut back).await.expect("bytes");
        assert_eq!(back, bytes);
    }
    drop(io);
    for target in ["db.test:5433", "db.test:22", "other.test:5432"] {
        assert_eq!(connect(&rig, target).await.0, 403, "{target}");
    }
    // HTTP with a target does not go there.
    let answer = exchange(&rig, "GET http://db.test:5432/ HTTP/1.1\r\nHost: db.test:5432\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("ports: [5432]"), "{answer}");
    assert_eq!(upstream.connections(), 1);
    let lines = rig.audit(5).await;
    let tunnel = lines.iter().find(|l| l.end.status == 200).expect("the connection");
    assert_eq!((tunnel.end.bytes_in, tunnel.end.bytes_out), (12, 23));
}

struct Loopback(SocketAddr);

impl Lookup for Loopback {
    fn lookup<'a>(&'a self, _: &'a str, _: u16) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        let address = self.0;
        Box::pin(async move { Ok(vec![address]) })
    }
}

#[tokio::test]
async fn a13_over_tcp_a_private_address_needs_the_routes_own_word() {
    let upstream = greeter().await;
    let own = EgressRoute { ssrf_ip_allowlist: vec!["127.0.0.1".into()], ..tcp(5432, "db.test") };
    // Another route's word, to the same host and to another, says nothing of this one.
    let other = EgressRoute { ssrf_ip_allowlist: vec!["127.0.0.1".into()], ..route("db.test") };
    for (routes, status) in [
        (vec![tcp(5432, "db.test"), other.clone()], 403),
        (vec![tcp(5432, "db.test"), EgressRoute { host: "other.test".into(), ..other }], 403),
        (vec![own], 200),
    ] {
        let mut setup = Setup::new(routes);
        setup.options.lookup = Arc::new(Loopback(upstream.address));
        let rig = setup.start().await;
        assert_eq!(connect(&rig, "db.test:5432").await.0, status);
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn on_a_port_of_its_own_a_route_is_inspected_with_its_credential() {
    let mut setup = Setup::new(vec![on(&[8443], with_auth(HOST))]);
    let upstream = Upstream::tls(setup.ca.server(&[HOST], &["http/1.1", "h2"]), hello).await;
    setup.lead(HOST, 8443, upstream.address);
    let rig = setup.start().await;
    let name = format!("{HOST}:8443");
    let (status, io) = connect(&rig, &name).await;
    assert_eq!(status, 200);
    let mut io = tls(&rig, io, HOST, &["http/1.1"]).await.expect("a handshake");
    io.write_all(format!("GET /a HTTP/1.1\r\nHost: {name}\r\n\r\n").as_bytes()).await.expect("written");
    let answer = rest(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = upstream.only();
    assert_eq!(seen.authority, name);
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
    // The credential never goes out in the clear, and the usual ports are closed.
    let (status, mut io) = connect(&rig, &name).await;
    assert_eq!(status, 200);
    io.write_all(format!("GET /a HTTP/1.1\r\nHost: {name}\r\n\r\n").as_bytes()).await.expect("written");
    let answer = rest(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("needs HTTPS"), "{answer}");
    for target in ["443", "80"] {
        assert_eq!(connect(&rig, &format!("{HOST}:{target}")).await.0, 403);
    }
    assert_eq!(upstream.connections(), 1);
    assert_eq!(rig.codes(4).await, ["ok", "plain-http", "port", "port"]);
}

#[tokio::test]
async fn on_a_port_of_its_own_the_first_bytes_decide() {
    let mut setup = Setup::new(vec![on(&[8080], inspected(HOST)), on(&[8080, 443], route("open.test"))]);
    let plain = Upstream::plain(hello).await;
    let sealed = Upstream::tls(setup.ca.server(&["open.test"], &["http/1.1"]), hello).await;
    setup.lead(HOST, 8080, plain.address);
    setup.lead("open.test", 8080, sealed.address);
    let ca = setup.ca.pem.clone();
    let rig = setup.start().await;
    let request = format!("GET /p HTTP/1.1\r\nHost: {HOST}:8080\r\n\r\n");
    let (status, mut io) = connect(&rig, &format!("{HOST}:8080")).await;
    assert_eq!(status, 200);
    io.write_all(request.as_bytes()).await.expect("written");
    let answer = rest(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // As a proxy is asked for it, too.
    let answer = exchange(&rig, request.replace("/p", &format!("http://{HOST}:8080/q"))).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen: Vec<_> = plain.seen().into_iter().map(|s| (s.authority, s.target)).collect();
    let name = format!("{HOST}:8080");
    assert_eq!(seen, [(name.clone(), "/p".to_owned()), (name, "/q".to_owned())]);
    // Nothing looks into the other one's TLS: its own certificate is seen.
    let (status, io) = connect(&rig, "open.test:8080").await;
    assert_eq!(status, 200);
    let config = crate::client::trusting(&[&ca], &["http/1.1"]);
    let mut io = crate::client::handshake(config, io, "open.test").await.expect("the upstream's own");
    io.write_all(b"GET /t HTTP/1.1\r\nHost: open.test:8080\r\n\r\n").await.expect("written");
    assert!(rest(&mut io).await.starts_with("HTTP/1.1 200"));
    // What is neither is refused, and 443 is TLS alone.
    for (target, bytes) in [(format!("{HOST}:8080"), "\0\x01raw"), ("open.test:8080".into(), "ssh-2.0\r\n")] {
        let (_, mut io) = connect(&rig, &target).await;
        io.write_all(bytes.as_bytes()).await.expect("written");
        let mut nothing = Vec::new();
        let _ = io.read_to_end(&mut nothing).await;
        assert!(nothing.is_empty() || nothing[0] == 21, "{target}: {nothing:?}");
    }
}

/// What comes with the CONNECT itself, and is more than one look takes, arrives whole.
#[tokio::test]
async fn nothing_that_a_guest_sends_ahead_is_lost() {
    let mut setup = Setup::new(vec![on(&[8080], inspected(HOST))]);
    let upstream = Upstream::plain(crate::upstream::echo).await;
    setup.lead(HOST, 8080, upstream.address);
    let rig = setup.start().await;
    let name = format!("{HOST}:8080");
    let body = "0123456789abcdef".repeat(512);
    let ahead = format!(
        "CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\nPOST /p HTTP/1.1\r\nHost: {name}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut io = crate::client::raw(&rig).await;
    io.write_all(ahead.as_bytes()).await.expect("written");
    let mut connected = Vec::new();
    while !connected.ends_with(b"\r\n\r\n") {
        connected.push(io.read_u8().await.expect("an answer"));
    }
    let answer = rest(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&body), "{} bytes", answer.len());
}

/// A guest on a host's port is judged for that port, whatever the names inside say.
#[tokio::test]
async fn a10_the_names_inside_have_the_connections_port() {
    let mut setup = Setup::new(vec![on(&[8443, 9443], inspected(HOST))]);
    let upstream = Upstream::tls(setup.ca.server(&[HOST], &["http/1.1"]), hello).await;
    setup.lead(HOST, 8443, upstream.address);
    let rig = setup.start().await;
    for (host, status) in
        [("api.example.test:9443", "421"), ("api.example.test:443", "421"), ("api.example.test:8443", "200")]
    {
        let (_, io) = connect(&rig, &format!("{HOST}:8443")).await;
        let mut io = tls(&rig, io, HOST, &["http/1.1"]).await.expect("a handshake");
        io.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.expect("written");
        let answer = rest(&mut io).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
    assert_eq!(upstream.seen().len(), 1);
}
