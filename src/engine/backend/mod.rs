//! What carries a guest: bubblewrap, or a container engine.
//!
//! A backend is given the same [`Guest`] and carries it out with its own means. It never asks
//! which agent runs.

mod another_user;
mod bubblewrap;
mod container;
mod container_cli;
mod image;
mod kind;
pub(crate) mod limits;
pub(crate) mod seccomp;

use super::child::Prepared;
use super::error::{LaunchError, Problem, Stage};
use super::guest::Guest;
use super::host::Host;
use super::looked::Looked;
use super::state::{Run, StateDir};
use super::tree::Owner;
use super::ui::{Cancel, Ui};
use crate::plan::Plan;
pub(crate) use container::left_behind as container_left_behind;
pub use kind::{BackendKind, Choice, Engine};
use std::path::Path;

/// Where a guest looks for certificate authorities, and those it has already.
pub(crate) struct TrustStore {
    pub guest_path: String,
    pub roots: Vec<u8>,
}

/// One way of carrying a guest.
pub(crate) trait Backend {
    /// Which one it is.
    fn kind(&self) -> BackendKind;

    /// Whose files the guest's user reads and writes.
    fn owner(&self) -> Owner;

    /// Finds on the host all that the guest is made of; makes nothing. Part of the check stage.
    ///
    /// # Errors
    /// What is missing, and what to do.
    fn check(&mut self, plan: &Plan, programs: &[&str], host: &Host, looked: &Looked) -> Result<(), Problem>;

    /// Makes sure that what the guest is made of is there.
    fn image(&mut self, job: &Job<'_>) -> Result<(), Stop>;

    /// The guest's own trust stores.
    fn trust_stores(&self) -> Vec<TrustStore>;

    /// Starts the guest, or makes sure that it can be started.
    fn start(&mut self, guest: &Guest, run: &mut Run, job: &Job<'_>) -> Result<(), Stop>;

    /// A command in the started guest, as the guest's user, in the workspace.
    fn command(&self, argv: &[String], terminal: bool) -> std::io::Result<Prepared>;

    /// Whether the guest still stands, asked when the agent failed.
    fn stands(&self) -> Result<(), Problem> {
        Ok(())
    }

    /// Takes away what [`Backend::start`] made.
    ///
    /// # Errors
    /// Why some of it may still be there; the run's record then stays for the next command.
    fn stop(&mut self) -> Result<(), String>;
}

/// What a backend's work is for, and who watches it.
pub(crate) struct Job<'a> {
    pub plan: &'a Plan,
    /// What a person was asked about.
    pub looked: &'a Looked,
    pub state: &'a StateDir,
    /// The run's id and its folder.
    pub run: (&'a str, &'a Path),
    pub ui: &'a dyn Ui,
    pub cancel: &'a Cancel,
}

/// Why a backend stopped.
pub(crate) enum Stop {
    Cancelled,
    Failed(Problem),
}

impl Stop {
    /// The launch's error, where this is the stage that stopped.
    pub(crate) fn at(self, stage: Stage) -> LaunchError {
        match self {
            Self::Cancelled => LaunchError::Cancelled { stage },
            Self::Failed(problem) => LaunchError::Failed { stage, problem },
        }
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// The backend that the operator chose.
pub(crate) fn choose(choice: Choice, host: &Host, cancel: &Cancel) -> Result<Box<dyn Backend>, Stop> {
    let found = |engine| container_cli::Cli::find(engine, host);
    match choice {
        Choice::Of(BackendKind::Bubblewrap) => Ok(Box::new(bubblewrap::Bubblewrap::find(host)?)),
        Choice::Of(BackendKind::Container(engine)) => {
            let (name, title) = (engine.name(), engine.title());
            let install = format!("install {title}, or choose --backend bubblewrap");
            let missing = || Problem::new(format!("{name} cannot be used"), "it is not on PATH", install);
            let cli = found(engine).ok_or_else(missing)?;
            let what = format!("{name} does not answer");
            let info = cli.answers(cancel).map_err(|e| e.at(&what, container_cli::START_DAEMON))?;
            Ok(Box::new(container::Container::new(cli, info)))
        }
        Choice::Auto => {
            for engine in Engine::ALL {
                let answer = found(engine).and_then(|cli| Some((cli.answers(cancel).ok()?, cli)));
                if let Some((info, cli)) = answer {
                    return Ok(Box::new(container::Container::new(cli, info)));
                }
            }
            Ok(Box::new(bubblewrap::Bubblewrap::find(host)?))
        }
    }
}
