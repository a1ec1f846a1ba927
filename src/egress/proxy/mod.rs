//! The proxy itself: it accepts guests' connections and keeps what they share.
//!
//! `guest` serves a connection, `connect` answers its first request, `tunnel` and `inspect` are
//! what a CONNECT becomes, `forward` takes one request to its upstream and back.

mod admit;
mod answer;
mod connect;
mod credential;
mod dial;
mod escapes;
mod exchange;
mod forward;
mod frames;
pub mod fuzzed;
mod guard;
mod guest;
mod headers;
mod http1;
mod inspect;
mod listen;
mod login;
mod needles;
mod outgoing;
mod pool;
mod redact;
mod refusal;
mod reply;
mod room;
mod sender;
mod share;
mod site;
mod stream;
mod tunnel;
mod websocket;

use super::address::Range;
use super::ca::Authority;
use super::policy::Policy;
use super::shape::never_passes;
use super::{Audit, Credentials, EgressError, Limits, Listen, Options};
use crate::provider::EgressRoute;
use crate::shown::printable;
use credential::Injector;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName};
use listen::{Accepted, Listener};
use rustix::process::{Resource, getrlimit};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{info, warn};

/// What every connection of one egress shares.
pub(crate) struct Shared {
    policy: Policy,
    routes: Vec<Route>,
    guards: guard::Guards,
    credentials: Arc<dyn Credentials>,
    audit: Arc<dyn Audit>,
    ca: Authority,
    pool: pool::Pool,
    room: Arc<room::Room>,
    limits: Limits,
    guest_policy: Option<&'static str>,
    peers: crate::egress::Peers,
    login: Option<login::Doorkeeper>,
}

impl Shared {
    /// Texts of the guest's as the audit and the log may have them: printable, the credentials starred.
    fn masked<const N: usize>(&self, texts: [&str; N]) -> [String; N] {
        let injectors = self.routes.iter().filter_map(|r| r.injector.as_ref());
        let ready: Vec<_> = injectors.filter_map(|i| i.prepare(self.credentials.as_ref()).ok()).collect();
        let all = || ready.iter().map(|c| &*c.needles).chain(self.login.as_ref().map(|l| &l.needles));
        let mask = |text: &str| {
            all().fold(None, |masked: Option<Vec<u8>>, needles| {
                needles.mask(masked.as_deref().unwrap_or(text.as_bytes())).or(masked)
            })
        };
        texts.map(|text| match mask(text) {
            Some(masked) => printable(&String::from_utf8_lossy(&masked)),
            None => printable(text),
        })
    }
}

/// What the proxy needs of a route, ready for use; the policy keeps the rest.
pub(crate) struct Route {
    host: Arc<str>,
    exceptions: Vec<Range>,
    injector: Option<Injector>,
    is_git: bool,
    /// Headers that the rules below would remove, and the manifest lets through.
    pass_headers: Vec<HeaderName>,
    placeholder: Option<String>,
}

impl Route {
    fn new(route: &EgressRoute, options: &Options) -> Result<Self, EgressError> {
        let range = |text: &String| {
            Range::parse(text)
                .ok_or_else(|| EgressError::Range { host: route.host.clone(), range: text.clone() })
        };
        let issued = options.issued_bearers.iter().find(|i| i.host == route.host);
        Ok(Self {
            host: route.host.as_str().into(),
            exceptions: route.ssrf_ip_allowlist.iter().map(range).collect::<Result<_, _>>()?,
            injector: Injector::new(route)?,
            is_git: route.git.is_some(),
            pass_headers: passed(&route.pass_headers),
            placeholder: issued.map(|i| i.placeholder.clone()),
        })
    }

    /// Whether the guest sends a bearer that the upstream gave it, on a route that lets it.
    fn issued_bearer(&self, headers: &HeaderMap) -> bool {
        let Some(placeholder) = &self.placeholder else { return false };
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(one), None) = (values.next(), values.next()) else { return false };
        one.as_bytes().strip_prefix(b"Bearer ").is_some_and(|v| !v.is_empty() && v != placeholder.as_bytes())
    }
}

/// What of a route's `pass_headers` can be let through; the rest is the rules' to find.
fn passed(names: &[String]) -> Vec<HeaderName> {
    names.iter().filter(|n| never_passes(n).is_none()).filter_map(|n| n.parse().ok()).collect()
}

/// An egress at work. Dropping it ends every connection.
pub struct Running {
    shared: Arc<Shared>,
    address: Listen,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    /// The certificate that the guest must trust, as PEM. Its key never leaves this process.
    pub fn ca_certificate_pem(&self) -> &str {
        self.shared.ca.certificate_pem()
    }

    /// Where it listens; a port 0 has become a real one.
    pub fn address(&self) -> &Listen {
        &self.address
    }

    /// Ends every connection and takes the socket away.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        if let Listen::Unix(path) = &self.address {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Starts an egress on the current runtime.
///
/// # Errors
/// When it cannot listen, has nothing to verify upstreams with, or an option is wrong.
pub async fn start(options: Options, listen: Listen) -> Result<Running, EgressError> {
    if let (Some(address), None) = (listen.outside(), &options.login) {
        return Err(EgressError::Login(address));
    }
    let login = options.login.as_ref().map(login::Doorkeeper::new).transpose();
    let routes = options.routes.iter().map(|r| Route::new(r, &options)).collect::<Result<_, _>>()?;
    let shared = Arc::new(Shared {
        policy: Policy::new(&options.routes),
        routes,
        guards: guard::Guards::default(),
        ca: Authority::new(options.routes.iter().map(|r| r.host.as_str()))?,
        pool: pool::Pool::new(dial::Dialer::new(&options)?, options.limits),
        room: room::Room::new(&options.limits, room_in_files()),
        credentials: options.credentials,
        audit: options.audit,
        limits: options.limits,
        guest_policy: options.guest_policy,
        peers: options.peers,
        login: login.map_err(|_| EgressError::Tls(rustls::Error::FailedToGetRandomBytes))?,
    });
    let (listener, address) = Listener::bind(listen).await?;
    info!(routes = options.routes.len(), "listens");
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(accept(shared.clone(), listener, stopped));
    Ok(Running { shared, address, stop: Some(stop), task })
}

/// Accepts connections until asked to stop; then all of them end with the set of their tasks.
async fn accept(shared: Arc<Shared>, listener: Listener, mut stopped: oneshot::Receiver<()>) {
    let mut guests = JoinSet::new();
    let mut sweep = tokio::time::interval(Duration::from_secs(5));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = guests.join_next() => continue,
            _ = sweep.tick() => {
                shared.pool.sweep();
                shared.audit.flush();
                continue;
            }
            _ = &mut stopped => return,
        };
        let Ok(accepted) = accepted else {
            warn!("no connection can be taken");
            // Out of files, most likely: those in use will be given back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if !accepted.may_come_from(shared.peers) {
            warn!("a process that is not the guest's is turned away");
            continue;
        }
        let shared = shared.clone();
        guests.spawn(async move {
            match accepted {
                Accepted::Tcp(tcp) => guest::serve(shared, tcp).await,
                Accepted::Unix(unix) => guest::serve(shared, unix).await,
            }
        });
    }
}

/// A guest's connection takes up to two files (its own and the upstream's), and some are needed elsewhere.
fn room_in_files() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(64) / 2).unwrap_or(usize::MAX).max(1)
}
