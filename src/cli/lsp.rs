//! `bot-bottle lsp`.

use super::operator::Operator;
use super::{CLEAN, FINDINGS, Failure, terminal};
use crate::lsp::{Ended, serve};

/// Speak the Language Server Protocol on standard input and output.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Accepted because editors pass it; there is no other way to connect.
    #[arg(long, hide = true)]
    stdio: bool,
    /// Accepted because editors pass it; the request `initialize` says the same.
    #[arg(long = "clientProcessId", value_name = "PID", hide = true)]
    client_process_id: Option<u32>,
}

pub(super) fn run(_: &Args) -> Result<u8, Failure> {
    // What is wrong with the operator's configuration hinders launches, not the editor.
    let operator = Operator::default().settings();
    let state = operator.inspect_err(|failure| terminal::error(&failure.to_string())).ok().map(|o| o.state);
    match serve(terminal::layout(), state)? {
        Ended::Orderly => Ok(CLEAN),
        // The protocol asks for 1 when `exit` comes without `shutdown`.
        Ended::Abrupt => Ok(FINDINGS),
    }
}
