//! Opens connections to upstreams: resolved, checked, verified.

use super::exchange::Exchange;
use super::refusal::Refusal;
use crate::egress::address::Range;
use crate::egress::policy::Scheme;
use crate::egress::resolve::{ResolveError, Resolver};
use crate::egress::{EgressError, Options};
use crate::shown::printable;
use base64::Engine;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tracing::debug;

use super::stream::Upstream;
use crate::egress::code::Code;

/// Where a request goes.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The deciding route: connections are never shared across routes.
    pub(crate) route: usize,
    pub(crate) scheme: Scheme,
    /// The host, in lower case.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// Private ranges that the route excepts.
    pub(crate) exceptions: &'a [Range],
    /// What is on its way: it is written down before anything of it leaves.
    pub(crate) exchange: &'a Exchange,
}

/// Opens connections.
pub(crate) struct Dialer {
    resolver: Resolver,
    parent: Option<Parent>,
    any_version: TlsConnector,
    http1: TlsConnector,
    connect: Duration,
    /// Connections that are being opened.
    turns: Semaphore,
    /// What may wait in TLS to be written, in bytes.
    buffer: usize,
}

/// A proxy that everything goes through.
struct Parent {
    host: String,
    port: u16,
    authorization: Option<String>,
}

impl Dialer {
    pub(crate) fn new(options: &Options) -> Result<Self, EgressError> {
        let config = client_config(options.upstream_ca.as_deref())?;
        let with = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self {
            resolver: Resolver::new(options.resolve.clone(), options.lookup.clone()),
            parent: options.upstream_proxy.as_deref().map(Parent::parse).transpose()?,
            any_version: with(&[b"h2", b"http/1.1"]),
            http1: with(&[b"http/1.1"]),
            connect: options.limits.connect,
            turns: Semaphore::new(options.limits.dials),
            buffer: options.limits.buffer,
        })
    }

    /// A connection for HTTP, and whether it speaks HTTP/2.
    pub(crate) async fn http(&self, to: Target<'_>, http1: bool) -> Result<(Upstream, bool), Refusal> {
        let open = async {
            let tcp = self.connect(to).await?;
            match to.scheme {
                Scheme::Http => Ok((Upstream::Plain(tcp), false)),
                Scheme::Https => self.encrypt(tcp, to.host, http1).await,
            }
        };
        // Waiting for a turn is nobody's slowness.
        let _turn = self.turns.acquire().await;
        timeout(self.connect, open).await.unwrap_or_else(|_| Err(too_slow(to.host)))
    }

    /// A connection whose bytes are the guest's affair.
    pub(crate) async fn tcp(&self, to: Target<'_>) -> Result<TcpStream, Refusal> {
        let _turn = self.turns.acquire().await;
        timeout(self.connect, self.connect(to)).await.unwrap_or_else(|_| Err(too_slow(to.host)))
    }

    async fn encrypt(&self, tcp: TcpStream, host: &str, http1: bool) -> Result<(Upstream, bool), Refusal> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Refusal::new(Code::UpstreamTls, format!("{host} is not a name for TLS")))?;
        let connector = if http1 { &self.http1 } else { &self.any_version };
        let tls = connector
            .connect_with(name, tcp, |tls| tls.set_buffer_limit(Some(self.buffer)))
            .await
            .map_err(|error| {
                let why = printable(&error.to_string());
                Refusal::new(Code::UpstreamTls, format!("no trusted TLS connection to {host} ({why})"))
            })?;
        let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Upstream::Tls(Box::new(tls)), http2))
    }

    async fn connect(&self, to: Target<'_>) -> Result<TcpStream, Refusal> {
        let port = to.port;
        if let Some(parent) = &self.parent {
            to.exchange.depart()?;
            return parent.tunnel(to.host, port).await.map_err(|error| {
                let why = printable(&error.to_string());
                Refusal::new(
                    Code::UpstreamProxy,
                    format!("the upstream proxy opened no way to {} ({why})", to.host),
                )
            });
        }
        let addresses =
            self.resolver.resolve(to.host, port, to.exceptions).await.map_err(|error| match error {
                ResolveError::Forbidden { .. } => Refusal::new(Code::PrivateAddress, error.to_string()),
                ResolveError::Unknown(_) => Refusal::new(Code::UnknownHost, error.to_string()),
            })?;
        to.exchange.depart()?;
        reach(&addresses, self.connect).await.map_err(|error| {
            Refusal::new(Code::Unreachable, format!("{} cannot be reached ({})", to.host, error.kind()))
        })
    }
}

fn too_slow(host: &str) -> Refusal {
    Refusal::new(Code::ConnectTimeout, format!("{host} did not take a connection in time"))
}

/// Tries the addresses in turn; all but the last get a share of the time.
async fn reach(addresses: &[SocketAddr], within: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for (i, address) in addresses.iter().enumerate() {
        let share = if i + 1 == addresses.len() { within } else { within / 4 };
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                debug!(%address, "dialled");
                prepare(&tcp);
                return Ok(tcp);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// Milliseconds after which a connection whose bytes nobody acknowledges is given up.
const UNANSWERED: u32 = 60_000;

/// No delay for small writes, and a peer that vanished is noticed on a stream that is silent for hours.
fn prepare(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true);
    let _ = rustix::net::sockopt::set_socket_keepalive(tcp, true);
    let _ = rustix::net::sockopt::set_tcp_keepidle(tcp, Duration::from_secs(60));
    let _ = rustix::net::sockopt::set_tcp_user_timeout(tcp, UNANSWERED);
}

impl Parent {
    /// Reads `http://[USER:PASSWORD@]HOST:PORT`.
    fn parse(url: &str) -> Result<Self, EgressError> {
        let rest = url.strip_prefix("http://").ok_or(EgressError::UpstreamProxy)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, address) = match rest.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, rest),
        };
        let (host, port) = address.rsplit_once(':').ok_or(EgressError::UpstreamProxy)?;
        let port = port.parse().map_err(|_| EgressError::UpstreamProxy)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains('/') {
            return Err(EgressError::UpstreamProxy);
        }
        let authorization =
            user.map(|u| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(u)));
        Ok(Self { host: host.to_owned(), port, authorization })
    }

    /// Asks the proxy for a tunnel. Its name is the operator's, so it may resolve to any address.
    async fn tunnel(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let mut tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        prepare(&tcp);
        let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some(authorization) = &self.authorization {
            head.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
        }
        head.push_str("\r\n");
        tcp.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the head is the tunnel's.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() > 8192 {
                return Err(io::Error::other("its answer is too long"));
            }
            answer.push(tcp.read_u8().await?);
        }
        let line = answer.split(|b| *b == b'\r').next().unwrap_or_default();
        match line.strip_prefix(b"HTTP/1.").and_then(|l| l.get(2..5)) {
            Some([b'2', _, _]) => Ok(tcp),
            Some(status) => Err(io::Error::other(format!("it answered {}", String::from_utf8_lossy(status)))),
            None => Err(io::Error::other("its answer is no HTTP")),
        }
    }
}

/// Verifies against the host's own roots and the operator's.
fn client_config(upstream_ca: Option<&Path>) -> Result<ClientConfig, EgressError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = upstream_ca {
        let wrong = |what: String| EgressError::UpstreamCa { path: path.to_owned(), what };
        let all = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|e| wrong(e.to_string()))?;
        if all.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        for certificate in all {
            roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
        }
    }
    if roots.is_empty() {
        return Err(EgressError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_proxy_is_a_plain_address() {
        let parent = Parent::parse("http://u:p@proxy.test:3128/").expect("a proxy");
        assert_eq!((parent.host.as_str(), parent.port), ("proxy.test", 3128));
        assert_eq!(parent.authorization.as_deref(), Some("Basic dTpw"));
        assert_eq!(Parent::parse("http://[::1]:80").expect("a proxy").host, "::1");
        for wrong in ["https://a:1", "a:1", "http://a", "http://a:b", "http://:1", "http://a/b:1"] {
            assert!(Parent::parse(wrong).is_err(), "{wrong}");
        }
    }
}
