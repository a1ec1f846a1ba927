//! What a terminal can show, and how paths are shown.

use crate::check::report::Style;
use crate::disk::home_folder;
use crate::manifest::Layout;
use crate::shown::{self, Written, printable};
use anstream::ColorChoice;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// What standard output takes: colours and links on a terminal, colours elsewhere where `CLICOLOR_FORCE` or
/// `FORCE_COLOR` asks for them, as a CI service's log does. `NO_COLOR` has the last word.
pub(super) fn style() -> Style {
    let forced = std::env::var_os("FORCE_COLOR").is_some_and(|v| !v.is_empty() && v != "0");
    let never = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let on_terminal = io::stdout().is_terminal();
    match anstream::AutoStream::choice(&io::stdout()) {
        _ if never => Style::Plain,
        ColorChoice::Never if !forced => Style::Plain,
        _ if on_terminal => Style::Linked,
        _ => Style::Coloured,
    }
}

/// Whether standard output takes colours.
pub(super) fn styled() -> bool {
    style() != Style::Plain
}

/// Whether somebody looks at standard output as it comes.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes to standard output. A reader that went away (`… | head`) is not an error.
pub(super) fn print(text: &str) -> io::Result<()> {
    print_as(text, Written::Plain)
}

/// The same for what a program reads.
pub(super) fn print_as(text: &str, written: Written) -> io::Result<()> {
    write(&shown::no_commands(text, written))
}

/// Writes a report, whose lines are what they have to be.
pub(super) fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    unless_gone(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A reader that went away (`… | head`) is not an error.
pub(super) fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Tells what went wrong.
pub(super) fn error(message: &str) {
    tell("error", "\x1b[1;31m", message);
}

/// Tells something that is no part of the output.
pub(super) fn note(message: &str) {
    tell("note", "\x1b[1;36m", message);
}

fn tell(word: &str, style: &str, message: &str) {
    let plain = !io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let (on, off) = if plain { ("", "") } else { (style, "\x1b[0m") };
    // A reader that went away is no reason to stop.
    let _ = writeln!(
        io::stderr(),
        "{on}{word}{off}: {}",
        shown::no_commands(&shown::lines(message), Written::Plain)
    );
}

/// Where the user's own manifests lie.
pub(super) fn layout() -> Layout {
    Layout { home: home_folder() }
}

/// The working folder; `/` where it is gone.
pub(super) fn working_folder() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

/// A path made absolute, by its text.
pub(super) fn absolute(path: &Path) -> PathBuf {
    crate::manifest::join(&working_folder(), path)
}

/// A path as it is shown: relative to the working folder where it lies below.
pub(super) fn shown(path: &Path) -> String {
    let base = working_folder();
    let relative = path.strip_prefix(&base).unwrap_or(path);
    printable(&relative.display().to_string())
}
