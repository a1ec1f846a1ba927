//! The command line of a container engine, and what marks that it is at work for a run.

use super::{Engine, Stop};
use crate::engine::child::{self, Prepared, Stopped};
use crate::engine::error::Problem;
use crate::engine::host::Host;
use crate::engine::state::private_file;
use crate::engine::ui::Cancel;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

/// By this label a person finds our containers; its value is the run's id.
const LABEL: &str = "bot-bottle.run";

pub(crate) const START_DAEMON: &str = "start it, set DOCKER_HOST, or choose --backend bubblewrap";

/// A container engine's command line.
pub(crate) struct Cli {
    pub engine: Engine,
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
    /// Where the client runs: Podman's monitor leaves a file there when a guest is out of memory.
    folder: PathBuf,
}

impl Cli {
    /// The engine's client on this host; `None` where it is not installed.
    pub(crate) fn find(engine: Engine, host: &Host) -> Option<Self> {
        let program = host.find_program(engine.name())?;
        // Where the daemon is and how it is reached; no other variable of the host, for among
        // them are the credentials.
        let wanted = |name: &str| {
            ["PATH", "HOME", "USER", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR"]
                .contains(&name)
                || ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"]
                    .contains(&name)
                || ["DOCKER_BUILDKIT", "BUILDKIT_PROGRESS", "CONTAINER_HOST", "CONTAINERS_CONF"]
                    .contains(&name)
                || ["CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF"].contains(&name)
        };
        let vars = host.vars().filter(|(name, _)| name.to_str().is_some_and(wanted));
        let mut env: Vec<_> = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !env.iter().any(|(name, _)| name == "HOME") {
            env.push(("HOME".into(), host.home().into()));
        }
        Some(Self { engine, program, env, folder: PathBuf::from("/") })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.env.iter().map(|(n, v)| (n, v))).current_dir(&self.folder);
        command
    }

    /// Runs the client; its output where it succeeds, the end of it as the error where not.
    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: &[S],
        cancel: &Cancel,
    ) -> Result<String, CliError> {
        let mut command = self.command();
        command.args(args);
        // The verb alone: behind it stand variables with their values.
        tracing::debug!(engine = self.engine.name(), verb = child::name(args.first()), "ask");
        match child::run(Prepared::new(command), cancel, |_| {}) {
            Ok((0, output)) => Ok(output),
            // A client that reached no daemon fills its `--format` with nothing first.
            Ok((_, output)) => {
                Err(CliError::Refused(output.trim_start().trim_start_matches("[]").trim_start().to_owned()))
            }
            Err(Stopped::Cancelled) => Err(CliError::Cancelled),
            Err(Stopped::Failed(e)) => Err(CliError::Refused(e.to_string())),
        }
    }

    /// Whether the engine answers, and what Docker says of its security. Asked once a launch: the
    /// client's start alone takes as long as many a sandbox.
    pub(crate) fn answers(&self, cancel: &Cancel) -> Result<String, CliError> {
        let format = match self.engine {
            Engine::Docker => "{{.ServerVersion}} {{.SecurityOptions}}",
            Engine::Podman => "{{.Version.Version}}",
        };
        self.run(&["info", "--format", format], cancel)
    }
}

/// What the client said.
#[derive(Debug)]
pub(crate) enum CliError {
    Cancelled,
    Refused(String),
}

impl CliError {
    /// As the failure of something that was being done.
    pub(crate) fn at(self, what: &str, help: &str) -> Stop {
        match self {
            Self::Cancelled => Stop::Cancelled,
            Self::Refused(why) => Stop::Failed(Problem::new(what, why, help)),
        }
    }

    /// In a line, for what goes on after it.
    pub(super) fn words(self) -> String {
        match self {
            Self::Cancelled => "cancelled".to_owned(),
            Self::Refused(why) => why,
        }
    }
}

/// The label of all containers of a run.
pub(super) fn label(run: &str) -> String {
    format!("{LABEL}={run}")
}

/// Says in the run's folder that a client is making a container, for as long as it does.
///
/// A launcher that is killed meanwhile leaves a client and a daemon at work, so a container that
/// is not there yet may still come.
pub(super) struct Making(PathBuf);

/// After it, a container does not come any more.
const MAKING: Duration = Duration::from_secs(120);

impl Making {
    pub(super) fn mark(run: &Path) -> io::Result<Self> {
        let mark = run.join("making");
        private_file(&mark).map(|_| Self(mark))
    }

    /// Whether a client may still be making one.
    pub(super) fn is_under_way(run: &Path) -> bool {
        let made = fs::metadata(run.join("making")).and_then(|m| m.modified());
        made.is_ok_and(|made| made.elapsed().unwrap_or_default() < MAKING)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
