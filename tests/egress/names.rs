//! Which host: names, ports, addresses, and the agreement of CONNECT, SNI and Host.

use crate::client::{Http, connect, exchange, exchange_inside, get, inside, raw, rest, tls};
use crate::rig::{Setup, inspected, route, secret, with_auth};
use crate::upstream::{Upstream, hello};
use bot_bottle::provider::EgressRoute;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::io::AsyncWriteExt;

const HOST: &str = "api.example.test";
const EVIL: &str = "evil.test";

#[tokio::test]
async fn a07_host_not_listed() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let evil = setup.upstream(EVIL, &["h2"], hello).await;
    setup.lead(EVIL, 80, evil.address);
    let rig = setup.start().await;
    let connect = exchange(&rig, "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n").await;
    let plain = exchange(&rig, "GET http://evil.test/x HTTP/1.1\r\nHost: evil.test\r\n\r\n").await;
    for answer in [connect, plain] {
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("no route allows the host evil.test"), "{answer}");
        assert!(answer.contains("egress:\n  routes:\n    - host: evil.test\n"), "{answer}");
    }
    evil.assert_untouched();
    for line in rig.audit(2).await {
        assert_eq!((line.is_denied(), line.end.status, line.code()), (true, 403, Some("host")));
        assert_eq!((line.request.host.as_str(), line.request.route), (EVIL, None));
    }
}

#[tokio::test]
async fn a07_json_for_a_client_that_asks_for_it() {
    let rig = Setup::new(vec![]).start().await;
    let head = "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\nAccept: application/json\r\n\r\n";
    let answer = exchange(&rig, head).await;
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["error"]["code"], "host");
    assert!(body["error"]["manifest"].as_str().expect("text").contains("- host: evil.test"));
}

#[tokio::test]
async fn a08_a51_another_port_of_an_allowed_host() {
    let mut setup = Setup::new(vec![with_auth(HOST), route("open.test")]);
    let upstream = Upstream::plain(hello).await;
    for host in [HOST, "open.test"] {
        for port in [22, 80, 8443] {
            setup.lead(host, port, upstream.address);
        }
    }
    let rig = setup.start().await;
    for target in ["api.example.test:22", "open.test:8443", "open.test:80", "open.test:0"] {
        assert_eq!(connect(&rig, target).await.0, 403, "{target}");
    }
    let plain = exchange(&rig, "GET http://open.test:8443/ HTTP/1.1\r\nHost: open.test:8443\r\n\r\n").await;
    assert!(plain.starts_with("HTTP/1.1 403"), "{plain}");
    upstream.assert_untouched();
    assert_eq!(rig.codes(5).await, ["port"; 5]);
}

#[tokio::test]
async fn a09_a49_targets_that_are_no_plain_name() {
    let mut setup = Setup::new(vec![with_auth(HOST), route("*.example.test")]);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let local = upstream.address;
    for name in ["127.0.0.1", "localhost", "2130706433"] {
        setup.lead(name, 443, local);
    }
    let rig = setup.start().await;
    let targets = [
        "127.0.0.1:443",
        "2130706433:443",
        "0177.0.0.1:443",
        "0x7f.1:443",
        "[::1]:443",
        "[::ffff:127.0.0.1]:443",
        "api.example.test.:443",
        "api.exаmple.test:443",
        "api%2eexample.test:443",
        "api.example.test@evil.test:443",
        "evil.test@api.example.test:443",
        "api.example.test\0.evil.test:443",
        "evil.test\0.example.test:443",
        "api.example.test:443:443",
        "api.example.test:+443",
        "api.example.test:4 43",
        "api.example.test",
        "api.example.test:",
        ":443",
        "api.example.test/:443",
        "-x.example.test:443",
        "169-254-169-254.nip.io:443",
    ];
    for target in targets {
        let head = format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = exchange(&rig, head).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "400" | "403"), "{target:?}: {answer}");
    }
    // A line break begins a header, not another target.
    let answer = exchange(&rig, "CONNECT evil.test\r\n.example.test:443 HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    upstream.assert_untouched();
    for line in rig.audit(targets.len() + 1).await {
        assert!(line.is_denied(), "{line:?}");
    }
    // The same name in capitals is the same host.
    assert_eq!(connect(&rig, "API.Example.TEST:443").await.0, 200);
}

#[tokio::test]
async fn a10_sni_of_another_host() {
    for routes in [vec![with_auth(HOST), with_auth("b.test")], vec![route(HOST), route("b.test")]] {
        let mut setup = Setup::new(routes);
        let (a, b) =
            (setup.upstream(HOST, &["h2"], hello).await, setup.upstream("b.test", &["h2"], hello).await);
        let rig = setup.start().await;
        let (_, io) = connect(&rig, "api.example.test:443").await;
        let error = tls(&rig, io, "b.test", &[]).await.err().expect("closed");
        assert!(error.to_string().contains("UnrecognisedName"), "{error}");
        assert!(a.seen().is_empty() && b.seen().is_empty());
        b.assert_untouched();
        assert_eq!(rig.codes(1).await, ["sni-mismatch"]);
    }
}

#[tokio::test]
async fn a10_a68_no_sni() {
    for routes in [vec![with_auth(HOST)], vec![route(HOST)]] {
        let mut setup = Setup::new(routes);
        let upstream = setup.upstream(HOST, &["h2"], hello).await;
        let rig = setup.start().await;
        let (_, io) = connect(&rig, "api.example.test:443").await;
        // A client that connects to an address sends no name.
        assert!(tls(&rig, io, "127.0.0.1", &[]).await.is_err());
        assert!(upstream.seen().is_empty());
        assert_eq!(rig.codes(1).await, ["no-sni"]);
    }
}

#[tokio::test]
async fn a10_a53_host_header_of_another_host() {
    let mut setup = Setup::new(vec![with_auth(HOST), with_auth("b.test")]);
    let a = setup.upstream(HOST, &["http/1.1"], hello).await;
    let b = setup.upstream("b.test", &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let heads = [
        "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test\r\nHost: evil.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.test\r\nHost: api.example.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test:80\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test, evil.test\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET https://evil.test/ HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
        "GET https://api.example.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET http://api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
        "GET https://x@api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
    ];
    for head in heads {
        let answer = exchange_inside(&rig, HOST, head).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "400" | "421"), "{head:?}: {answer}");
    }
    a.assert_untouched();
    b.assert_untouched();
    rig.audit(heads.len()).await;
    let good = "GET https://API.example.test:443/ok HTTP/1.1\r\nHost: api.example.test:443\r\n\r\n";
    assert!(exchange_inside(&rig, HOST, good).await.starts_with("HTTP/1.1 200"));
    assert_eq!((a.only().target.as_str(), a.only().authority.as_str()), ("/ok", HOST));
}

#[tokio::test]
async fn a10_plain_target_and_host_header_differ() {
    let mut setup = Setup::new(vec![inspected(HOST), inspected("b.test")]);
    let upstream = Upstream::plain(hello).await;
    setup.lead(HOST, 80, upstream.address);
    setup.lead("b.test", 80, upstream.address);
    let rig = setup.start().await;
    for head in [
        "GET http://api.example.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
        "GET http://x@api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
        "GET https://api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
        "GET ftp://api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: api.example.test\r\n\r\n",
    ] {
        let answer = exchange(&rig, head).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{head:?}: {answer}");
    }
    upstream.assert_untouched();
    rig.audit(6).await;
}

#[tokio::test]
async fn a11_second_request_of_a_connection_for_another_host() {
    let mut setup = Setup::new(vec![with_auth(HOST), with_auth("b.test"), inspected("p.test")]);
    let a = setup.upstream(HOST, &["http/1.1"], hello).await;
    let b = setup.upstream("b.test", &["http/1.1"], hello).await;
    let plain = Upstream::plain(hello).await;
    setup.lead("p.test", 80, plain.address);
    setup.lead(EVIL, 80, plain.address);
    let rig = setup.start().await;
    let mut http = Http::to(&rig, HOST, "http/1.1").await;
    assert_eq!(http.request("GET", HOST, "/", &[], "").await.0, 200);
    assert_eq!(http.request("GET", "b.test", "/", &[], "").await.0, 421);
    assert_eq!(http.request("GET", HOST, "/", &[], "").await.0, 200);
    assert_eq!(a.seen().len(), 2);
    b.assert_untouched();
    // Plain HTTP: every request of a connection is asked about by itself.
    let mut io = raw(&rig).await;
    for (host, wanted) in [("p.test", "HTTP/1.1 200"), (EVIL, "HTTP/1.1 403"), ("p.test", "HTTP/1.1 200")] {
        let head = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
        io.write_all(head.as_bytes()).await.expect("written");
        let answer = rest(&mut io).await;
        assert!(answer.starts_with(wanted), "{answer}");
    }
    assert_eq!(plain.seen().len(), 2);
    assert_eq!(rig.codes(6).await, ["ok", "host-mismatch", "ok", "ok", "host", "ok"]);
}

#[tokio::test]
async fn a12_http2_authority_of_another_host() {
    let mut setup = Setup::new(vec![with_auth(HOST), with_auth("b.test")]);
    let a = setup.upstream(HOST, &["h2"], hello).await;
    let b = setup.upstream("b.test", &["h2"], hello).await;
    let rig = setup.start().await;
    let mut http = Http::to(&rig, HOST, "h2").await;
    // 421 is what tells a client that coalesces connections to open another.
    assert_eq!(http.request("GET", "b.test", "/", &[], "").await.0, 421);
    assert_eq!(http.request("GET", EVIL, "/", &[], "").await.0, 421);
    assert_eq!(http.request("GET", HOST, "/", &[("host", EVIL)], "").await.0, 421);
    a.assert_untouched();
    b.assert_untouched();
    assert_eq!(http.request("GET", HOST, "/", &[("host", HOST)], "").await.0, 200);
    assert_eq!(a.only().authority, HOST);
    assert_eq!(rig.codes(4).await, ["host-mismatch", "host-mismatch", "host-mismatch", "ok"]);
}

#[tokio::test]
async fn a15_a_wildcard_is_for_subdomains_only() {
    let mut setup = Setup::new(vec![route("*.example.com")]);
    let upstream = Upstream::plain(hello).await;
    for host in ["a.example.com", "example.com", "evil-example.com", "example.com.evil.net"] {
        setup.lead(host, 443, upstream.address);
    }
    let rig = setup.start().await;
    for host in ["example.com", "evil-example.com", "example.com.evil.net", ".example.com"] {
        assert_ne!(connect(&rig, &format!("{host}:443")).await.0, 200, "{host}");
    }
    upstream.assert_untouched();
    assert_eq!(connect(&rig, "a.example.com:443").await.0, 200);
}

#[tokio::test]
async fn a28_the_authority_signs_for_the_route_list_only_and_no_other_launch_trusts_it() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let _upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    let other = Setup::new(vec![with_auth(HOST)]).start().await;
    inside(&rig, HOST, &[]).await;
    let (_, io) = connect(&rig, "api.example.test:443").await;
    let error = tls(&other, io, HOST, &[]).await.err().expect("not trusted");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(rig.codes(1).await, ["guest-tls"]);
    assert!(!rig.egress.ca_certificate_pem().contains("PRIVATE"));
}

#[tokio::test]
async fn a67_bytes_that_are_not_tls() {
    for routes in [vec![with_auth(HOST)], vec![route(HOST)]] {
        let mut setup = Setup::new(routes);
        let received = Arc::new(AtomicUsize::new(0));
        let count = received.clone();
        let upstream = Upstream::start(move |mut tcp, _| {
            let count = count.clone();
            Box::pin(async move {
                let mut sink = Vec::new();
                let n = tokio::io::AsyncReadExt::read_to_end(&mut tcp, &mut sink).await.unwrap_or(0);
                count.fetch_add(n, SeqCst);
            })
        })
        .await;
        setup.lead(HOST, 443, upstream.address);
        let rig = setup.start().await;
        let post = "POST / HTTP/1.1\r\nHost: api.example.test\r\nContent-Length: 3\r\n\r\nabc";
        for bytes in ["SSH-2.0-client\r\n", post, "\x16\x03\x01\0\0", "\0"] {
            let (status, mut io) = connect(&rig, "api.example.test:443").await;
            assert_eq!(status, 200);
            io.write_all(bytes.as_bytes()).await.expect("written");
            assert_eq!(rest(&mut io).await, "", "{bytes:?}");
        }
        assert_eq!(rig.codes(4).await, ["not-tls"; 4]);
        assert_eq!(received.load(SeqCst), 0);
    }
}

#[tokio::test]
async fn a68_an_encrypted_client_hello() {
    let mut setup = Setup::new(vec![with_auth(HOST), route("open.test")]);
    let upstream = Upstream::plain(hello).await;
    setup.lead(HOST, 443, upstream.address);
    setup.lead("open.test", 443, upstream.address);
    let rig = setup.start().await;
    for host in [HOST, "open.test"] {
        let (_, mut io) = connect(&rig, &format!("{host}:443")).await;
        io.write_all(&encrypted_hello(host)).await.expect("written");
        assert_eq!(
            rest(&mut io).await.as_bytes(),
            String::from_utf8_lossy(&[21, 3, 3, 0, 2, 2, 112]).as_bytes()
        );
    }
    assert_eq!(rig.codes(2).await, ["encrypted-hello"; 2]);
    assert!(upstream.seen().is_empty());
}

/// The smallest client hello with a name and extension 0xfe0d.
fn encrypted_hello(name: &str) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&u16::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat();
    let entry = [&[0], sized(name.as_bytes()).as_slice()].concat();
    let extensions = [&[0, 0], sized(&sized(&entry)).as_slice(), &[0xfe, 0x0d], &sized(&[0])].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &sized(&[0x13, 0x01]), &[1, 0], &sized(&extensions)].concat();
    let message = [&[1, 0], sized(&body).as_slice()].concat();
    [&[22, 3, 1], sized(&message).as_slice()].concat()
}

#[tokio::test]
async fn a58_empty_lists_allow_nothing() {
    let empty = EgressRoute { path_allowlist: Some(vec![]), ..route(HOST) };
    let none = EgressRoute { matches: Some(vec![]), ..route("b.test") };
    let mut setup = Setup::new(vec![empty, none]);
    let a = setup.upstream(HOST, &["h2"], hello).await;
    let b = setup.upstream("b.test", &["h2"], hello).await;
    let rig = setup.start().await;
    assert_eq!(get(&rig, HOST, "/", &[]).await.0, 403);
    assert_eq!(get(&rig, "b.test", "/", &[]).await.0, 403);
    a.assert_untouched();
    b.assert_untouched();
    let nothing = Setup::new(vec![]).start().await;
    assert_eq!(connect(&nothing, "api.example.test:443").await.0, 403);
}

#[tokio::test]
async fn the_secret_stands_in_no_audit_line() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let _upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    get(&rig, HOST, "/x?key=value", &[("authorization", "Bearer placeholder")]).await;
    rig.audit(1).await;
    let line = rig.lines.text();
    assert!(!line.contains(&secret()) && !line.contains("value") && !line.contains("placeholder"), "{line}");
}
