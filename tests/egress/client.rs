//! A guest's side: raw bytes to the egress, TLS through it, HTTP over that.

use crate::rig::Rig;
use bot_bottle::egress::Listen;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
pub(crate) type Raw = Box<dyn Io>;
pub(crate) type Tls = TlsStream<Raw>;

/// A connection to the egress.
pub(crate) async fn raw(rig: &Rig) -> Raw {
    match rig.egress.address() {
        Listen::Tcp(address) => Box::new(TcpStream::connect(address).await.expect("a connection")),
        Listen::Unix(path) => Box::new(UnixStream::connect(path).await.expect("a connection")),
    }
}

/// Sends bytes to the egress and reads until it closes or pauses for long.
pub(crate) async fn exchange(rig: &Rig, bytes: impl AsRef<[u8]>) -> String {
    let mut io = raw(rig).await;
    io.write_all(bytes.as_ref()).await.expect("written");
    rest(&mut io).await
}

/// What still comes until the other side closes, an answer is whole, or ten seconds are over.
pub(crate) async fn rest(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = io.read(&mut buffer).await {
            all.extend_from_slice(&buffer[..n]);
            if is_whole(&all) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), read).await.expect("an end of the answer");
    String::from_utf8_lossy(&all).into_owned()
}

/// A head and as many bytes as its content-length says.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    length.and_then(|l| l.trim().parse::<usize>().ok()).is_some_and(|l| body.len() >= l)
}

/// The status that a CONNECT to `target` gets, and the connection behind it.
pub(crate) async fn connect(rig: &Rig, target: &str) -> (u16, Raw) {
    let mut io = raw(rig).await;
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    io.write_all(head.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match timeout(Duration::from_secs(10), io.read_u8()).await.expect("an answer") {
            Ok(byte) => answer.push(byte),
            Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("{text:?}"));
    (status, io)
}

/// A guest's TLS configuration: it trusts the launch's authority and the PEM texts given.
pub(crate) fn trusting(pems: &[&str], alpn: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for pem in pems {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a root");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
    config
}

/// TLS as `sni` over a connection, trusting the launch's authority.
pub(crate) async fn tls(rig: &Rig, io: Raw, sni: &str, alpn: &[&str]) -> io::Result<Tls> {
    let config = trusting(&[rig.egress.ca_certificate_pem()], alpn);
    handshake(config, io, sni).await
}

pub(crate) async fn handshake(config: ClientConfig, io: Raw, sni: &str) -> io::Result<Tls> {
    let name = ServerName::try_from(sni.to_owned()).expect("a name");
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, io);
    timeout(Duration::from_secs(10), connecting).await.expect("a handshake in time")
}

/// An intercepted connection to a host.
pub(crate) async fn inside(rig: &Rig, host: &str, alpn: &[&str]) -> Tls {
    let (status, io) = connect(rig, &format!("{host}:443")).await;
    assert_eq!(status, 200);
    tls(rig, io, host, alpn).await.expect("a handshake")
}

/// Sends bytes on an intercepted connection and reads the answer.
pub(crate) async fn exchange_inside(rig: &Rig, host: &str, bytes: impl AsRef<[u8]>) -> String {
    let mut io = inside(rig, host, &["http/1.1"]).await;
    io.write_all(bytes.as_ref()).await.expect("written");
    rest(&mut io).await
}

/// An HTTP/1.1 or HTTP/2 client on an intercepted connection.
pub(crate) enum Http {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Http {
    pub(crate) async fn to(rig: &Rig, host: &str, alpn: &str) -> Self {
        let io = TokioIo::new(inside(rig, host, &[alpn]).await);
        if alpn == "h2" {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
            tokio::spawn(connection);
            Self::Two(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await.expect("HTTP/1.1");
            tokio::spawn(connection.with_upgrades());
            Self::One(sender)
        }
    }

    /// Begins a request over HTTP/2, whose answer may be awaited later.
    pub(crate) fn start(
        &self,
        method: &str,
        host: &str,
        target: &str,
    ) -> JoinHandle<hyper::Result<Response<Incoming>>> {
        let Self::Two(sender) = self else { panic!("only HTTP/2 carries several requests") };
        let request = Request::builder().method(method).uri(format!("https://{host}{target}"));
        let request = request.body(Full::default()).expect("a request");
        let mut sender = sender.clone();
        tokio::spawn(async move { sender.send_request(request).await })
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        let sending = async {
            match self {
                Self::One(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Self::Two(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            }
        };
        timeout(Duration::from_secs(20), sending).await.expect("an answer in time")
    }

    /// Sends a request to `host`, in the form that the version has.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        host: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let builder = match self {
            Self::One(_) => Request::builder().uri(target).header("host", host),
            Self::Two(_) => Request::builder().uri(format!("https://{host}{target}")),
        };
        let builder = headers.iter().fold(builder.method(method), |b, (n, v)| b.header(*n, *v));
        let request = builder.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request");
        let response = self.send(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

/// One GET on a connection of its own.
pub(crate) async fn get(rig: &Rig, host: &str, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
    Http::to(rig, host, "http/1.1").await.request("GET", host, target, headers, "").await
}
