//! What a terminal can show, and how paths are shown.

use crate::egress::policy::printable;
use crate::manifest::Layout;
use anstream::ColorChoice;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Whether standard output takes colours and links: a terminal, and no NO_COLOR.
pub(super) fn styled() -> bool {
    io::stdout().is_terminal() && anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Writes to standard output. A reader that went away (`… | head`) is no error.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Tells what went wrong.
pub(super) fn error(message: &str) {
    let (bold, reset) = if io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    let message: Vec<_> = message.lines().map(printable_line).collect();
    eprintln!("{bold}error{reset}: {}", message.join("\n"));
}

fn printable_line(line: &str) -> String {
    line.split_inclusive(' ').map(printable).collect()
}

/// Where the user's own manifests lie.
pub(super) fn layout() -> Layout {
    let home = std::env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from);
    Layout { home: home.filter(|h| h.is_absolute()) }
}

/// A path made absolute, by its text.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    crate::manifest::join(&base, &path.to_string_lossy())
}

/// A path as it is shown: relative to the working folder where it lies below.
pub(super) fn shown(path: &Path) -> String {
    let base = std::env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&base).unwrap_or(path);
    printable(&relative.display().to_string())
}
