//! No request leaves before its line is in the audit.

use crate::client::{Http, connect, exchange, get, inside, rest};
use crate::rig::{Setup, inspected, route, secret, until, with_auth};
use crate::upstream::{Answer, Upstream, hello, text};
use bot_bottle::egress::code::{Code, Decider};
use bot_bottle::egress::policy::Scheme;
use bot_bottle::egress::{AuditLine, FileAudit, Protocol, Recorded};
use bot_bottle::provider::{EgressRoute, GitAccess};
use hyper::Request;
use hyper::body::Incoming;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

const HOST: &str = "api.example.test";

fn git(host: &str) -> EgressRoute {
    EgressRoute { git: Some(GitAccess::Write), ..with_auth(host) }
}

#[test]
fn the_schema_knows_the_codes_that_there_are() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../schema/audit.schema.json")).expect("JSON");
    let page = include_str!("../../docs/audit.md");
    let words: Vec<_> = Code::ALL.iter().map(|c| c.word()).collect();
    assert_eq!(schema["$defs"]["code"]["enum"], serde_json::json!(words));
    for code in Code::ALL {
        assert!(page.contains(&format!("| `{code}` |")), "docs/audit.md lacks {code}");
    }
}

#[tokio::test]
async fn a_request_is_told_with_all_that_was_decided_and_no_secret() {
    let mut setup = Setup::new(vec![with_auth(HOST), git("git.example.test"), route("t.example.test")]);
    let _api = setup.upstream(HOST, &["h2"], hello).await;
    let _git = setup.upstream("git.example.test", &["http/1.1"], hello).await;
    let _tunnel = setup.upstream("t.example.test", &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let hexed: String = secret().bytes().map(|b| format!("%{b:02x}")).collect();
    get(&rig, HOST, &format!("/a/{}/{hexed}?q={}", secret(), secret()), &[]).await;
    let mut http = Http::to(&rig, "git.example.test", "h2").await;
    http.request("POST", "git.example.test", "/r.git/git-receive-pack", &[], "x").await;
    drop(connect(&rig, "t.example.test:443").await);
    exchange(&rig, format!("CONNECT {}.evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n", secret())).await;
    let mut lines = rig.audit(4).await;
    lines.sort_by_key(|l| l.request.id.rsplit('-').next().and_then(|n| n.parse::<u64>().ok()));
    let [api, push, tunnel, evil] = &lines[..] else { panic!("{lines:?}") };
    let stars = |n: usize| "*".repeat(n);
    let path = format!("/a/{}/{}", stars(secret().len()), stars(hexed.len()));
    assert_eq!((api.request.path.as_str(), api.request.port), (path.as_str(), Some(443)));
    assert_eq!((api.request.scheme, api.request.protocol), (Scheme::Https, Protocol::Http1));
    assert_eq!((api.request.credential.as_deref(), api.request.git), (Some("TOKEN"), None));
    assert_eq!((push.request.protocol, push.request.git), (Protocol::Http2, Some(GitAccess::Write)));
    assert_eq!((tunnel.request.protocol, tunnel.request.method.as_str()), (Protocol::Tunnel, "CONNECT"));
    assert_eq!((tunnel.code(), tunnel.request.credential.as_deref()), (Some("no-hello"), None));
    assert_eq!((evil.request.decided_by, evil.code()), (Decider::Policy, Some("host")));
    assert!(!rig.lines.text().contains(&secret()) && !rig.lines.text().contains(&hexed));
}

/// An upstream's handler that looks whether the audit knows of a request when it comes.
#[tokio::test]
async fn the_line_is_there_before_the_upstream_sees_anything() {
    for (guest, offered) in [("http/1.1", "http/1.1"), ("h2", "h2"), ("h2", "http/1.1"), ("http/1.1", "h2")] {
        let mut setup = Setup::new(vec![with_auth(HOST), inspected("plain.test"), route("t.test")]);
        let (lines, missing) = (setup.lines.clone(), Arc::new(Mutex::new(Vec::new())));
        let seen = missing.clone();
        let known = lines.clone();
        let look = move |request: Request<Incoming>| -> Answer {
            let path = request.uri().path().to_owned();
            if !known.text().contains(&format!("\"{path}\"")) {
                seen.lock().expect("missing").push(path);
            }
            Box::pin(async { text("hello") })
        };
        let _api = setup.upstream(HOST, &[offered], look.clone()).await;
        let plain = Upstream::plain(look).await;
        setup.lead("plain.test", 80, plain.address);
        let (known, seen) = (lines.clone(), missing.clone());
        let tunnel = Upstream::start(move |_tcp, _log| {
            if !known.text().contains("\"t.test\"") {
                seen.lock().expect("missing").push("the tunnel".to_owned());
            }
            Box::pin(async {})
        })
        .await;
        setup.lead("t.test", 443, tunnel.address);
        let rig = setup.start().await;
        let mut http = Http::to(&rig, HOST, guest).await;
        // The first opens a connection, the others use it again.
        for n in 0..5 {
            assert_eq!(http.request("POST", HOST, &format!("/api/{n}"), &[], "x").await.0, 200);
        }
        for n in 0..2 {
            exchange(&rig, format!("GET http://plain.test/p/{n} HTTP/1.1\r\nHost: plain.test\r\n\r\n")).await;
        }
        let (status, _io) = connect(&rig, "t.test:443").await;
        assert_eq!((status, plain.seen().len()), (200, 2));
        until(|| tunnel.connections() == 1, || "the tunnel".to_owned()).await;
        assert_eq!(*missing.lock().expect("missing"), [""; 0]);
    }
}

#[tokio::test]
async fn with_a_full_disk_nothing_leaves_and_the_guest_is_told_why() {
    let mut setup = Setup::new(vec![with_auth(HOST), route("t.test"), inspected("plain.test")]);
    let api = setup.upstream(HOST, &["h2"], hello).await;
    let tunnel = setup.upstream("t.test", &["http/1.1"], hello).await;
    let plain = Upstream::plain(hello).await;
    setup.lead("plain.test", 80, plain.address);
    let rig = setup.start().await;
    rig.lines.full.store(true, SeqCst);
    let (status, said) = get(&rig, HOST, "/x", &[]).await;
    assert!(status == 503 && said.contains("the audit cannot be written"), "{status} {said}");
    let said =
        exchange(&rig, "GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\nAccept: text/json\r\n\r\n")
            .await;
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("\"code\":\"audit\""), "{said}");
    assert_eq!(connect(&rig, "t.test:443").await.0, 503);
    // What would be refused anyway cannot be told either.
    let evil = exchange(&rig, "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n").await;
    assert!(evil.starts_with("HTTP/1.1 503"), "{evil}");
    for upstream in [&api, &tunnel, &plain] {
        upstream.assert_untouched();
    }
    assert_eq!(rig.lines.text(), "");
    rig.lines.full.store(false, SeqCst);
    assert_eq!(get(&rig, HOST, "/y", &[]).await.0, 200);
    assert_eq!(rig.codes(1).await, ["ok"]);
}

#[tokio::test]
async fn after_the_audit_was_deleted_an_open_connection_carries_nothing_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("audit.jsonl");
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    setup.options.audit = Arc::new(FileAudit::open(&path).expect("an audit"));
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    let mut io = inside(&rig, HOST, &["http/1.1"]).await;
    let get = format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    io.write_all(get.as_bytes()).await.expect("written");
    assert!(rest(&mut io).await.ends_with("hello"));
    std::fs::remove_file(&path).expect("removed");
    io.write_all(get.as_bytes()).await.expect("written");
    let said = rest(&mut io).await;
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("the file was deleted"), "{said}");
    assert_eq!(upstream.seen().len(), 1);
    assert!(!path.exists(), "a new file would hide that lines are lost");
}

/// A server that answers each request and remembers its path.
fn counting_upstream() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let log = log.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&tcp);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                    if let Some(path) = line.strip_prefix("GET ").and_then(|l| l.split(' ').next()) {
                        log.lock().expect("log").push(path.to_owned());
                    }
                    let ended = line == "\r\n";
                    line.clear();
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if ended && (&tcp).write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, seen)
}

/// The program's own egress, as a process that can be killed.
fn egress(home: &Path, upstream: SocketAddr) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bot-bottle"))
        .args(["egress", "dev", "--listen", "127.0.0.1:0", "--audit", "audit.jsonl"])
        .args(["--resolve", &format!("plain.example.com:80:{upstream}")])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut said = String::new();
    BufReader::new(child.stderr.as_mut().expect("a pipe")).read_line(&mut said).expect("a line");
    let address = said.trim().strip_prefix("listening on ").and_then(|a| a.parse().ok());
    (child, address.unwrap_or_else(|| panic!("{said}")))
}

/// Asks for one path after another until the egress is gone.
fn ask(egress: SocketAddr, guest: usize, round: u64) {
    let Ok(mut tcp) = std::net::TcpStream::connect(egress) else { return };
    for n in 0.. {
        let path = format!("/{round}/{guest}/{n}");
        let head = format!("GET http://plain.example.com{path} HTTP/1.1\r\nHost: plain.example.com\r\n\r\n");
        let mut got = Vec::new();
        if tcp.write_all(head.as_bytes()).is_err() {
            return;
        }
        while !got.ends_with(b"\r\n\r\nok") {
            let mut byte = [0; 512];
            match tcp.read(&mut byte) {
                Ok(n @ 1..) => got.extend_from_slice(&byte[..n]),
                _ => return,
            }
        }
    }
}

#[test]
fn killed_at_any_moment_it_leaves_no_sent_request_without_its_line() {
    let home = tempfile::tempdir().expect("a folder");
    let bottles = home.path().join(".bot-bottle/bottles");
    std::fs::create_dir_all(&bottles).expect("folders");
    let bottle = "---\negress:\n  routes:\n    - {host: plain.example.com, path_allowlist: [/]}\n---\n";
    std::fs::write(bottles.join("dev.md"), bottle).expect("written");
    let (upstream, seen) = counting_upstream();
    for round in 0..20u64 {
        let (mut child, address) = egress(home.path(), upstream);
        let guests: Vec<_> = (0..4).map(|g| std::thread::spawn(move || ask(address, g, round))).collect();
        // A moment that no part of the program knows: after some number of requests, and a bit.
        let enough = seen.lock().expect("seen").len() + 1 + (round as usize * 7919) % 60;
        let deadline = Instant::now() + Duration::from_secs(20);
        while seen.lock().expect("seen").len() < enough && Instant::now() < deadline {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(round * 137 % 1000));
        child.kill().expect("killed");
        child.wait().expect("it ends");
        guests.into_iter().for_each(|g| g.join().expect("a guest"));
    }
    let text = std::fs::read(home.path().join("audit.jsonl")).expect("an audit");
    let mut told = std::collections::HashSet::new();
    Recorded::each(&text[..], |r| {
        told.insert(r.request.path);
    })
    .expect("read");
    let seen = seen.lock().expect("seen");
    assert!(seen.len() > 100, "{}", seen.len());
    let missing: Vec<_> = seen.iter().filter(|path| !told.contains(*path)).collect();
    assert!(missing.is_empty(), "{missing:?} of {}", seen.len());
    // Whole lines but for those that a kill cut off, which end the file's part of that process.
    let torn = text.split(|b| *b == b'\n').filter(|l| serde_json::from_slice::<AuditLine>(l).is_err());
    assert!(torn.filter(|l| !l.is_empty()).count() == 0);
}
