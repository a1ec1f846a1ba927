//! Where a name leads: which addresses are dialled, and when a name is looked up at all.

use crate::client::{connect, exchange, get};
use crate::rig::{Setup, route, until, with_auth};
use crate::upstream::{Upstream, hello};
use bot_bottle::egress::{Boxed, Lookup};
use bot_bottle::provider::EgressRoute;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

const HOST: &str = "api.example.test";

/// A resolver that counts, and that gives each of its answers once; the last one stays.
struct Names(Mutex<Vec<Vec<SocketAddr>>>, AtomicUsize);

impl Names {
    fn new(answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers), AtomicUsize::new(0)))
    }
}

impl Lookup for Names {
    fn lookup<'a>(&'a self, _: &'a str, _: u16) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        self.1.fetch_add(1, SeqCst);
        let mut answers = self.0.lock().expect("answers");
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

fn addresses(list: &[&str]) -> Vec<SocketAddr> {
    list.iter().map(|a| a.parse().expect("an address")).collect()
}

#[tokio::test]
async fn a13_a70_an_allowed_name_that_leads_to_a_private_address() {
    let upstream = Upstream::plain(hello).await;
    for address in [
        "127.0.0.1:443",
        "10.0.0.1:443",
        "169.254.169.254:443",
        "100.64.0.1:443",
        "0.0.0.0:443",
        "[::1]:443",
        "[fd00:ec2::254]:443",
        "[64:ff9b::7f00:1]:443",
        "[::ffff:127.0.0.1]:443",
    ] {
        let mut setup = Setup::new(vec![with_auth(HOST), route("open.test")]);
        let mut to: SocketAddr = address.parse().expect("an address");
        to.set_port(upstream.address.port());
        setup.options.lookup = Names::new(vec![vec![to]]);
        let rig = setup.start().await;
        let (status, body) = get(&rig, HOST, "/", &[]).await;
        assert!(status == 403 && body.contains("ssrf_ip_allowlist"), "{address}: {status} {body}");
        assert_eq!(connect(&rig, "open.test:443").await.0, 403);
        assert_eq!(rig.codes(2).await, ["private-address", "private-address"]);
    }
    // The system's own resolver: `localhost` is loopback on any machine.
    let rig = Setup::new(vec![route("localhost")]).start().await;
    assert_eq!(connect(&rig, "localhost:443").await.0, 403);
    upstream.assert_untouched();
}

#[tokio::test]
async fn a13_a_route_may_except_a_private_range() {
    let excepted = EgressRoute { ssrf_ip_allowlist: vec!["127.0.0.0/8".into()], ..route("open.test") };
    let mut setup = Setup::new(vec![excepted, route("other.test")]);
    let upstream = Upstream::plain(hello).await;
    setup.options.lookup = Names::new(vec![vec![upstream.address]]);
    let rig = setup.start().await;
    assert_eq!(connect(&rig, "open.test:443").await.0, 200);
    assert_eq!(connect(&rig, "other.test:443").await.0, 403);
    until(|| upstream.connections() == 1, || "the one connection".into()).await;
}

#[tokio::test]
async fn a13_a69_the_address_that_was_checked_is_the_one_dialled() {
    let good = Upstream::plain(hello).await;
    let bad = Upstream::plain(hello).await;
    let excepted = EgressRoute {
        ssrf_ip_allowlist: vec!["127.0.0.1".into()],
        path_allowlist: Some(vec!["/".into()]),
        ..route("open.test")
    };
    let mut setup = Setup::new(vec![excepted]);
    // The second look would be told another address; there is none for one connection.
    let names = Names::new(vec![vec![good.address], addresses(&["127.0.0.2:80"]), vec![bad.address]]);
    setup.options.lookup = names.clone();
    let rig = setup.start().await;
    let head = "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n";
    assert!(exchange(&rig, head).await.starts_with("HTTP/1.1 200"));
    assert_eq!((good.connections(), names.1.load(SeqCst)), (1, 1));
    bad.assert_untouched();
}

#[tokio::test]
async fn a52_a_refused_name_is_never_looked_up() {
    let mut setup = Setup::new(vec![with_auth(HOST), route("*.open.test")]);
    let names = Names::new(vec![addresses(&["127.0.0.1:1"])]);
    setup.options.lookup = names.clone();
    let rig = setup.start().await;
    for host in ["CANARY.evil.test", "canary.api.example.test", "canary.open.test.evil.test"] {
        assert_eq!(connect(&rig, &format!("{host}:443")).await.0, 403);
        let head = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert!(exchange(&rig, head).await.starts_with("HTTP/1.1 403"));
    }
    // Nor is an allowed name on a port that is not open, or with terms that are not met.
    assert_eq!(connect(&rig, "canary.open.test:53").await.0, 403);
    assert_eq!(names.1.load(SeqCst), 0);
    connect(&rig, "canary.open.test:443").await;
    assert_eq!(names.1.load(SeqCst), 1);
}
