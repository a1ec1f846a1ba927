//! The face of a launch at a terminal.

use crate::check::Cleared;
use crate::engine::{BackendKind, Stage, Stream, Ui, silenced};
use crate::plan::preflight;
use crate::shown::{self, Plain};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;

/// Shows stages and notes on standard error, the agent's output where it belongs.
pub(super) struct TerminalUi<'a> {
    cleared: &'a Cleared,
    stages: bool,
    supervised: bool,
    /// Output that goes to a terminal is stripped of what steers one; files get it as it is.
    plain: Option<Mutex<[Plain; 2]>>,
}

impl<'a> TerminalUi<'a> {
    /// A supervised launch names every stage, also where nobody looks.
    pub(super) fn new(cleared: &'a Cleared, supervised: bool) -> Self {
        let looked_at = io::stderr().is_terminal();
        let terminal = io::stdout().is_terminal() || looked_at;
        Self { cleared, stages: looked_at, supervised, plain: terminal.then(Mutex::default) }
    }
}

impl Ui for TerminalUi<'_> {
    fn stage(&self, stage: Stage) {
        // At a terminal the agent's own output says that it runs, and the summary, which is part of
        // the check, stands before the stages.
        if self.supervised || self.stages && !matches!(stage, Stage::Agent | Stage::Check) {
            tell(&format!("· {stage}\n"));
        }
    }

    fn backend(&self, kind: BackendKind, workspace: &Path) {
        tell(&(preflight(self.cleared.plan(), kind.described(), Some(workspace)) + &silenced(self.cleared)));
    }

    fn note(&self, text: &str) {
        tell(&format!("note: {text}\n"));
    }

    fn progress(&self, line: &str) {
        if self.stages {
            tell(&format!("  {}\n", shown::printable(line)));
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

/// Tells on standard error. A reader that went away must not keep a launch from its clean-up.
pub(super) fn tell(text: &str) {
    let text = shown::no_commands(text, shown::Written::Plain);
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Asks the person at the terminal; `None` where there is none.
pub(super) fn ask(question: &str) -> Option<String> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    tell(&format!("{} ", shown::printable(question)));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).ok().filter(|n| *n > 0)?;
    Some(line.trim_end_matches(['\n', '\r']).to_owned())
}
