//! What carries a guest: bubblewrap, or a container engine.
//!
//! A backend is given the same [`Guest`] and carries it out with its own means. It never asks
//! which agent runs.

mod bubblewrap;
pub(crate) mod limits;
pub(crate) mod seccomp;

use super::child::Prepared;
use super::error::Problem;
use super::guest::Guest;
use super::host::Host;
use super::state::Run;
use super::tree::Owner;
use super::ui::{Cancel, Ui};
use crate::plan::Plan;

/// `--backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// A container engine that runs, else bubblewrap.
    #[default]
    Auto,
    /// bubblewrap on the host's own system folders.
    Bubblewrap,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// Where a guest looks for certificate authorities, and those it has already.
pub(crate) struct TrustStore {
    pub guest_path: String,
    pub roots: Vec<u8>,
}

/// One way of carrying a guest.
pub(crate) trait Backend {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// Whose files the guest's user reads and writes.
    fn owner(&self) -> Owner;

    /// Makes sure that what the guest is made of is there.
    fn image(&mut self, job: &Job<'_>) -> Result<(), Stop>;

    /// The guest's own trust stores.
    fn trust_stores(&self) -> Vec<TrustStore>;

    /// Starts the guest, or makes sure that it can be started.
    fn start(&mut self, guest: &Guest, run: &mut Run, job: &Job<'_>) -> Result<(), Stop>;

    /// A command in the started guest, as the guest's user, in the workspace.
    fn command(&self, argv: &[String], terminal: bool) -> std::io::Result<Prepared>;

    /// Takes away what [`Backend::start`] made.
    fn stop(&mut self);
}

/// What a backend's work is for, and who watches it.
pub(crate) struct Job<'a> {
    pub plan: &'a Plan,
    /// The program to be run in the agent's place.
    pub program: &'a str,
    pub host: &'a Host,
    pub ui: &'a dyn Ui,
    pub cancel: &'a Cancel,
}

/// Why a backend stopped.
pub(crate) enum Stop {
    Cancelled,
    Failed(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// The backend that the operator chose.
pub(crate) fn choose(choice: Choice, host: &Host) -> Result<Box<dyn Backend>, Problem> {
    match choice {
        Choice::Auto | Choice::Bubblewrap => Ok(Box::new(bubblewrap::Bubblewrap::find(host)?)),
        Choice::Docker | Choice::Podman => Err(Problem::io("no container backend", "not built yet")),
    }
}

/// Removes the container of a run whose launcher is gone.
///
/// # Errors
/// Why it may still be there; the next command tries again.
pub(crate) fn container_left_behind(_record: &super::state::Record, _host: &Host) -> Result<(), String> {
    Ok(())
}
