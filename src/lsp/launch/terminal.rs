//! `botBottle/openTerminal`, which a client offers with `experimental.botBottle.terminal`.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tower_lsp::ls_types::request::Request;

/// Asks the client for a terminal with a program in it, no shell in between.
pub(in crate::lsp) enum OpenTerminal {}

impl Request for OpenTerminal {
    type Params = TerminalParams;
    type Result = serde_json::Value;
    const METHOD: &'static str = "botBottle/openTerminal";
}

/// The terminal.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::lsp) struct TerminalParams {
    /// What it is called.
    pub title: String,
    /// The working folder.
    pub cwd: PathBuf,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

impl TerminalParams {
    /// A terminal.
    pub(in crate::lsp) fn new(title: &str, cwd: PathBuf, argv: Vec<String>) -> Self {
        Self { title: title.to_owned(), cwd, argv }
    }
}
