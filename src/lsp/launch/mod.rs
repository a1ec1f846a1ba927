//! A launch from the editor: what was shown is what runs, in a process of its own, so that no
//! credential is ever in the server's memory.

mod ready;
mod task;
mod terminal;
mod wish;

pub(super) use ready::Ready;
pub(super) use task::{Task, Tasks};
pub(super) use terminal::{OpenTerminal, TerminalParams};
pub(super) use wish::Wish;

use crate::engine::{Choice, StateDir};
use std::path::PathBuf;

/// What the operator said when the server was started.
pub struct Operator {
    /// This program.
    pub program: PathBuf,
    /// Where runs and answers are remembered.
    pub state: StateDir,
    /// What carries guests, for the dry run.
    pub backend: Choice,
    /// The operator's options as a launch takes them.
    pub options: Vec<String>,
}

impl Operator {
    /// A command line of this program, with the operator's options.
    pub(super) fn argv(&self, words: impl IntoIterator<Item = String>) -> Vec<String> {
        let program = self.program.display().to_string();
        std::iter::once(program).chain(words).chain(self.options.iter().cloned()).collect()
    }

    /// The command line that shows a run's terminal: it heeds where runs are remembered, and nothing else.
    pub(super) fn attach(&self, run: String) -> Vec<String> {
        let text = |path: &std::path::Path| path.display().to_string();
        let state = text(self.state.path());
        vec![
            text(&self.program),
            "attach".to_owned(),
            run,
            "--state-dir".to_owned(),
            state,
            "--no-config".to_owned(),
        ]
    }

    /// That of [`Operator::argv`] with arguments for the agent, which come last.
    pub(super) fn argv_with(
        &self,
        words: impl IntoIterator<Item = String>,
        arguments: Vec<String>,
    ) -> Vec<String> {
        let mut argv = self.argv(words);
        if !arguments.is_empty() {
            argv.push("--".to_owned());
            argv.extend(arguments);
        }
        argv
    }
}
