//! Watching the state folder: runs that begin and end, audits that grow.
//!
//! Only the folders that say something are watched, each alone: a run's folder holds the guest's
//! whole home.

use super::state::StateDir;
use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// An agent asks for several things at once; what follows within this time belongs to one change.
const SETTLE: Duration = Duration::from_millis(50);
/// How long a change may be held back while others follow.
const PATIENCE: Duration = Duration::from_millis(300);

/// What has changed in the state folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StateChange {
    /// Whether a run began or ended.
    pub runs: bool,
    /// The bottles and agents whose logs have changed.
    pub logs: BTreeSet<String>,
}

/// Tells of what there is in the state folder, and of every change from then on, in a thread that
/// lasts as long as the process. The folder need not be there yet.
///
/// # Errors
/// When the system lets nothing be watched.
pub fn watch(state: &StateDir, mut tell: impl FnMut(StateChange) + Send + 'static) -> io::Result<()> {
    let (sender, events) = channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An event without a path: something was lost, and anything may have changed.
        let _ = sender.send(event.unwrap_or_default());
    });
    let watcher = watcher.map_err(io::Error::other)?;
    let mut watched = Watched { state: state.clone(), watcher, folders: HashSet::new() };
    let work = move || {
        let mut change = StateChange::default();
        watched.look(&mut change);
        loop {
            if change != StateChange::default() {
                tell(std::mem::take(&mut change));
            }
            match next(&events) {
                Some(events) => events.iter().for_each(|event| watched.take(event, &mut change)),
                None => return,
            }
        }
    };
    std::thread::Builder::new().name("state-watch".to_owned()).spawn(work).map(drop)
}

/// Waits for an event and for what belongs to it.
fn next(events: &Receiver<Event>) -> Option<Vec<Event>> {
    let mut all = vec![events.recv().ok()?];
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let Ok(event) = events.recv_timeout(SETTLE) else { break };
        all.push(event);
    }
    Some(all)
}

struct Watched {
    state: StateDir,
    watcher: RecommendedWatcher,
    folders: HashSet<PathBuf>,
}

impl Watched {
    /// Watches what is there and not watched yet; what is in it then counts as changed.
    fn look(&mut self, change: &mut StateChange) {
        let (state, runs, logs) = (self.state.path().to_owned(), self.state.runs(), self.state.logs(""));
        // As long as the folder is not there, the nearest one above it tells when it comes. The next
        // one may have come before the watch began, so it is looked for again.
        while state.ancestors().find(|a| a.is_dir()).is_some_and(|nearest| self.begin(nearest)) {}
        change.runs |= self.begin(&runs);
        self.begin(&logs);
        for entry in fs::read_dir(&logs).into_iter().flatten().flatten() {
            if let Ok(name) = entry.file_name().into_string()
                && self.begin(&entry.path())
            {
                change.logs.insert(name);
            }
        }
    }

    /// Whether a folder is watched from now on and was not before.
    fn begin(&mut self, folder: &Path) -> bool {
        let new = !self.folders.contains(folder)
            && folder.is_dir()
            && self.watcher.watch(folder, RecursiveMode::NonRecursive).is_ok();
        if new {
            self.folders.insert(folder.to_owned());
        }
        new
    }

    fn take(&mut self, event: &Event, change: &mut StateChange) {
        // Reading is no change; our own would wake us for ever.
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        change.runs |= event.paths.is_empty();
        let anything = self.folders.iter().filter(|_| event.paths.is_empty());
        for path in event.paths.iter().chain(anything) {
            change.logs.extend(self.log_name(path));
            change.logs.extend(self.linked(path));
            change.runs |= path.starts_with(self.state.runs());
        }
        if !matches!(event.kind, EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_))) {
            self.forget_gone();
            self.look(change);
        }
    }

    /// A folder that went may come again, as another one.
    fn forget_gone(&mut self) {
        let gone: Vec<_> = self.folders.iter().filter(|f| !f.is_dir()).cloned().collect();
        for folder in gone {
            let _ = self.watcher.unwatch(&folder);
            self.folders.remove(&folder);
        }
    }

    /// The bottles whose logs have an agent's too, by another name of the same file: a change tells the folder of
    /// one name alone.
    fn linked(&self, path: &Path) -> Vec<String> {
        let Some(file) = path.file_name().filter(|_| path.starts_with(self.state.logs(""))) else {
            return Vec::new();
        };
        let links =
            self.folders.iter().map(|folder| folder.join(file)).filter(|link| link != path && link.is_file());
        links.filter_map(|link| self.log_name(&link)).collect()
    }

    /// The bottle or agent whose logs a path belongs to.
    fn log_name(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(self.state.logs("")).ok()?.components().next()?;
        name.as_os_str().to_str().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes in changes until the names are there, in any number of steps.
    fn wait(changes: &Receiver<StateChange>, runs: bool, names: &[&str]) {
        let (mut ran, mut seen) = (false, BTreeSet::new());
        while runs && !ran || !names.iter().all(|n| seen.contains(*n)) {
            let change = changes.recv_timeout(Duration::from_secs(20)).expect("a change");
            ran |= change.runs;
            seen.extend(change.logs);
        }
    }

    #[test]
    fn a_folder_that_comes_later_goes_and_comes_again_is_followed() {
        let temp = tempfile::tempdir().expect("a folder");
        let state = StateDir::new(temp.path().join("a/b/state"));
        let (sender, changes) = channel();
        watch(&state, move |change| drop(sender.send(change))).expect("a watch");
        let write = |name: &str, text: &str| {
            fs::create_dir_all(state.logs(name)).expect("a folder");
            fs::write(state.logs(name).join("1.audit.jsonl"), text).expect("written");
        };
        write("dev", "");
        wait(&changes, false, &["dev"]);
        write("dev", "x");
        wait(&changes, false, &["dev"]);
        fs::create_dir_all(state.runs().join("1")).expect("a run");
        write("other", "");
        wait(&changes, true, &["other"]);
        fs::remove_dir_all(state.path()).expect("removed");
        wait(&changes, false, &["dev", "other"]);
        write("dev", "y");
        wait(&changes, false, &["dev"]);
        write("dev", "z");
        wait(&changes, false, &["dev"]);
    }

    #[test]
    fn an_agents_refusals_are_its_bottles_too() {
        use crate::engine::Subject;
        use crate::engine::state::{NewRun, Run};
        let temp = tempfile::tempdir().expect("a folder");
        let state = StateDir::new(temp.path().join("state"));
        let (sender, changes) = channel();
        watch(&state, move |change| drop(sender.send(change))).expect("a watch");
        let agent = Subject::of(Path::new("/p/fix.agent.yaml"), "fix");
        let bottle = Subject::of(Path::new("/p/dev.bottle.yaml"), "dev");
        let new = NewRun {
            subject: &agent,
            bottle: Some(&bottle),
            label: None,
            backend: crate::engine::BackendKind::Bubblewrap,
            workspace: Path::new("/w"),
            kept_key: "fix",
            digest: None,
            container: false,
        };
        let run = Run::create(&state, &new).expect("a run");
        let keys = [agent.key(), bottle.key()];
        let keys = [keys[0].as_str(), keys[1].as_str()];
        wait(&changes, true, &keys);
        let line = r#"{"event":"request","version":1,"id":"1","time":"2026-01-01T00:00:01.000Z","scheme":"https","host":"a.test","protocol":"http1","method":"GET","path":"/","decided_by":"policy","verdict":"denied","code":"host"}"#;
        fs::write(&run.record.audit, line).expect("written");
        wait(&changes, false, &keys);
        for subject in [&agent, &bottle] {
            let denied = crate::engine::refusals(&state, subject);
            let seen: Vec<_> = denied.iter().map(|d| (&*d.bottle, &*d.host)).collect();
            assert_eq!(seen, [(&*subject.name, "a.test")]);
            assert_eq!(crate::engine::logged_in(&state, &subject.key()).as_ref(), Some(subject));
        }
    }

    #[test]
    fn a_lost_event_makes_everything_suspect() {
        let temp = tempfile::tempdir().expect("a folder");
        let state = StateDir::new(temp.path());
        fs::create_dir_all(state.logs("dev")).expect("a folder");
        let watcher = notify::recommended_watcher(|_| {}).expect("a watcher");
        let mut watched = Watched { state, watcher, folders: HashSet::new() };
        watched.look(&mut StateChange::default());
        let mut change = StateChange::default();
        watched.take(&Event::default(), &mut change);
        assert_eq!(change, StateChange { runs: true, logs: BTreeSet::from(["dev".to_owned()]) });
    }

    #[test]
    fn what_is_there_already_is_told_at_once() {
        let temp = tempfile::tempdir().expect("a folder");
        let state = StateDir::new(temp.path());
        fs::create_dir_all(state.logs("dev")).expect("a folder");
        fs::create_dir_all(state.runs()).expect("a folder");
        let (sender, changes) = channel();
        watch(&state, move |change| drop(sender.send(change))).expect("a watch");
        wait(&changes, true, &["dev"]);
    }
}
