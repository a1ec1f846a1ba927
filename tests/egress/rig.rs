//! An egress at work, with a test authority, an audit in memory and stand-in upstreams.

use crate::upstream::{Handler, Upstream};
use bot_bottle::egress::code::Code;
use bot_bottle::egress::{
    Audit, AuditLine, Credentials, EndLine, Limits, Listen, Options, Recorded, RequestLine, Resolve, Running,
    SystemLookup, start,
};
use bot_bottle::provider::{AuthScheme, EgressRoute, RouteAuth, RouteOwner, Secret, TokenRef};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// A certificate authority for the stand-ins.
pub(crate) struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl TestCa {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A server configuration for names.
    pub(crate) fn server(&self, names: &[&str], alpn: &[&str]) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("parameters");
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .expect("a configuration");
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// The schema of an audit line.
static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../../schema/audit.schema.json")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
});

/// Audit lines in memory, each of which has the form that the schema says.
#[derive(Default)]
pub(crate) struct Lines {
    text: Mutex<Vec<u8>>,
    /// The disk is full.
    pub(crate) full: AtomicBool,
}

impl Audit for Lines {
    fn write(&self, line: &AuditLine) -> io::Result<()> {
        if self.full.load(SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let json = serde_json::to_string(line)?;
        let instance = serde_json::from_str(&json)?;
        assert!(SCHEMA.is_valid(&instance), "{json}: {:?}", SCHEMA.validate(&instance));
        self.text.lock().expect("lines").extend([json.as_bytes(), b"\n"].concat());
        Ok(())
    }
}

impl Lines {
    /// The requests that are over, in the order of their ends.
    fn ended(&self) -> Vec<(RequestLine, EndLine)> {
        let text = self.text.lock().expect("lines").clone();
        let mut all = Vec::new();
        let both = |r: Recorded| all.extend(r.end.clone().map(|end| (r.request, end)));
        Recorded::each(&text[..], both).expect("read");
        all
    }

    /// Every line.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.text.lock().expect("lines").clone()).expect("UTF-8")
    }
}

/// What the audit says of a request that is over.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) request: RequestLine,
    pub(crate) end: EndLine,
}

impl Line {
    /// Why it was refused or failed.
    pub(crate) fn code(&self) -> Option<&'static str> {
        self.request.code.or(self.end.code).map(Code::word)
    }

    pub(crate) fn is_denied(&self) -> bool {
        Recorded { request: self.request.clone(), end: Some(self.end.clone()) }.is_denied()
    }
}

/// Credentials that can change while the egress works.
#[derive(Default)]
pub(crate) struct Vault(pub(crate) Mutex<HashMap<String, String>>);

impl Credentials for Vault {
    fn get(&self, token_ref: &TokenRef) -> Option<Secret> {
        self.0.lock().expect("vault").get(token_ref.name()).map(Secret::new)
    }
}

/// What a test starts from; `start` makes it a [`Rig`].
pub(crate) struct Setup {
    pub(crate) ca: TestCa,
    pub(crate) options: Options,
    pub(crate) lines: Arc<Lines>,
    vault: Arc<Vault>,
    dir: tempfile::TempDir,
}

/// A host variable's value, which appears in no source.
pub(crate) fn secret() -> String {
    ["sk", "test", "4f2a9c81d7e6"].join("-")
}

/// A route to everything on a host.
pub(crate) fn route(host: &str) -> EgressRoute {
    EgressRoute::new(host, RouteOwner::Manifest)
}

/// A route with the credential `TOKEN`.
pub(crate) fn with_auth(host: &str) -> EgressRoute {
    let auth = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("TOKEN") };
    EgressRoute { auth: Some(auth), ..route(host) }
}

/// A route that is looked into, without a credential.
pub(crate) fn inspected(host: &str) -> EgressRoute {
    EgressRoute { path_allowlist: Some(vec!["/".into()]), ..route(host) }
}

impl Setup {
    pub(crate) fn new(routes: Vec<EgressRoute>) -> Self {
        let (ca, dir) = (TestCa::new(), tempfile::tempdir().expect("a folder"));
        let file = dir.path().join("upstream-ca.pem");
        std::fs::write(&file, &ca.pem).expect("a file");
        let lines = Arc::new(Lines::default());
        let vault = Arc::new(Vault::default());
        vault.0.lock().expect("vault").insert("TOKEN".into(), secret());
        let mut options = Options::new(routes, vault.clone(), lines.clone());
        options.upstream_ca = Some(file);
        options.lookup = Arc::new(SystemLookup);
        options.limits = Limits { head: Duration::from_secs(5), ..Limits::default() };
        Self { ca, options, lines, vault, dir }
    }

    /// An upstream for `host`, over TLS, that offers these protocols.
    pub(crate) async fn upstream(&mut self, host: &str, alpn: &[&str], handler: impl Handler) -> Upstream {
        let upstream = Upstream::tls(self.ca.server(&[host], alpn), handler).await;
        self.lead(host, 443, upstream.address);
        upstream
    }

    /// Sends a name to an address.
    pub(crate) fn lead(&mut self, host: &str, port: u16, to: SocketAddr) {
        self.options.resolve.push(Resolve::new(host, port, to));
    }

    pub(crate) async fn start(self) -> Rig {
        self.start_on(Listen::Tcp(([127, 0, 0, 1], 0).into())).await
    }

    pub(crate) async fn start_on(self, listen: Listen) -> Rig {
        let egress = start(self.options, listen).await.expect("the egress starts");
        let ca_file = self.dir.path().join("launch-ca.pem");
        std::fs::write(&ca_file, egress.ca_certificate_pem()).expect("a file");
        Rig { egress, lines: self.lines, vault: self.vault, ca_file, _dir: self.dir }
    }
}

/// An egress at work.
pub(crate) struct Rig {
    pub(crate) egress: Running,
    pub(crate) lines: Arc<Lines>,
    pub(crate) vault: Arc<Vault>,
    /// The launch's certificate, as a guest would have it.
    pub(crate) ca_file: PathBuf,
    _dir: tempfile::TempDir,
}

impl Rig {
    pub(crate) fn address(&self) -> SocketAddr {
        match self.egress.address() {
            Listen::Tcp(address) => *address,
            Listen::Unix(path) => panic!("the rig listens on {}", path.display()),
        }
    }

    /// The audit once `count` requests are over; panics if they do not come or there are more.
    pub(crate) async fn audit(&self, count: usize) -> Vec<Line> {
        let lines = &self.lines;
        until(|| lines.ended().len() >= count, || format!("{count} requests in {}", lines.text())).await;
        let ended = lines.ended();
        assert_eq!(ended.len(), count, "{ended:#?}");
        ended.into_iter().map(|(request, end)| Line { request, end }).collect()
    }

    /// The codes of the requests that are over, `ok` for none.
    pub(crate) async fn codes(&self, count: usize) -> Vec<String> {
        self.audit(count).await.iter().map(|l| l.code().unwrap_or("ok").to_owned()).collect()
    }
}

/// Waits for a condition; panics with what was awaited after ten seconds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool, what: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {}", what());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
