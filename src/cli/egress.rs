//! `bot-bottle egress`.

use super::operator::Operator;
use super::trust::{ask_for_trust, bottle_of, looked};
use super::{CLEAN, Failure, USAGE, target, terminal};
use crate::disk::Disk;
use crate::egress::{self, Audit, AuditLine, FileAudit, Listen, Login};
use crate::engine::{HostCredentials, raise_open_files};
use crate::manifest::Catalog;
use crate::provider::Start;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// Run a bottle's egress proxy alone.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A manifest, or the name of an agent or a bottle.
    #[arg(value_name = "FILE[#NAME]")]
    target: String,
    /// Where it listens: a Unix socket, or an address. Where other machines reach it, it makes a login for its clients and
    /// prints it once.
    #[arg(long, value_name = "ADDR|unix:PATH")]
    listen: String,
    /// Write the launch's certificate here, for clients to trust.
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
    /// Append the audit to this file; by default it goes to standard output.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    #[command(flatten)]
    operator: Operator,
}

/// Audit lines on standard output.
struct PrintedAudit;

impl Audit for PrintedAudit {
    /// A reader that went away is an error: what it does not read is not recorded.
    fn write(&self, line: &AuditLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&text).and_then(|()| out.flush())
    }
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let settings = args.operator.settings()?;
    let layout = terminal::layout();
    let catalog = Catalog::new(&Disk, &layout);
    let found = target::open(&args.target, &catalog)?;
    let cleared = target::cleared(&found, &catalog, &Start::default())?;
    let plan = cleared.plan();
    let bottle = bottle_of(&found, &catalog, &looked(&settings.host)?)?;
    if !ask_for_trust(&bottle, &cleared, &settings.state, &layout)? {
        return Ok(USAGE);
    }
    let listen = Listen::parse(&args.listen).map_err(Failure::usage)?;
    let credentials =
        HostCredentials::collect(plan, &settings.host).map_err(|p| Failure::usage(p.to_string()))?;
    let audit: Arc<dyn Audit> = match &args.audit {
        None => Arc::new(PrintedAudit),
        Some(path) => {
            Arc::new(FileAudit::open(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?)
        }
    };
    let options = settings.upstream.options(plan, credentials, audit);
    let mut options = options.map_err(|p| Failure::usage(p.to_string()))?;
    let login = listen.outside().map(|_| Login::generate()).transpose()?;
    // Only here is it ever shown.
    let said = login.as_ref().map(|l| format!("{}:{}@", Login::USER, l.secret()));
    options.login = login;
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let running = egress::start(options, listen).await.map_err(|e| Failure::usage(e.to_string()))?;
        if let Some(path) = &args.ca_out {
            std::fs::write(path, running.ca_certificate_pem())
                .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
        }
        let on = match running.address() {
            Listen::Tcp(address) => address.to_string(),
            Listen::Unix(path) => format!("unix:{}", path.display()),
        };
        eprintln!("listening on {on}");
        if let Some(said) = said {
            eprintln!("clients log in with: HTTPS_PROXY=http://{said}{on}");
        }
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        running.stop().await;
        Ok(CLEAN)
    })
}
