//! Stand-in upstreams: they record all that reaches them.

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderMap};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

pub(crate) type Body = BoxBody<Bytes, std::io::Error>;
pub(crate) type Answer = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Answers requests.
pub(crate) trait Handler: Fn(Request<Incoming>) -> Answer + Send + Sync + 'static {}
impl<F: Fn(Request<Incoming>) -> Answer + Send + Sync + 'static> Handler for F {}

/// A request as an upstream saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) version: Version,
    pub(crate) method: String,
    /// `:authority` or `Host`.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    /// The only value of a header; panics when there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(all.len() <= 1, "{name} came {} times", all.len());
        all.first().map(|v| v.to_str().expect("text"))
    }
}

/// What an upstream saw.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) requests: Mutex<Vec<Seen>>,
    pub(crate) connections: AtomicUsize,
}

/// A stand-in; it ends when dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) log: Arc<Log>,
    task: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Upstream {
    /// Serves HTTP inside TLS.
    pub(crate) async fn tls(config: Arc<ServerConfig>, handler: impl Handler) -> Self {
        let acceptor = TlsAcceptor::from(config);
        let handler = Arc::new(handler);
        Self::start(move |tcp, log| {
            let (acceptor, handler) = (acceptor.clone(), handler.clone());
            Box::pin(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                serve(tls, http2, handler, log).await;
            })
        })
        .await
    }

    /// Serves plain HTTP.
    pub(crate) async fn plain(handler: impl Handler) -> Self {
        let handler = Arc::new(handler);
        Self::start(move |tcp, log| Box::pin(serve(tcp, false, handler.clone(), log))).await
    }

    /// Gives each connection to `connection`.
    pub(crate) async fn start<F>(connection: F) -> Self
    where
        F: Fn(tokio::net::TcpStream, Arc<Log>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let log = Arc::new(Log::default());
        let shared = log.clone();
        let task = tokio::spawn(async move {
            let mut all = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let _ = tcp.set_nodelay(true);
                shared.connections.fetch_add(1, SeqCst);
                all.spawn(connection(tcp, shared.clone()));
            }
        });
        Self { address, log, task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.requests.lock().expect("log").clone()
    }

    /// The one request that there was.
    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen[0].clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(SeqCst)
    }

    /// Nothing came: not a request, not a connection.
    pub(crate) fn assert_untouched(&self) {
        assert!(self.seen().is_empty(), "{:#?}", self.seen());
        assert_eq!(self.connections(), 0);
    }
}

async fn serve<S>(io: S, http2: bool, handler: Arc<impl Handler>, log: Arc<Log>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let authority = match request.uri().authority() {
            Some(authority) => authority.to_string(),
            None => request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or_default().to_owned(),
        };
        log.requests.lock().expect("log").push(Seen {
            version: request.version(),
            method: request.method().to_string(),
            authority,
            target: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: request.headers().clone(),
        });
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    if http2 {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(io), service).await;
    } else {
        let server = hyper::server::conn::http1::Builder::new();
        let _ = server.serve_connection(TokioIo::new(io), service).with_upgrades().await;
    }
}

pub(crate) fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

pub(crate) fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(full(text))
}

/// Answers `hello` to anything, once the body is in.
pub(crate) fn hello(request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        let _ = request.into_body().collect().await;
        text("hello")
    })
}

/// Answers with the request's head, and its body behind.
pub(crate) fn echo(request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        let mut out = format!("{} {}\n", request.method(), request.uri()).into_bytes();
        for (name, value) in request.headers() {
            out.extend_from_slice(format!("{name}: ").as_bytes());
            out.extend_from_slice(value.as_bytes());
            out.push(b'\n');
        }
        if let Ok(body) = request.into_body().collect().await {
            out.extend_from_slice(&body.to_bytes());
        }
        text(out)
    })
}
