//! The face of a launch at a terminal.

use crate::engine::terminal::Plain;
use crate::engine::{Stage, Stream, Ui};
use crate::plan::{Plan, preflight};
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Mutex;

/// Shows stages and notes on standard error, the agent's output where it belongs.
pub(super) struct TerminalUi<'a> {
    plan: &'a Plan,
    stages: bool,
    /// Output that goes to a terminal is stripped of what steers one; files get it as it is.
    plain: Option<Mutex<[Plain; 2]>>,
}

impl<'a> TerminalUi<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let terminal = io::stdout().is_terminal() || io::stderr().is_terminal();
        Self { plan, stages: io::stderr().is_terminal(), plain: terminal.then(Mutex::default) }
    }
}

impl Ui for TerminalUi<'_> {
    fn stage(&self, stage: Stage) {
        // The summary stands before the stages, and it is part of the check.
        if self.stages && stage != Stage::Agent && stage != Stage::Check {
            eprintln!("· {stage}");
        }
    }

    fn backend(&self, name: &str) {
        eprint!("{}", preflight(self.plan, name));
    }

    fn note(&self, text: &str) {
        eprintln!("note: {text}");
    }

    fn progress(&self, line: &str) {
        if self.stages {
            eprintln!("  {}", crate::egress::policy::printable(line));
        }
    }

    fn ask(&self, question: &str) -> Option<String> {
        ask(question)
    }

    fn output(&self, stream: Stream, bytes: &[u8]) {
        let filtered = self.plain.as_ref().and_then(|plain| {
            let mut plain = plain.lock().ok()?;
            Some(plain[usize::from(stream == Stream::Err)].filter(bytes))
        });
        let bytes = filtered.as_deref().unwrap_or(bytes);
        // A reader that went away does not stop the agent.
        let _ = match stream {
            Stream::Out => io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().flush()),
            Stream::Err => io::stderr().lock().write_all(bytes),
        };
    }
}

/// Asks the person at the terminal; `None` where there is none.
pub(super) fn ask(question: &str) -> Option<String> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    eprint!("{} ", crate::egress::policy::printable(question));
    io::stderr().flush().ok()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).ok().filter(|n| *n > 0)?;
    Some(line.trim_end_matches(['\n', '\r']).to_owned())
}
