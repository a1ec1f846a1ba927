//! What is said of a launch before anything is made: the stages `check` and `credentials`.
//!
//! A launch begins with them, and a dry run is nothing else. So it says no where a launch would, in
//! the same words.

use super::backend::{self, Backend, BackendKind, Stop};
use super::{Cancel, Choice, Host, HostCredentials, LaunchError, Options, Problem, Stage, Stream, Ui};
use super::{env, files, guest, workspace};
use crate::check::Cleared;
use crate::plan::Plan;
use std::path::{Path, PathBuf};

/// What the check stage found.
pub(super) struct Checked {
    /// What is run in the guest.
    pub argv: Vec<String>,
    /// The workspace's host folder.
    pub workspace: PathBuf,
    /// What carries the guest; it has all that it needs of the host.
    pub backend: Box<dyn Backend>,
}

/// The check stage. `found` hears which backend it came to, and the workspace's real folder.
pub(super) fn check(
    plan: &Plan,
    sources: &[PathBuf],
    options: &Options,
    found: impl FnOnce(BackendKind, &Path),
) -> Result<Checked, Stop> {
    let argv = argv(plan, options)?;
    if !plan.unsupported.is_empty() {
        let help = "take them out of the manifest";
        let why = format!("not carried out by this version: {}", plan.unsupported.join(", "));
        return Err(Problem::new("the manifest asks for more than can be done", why, help).into());
    }
    options.upstream.check()?;
    guest::check_paths(plan)?;
    files::check_sources(plan, &options.host)?;
    workspace::check_sources(plan, &options.looked, &options.host, &options.state)?;
    let workspace = workspace::host_folder(plan, &options.looked, &options.host, &options.state)?;
    workspace::check_manifests(plan, sources, &workspace, &options.host)?;
    let mut backend = backend::choose(options.backend, &options.host, &options.cancel)?;
    found(backend.kind(), &workspace);
    backend.check(plan, &programs(plan, &argv[0]), &options.host, &options.looked)?;
    Ok(Checked { argv, workspace, backend })
}

fn argv(plan: &Plan, options: &Options) -> Result<Vec<String>, Problem> {
    let argv = options.command.as_ref().unwrap_or(&plan.argv).clone();
    if argv.first().is_none_or(String::is_empty) {
        return Err(Problem::io("there is nothing to run", "the command line is empty"));
    }
    Ok(argv)
}

/// What is run in the guest: a plan is verified with the agent's own program, whatever runs in its
/// place.
fn programs<'a>(plan: &'a Plan, first: &'a str) -> Vec<&'a str> {
    let used = |c: &crate::provider::GuestCommand| c.argv.iter().any(|word| word == plan.command);
    let agent = (plan.command != first && plan.verify.iter().any(used)).then_some(plan.command);
    std::iter::once(first).chain(agent).collect()
}

/// What the credentials stage gives: the routes' credentials, and the guest's environment.
type Collected = (HostCredentials, Vec<(String, String)>);

/// The credentials stage: everything that is taken from the host's environment and logins.
pub(super) fn credentials(
    plan: &Plan,
    host: &Host,
    terminal: bool,
    ui: &dyn Ui,
) -> Result<Collected, Problem> {
    Ok((HostCredentials::collect(plan, host)?, env::resolve(plan, host, terminal, ui)?))
}

/// The backend that a choice selects on this host.
///
/// # Errors
/// When there is none, with what to install.
pub fn backend_kind(choice: Choice, host: &Host) -> Result<BackendKind, Problem> {
    match backend::choose(choice, host, &Cancel::default()) {
        Ok(backend) => Ok(backend.kind()),
        Err(Stop::Failed(problem)) => Err(problem),
        Err(Stop::Cancelled) => Err(Problem::io("the question was stopped", "cancelled")),
    }
}

/// What a launch would do if it began now.
#[derive(Debug)]
pub struct DryRun {
    /// What would carry the guest, and the workspace's real folder; `None` where the check ended before it got there.
    pub found: Option<(BackendKind, PathBuf)>,
    /// Why there would be no launch.
    pub refused: Option<LaunchError>,
}

impl DryRun {
    /// What would carry the guest.
    pub fn backend(&self) -> Option<BackendKind> {
        self.found.as_ref().map(|(backend, _)| *backend)
    }

    /// The host folder that the guest would have as its workspace.
    pub fn workspace(&self) -> Option<&Path> {
        self.found.as_ref().map(|(_, workspace)| workspace.as_path())
    }
}

/// Carries out what a launch does before it makes anything. What it collects is dropped at once.
pub fn dry_run(cleared: &Cleared, options: &Options) -> DryRun {
    let _span = tracing::info_span!("dry run", name = cleared.plan().name).entered();
    let mut found = None;
    let refused = env::fill_paths(cleared.plan(), &options.host)
        .map_err(|problem| Stop::from(problem).at(Stage::Check))
        .and_then(|plan| {
            let hears = |kind, workspace: &Path| found = Some((kind, workspace.to_owned()));
            check(&plan, cleared.sources(), options, hears).map_err(|stop| stop.at(Stage::Check))?;
            let collected = credentials(&plan, &options.host, true, &Answered);
            collected.map_err(|problem| Stop::from(problem).at(Stage::Credentials))
        });
    DryRun { found, refused: refused.err() }
}

/// A person who has an answer to each question: a dry run asks none.
struct Answered;

impl Ui for Answered {
    fn stage(&self, _: Stage) {}
    fn note(&self, _: &str) {}
    fn progress(&self, _: &str) {}
    fn ask(&self, _: &str) -> Option<String> {
        Some(String::new())
    }
    fn output(&self, _: Stream, _: &[u8]) {}
}
