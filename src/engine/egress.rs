//! The launch's egress: the proxy in this process, on a socket that this guest alone sees.

use super::credentials::HostCredentials;
use super::error::Problem;
use super::open_files::raise_open_files;
use super::state::{Run, private_file};
use super::tree::Owner;
use crate::egress::{
    self, Audit, Credentials, FileAudit, IssuedBearer, Listen, Peers, Resolve, Running, pipelock_config,
};
use crate::plan::{GUEST_POLICY, Plan};
use crate::provider::{self, AuthScheme, RouteOwner, Secret, TokenRef};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The operator's settings for the way upstream; never the manifest's.
#[derive(Debug, Clone, Default)]
pub struct Upstream {
    /// `--resolve`: send these names there.
    pub resolve: Vec<Resolve>,
    /// `--upstream-ca`: also trust this CA.
    pub ca: Option<PathBuf>,
    /// `--upstream-proxy`: `http://HOST:PORT`.
    pub proxy: Option<String>,
    /// `--pipelock-config`: where that proxy's configuration is written, if it is pipelock.
    pub pipelock_config: Option<PathBuf>,
    /// `--remote-control`: bearers that the provider's own hosts issue to the guest pass.
    pub remote_control: bool,
}

impl Credentials for HostCredentials {
    fn get(&self, token_ref: &TokenRef) -> Option<Secret> {
        HostCredentials::get(self, token_ref)
    }
}

impl Upstream {
    /// Whether what it names is there.
    ///
    /// # Errors
    /// When the certificate authority cannot be read.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let Some(ca) = &self.ca else { return Ok(()) };
        let what = || format!("the certificate authority {} cannot be read", ca.display());
        let help = "correct `upstream_ca` in the configuration, or `--upstream-ca`";
        fs::read(ca).map(drop).map_err(|e| Problem::new(what(), e, help))
    }

    /// What the egress of a plan is started with; writes the parent proxy's configuration first.
    ///
    /// # Errors
    /// When that file cannot be written.
    pub fn options(
        &self,
        plan: &Plan,
        credentials: HostCredentials,
        audit: Arc<dyn Audit>,
    ) -> Result<egress::Options, Problem> {
        if let Some(path) = &self.pipelock_config {
            write_pipelock(path, plan)
                .map_err(|e| Problem::io(format!("cannot write {}", path.display()), e))?;
        }
        let mut options = egress::Options::new(plan.egress_routes.clone(), Arc::new(credentials), audit);
        options.resolve = self.resolve.clone();
        options.upstream_ca = self.ca.clone();
        options.upstream_proxy = self.proxy.clone();
        if self.remote_control {
            options.issued_bearers = issued_bearers(plan);
        }
        Ok(options)
    }
}

/// The file is whole or as it was, and its owner's alone: it names hosts, and no credential.
fn write_pipelock(path: &Path, plan: &Plan) -> io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    let _ = fs::remove_file(&next);
    private_file(Path::new(&next))?.write_all(pipelock_config(&plan.egress_routes).as_bytes())?;
    fs::rename(next, path)
}

/// The provider's own routes with a bearer, each with the placeholder that stands for it.
fn issued_bearers(plan: &Plan) -> Vec<IssuedBearer> {
    let remote = provider::get(plan.template).is_some_and(|p| p.has_remote_control());
    let hidden = |(name, _): &&(String, String)| plan.hidden_env_names.contains(&name.as_str());
    let Some((_, placeholder)) = plan.env_vars.iter().find(hidden) else { return Vec::new() };
    let owned = plan.egress_routes.iter().filter(|r| {
        let bearer = r.auth.as_ref().is_some_and(|auth| auth.scheme == AuthScheme::Bearer);
        remote && bearer && r.owner == RouteOwner::Provider
    });
    owned.map(|route| IssuedBearer { host: route.host.clone(), placeholder: placeholder.clone() }).collect()
}

/// The running egress and the threads that it runs on.
pub(crate) struct Gate {
    runtime: Runtime,
    running: Option<Running>,
}

impl Gate {
    /// Starts the egress for a plan.
    pub(crate) fn open(
        plan: &Plan,
        credentials: HostCredentials,
        upstream: &Upstream,
        run: &Run,
        owner: Owner,
    ) -> Result<Self, Problem> {
        let what = "the egress does not start";
        raise_open_files();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("egress")
            .enable_all()
            .build()
            .map_err(|e| Problem::io(what, e))?;
        let audit = FileAudit::open(&run.record.audit)
            .map_err(|e| Problem::io(format!("cannot write the audit {}", run.record.audit.display()), e))?;
        let mut options = upstream.options(plan, credentials, Arc::new(audit))?;
        options.guest_policy = Some(GUEST_POLICY);
        options.peers = Peers::Guests;
        let socket = run.net_dir().join("egress.sock");
        let running = runtime
            .block_on(egress::start(options, Listen::Unix(socket.clone())))
            .map_err(|e| Problem::io(what, e))?;
        // The guest's user connects to it, and nobody else can reach its folder.
        owner.give_all(&run.net_dir()).map_err(|e| Problem::io(what, e))?;
        Ok(Self { runtime, running: Some(running) })
    }

    /// The certificate of the authority that was made for this launch.
    pub(crate) fn certificate(&self) -> &str {
        self.running.as_ref().map_or("", Running::ca_certificate_pem)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}
