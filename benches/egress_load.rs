//! The parts of the egress measurement, one process each; `scripts/bench/egress.sh` joins them.
//!
//! ```text
//! egress_load upstream CA_OUT              a stand-in for bench.test, on a free port
//! egress_load egress UPSTREAM CA_IN CA_OUT  the egress, with a credential for bench.test
//! egress_load load VIA CA CONNECTIONS SECONDS   small requests as fast as they go
//! egress_load big VIA CA MIB               one large body down, then one up
//! egress_load events VIA CA STREAMS        event streams, all open at once
//! ```
//! `VIA` is `proxy:ADDRESS` or `direct:ADDRESS`. Each prints one JSON object, servers their address.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use bot_bottle::egress::{FileAudit, FixedCredentials, Listen, Options, Resolve, start};
use bot_bottle::provider::{AuthScheme, EgressRoute, RouteAuth, RouteOwner, Secret, TokenRef};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const HOST: &str = "bench.test";

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["upstream", ca] => upstream(ca).await,
        ["egress", upstream, ca_in, ca_out] => egress(upstream, ca_in, ca_out).await,
        ["load", via, ca, connections, seconds] => {
            load(via, ca, connections.parse().unwrap(), seconds.parse().unwrap()).await;
        }
        ["big", via, ca, mib] => big(via, ca, mib.parse().unwrap()).await,
        ["events", via, ca, streams] => events(via, ca, streams.parse().unwrap()).await,
        _ => println!("to measure: scripts/bench.sh egress"),
    }
}

/// A body of so many zeros.
struct Zeros(u64);

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const PART: &[u8] = &[0; 64 * 1024];
        let n = self.0.min(PART.len() as u64);
        self.0 -= n;
        Poll::Ready((n > 0).then(|| Ok(Frame::data(Bytes::from_static(&PART[..n as usize])))))
    }
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

/// One event, then silence for as long as the other side stays.
struct OneEvent(bool);

impl Body for OneEvent {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data: 1\n\n")))))
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let path = request.uri().path().to_owned();
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    let body = match path.split_at_checked(5) {
        Some(("/big/", bytes)) => Zeros(bytes.parse().unwrap()).boxed(),
        Some(("/even", _)) => OneEvent(false).boxed(),
        _ => Full::new(Bytes::from_static(&[b'x'; 1024])).boxed(),
    };
    Ok(Response::new(body))
}

async fn upstream(ca_out: &str) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Another name than the leaf's: OpenSSL would take the leaf for self-signed.
    params.distinguished_name.push(DnType::CommonName, "bench authority");
    let key = KeyPair::generate().unwrap();
    std::fs::write(ca_out, params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if std::env::var_os("HTTP1").is_some() {
        config.alpn_protocols.remove(0);
    }
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            tcp.set_nodelay(true).unwrap();
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(tls), service_fn(answer)).await;
            } else {
                let server = hyper::server::conn::http1::Builder::new();
                let _ = server.serve_connection(TokioIo::new(tls), service_fn(answer)).await;
            }
        });
    }
}

async fn egress(upstream: &str, ca_in: &str, ca_out: &str) {
    let auth = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("TOKEN") };
    let route = EgressRoute { auth: Some(auth), ..EgressRoute::new(HOST, RouteOwner::Manifest) };
    let token = Secret::new(["sk", "bench", "0123456789abcdef"].join("-"));
    let audit = FileAudit::open(std::path::Path::new(&format!("{ca_out}.audit"))).unwrap();
    let credentials = FixedCredentials::new(HashMap::from([("TOKEN".to_owned(), token)]));
    let mut options = Options::new(vec![route], Arc::new(credentials), Arc::new(audit));
    options.resolve = vec![Resolve::new(HOST, 443, upstream.parse().unwrap())];
    options.upstream_ca = Some(ca_in.into());
    let running = start(options, Listen::Tcp(([127, 0, 0, 1], 0).into())).await.unwrap();
    std::fs::write(ca_out, running.ca_certificate_pem()).unwrap();
    let Listen::Tcp(address) = running.address() else { return };
    println!("{address}");
    std::future::pending::<()>().await;
}

/// A connection to bench.test, by a proxy or without one.
async fn open(via: &str, config: &Arc<rustls::ClientConfig>) -> TlsStream<TcpStream> {
    let (kind, address) = via.split_once(':').unwrap();
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    if kind == "proxy" {
        let head = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n");
        tcp.write_all(head.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\r\n\r\n") {
            got.push(tcp.read_u8().await.unwrap());
        }
        assert!(got.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&got));
    }
    let name = ServerName::try_from(HOST).unwrap();
    TlsConnector::from(config.clone()).connect(name, tcp).await.unwrap()
}

fn client(ca: &str) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

const GET: &[u8] = b"GET /small HTTP/1.1\r\nHost: bench.test\r\nAccept: */*\r\n\
    Authorization: Bearer placeholder\r\nUser-Agent: load\r\n\r\n";

/// Sends the small request and reads its whole answer.
async fn once(tls: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) {
    tls.write_all(GET).await.unwrap();
    tls.flush().await.unwrap();
    buffer.clear();
    loop {
        assert_ne!(tls.read_buf(buffer).await.unwrap(), 0, "closed early");
        if let Some(head) = buffer.windows(4).position(|w| w == b"\r\n\r\n")
            && buffer.len() >= head + 4 + 1024
        {
            assert!(buffer.starts_with(b"HTTP/1.1 200"));
            return;
        }
    }
}

async fn load(via: &str, ca: &str, connections: usize, seconds: u64) {
    let config = client(ca);
    let mut tasks = Vec::new();
    let (warm, end) = (Duration::from_millis(500), Duration::from_secs(seconds));
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(open(via, &config).await);
    }
    let start = Instant::now();
    for mut tls in streams {
        tasks.push(tokio::spawn(async move {
            let (mut times, mut buffer) = (Vec::new(), Vec::with_capacity(4096));
            while start.elapsed() < warm + end {
                let before = Instant::now();
                once(&mut tls, &mut buffer).await;
                if before.duration_since(start) > warm {
                    times.push(before.elapsed());
                }
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let rate = times.len() as f64 / seconds as f64;
    report(&mut times, &[("requests_per_second", rate)]);
}

async fn big(via: &str, ca: &str, mib: u64) {
    let config = client(ca);
    let bytes = mib << 20;
    let mut seconds = Vec::new();
    for upload in [false, true] {
        let (mut sender, connection) =
            http1::handshake::<_, BoxBody<Bytes, Infallible>>(TokioIo::new(open(via, &config).await))
                .await
                .unwrap();
        tokio::spawn(connection);
        let before = Instant::now();
        let builder = Request::builder().header("host", HOST);
        let request = if upload {
            builder.method("POST").uri("/sink").body(Zeros(bytes).boxed()).unwrap()
        } else {
            builder.uri(format!("/big/{bytes}")).body(Zeros(0).boxed()).unwrap()
        };
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let (mut body, mut got) = (response.into_body(), 0);
        while let Some(frame) = body.frame().await {
            got += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
        }
        assert_eq!(got, if upload { 1024 } else { bytes });
        seconds.push(before.elapsed().as_secs_f64());
    }
    println!("{}", serde_json::json!({"down_seconds": seconds[0], "up_seconds": seconds[1], "mib": mib}));
}

async fn events(via: &str, ca: &str, streams: usize) {
    let config = client(ca);
    let (mut times, mut open_streams) = (Vec::new(), Vec::new());
    for _ in 0..streams {
        let mut tls = open(via, &config).await;
        let mut got = Vec::new();
        let before = Instant::now();
        tls.write_all(b"GET /events HTTP/1.1\r\nHost: bench.test\r\n\r\n").await.unwrap();
        while !got.windows(9).any(|w| w == b"data: 1\n\n") {
            assert_ne!(tls.read_buf(&mut got).await.unwrap(), 0, "closed early");
        }
        times.push(before.elapsed());
        open_streams.push(tls);
    }
    report(&mut times, &[("open", open_streams.len() as f64)]);
}

fn report(times: &mut [Duration], more: &[(&str, f64)]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let mut all = serde_json::json!({"median_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0)});
    for (name, value) in more {
        all[*name] = (*value).into();
    }
    println!("{all}");
}
