//! Credentials: what goes out beside them, where they go, and that they do not come back.

use crate::client::{Http, exchange, exchange_inside, get};
use crate::rig::{Setup, TestCa, inspected, secret, with_auth};
use crate::upstream::{Answer, Body, Upstream, echo, full, hello};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bot_bottle::egress::IssuedBearer;
use bot_bottle::provider::{AuthScheme, EgressRoute, RouteAuth, TokenRef};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

const HOST: &str = "api.example.test";

#[tokio::test]
async fn a23_a59_the_guests_own_credentials_are_replaced() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let head = "POST /v1/files HTTP/1.1\r\nHost: api.example.test\r\n\
        Authorization: Bearer attacker\r\nauthorization: Bearer attacker\r\nAUTHORIZATION: Basic YTpi\r\n\
        Proxy-Authorization: Basic YTpi\r\nX-Api-Key: attacker\r\nx-goog-api-key: attacker\r\n\
        Cookie: session=attacker\r\nCookie: other=attacker\r\nPrivate-Token: attacker\r\n\
        Connection: keep-alive, X-Dropped\r\nX-Dropped: attacker\r\nX-Kept: yes\r\nContent-Length: 0\r\n\r\n";
    let answer = exchange_inside(&rig, HOST, head).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = upstream.only();
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
    assert_eq!(seen.header("x-kept"), Some("yes"));
    for (name, value) in &seen.headers {
        assert!(!String::from_utf8_lossy(value.as_bytes()).contains("attacker"), "{name}");
        assert!(name != "cookie" && name != "proxy-authorization");
    }
}

#[tokio::test]
async fn a23_what_is_meant_for_the_proxy_or_claims_another_host_stays_here() {
    let mut setup = Setup::new(vec![inspected(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let sent = [
        ("proxy-authorization", "Basic YTpi"),
        ("x-forwarded-host", "evil.test"),
        ("forwarded", "host=evil.test"),
        ("authorization", "Bearer own"),
        ("cookie", "own=1"),
    ];
    assert_eq!(get(&rig, HOST, "/", &sent).await.0, 200);
    let seen = upstream.only();
    for name in ["proxy-authorization", "x-forwarded-host", "forwarded"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    // Without a credential of ours, the guest's own is its affair.
    assert_eq!((seen.header("authorization"), seen.header("cookie")), (Some("Bearer own"), Some("own=1")));
}

#[tokio::test]
async fn a23_naming_authorization_as_hop_by_hop_does_not_drop_ours() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let head = "GET / HTTP/1.1\r\nHost: api.example.test\r\nConnection: authorization, host\r\n\r\n";
    assert!(exchange_inside(&rig, HOST, head).await.starts_with("HTTP/1.1 200"));
    assert_eq!(upstream.only().header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
    assert_eq!(upstream.only().authority, HOST);
}

#[tokio::test]
async fn a23_folded_headers_are_refused() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let head = "GET / HTTP/1.1\r\nHost: api.example.test\r\nX: a\r\n Authorization: Bearer attacker\r\n\r\n";
    assert!(exchange_inside(&rig, HOST, head).await.starts_with("HTTP/1.1 400"));
    upstream.assert_untouched();
    assert_eq!(rig.codes(1).await, ["malformed"]);
}

/// A body of chunks, then trailers; each chunk is a frame of its own.
fn chunks(list: Vec<Bytes>, trailers: Option<HeaderMap>) -> Body {
    struct Frames(std::collections::VecDeque<Frame<Bytes>>);
    impl hyper::body::Body for Frames {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }
    }
    let frames = list.into_iter().map(Frame::data).chain(trailers.map(Frame::trailers)).collect();
    Frames(frames).map_err(|never| match never {}).boxed()
}

/// Gives what came in back in every place that an answer has.
fn tattle(request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        let value = request.headers()["authorization"].to_str().expect("text").to_owned();
        let token = value.split(' ').nth(1).expect("a token").to_owned();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-trailer", value.parse().expect("a value"));
        let bytes = Bytes::from(format!("value={value} b64={} end", STANDARD.encode(&value)));
        let one_by_one = (0..bytes.len()).map(|i| bytes.slice(i..=i)).collect();
        let builder = Response::builder()
            .header("x-echo", &value)
            .header("location", format!("https://evil.test/?t={token}"))
            .header("set-cookie", format!("t={token}"))
            .header("trailer", "x-trailer");
        builder.body(chunks(one_by_one, Some(trailers))).expect("an answer")
    })
}

#[tokio::test]
async fn a24_a55_an_echoed_credential_does_not_come_back() {
    for (guest, offered) in [("http/1.1", "http/1.1"), ("http/1.1", "h2"), ("h2", "h2"), ("h2", "http/1.1")] {
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        let upstream = setup.upstream(HOST, &[offered], tattle).await;
        let rig = setup.start().await;
        let mut http = Http::to(&rig, HOST, guest).await;
        let request = match http {
            Http::One(_) => Request::get("/").header("host", HOST).header("te", "trailers"),
            Http::Two(_) => Request::get(format!("https://{HOST}/")).header("te", "trailers"),
        };
        let response =
            http.send(request.body(Default::default()).expect("a request")).await.expect("an answer");
        let mut shown = format!("{:?}", response.headers());
        let body = response.into_body().collect().await.expect("a body");
        if let Some(trailers) = body.trailers() {
            assert!(trailers["x-trailer"].to_str().expect("text").starts_with("Bearer ***"));
            shown.push_str(&format!("{trailers:?}"));
        }
        shown.push_str(&String::from_utf8_lossy(&body.to_bytes()));
        let value = format!("Bearer {}", secret());
        assert_eq!(upstream.only().header("authorization"), Some(value.as_str()));
        assert!(!shown.contains(&secret()), "{guest} {offered}: {shown}");
        // Base64 of it: neither whole nor, but for its edges, in part.
        assert!(!shown.contains(&STANDARD.encode(&value)[12..24]), "{shown}");
        let stars = "*".repeat(secret().len());
        assert!(shown.contains(&format!("value=Bearer {stars} b64=")) && shown.ends_with(" end"), "{shown}");
        assert!(shown.contains(&format!("?t={stars}")) && shown.contains(&format!("t={stars}")), "{shown}");
    }
}

#[tokio::test]
async fn a24_the_body_keeps_its_length() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let _upstream = setup.upstream(HOST, &["http/1.1"], echo).await;
    let rig = setup.start().await;
    let head = "POST / HTTP/1.1\r\nHost: api.example.test\r\nContent-Length: 3\r\n\r\nabc";
    let answer = exchange_inside(&rig, HOST, head).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    assert!(
        body.ends_with("\nabc") && body.contains("authorization: Bearer ***") && !body.contains(&secret())
    );
}

#[tokio::test]
async fn a24_a_compressed_answer_is_neither_asked_for_nor_passed() {
    fn gzip(_: Request<Incoming>) -> Answer {
        Box::pin(async {
            Response::builder()
                .header("content-encoding", "gzip")
                .body(full("compressed"))
                .expect("an answer")
        })
    }
    let mut setup = Setup::new(vec![with_auth(HOST), inspected("plain.test")]);
    let upstream = setup.upstream(HOST, &["http/1.1"], gzip).await;
    let plain = setup.upstream("plain.test", &["http/1.1"], gzip).await;
    let rig = setup.start().await;
    let (status, body) = get(&rig, HOST, "/", &[("accept-encoding", "gzip, br")]).await;
    assert!(status == 502 && !body.contains("compressed!") && body.contains("credential"), "{status} {body}");
    assert_eq!(upstream.only().header("accept-encoding"), Some("identity"));
    // A client that asks for nothing gets nothing asked in its name.
    get(&rig, HOST, "/", &[]).await;
    assert_eq!(upstream.seen()[1].header("accept-encoding"), None);
    // Without a credential there is nothing to look for.
    assert_eq!(get(&rig, "plain.test", "/", &[("accept-encoding", "gzip, br")]).await.1, "compressed");
    assert_eq!(plain.only().header("accept-encoding"), Some("gzip, br"));
}

/// A text as encoders write it: each by itself, and all of them in turn.
fn spellings(text: &str) -> Vec<String> {
    let each = |write: &dyn Fn(usize, char) -> String| -> String {
        text.chars().enumerate().map(|(i, c)| write(i, c)).collect()
    };
    let json = |c: char| format!("\\u{:04X}", u32::from(c));
    let percent = |c: char| format!("%{:02x}", u32::from(c));
    let decimal = |c: char| format!("&#{};", u32::from(c));
    let hexadecimal = |c: char| format!("&#x{:x};", u32::from(c));
    let wrapped = STANDARD
        .encode(format!("ab{text}"))
        .as_bytes()
        .chunks(7)
        .fold(String::new(), |all, line| format!("{all}{}\r\n", String::from_utf8_lossy(line)));
    vec![
        each(&|_, c| json(c)),
        each(&|_, c| percent(c)),
        each(&|_, c| decimal(c)),
        each(&|_, c| hexadecimal(c)),
        each(&|i, c| [json, percent, decimal, hexadecimal].map(|write| write(c))[i % 4].clone()),
        each(&|i, c| if i % 3 == 0 { percent(c) } else { c.to_string() }),
        each(&|_, c| format!("{:02X}", u32::from(c))),
        text.replace('-', "&hyphen;"),
        text.replace('-', "\\-"),
        wrapped,
    ]
}

/// The credential in every spelling: in a stream of events, a byte at a time, and in headers.
#[tokio::test]
async fn a24_a55_no_spelling_of_the_credential_comes_back() {
    fn every(request: Request<Incoming>) -> Answer {
        Box::pin(async move {
            let value = request.headers()["authorization"].to_str().expect("text");
            let token = value.strip_prefix("Bearer ").expect("a token");
            let mut builder = Response::builder().status(307).header("content-type", "text/event-stream");
            let mut body = String::new();
            for spelling in spellings(token) {
                body.push_str(&format!("data: <{spelling}>\n\n"));
                if !spelling.contains('\n') {
                    builder =
                        builder.header("x-echo", &spelling).header("location", format!("/?t={spelling}"));
                }
            }
            let bytes = Bytes::from(body);
            let one_by_one = (0..bytes.len()).map(|i| bytes.slice(i..=i)).collect();
            builder.body(chunks(one_by_one, None)).expect("an answer")
        })
    }
    for offered in ["http/1.1", "h2"] {
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        let _upstream = setup.upstream(HOST, &[offered], every).await;
        let rig = setup.start().await;
        let mut http = Http::to(&rig, HOST, "h2").await;
        let request = Request::get(format!("https://{HOST}/")).body(Default::default()).expect("a request");
        let response = http.send(request).await.expect("an answer");
        for name in ["x-echo", "location"] {
            for value in response.headers().get_all(name) {
                let left = value.to_str().expect("text").trim_start_matches("/?t=");
                assert!(!left.is_empty() && left.bytes().all(|b| b == b'*'), "{name}: {left}");
            }
        }
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&body);
        for (event, spelling) in text.split("\n\n").zip(spellings(&secret())) {
            let inside = event.trim_start_matches("data: <").trim_end_matches('>');
            let shown = inside.bytes().filter(|b| !b"*\r\n".contains(b)).count();
            // Base64 shares its first and last digits with what stands beside.
            let most = if spelling.contains('\n') { 8 } else { 0 };
            assert!(shown <= most && inside.len() == spelling.len(), "{spelling} came as {event}");
        }
    }
}

#[tokio::test]
async fn a24_no_coding_of_a_body_is_passed_unread() {
    fn coded(request: Request<Incoming>) -> Answer {
        let coding = request.uri().query().unwrap_or_default().replace('+', " ");
        Box::pin(async move {
            let answer = Response::builder().header("content-encoding", coding);
            answer.body(full("opaque bytes")).expect("an answer")
        })
    }
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let _upstream = setup.upstream(HOST, &["h2"], coded).await;
    let rig = setup.start().await;
    for coding in
        ["gzip", "x-gzip", "br", "zstd", "deflate", "compress", "aes128gcm", "unknown", "identity,+gzip"]
    {
        let (status, body) = get(&rig, HOST, &format!("/?{coding}"), &[]).await;
        assert!(status == 502 && !body.contains("opaque"), "{coding}: {status} {body}");
    }
    assert_eq!(get(&rig, HOST, "/?identity", &[]).await, (200, "opaque bytes".to_owned()));
}

#[tokio::test]
async fn a24_a_transfer_coding_or_reason_hides_nothing() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let acceptor = TlsAcceptor::from(setup.ca.server(&[HOST], &["http/1.1"]));
    let upstream = Upstream::start(move |tcp, _| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            let Ok(mut tls) = acceptor.accept(tcp).await else { return };
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = tls.read(&mut buffer).await {
                let head = String::from_utf8_lossy(&buffer[..n]).into_owned();
                let value = head.lines().find_map(|l| l.strip_prefix("authorization: ")).unwrap_or_default();
                let answer = if head.starts_with("GET /coded") {
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned()
                } else {
                    format!("HTTP/1.1 200 {value}\r\n{value}: x\r\ncontent-length: 0\r\n\r\n")
                        .replace("Bearer ", "")
                };
                let _ = tls.write_all(answer.as_bytes()).await;
            }
        })
    })
    .await;
    setup.lead(HOST, 443, upstream.address);
    let rig = setup.start().await;
    assert_eq!(get(&rig, HOST, "/coded", &[]).await.0, 502);
    let answer = exchange_inside(&rig, HOST, "GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && !answer.contains(&secret()), "{answer}");
}

#[tokio::test]
async fn a25_a71_each_credential_goes_to_its_own_host_alone() {
    let token = |name: &str, host: &str| {
        let auth = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable(name) };
        EgressRoute { auth: Some(auth), ..crate::rig::route(host) }
    };
    let mut setup = Setup::new(vec![token("A", "a.test"), token("B", "b.test"), inspected("c.test")]);
    let mut all = Vec::new();
    for host in ["a.test", "b.test", "c.test"] {
        all.push(setup.upstream(host, &["h2", "http/1.1"], echo).await);
    }
    let rig = setup.start().await;
    let (a, b) = (["value", "of", "a", "0001"].join("-"), ["value", "of", "b", "0002"].join("-"));
    rig.vault.0.lock().expect("vault").extend([("A".into(), a.clone()), ("B".into(), b.clone())]);
    for _ in 0..3 {
        for host in ["a.test", "b.test", "c.test"] {
            // A placeholder in a URL or a body is only text.
            let target = "/?key=placeholder-a";
            let mut http = Http::to(&rig, host, "h2").await;
            let sent = [("authorization", "Bearer placeholder-a")];
            let (status, body) = http.request("POST", host, target, &sent, "placeholder-b").await;
            assert!(status == 200 && body.ends_with("placeholder-b"), "{body}");
        }
    }
    let auth = |i: usize| -> Vec<_> {
        all[i].seen().iter().map(|s| s.header("authorization").map(str::to_owned)).collect()
    };
    assert_eq!(auth(0), vec![Some(format!("Bearer {a}")); 3]);
    assert_eq!(auth(1), vec![Some(format!("Bearer {b}")); 3]);
    assert_eq!(auth(2), vec![Some("Bearer placeholder-a".to_owned()); 3]);
    assert!(all.iter().flat_map(Upstream::seen).all(|s| s.target == "/?key=placeholder-a"));
}

/// A credential in a header of its own, and one of a user: what stands there goes in every spelling, whatever is
/// to be let through, and nothing of the value comes back.
#[tokio::test]
async fn a23_a24_a_header_of_its_own_and_a_user_are_known_both_ways() {
    let value = ["pass", "word", "9f31c6"].join("-");
    let pair = STANDARD.encode(format!("ada:{value}"));
    for (scheme, name, sent) in [
        (AuthScheme::Header("x-acme".into()), "x-acme", value.clone()),
        (AuthScheme::BasicAs("ada".into()), "authorization", format!("Basic {pair}")),
    ] {
        let auth = RouteAuth { scheme, token_ref: TokenRef::variable("OWN") };
        let pass_headers = vec!["x-acme".to_owned()];
        let mut setup =
            Setup::new(vec![EgressRoute { auth: Some(auth), pass_headers, ..crate::rig::route(HOST) }]);
        let told = format!("{value} {pair} ada:{value}");
        let upstream = setup
            .upstream(HOST, &["h2"], move |_: Request<Incoming>| -> Answer {
                let told = told.clone();
                Box::pin(async move {
                    Response::builder().header("x-told", &told).body(full(told.clone())).expect("an answer")
                })
            })
            .await;
        let rig = setup.start().await;
        rig.vault.0.lock().expect("vault").insert("OWN".into(), value.clone());
        let mut http = Http::to(&rig, HOST, "h2").await;
        let spellings = [name, &name.replace('-', "_"), "X-Acme", "x.acme", "authorization"];
        let mine: Vec<_> = spellings.iter().map(|n| (*n, "mine")).collect();
        let (status, body) = http.request("GET", HOST, "/", &mine, "").await;
        assert_eq!(status, 200, "{body}");
        let seen = upstream.only();
        assert_eq!(seen.header(name), Some(sent.as_str()));
        let passed = seen.headers.iter().filter(|(_, v)| v.as_bytes() == b"mine").count();
        // Without a header of that name the pass is the manifest's to give.
        assert_eq!(passed, if name == "authorization" { 2 } else { 0 }, "{:?}", seen.headers);
        assert!(!body.contains(&value) && !body.contains(&pair), "{body}");
    }
}

#[tokio::test]
async fn a26_no_injection_over_plain_http() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = Upstream::plain(hello).await;
    setup.lead(HOST, 80, upstream.address);
    let rig = setup.start().await;
    let answer =
        exchange(&rig, "GET http://api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("needs HTTPS"), "{answer}");
    upstream.assert_untouched();
    assert_eq!(rig.codes(1).await, ["plain-http"]);
}

#[tokio::test]
async fn a26_nothing_is_sent_where_the_upstreams_certificate_does_not_verify() {
    let mut setup = Setup::new(vec![with_auth(HOST), with_auth("b.test")]);
    let stranger = Upstream::tls(TestCa::new().server(&[HOST], &["h2"]), hello).await;
    setup.lead(HOST, 443, stranger.address);
    let misnamed = Upstream::tls(setup.ca.server(&["other.test"], &["h2"]), hello).await;
    setup.lead("b.test", 443, misnamed.address);
    let rig = setup.start().await;
    for host in [HOST, "b.test"] {
        let (status, body) = get(&rig, host, "/", &[]).await;
        assert!(status == 502 && body.contains("certificate"), "{status} {body}");
    }
    assert!(stranger.seen().is_empty() && misnamed.seen().is_empty());
    assert_eq!(rig.codes(2).await, ["upstream-tls", "upstream-tls"]);
}

#[tokio::test]
async fn a27_a_value_that_no_header_can_carry_is_not_sent_and_not_shown() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    for value in [String::new(), format!("{}\r\nx-injected: 1", secret()), format!("{}\0", secret())] {
        rig.vault.0.lock().expect("vault").insert("TOKEN".into(), value);
        let (status, body) = get(&rig, HOST, "/", &[]).await;
        assert!(status == 502 && body.contains("TOKEN") && !body.contains(&secret()), "{status} {body}");
    }
    upstream.assert_untouched();
}

#[tokio::test]
async fn an_issued_bearer_passes_where_the_launch_says_so() {
    let mut setup = Setup::new(vec![with_auth(HOST), with_auth("b.test")]);
    setup.options.issued_bearers =
        vec![IssuedBearer { host: HOST.into(), placeholder: "egress-placeholder".into() }];
    let a = setup.upstream(HOST, &["h2"], hello).await;
    let b = setup.upstream("b.test", &["h2"], hello).await;
    let rig = setup.start().await;
    for sent in ["Bearer egress-placeholder", "Bearer issued", "Bearer ", "Basic issued"] {
        get(&rig, HOST, "/", &[("authorization", sent)]).await;
    }
    get(&rig, "b.test", "/", &[("authorization", "Bearer issued")]).await;
    let ours = format!("Bearer {}", secret());
    let got: Vec<_> = a.seen().iter().map(|s| s.header("authorization").map(str::to_owned)).collect();
    assert_eq!(got, [&ours, "Bearer issued", &ours, &ours].map(|v| Some(v.to_owned())));
    assert_eq!(b.only().header("authorization"), Some(ours.as_str()));
}
