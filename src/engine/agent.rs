//! The agent's run: with the terminal, or as one task without.

use super::attach::Hub;
use super::child::{self, Prepared, Stopped};
use super::ui::{Cancel, Stream, Ui};
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;

/// How the agent talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// Through the terminal of this process, which must have one.
    Terminal,
    /// Without input; the output goes to the [`Ui`] and the run's log.
    Stream,
}

/// The log of one run ends here; the agent itself goes on.
const MAX_LOG: usize = 16 << 20;

/// Runs the agent without input, its output passed on as it comes.
pub(crate) fn streamed(
    mut prepared: Prepared,
    log: &Path,
    ui: &dyn Ui,
    hub: Option<&Hub>,
    cancel: &Cancel,
) -> Result<u8, Stopped> {
    let (out, out_end) = io::pipe()?;
    let (err, err_end) = io::pipe()?;
    prepared.command.stdin(Stdio::null()).stdout(out_end).stderr(err_end);
    prepared.before.session = true;
    let log = std::sync::Mutex::new((super::state::private_file(log)?, MAX_LOG));
    let pass = |stream: Stream, bytes: &[u8]| {
        if let Ok(mut log) = log.lock() {
            let part = &bytes[..bytes.len().min(log.1)];
            // A full disk must not stop the agent.
            if log.0.write_all(part).is_ok() {
                log.1 -= part.len();
            }
        }
        hub.inspect(|hub| hub.show(bytes));
        ui.output(stream, bytes);
    };
    let mut child = prepared.spawn()?;
    let (mut to_out, mut to_err) = (|b: &[u8]| pass(Stream::Out, b), |b: &[u8]| pass(Stream::Err, b));
    child::watch(&mut child, &mut [(out, &mut to_out), (err, &mut to_err)], cancel)
}
