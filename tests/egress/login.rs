//! Where other machines reach the egress, its clients log in.

use crate::client::rest;
use crate::rig::{Setup, inspected, until};
use crate::upstream::{Upstream, hello};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bot_bottle::egress::{EgressError, Listen, Login, start};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const HOST: &str = "plain.example.test";

#[tokio::test]
async fn without_a_login_only_this_machine_is_served() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let setup = Setup::new(vec![inspected(HOST)]);
        let listen = Listen::parse(address).expect("an address");
        assert!(matches!(start(setup.options, listen).await, Err(EgressError::Login(_))), "{address}");
    }
    let setup = Setup::new(vec![inspected(HOST)]);
    start(setup.options, Listen::parse("127.0.0.2:0").expect("an address")).await.expect("the egress starts");
}

#[tokio::test]
async fn each_request_carries_it_and_it_goes_no_further() {
    let mut setup = Setup::new(vec![inspected(HOST)]);
    let login = Login::generate().expect("a login");
    let sent = STANDARD.encode(format!("{}:{}", Login::USER, login.secret()));
    let secret = login.secret().to_owned();
    setup.options.login = Some(login);
    let upstream = Upstream::plain(hello).await;
    setup.lead(HOST, 80, upstream.address);
    let rig = setup.start_on(Listen::parse("0.0.0.0:0").expect("an address")).await;
    let mut tcp = TcpStream::connect(("127.0.0.1", rig.address().port())).await.expect("a connection");
    let with = format!("proxy-authorization: basic {sent}\r\n");
    // On one connection: what a request before it carried is not its own.
    for (login, status) in [(&*with, 200), ("", 407), (&with, 200), ("Authorization: Basic x\r\n", 407)] {
        let head = format!("GET http://{HOST}/{secret} HTTP/1.1\r\nHost: {HOST}\r\n{login}\r\n");
        tcp.write_all(head.as_bytes()).await.expect("written");
        let answer = rest(&mut tcp).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|s| s.headers.values().all(|v| !v.as_bytes().ends_with(sent.as_bytes()))));
    until(|| rig.lines.text().matches("\"end\"").count() == 4, || rig.lines.text()).await;
    assert!(!rig.lines.text().contains(&secret) && !rig.lines.text().contains(&sent));
}
