//! What must work, or every refusal elsewhere would prove nothing.

use crate::client::{Http, connect, exchange, get, handshake, trusting};
use crate::rig::{Setup, inspected, route, secret, with_auth};
use crate::upstream::{Upstream, echo, hello};
use bot_bottle::egress::{EgressError, Listen, start};
use bot_bottle::provider::{AuthScheme, EgressRoute, GitAccess, RouteAuth, TokenRef};
use hyper::Version;
use std::os::unix::fs::PermissionsExt;
use tokio::io::AsyncWriteExt;

const HOST: &str = "api.example.test";

#[tokio::test]
async fn a_request_gets_its_credential_and_its_answer_in_every_pair_of_versions() {
    for (guest, offered, spoken) in [
        ("http/1.1", "http/1.1", Version::HTTP_11),
        ("http/1.1", "h2", Version::HTTP_2),
        ("h2", "http/1.1", Version::HTTP_11),
        ("h2", "h2", Version::HTTP_2),
    ] {
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        let upstream = setup.upstream(HOST, &[offered], hello).await;
        let rig = setup.start().await;
        let mut http = Http::to(&rig, HOST, guest).await;
        let given = [("authorization", "Bearer placeholder"), ("x-other", "kept")];
        let answer = http.request("POST", HOST, "/v1/x?q=1", &given, "body").await;
        assert_eq!(answer, (200, "hello".to_owned()), "{guest} to {offered}");
        let seen = upstream.only();
        assert_eq!(seen.version, spoken);
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v1/x?q=1"));
        assert_eq!(seen.authority, HOST);
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
        assert_eq!(seen.header("x-other"), Some("kept"));
        let line = &rig.audit(1).await[0];
        assert_eq!((line.is_denied(), line.end.status, line.code()), (false, 200, None));
        let asked = &line.request;
        assert_eq!(
            (asked.method.as_str(), asked.host.as_str(), asked.path.as_str()),
            ("POST", HOST, "/v1/x")
        );
        assert_eq!(asked.route.as_deref(), Some(HOST));
        assert_eq!((line.end.bytes_in, line.end.bytes_out), (4, 5));
    }
}

#[tokio::test]
async fn upstream_connections_serve_again() {
    for alpn in ["http/1.1", "h2"] {
        let mut setup = Setup::new(vec![with_auth(HOST)]);
        let upstream = setup.upstream(HOST, &[alpn], hello).await;
        let rig = setup.start().await;
        for _ in 0..5 {
            assert_eq!(get(&rig, HOST, "/", &[]).await.0, 200);
        }
        let mut http = Http::to(&rig, HOST, "h2").await;
        for _ in 0..5 {
            assert_eq!(http.request("POST", HOST, "/", &[], "x").await.0, 200);
        }
        assert_eq!((upstream.seen().len(), upstream.connections()), (10, 1), "{alpn}");
    }
}

#[tokio::test]
async fn a_route_without_terms_is_a_tunnel_to_the_upstreams_own_certificate() {
    let mut setup = Setup::new(vec![route(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let pem = std::fs::read_to_string(setup.options.upstream_ca.clone().expect("a file")).expect("PEM");
    let rig = setup.start().await;
    let (status, io) = connect(&rig, &format!("{HOST}:443")).await;
    assert_eq!(status, 200);
    let mut tls = handshake(trusting(&[&pem], &[]), io, HOST).await.expect("the upstream's certificate");
    tls.write_all(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.expect("written");
    assert!(crate::client::rest(&mut tls).await.ends_with("hello"));
    drop(tls);
    assert_eq!(upstream.only().target, "/x");
    let line = &rig.audit(1).await[0];
    assert_eq!(
        (line.request.method.as_str(), line.request.host.as_str(), line.end.status),
        ("CONNECT", HOST, 200)
    );
    assert!(line.end.bytes_in > 100 && line.end.bytes_out > 100);
}

#[tokio::test]
async fn plain_http_leaves_by_its_absolute_target() {
    let mut setup = Setup::new(vec![inspected(HOST)]);
    let upstream = Upstream::plain(echo).await;
    setup.lead(HOST, 80, upstream.address);
    let rig = setup.start().await;
    let answer = exchange(&rig, format!("GET http://{HOST}/a?b HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!((upstream.only().target.as_str(), upstream.only().authority.as_str()), ("/a?b", HOST));
    rig.audit(1).await;
}

#[tokio::test]
async fn a_unix_socket_serves_its_owner_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("egress.sock");
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let _upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start_on(Listen::Unix(path.clone())).await;
    let mode = std::fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(get(&rig, HOST, "/", &[]).await, (200, "hello".to_owned()));
    rig.egress.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_a_file_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("egress.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let rig = Setup::new(vec![]).start_on(Listen::Unix(path.clone())).await;
    // One that is in use is not taken over.
    let taken = start(Setup::new(vec![]).options, Listen::Unix(path.clone())).await;
    assert!(matches!(taken, Err(EgressError::Listen { .. })));
    rig.egress.stop().await;
    std::fs::write(&path, "kept").expect("a file");
    assert!(start(Setup::new(vec![]).options, Listen::Unix(path.clone())).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "kept");
}

#[tokio::test]
async fn schemes_are_written_as_the_route_says() {
    let basic = |scheme, token: &str| RouteAuth { scheme, token_ref: TokenRef::variable(token) };
    let routes = vec![
        EgressRoute { auth: Some(basic(AuthScheme::Token, "TOKEN")), ..route("token.test") },
        EgressRoute { auth: Some(basic(AuthScheme::Basic, "PAIR")), ..route("basic.test") },
        EgressRoute {
            auth: Some(basic(AuthScheme::Bearer, "GIT")),
            git: Some(GitAccess::Read),
            ..route("git.test")
        },
        EgressRoute { auth: Some(basic(AuthScheme::BasicAs("ada".into()), "GIT")), ..route("user.test") },
        EgressRoute {
            auth: Some(basic(AuthScheme::Header("private-token".into()), "GIT")),
            ..route("key.test")
        },
    ];
    let mut setup = Setup::new(routes);
    let mut all = Vec::new();
    for host in ["token.test", "basic.test", "git.test", "user.test", "key.test"] {
        all.push(setup.upstream(host, &["http/1.1"], hello).await);
    }
    let rig = setup.start().await;
    rig.vault.0.lock().expect("vault").extend([("PAIR".into(), "u:p".into()), ("GIT".into(), "abc".into())]);
    assert_eq!(get(&rig, "token.test", "/", &[]).await.0, 200);
    assert_eq!(get(&rig, "basic.test", "/", &[]).await.0, 200);
    assert_eq!(get(&rig, "git.test", "/a.git/info/refs?service=git-upload-pack", &[]).await.0, 200);
    assert_eq!(all[0].only().header("authorization"), Some(format!("token {}", secret()).as_str()));
    assert_eq!(all[1].only().header("authorization"), Some("Basic dTpw"));
    assert_eq!(get(&rig, "user.test", "/", &[]).await.0, 200);
    assert_eq!(get(&rig, "key.test", "/", &[("authorization", "Bearer mine")]).await.0, 200);
    assert_eq!(all[3].only().header("authorization"), Some("Basic YWRhOmFiYw=="));
    let (key, own) = (all[4].only(), all[4].only());
    assert_eq!((key.header("private-token"), own.header("authorization")), (Some("abc"), None));
    // x-access-token:abc
    assert_eq!(all[2].only().header("authorization"), Some("Basic eC1hY2Nlc3MtdG9rZW46YWJj"));
}

#[tokio::test]
async fn a_credential_that_the_host_renews_serves_at_once() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    let mut http = Http::to(&rig, HOST, "http/1.1").await;
    http.request("GET", HOST, "/", &[], "").await;
    let renewed = ["sk", "renewed", "1"].join("-");
    rig.vault.0.lock().expect("vault").insert("TOKEN".into(), renewed.clone());
    http.request("GET", HOST, "/", &[], "").await;
    assert_eq!(upstream.seen()[1].header("authorization"), Some(format!("Bearer {renewed}").as_str()));
    rig.vault.0.lock().expect("vault").clear();
    let (status, body) = http.request("GET", HOST, "/", &[], "").await;
    assert!(status == 502 && body.contains("TOKEN"), "{status} {body}");
    assert_eq!(upstream.seen().len(), 2);
}
