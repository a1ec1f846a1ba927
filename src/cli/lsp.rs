//! `bot-bottle lsp`.

use super::{CLEAN, FINDINGS, Failure, logging, operator, terminal};
use crate::log::Filter;
use crate::lsp::{Ended, Operator, serve};
use std::path::PathBuf;

/// Speak the Language Server Protocol on standard input and output.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Accepted because editors pass it; there is no other way to connect.
    #[arg(long, hide = true)]
    stdio: bool,
    /// Accepted because editors pass it; the request `initialize` says the same.
    #[arg(long = "clientProcessId", value_name = "PID", hide = true)]
    client_process_id: Option<u32>,
    /// Log into this file, an absolute path. With `-v` alone the log is `lsp/server.log` in the state folder.
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    #[command(flatten)]
    operator: operator::Operator,
}

pub(super) fn run(args: &Args, log: Option<Filter>) -> Result<u8, Failure> {
    if let Some(path) = &args.log_file {
        if !path.is_absolute() {
            return Err(Failure::usage(
                "--log-file takes an absolute path: an editor may start this anywhere",
            ));
        }
        logging::into_file(log.clone().unwrap_or_else(Filter::usual), path)?;
    }
    // What is wrong with the operator's configuration hinders launches, not the editor.
    let operator = operator(args).inspect_err(|failure| terminal::error(&failure.to_string())).ok();
    if let (Some(filter), None) = (log, &args.log_file) {
        // Without a log the editor is served all the same.
        let path = operator.as_ref().map(|operator| operator.state.server_log());
        let path = path.transpose().map_err(|e| Failure::usage(format!("cannot make the log's folder: {e}")));
        let logs = path.and_then(|path| path.map_or(Ok(()), |path| logging::into_file(filter, &path)));
        let _ = logs.inspect_err(|failure| terminal::error(&failure.to_string()));
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "begins");
    if operator.is_none() {
        tracing::warn!("the configuration cannot be read, so nothing is launched");
    }
    match serve(terminal::layout(), operator)? {
        Ended::Orderly => Ok(CLEAN),
        // The protocol asks for 1 when `exit` comes without `shutdown`.
        Ended::Abrupt => Ok(FINDINGS),
    }
}

fn operator(args: &Args) -> Result<Operator, Failure> {
    // The working folder of a server is the editor's choice, and often a project.
    if let Some(path) = args.operator.relative() {
        return Err(Failure::usage(format!(
            "{} is a relative path; give the server absolute ones",
            path.display()
        )));
    }
    // What holds now holds for what is launched, whatever the environment of an editor's terminal says.
    let (joined, backend) = args.operator.joined()?;
    let program = std::env::current_exe()?;
    Ok(Operator { program, state: joined.settings()?.state, backend, options: joined.words() })
}
