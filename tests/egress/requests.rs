//! What is asked for: methods, paths, framing, git, redirects, and how it is written down.

use crate::client::{Http, exchange, exchange_inside, get, inside};
use crate::rig::{Setup, inspected, route, with_auth};
use crate::upstream::{Answer, Upstream, echo, full, hello};
use bot_bottle::provider::{EgressRoute, GitAccess, Match, PathKind, PathPattern};
use hyper::body::Incoming;
use hyper::{Request, Response};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

const HOST: &str = "api.example.test";

fn reader() -> EgressRoute {
    let paths = Some(vec![PathPattern { kind: PathKind::Prefix, value: "/v1".into() }]);
    let entry = Match { paths, methods: Some(vec!["GET".into()]), headers: None };
    EgressRoute { matches: Some(vec![entry]), ..with_auth(HOST) }
}

#[tokio::test]
async fn a14_a57_a_redirect_is_passed_back_and_not_followed() {
    fn redirect(_: Request<Incoming>) -> Answer {
        Box::pin(async {
            let answer = Response::builder().status(307).header("location", "https://evil.test/steal");
            answer.body(full("")).expect("an answer")
        })
    }
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["h2"], redirect).await;
    let evil = setup.upstream("evil.test", &["h2"], hello).await;
    let rig = setup.start().await;
    let answer = exchange_inside(&rig, HOST, "GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 307") && answer.contains("location: https://evil.test/steal"),
        "{answer}"
    );
    assert_eq!(upstream.seen().len(), 1);
    evil.assert_untouched();
}

#[tokio::test]
async fn a16_a54_paths_with_two_readings() {
    let route = EgressRoute { path_allowlist: Some(vec!["/v1/".into()]), ..with_auth(HOST) };
    let mut setup = Setup::new(vec![route]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let bad = [
        "/v2",
        "/v1",
        "/V1/x",
        "/v1/../v2",
        "/v1/%2e%2e/v2",
        "/v1/%2E%2e/v2",
        "/v1/..%2fv2",
        "/v1/..;/v2",
        "/v1/..%5cv2",
        "/v1/..\\v2",
        "/v1//../v2",
        "//v1/x",
        "/v1/;x/../v2",
        "/v1/%252e%252e/v2",
        "/v1/x%00y",
        "/%76%31",
        "/v2?/v1/",
        "/v2#/v1/",
        "/v1/é",
    ];
    for path in bad {
        let answer =
            exchange_inside(&rig, HOST, format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "400" | "403"), "{path}: {answer}");
    }
    upstream.assert_untouched();
    assert!(rig.audit(bad.len()).await.iter().all(|l| l.is_denied()));
    for path in ["/v1/x?y=/../z", "/v1/a%2Ab", "/%76%31/x"] {
        assert_eq!(get(&rig, HOST, path, &[]).await.0, 200, "{path}");
    }
    assert_eq!(upstream.seen()[0].target, "/v1/x?y=/../z");
}

#[tokio::test]
async fn a17_methods_overrides_trace_and_connect_inside() {
    let mut setup = Setup::new(vec![reader(), inspected("open.test")]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let open = setup.upstream("open.test", &["http/1.1"], echo).await;
    let rig = setup.start().await;
    let mut http = Http::to(&rig, HOST, "h2").await;
    assert_eq!(http.request("DELETE", HOST, "/v1/x", &[], "").await.0, 403);
    assert_eq!(http.request("TRACE", HOST, "/v1/x", &[], "").await.0, 403);
    for name in
        ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override", "X-Original-URL", "X-Rewrite-Url"]
    {
        let name = name.to_ascii_lowercase();
        assert_eq!(
            http.request("GET", HOST, "/v1/x", &[(name.as_str(), "DELETE")], "").await.0,
            403,
            "{name}"
        );
    }
    for head in [
        "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n",
        "CONNECT api.example.test:443 HTTP/1.1\r\nHost: api.example.test:443\r\n\r\n",
    ] {
        let answer = exchange_inside(&rig, HOST, head).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    upstream.assert_untouched();
    assert_eq!(get(&rig, "open.test", "/", &[("x-http-method-override", "GET")]).await.0, 403);
    open.assert_untouched();
    assert_eq!(http.request("GET", HOST, "/v1/x", &[], "").await.0, 200);
    assert_eq!(upstream.only().method, "GET");
}

/// An upstream that keeps the bytes it gets and answers each `marker` with an empty 200.
async fn bytes_upstream(setup: &mut Setup) -> (Upstream, Arc<Mutex<Vec<u8>>>) {
    let acceptor = TlsAcceptor::from(setup.ca.server(&[HOST], &["http/1.1"]));
    let all: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = all.clone();
    let upstream = Upstream::start(move |tcp, _| {
        let (acceptor, kept) = (acceptor.clone(), kept.clone());
        Box::pin(async move {
            let Ok(mut tls) = acceptor.accept(tcp).await else { return };
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = tls.read(&mut buffer).await {
                kept.lock().expect("bytes").extend_from_slice(&buffer[..n]);
                if tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.is_err() {
                    return;
                }
            }
        })
    })
    .await;
    setup.lead(HOST, 443, upstream.address);
    (upstream, all)
}

#[tokio::test]
async fn a18_request_smuggling() {
    let smuggled = "GET /v2/smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n";
    let n = smuggled.len();
    let first = "POST /v1/x HTTP/1.1\r\nHost: api.example.test\r\n";
    let requests = [
        format!("{first}Content-Length: 4\r\nContent-Length: {n}\r\n\r\n{smuggled}"),
        format!("{first}Content-Length: 0, {n}\r\n\r\n{smuggled}"),
        format!("{first}Content-Length: +{n}\r\n\r\n{smuggled}"),
        format!("{first}Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{first}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{first}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{first}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!(
            "{first}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!("{first}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{first}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{first}X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{first}X: a\nContent-Length: {n}\n\n{smuggled}"),
        format!("{first}X: a\rContent-Length: {n}\r\n\r\n{smuggled}"),
        format!("{first}Transfer-Encoding: chunked\r\n\r\n0;x={smuggled}\r\n\r\n"),
        format!("{first}Transfer-Encoding: chunked\r\n\r\n0\n\n{smuggled}"),
        format!("{first}Transfer-Encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n{smuggled}"),
        format!("{first}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{smuggled}"),
        format!("{first}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{smuggled}"),
        format!("{first}Connection: Content-Length\r\nContent-Length: {n}\r\n\r\n{smuggled}"),
        format!("POST /v1/x HTTP/1.1\r\nHost: api.example.test\r\n\r\n{smuggled}"),
        format!("POST /v1/x\u{a0}HTTP/1.1\r\nHost: api.example.test\r\n\r\n{smuggled}"),
        format!("POST /v1/x HTTP/1.1\r\nHost: api.example.test\r\nX:\0\r\n\r\n{smuggled}"),
    ];
    for (i, request) in requests.iter().enumerate() {
        let mut setup =
            Setup::new(vec![EgressRoute { path_allowlist: Some(vec!["/v1/".into()]), ..with_auth(HOST) }]);
        let (_upstream, bytes) = bytes_upstream(&mut setup).await;
        let rig = setup.start().await;
        let mut io = inside(&rig, HOST, &["http/1.1"]).await;
        io.write_all(request.as_bytes()).await.expect("written");
        let _ = io.shutdown().await;
        let mut answers = Vec::new();
        let _ = io.read_to_end(&mut answers).await;
        let seen = String::from_utf8_lossy(&bytes.lock().expect("bytes")).into_owned();
        // As a body with its length it may pass; as a request of its own it may not: the stand-in
        // must be able to tell where each request ends by the one framing header that it has.
        let requests = split_requests(&seen);
        assert!(
            requests.iter().all(|line| line == "POST /v1/x HTTP/1.1"),
            "{i}: {request:?} became {seen:?}"
        );
        assert!(requests.len() <= 1, "{i}: {seen:?}");
    }
}

/// The request lines in a byte stream, read as strictly as a server could.
fn split_requests(mut stream: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while !stream.is_empty() {
        let Some((head, rest)) = stream.split_once("\r\n\r\n") else { panic!("half a head: {stream:?}") };
        lines.push(head.lines().next().expect("a line").to_owned());
        let fields = |name: &str| -> Vec<String> {
            let all =
                head.lines().filter_map(|l| l.split_once(": ")).filter(|(n, _)| n.eq_ignore_ascii_case(name));
            all.map(|(_, v)| v.to_owned()).collect()
        };
        let (lengths, codings) = (fields("content-length"), fields("transfer-encoding"));
        assert!(lengths.len() + codings.len() <= 1, "two framings: {head}");
        stream = if let Some(length) = lengths.first() {
            let length: usize = length.parse().expect("a length");
            rest.get(length..).unwrap_or("")
        } else if codings.is_empty() {
            rest
        } else {
            assert_eq!(codings, ["chunked"]);
            rest.split_once("0\r\n\r\n").map_or("", |(_, after)| after)
        };
    }
    lines
}

#[tokio::test]
async fn a20_git_pushes_in_disguise() {
    let mut setup = Setup::new(vec![EgressRoute { git: Some(GitAccess::Read), ..with_auth("git.test") }]);
    let upstream = setup.upstream("git.test", &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let mut http = Http::to(&rig, "git.test", "http/1.1").await;
    for (method, target) in [
        ("GET", "/a.git/info/refs?service=git-receive-pack"),
        ("GET", "/a.git/info/refs?service=git-upload-pack&service=git-receive-pack"),
        ("GET", "/a.git/info/refs?service=git%2Dreceive%2Dpack"),
        ("POST", "/a.git/git-receive-pack"),
        ("POST", "/a.git/git-upload-pack?service=git-receive-pack"),
        ("POST", "/a.git/git%2dreceive-pack"),
        ("POST", "/a.git/x/../git-receive-pack"),
        ("GET", "/a.git/config"),
        ("PUT", "/a.git/git-upload-pack"),
    ] {
        assert_eq!(http.request(method, "git.test", target, &[], "").await.0, 403, "{method} {target}");
    }
    let disguised = [("x-http-method-override", "POST")];
    assert_eq!(
        http.request("GET", "git.test", "/a.git/info/refs?service=git-upload-pack", &disguised, "").await.0,
        403
    );
    upstream.assert_untouched();
    assert_eq!(
        http.request("GET", "git.test", "/a.git/info/refs?service=git-upload-pack", &[], "").await.0,
        200
    );
}

#[tokio::test]
async fn a20_a_refused_push_names_the_line_that_would_allow_it() {
    let rig = Setup::new(vec![EgressRoute { git: Some(GitAccess::Read), ..route("git.test") }]).start().await;
    let (status, body) = get(&rig, "git.test", "/a.git/info/refs?service=git-receive-pack", &[]).await;
    assert_eq!(status, 403);
    assert!(body.contains("this is a push") && body.contains("- host: git.test\n      git: write"), "{body}");
}

#[tokio::test]
async fn a17_a_refused_method_names_the_lines_that_would_allow_it() {
    let rig = Setup::new(vec![reader()]).start().await;
    let mut http = Http::to(&rig, HOST, "http/1.1").await;
    let (status, body) = http.request("DELETE", HOST, "/v1/x?q", &[], "").await;
    assert_eq!(status, 403);
    assert!(body.contains("{paths: [{type: exact, value: \"/v1/x\"}], methods: [DELETE]}"), "{body}");
    assert!(!http.request("TRACE", HOST, "/v1/x", &[], "").await.1.contains("manifest lines"));
}

#[tokio::test]
async fn a64_forged_log_lines() {
    let rig = Setup::new(vec![inspected(HOST)]).start().await;
    let forged = "%0d%0a{\"verdict\":\"allowed\"}\x1b[2J";
    exchange(&rig, format!("GET http://evil.test/{forged} HTTP/1.1\r\nHost: evil.test\r\n\r\n")).await;
    exchange(&rig, "GET http://evil.test/%1b[2J\u{202e}x HTTP/1.1\r\nHost: evil.test\r\n\r\n").await;
    exchange(&rig, format!("CONNECT evil.test\x1b[2J:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    for line in rig.audit(3).await {
        let text = serde_json::to_string(&line.request).expect("JSON");
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
        assert!(line.is_denied());
    }
}

#[tokio::test]
async fn a21_too_many_and_too_long_headers() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let many: String = (0..100_000).map(|i| format!("x-{i}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(1 << 20));
    for extra in [many, long] {
        let mut io = inside(&rig, HOST, &["http/1.1"]).await;
        // The egress answers and closes before it has read it all.
        let _ = io.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n{extra}\r\n").as_bytes()).await;
        let mut answer = Vec::new();
        let _ = io.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"));
    }
    let mut http = Http::to(&rig, HOST, "h2").await;
    let value = "y".repeat(70_000);
    let request = Request::get(format!("https://{HOST}/")).header("x", value).body(Default::default());
    let answer = http.send(request.expect("a request")).await;
    assert!(answer.is_err() || answer.is_ok_and(|a| a.status() == 431));
    upstream.assert_untouched();
    assert_eq!(get(&rig, HOST, "/", &[]).await.0, 200);
}
