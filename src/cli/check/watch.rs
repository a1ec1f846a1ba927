//! `--watch`: the report kept up to date until Ctrl-C.

use super::dependencies::{Dependencies, dependencies};
use super::emit::Emitter;
use super::examine::{Examiner, Outcome};
use super::inputs::{Input, Inputs};
use super::{Args, Failure, exit_code};
use crate::check::report::Summary;
use crate::cli::terminal;
use crate::disk::Remembered;
use crate::manifest::Catalog;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Editors write a file in several steps; what follows within this time belongs to one change.
const SETTLE: Duration = Duration::from_millis(50);

enum Message {
    Changed(Vec<PathBuf>),
    Stop,
}

pub(super) fn run(args: &Args, examiner: &Examiner<'_>) -> Result<u8, Failure> {
    let (sender, messages) = channel();
    stop_on_ctrl_c(sender.clone())?;
    let mut watch = Watch {
        args,
        examiner,
        known: BTreeMap::new(),
        folders: HashSet::new(),
        problems: 0,
        watcher: watcher(sender)?,
    };
    let mut changed = BTreeSet::new();
    loop {
        watch.refresh(&changed)?;
        let summary = watch.report()?;
        match next_change(&messages) {
            Some(paths) => changed = paths,
            None => return Ok(exit_code(&summary)),
        }
    }
}

/// Waits for a change and for what belongs to it; `None` at the end.
fn next_change(messages: &Receiver<Message>) -> Option<BTreeSet<PathBuf>> {
    let Ok(Message::Changed(paths)) = messages.recv() else { return None };
    let mut changed: BTreeSet<_> = paths.into_iter().collect();
    loop {
        match messages.recv_timeout(SETTLE) {
            Ok(Message::Changed(paths)) => changed.extend(paths),
            Err(RecvTimeoutError::Timeout) => return Some(changed),
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn watcher(sender: Sender<Message>) -> Result<RecommendedWatcher, Failure> {
    let tell = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // Reading a file is no change of it; our own reading would wake us for ever.
        if matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_)) {
            let _ = sender.send(Message::Changed(event.paths));
        }
    };
    notify::recommended_watcher(tell).map_err(|e| Failure::Internal(format!("cannot watch for changes: {e}")))
}

fn stop_on_ctrl_c(sender: Sender<Message>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // Listening begins here and not in the thread: a Ctrl-C right now must find us ready.
    let mut interrupt = {
        let _inside = runtime.enter();
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?
    };
    std::thread::spawn(move || {
        runtime.block_on(interrupt.recv());
        let _ = sender.send(Message::Stop);
    });
    Ok(())
}

struct Watch<'a> {
    args: &'a Args,
    examiner: &'a Examiner<'a>,
    known: BTreeMap<PathBuf, Known>,
    folders: HashSet<PathBuf>,
    problems: usize,
    watcher: RecommendedWatcher,
}

/// What is known of a file.
struct Known {
    outcome: Outcome,
    depends: Dependencies,
}

impl Watch<'_> {
    /// Checks what is new, what has changed and what depends on it; forgets what is gone.
    fn refresh(&mut self, changed: &BTreeSet<PathBuf>) -> Result<(), Failure> {
        let inputs = self.watched_inputs();
        inputs.tell(None);
        self.problems = inputs.problems.len();
        let names: HashSet<String> =
            changed.iter().filter_map(|p| Some(self.examiner.layout.identify(p)?.name)).collect();
        let stale = |path: &PathBuf, known: &Known| {
            changed.contains(path)
                || known.depends.files.iter().any(|f| changed.contains(f))
                || known.depends.names.iter().any(|n| names.contains(n))
        };
        let there: HashSet<&PathBuf> = inputs.files.iter().map(|i| &i.path).collect();
        self.known.retain(|path, known| there.contains(path) && !stale(path, known));
        let files = Remembered::default();
        let catalog = Catalog::new(&files, self.examiner.layout);
        for input in inputs.files.iter().filter(|i| !self.known.contains_key(&i.path)).collect::<Vec<_>>() {
            let known = self.look(input, &catalog);
            self.watch(known.depends.files.iter().filter_map(|f| f.parent().map(PathBuf::from)));
            self.known.insert(input.path.clone(), known);
        }
        self.watch(self.examiner.layout.bottles());
        Ok(())
    }

    /// The files, their folders watched before they are listed, so that no change falls between.
    fn watched_inputs(&mut self) -> Inputs {
        loop {
            let inputs = Inputs::collect(&self.args.paths, self.examiner.layout);
            let folders = inputs.folders.iter().cloned();
            let of_files = inputs.files.iter().filter_map(|i| i.path.parent().map(PathBuf::from));
            if !self.watch(folders.chain(of_files)) {
                return inputs;
            }
        }
    }

    fn look(&self, input: &Input, catalog: &Catalog<'_>) -> Known {
        match self.examiner.read(input) {
            Err(why) => Known { outcome: Outcome::Unreadable(why), depends: Dependencies::default() },
            Ok(None) => Known { outcome: Outcome::NoManifest, depends: Dependencies::default() },
            Ok(Some(source)) => {
                let source = Arc::new(source);
                let outcome = Outcome::Checked(self.examiner.source(&source, catalog));
                Known { outcome, depends: dependencies(&source, catalog) }
            }
        }
    }

    /// Whether a folder was not watched before. One that cannot be is left out: it may be gone
    /// again, or not there yet.
    fn watch(&mut self, folders: impl IntoIterator<Item = PathBuf>) -> bool {
        self.folders.retain(|folder| folder.is_dir());
        let mut new = false;
        for folder in folders {
            if !self.folders.contains(&folder) && folder.is_dir() {
                let _ = self.watcher.watch(&folder, RecursiveMode::NonRecursive);
                self.folders.insert(folder);
                new = true;
            }
        }
        new
    }

    fn report(&self) -> Result<Summary, Failure> {
        if terminal::is_terminal() {
            terminal::print("\x1b[2J\x1b[3J\x1b[H")?;
        }
        let mut emitter = Emitter::new(self.args)?;
        emitter.summary.unreadable += self.problems;
        for (path, known) in &self.known {
            emitter.outcome(path, &known.outcome)?;
        }
        emitter.finish()?;
        terminal::note("watching for changes; Ctrl-C ends it");
        Ok(emitter.summary)
    }
}
