//! The command line: one file a subcommand. The only place that prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod can;
mod check;
mod checkout;
mod ci;
mod completions;
mod diff;
mod doctor;
mod egress;
mod explain;
mod git_files;
mod init;
mod launch;
mod logging;
mod lsp;
mod operator;
mod plan;
mod runs;
mod schema;
mod target;
mod terminal;
mod trust;
mod ui;

use crate::engine::LaunchError;
use crate::log::{Filter, Sink, install};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Sandboxes for coding agents: the manifest checked, planned and launched.
#[derive(Parser)]
#[command(name = "bot-bottle", version, about, max_term_width = 100)]
#[command(
    after_help = "BOT_BOTTLE_LOG=debug, or egress=trace,engine=debug, says as -v does what is done, each part \
                        at its own level."
)]
struct Cli {
    /// Say on standard error what is done; `-vv` with everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Plan(plan::Args),
    Diff(diff::Args),
    Can(can::Args),
    Launch(launch::Args),
    Exec(launch::ExecArgs),
    Egress(egress::Args),
    Ps(runs::PsArgs),
    Logs(runs::LogsArgs),
    Stop(runs::StopArgs),
    Attach(runs::AttachArgs),
    Trust(trust::Args),
    Untrust(trust::UntrustArgs),
    Doctor(doctor::Args),
    Init(init::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Lsp(lsp::Args),
    Completions(completions::Args),
}

/// Why a command ended without doing its work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Wrong usage, or input that cannot be read: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Something of ours is broken: exit code 3.
    #[error("{0}")]
    Internal(String),
    /// A launch stopped: exit code 125 for a stage that failed, as container engines have it, and 130 for a
    /// cancel, as shells have it for Ctrl-C.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The reason has been printed already; the exit code.
    #[error("printed already")]
    Printed(u8),
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Prints the reason, and returns the exit code.
    fn tell(&self) -> u8 {
        let code = match self {
            Self::Usage(_) => USAGE,
            Self::Internal(_) => INTERNAL,
            Self::Launch(LaunchError::Failed { .. }) => LAUNCH_FAILED,
            Self::Launch(LaunchError::Cancelled { .. }) => CANCELLED,
            Self::Printed(code) => return *code,
        };
        terminal::error(&self.to_string());
        code
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Exit codes; they are documented and stay as they are.
const CLEAN: u8 = 0;
const FINDINGS: u8 = 1;
const USAGE: u8 = 2;
const INTERNAL: u8 = 3;
const LAUNCH_FAILED: u8 = 125;
const CANCELLED: u8 = 130;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = match logging::filter(cli.verbose) {
        Ok(log) => log,
        Err(failure) => return failure.tell().into(),
    };
    // Relative paths would count from somewhere else, and a walk would begin there.
    if std::env::current_dir().is_err() && !matches!(cli.command, Command::Lsp(_)) {
        return Failure::usage("the working folder is gone; go to one that is there").tell().into();
    }
    // A panic is a defect of ours, and has its own exit code.
    let result = std::panic::catch_unwind(|| run(cli.command, log));
    let code = match result {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => failure.tell(),
        Err(_) => {
            terminal::error("internal error; please report it with the message above");
            INTERNAL
        }
    };
    tracing::info!(code, "ended");
    code.into()
}

fn run(command: Command, log: Option<Filter>) -> Result<u8, Failure> {
    // The server's log is a file.
    if let Some(filter) = log.clone().filter(|_| !matches!(command, Command::Lsp(_))) {
        install(filter, Sink::Stderr);
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "begins");
    match command {
        Command::Check(args) => check::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Can(args) => can::run(&args),
        Command::Launch(args) => launch::run(args),
        Command::Exec(args) => launch::exec(args),
        Command::Egress(args) => egress::run(&args),
        Command::Ps(args) => runs::ps(&args),
        Command::Logs(args) => runs::logs(&args),
        Command::Stop(args) => runs::stop(&args),
        Command::Attach(args) => runs::attach(&args),
        Command::Trust(args) => trust::run(&args),
        Command::Untrust(args) => trust::untrust(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Lsp(args) => lsp::run(&args, log),
        Command::Completions(args) => completions::run(&args),
    }
}

/// The command line's own description, for completions.
fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
