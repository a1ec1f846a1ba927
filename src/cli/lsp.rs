//! `bot-bottle lsp`.

use super::{CLEAN, FINDINGS, Failure, operator, terminal};
use crate::lsp::{Ended, Operator, serve};

/// Speak the Language Server Protocol on standard input and output.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Accepted because editors pass it; there is no other way to connect.
    #[arg(long, hide = true)]
    stdio: bool,
    /// Accepted because editors pass it; the request `initialize` says the same.
    #[arg(long = "clientProcessId", value_name = "PID", hide = true)]
    client_process_id: Option<u32>,
    #[command(flatten)]
    operator: operator::Operator,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    // What is wrong with the operator's configuration hinders launches, not the editor.
    let operator = operator(args).inspect_err(|failure| terminal::error(&failure.to_string())).ok();
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
