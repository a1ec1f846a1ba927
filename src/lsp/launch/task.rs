//! A task without a terminal: `launch --supervised` as a child, stopped by the end of its
//! standard input. So it also ends, with its clean-up, when this server is killed.

use crate::lsp::outbox::Outbox;
use crate::lsp::progress::Progress;
use crate::shown::Plain;
use crate::shown::visible;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tower_lsp::ls_types::notification::{LogMessage, ShowMessage};
use tower_lsp::ls_types::{LogMessageParams, MessageType, ShowMessageParams};

/// How much of one task's output goes to the editor's log; the run's own log has more.
const MOST_LOGGED: usize = 1 << 20;
/// How much of a line is one message.
const LONGEST_LINE: u64 = 4096;

/// The tasks that are under way: closing a task's input ends it.
#[derive(Clone, Default)]
pub(in crate::lsp) struct Tasks(Arc<Mutex<HashMap<u64, (String, ChildStdin)>>>);

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Tasks {
    /// Ends the tasks of this name, and says whether there was one. They clean up after themselves.
    pub(in crate::lsp) fn end(&self, name: &str) -> bool {
        let mut tasks = self.lock();
        let before = tasks.len();
        tasks.retain(|_, (own, _)| own != name);
        tasks.len() < before
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, (String, ChildStdin)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task to be run.
pub(in crate::lsp) struct Task {
    /// The manifest's name.
    pub name: String,
    /// The working folder.
    pub folder: PathBuf,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

impl Task {
    /// Starts it; a thread follows it to its end.
    pub(in crate::lsp) fn start(
        self,
        outbox: Outbox,
        tasks: &Tasks,
        progress: Option<Progress>,
    ) -> io::Result<()> {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).current_dir(&self.folder);
        // A group of its own: whoever kills the server's group leaves the launch its clean-up.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        tracing::debug!(bottle = self.name, pid = child.id(), "a launch begins");
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        if let Some(input) = child.stdin.take() {
            tasks.lock().insert(id, (self.name.clone(), input));
        }
        let tasks = tasks.clone();
        if let Some(progress) = &progress {
            let tasks = tasks.clone();
            let end = move || drop(tasks.lock().remove(&id));
            progress.on_cancel(end.clone());
            if progress.is_cancelled() {
                end();
            }
        }
        let told = Told { name: self.name, outbox, progress, left: AtomicUsize::new(MOST_LOGGED) };
        thread::Builder::new().name("launch".to_owned()).spawn(move || {
            told.follow(child);
            tasks.lock().remove(&id);
        })?;
        Ok(())
    }
}

/// What the editor hears of a task.
struct Told {
    name: String,
    outbox: Outbox,
    progress: Option<Progress>,
    left: AtomicUsize,
}

impl Told {
    fn follow(&self, mut child: Child) {
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let mut error = None;
        thread::scope(|scope| {
            scope.spawn(|| out.map(|out| lines(out, |line| self.log(line))));
            if let Some(err) = err {
                lines(err, |line| self.launcher_says(line, &mut error));
            }
        });
        let ended = child.wait();
        let code = ended.as_ref().ok().and_then(|status| status.code());
        tracing::debug!(bottle = self.name, pid = child.id(), code, "a launch ended");
        let stopped = self.progress.as_ref().is_some_and(Progress::is_cancelled);
        match ended.map(|status| status.code()) {
            Ok(Some(0)) => self.say(MessageType::INFO, format!("{} has ended", self.name)),
            _ if stopped => self.say(MessageType::INFO, format!("{} was stopped", self.name)),
            Ok(Some(code)) => {
                let why = error.unwrap_or_else(|| format!("it ended with {code}; the output is in the log"));
                self.say(MessageType::ERROR, format!("{}: {why}", self.name));
            }
            Ok(None) => self.say(MessageType::ERROR, format!("the launch of {} was killed", self.name)),
            Err(why) => self.say(MessageType::ERROR, format!("{}: {why}", self.name)),
        }
    }

    /// A line of the launch's standard error. Between the stages `agent` and `clean-up` it is the
    /// agent's, which can so write what looks like a stage; it is only text.
    fn launcher_says(&self, line: &str, error: &mut Option<String>) {
        if let Some(stage) = line.strip_prefix("\u{b7} ") {
            self.progress.iter().for_each(|p| p.report(stage.to_owned()));
            return;
        }
        if let Some(why) = line.strip_prefix("error: ") {
            *error = Some(why.to_owned());
        }
        self.log(line);
    }

    fn log(&self, line: &str) {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return;
        }
        self.left.store(left.saturating_sub(line.len() + 1), Ordering::Relaxed);
        let message = if left > line.len() {
            format!("{}: {line}", self.name)
        } else {
            format!("{}: what follows is in the run's own log alone", self.name)
        };
        self.outbox.notify::<LogMessage>(LogMessageParams { typ: MessageType::INFO, message });
    }

    fn say(&self, typ: MessageType, message: String) {
        self.outbox.notify::<ShowMessage>(ShowMessageParams { typ, message });
    }
}

/// Reads lines of text that steers no terminal, each of bounded length.
fn lines(output: impl Read, mut take: impl FnMut(&str)) {
    let mut output = BufReader::new(output);
    let (mut plain, mut line) = (Plain::default(), Vec::new());
    while output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let text = String::from_utf8_lossy(&plain.filter(&line)).into_owned();
        take(&visible(&colourless(text.trim_end_matches(['\n', '\r']))));
        line.clear();
    }
}

/// Text without the colours that [`Plain`] lets pass.
fn colourless(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_text_alone_and_none_is_without_end() {
        let mut seen = Vec::new();
        let long = "x".repeat(10_000);
        let text = format!("\u{1b}[1;31mred\u{1b}[0m\u{1b}]52;c;cm0=\u{7}!\r\n\u{202e}\n{long}\nlast");
        lines(text.as_bytes(), |line| seen.push(line.to_owned()));
        assert_eq!((seen[0].as_str(), seen[1].as_str()), ("red!", "\u{fffd}"));
        assert!(seen.iter().all(|l| l.len() <= LONGEST_LINE as usize), "{seen:?}");
        assert_eq!((seen[2..seen.len() - 1].concat(), seen.last().map(String::as_str)), (long, Some("last")));
    }
}
