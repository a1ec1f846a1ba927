//! Runs from outside: which there are, what they were refused, and ending one.

use super::error::Problem;
use super::host::Host;
use super::state::{self, FoundRun, Record, StateDir, process_start};
use super::subject::Subject;
use super::sweep::sweep;
use crate::egress::Recorded;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io::{BufReader, Read};
use std::path::PathBuf;

/// The live runs, oldest first. Dead ones are swept first.
pub fn ps(state: &StateDir, host: &Host) -> Vec<Record> {
    sweep(state, host);
    let live = state::runs(state).into_iter().filter_map(|found| match found {
        FoundRun::Live(record) => Some(record),
        FoundRun::Dead(..) => None,
    });
    in_order(live.collect())
}

/// The live runs, oldest first, as [`ps`] tells them, but nothing is swept.
pub fn live(state: &StateDir) -> Vec<Record> {
    in_order(state::living(state))
}

fn in_order(mut live: Vec<Record>) -> Vec<Record> {
    live.sort_by(|a, b| a.started.cmp(&b.started).then_with(|| a.id.cmp(&b.id)));
    live
}

/// So much of an id tells a run from others: less may be a name, or another run's tomorrow.
const SHORTEST_ID: usize = 4;

/// The live run that `which` names: its id, its manifest's name or file, or the beginning of its id.
///
/// # Errors
/// When none or several are meant.
pub fn find(state: &StateDir, host: &Host, which: &str) -> Result<Record, Problem> {
    let live = ps(state, host);
    let names = || live.iter().map(|r| format!("{} ({})", r.id, r.name)).collect::<Vec<_>>().join(", ");
    match meant(&live, which).as_slice() {
        [one] => Ok((*one).clone()),
        [] if live.is_empty() => {
            Err(Problem::new(format!("no run is called {which}"), "no bottle is running", ""))
        }
        [] => Err(Problem::new(format!("no run is called {which}"), format!("there are: {}", names()), "")),
        _ => Err(Problem::new(format!("several runs are called {which}"), names(), "give the id")),
    }
}

/// The runs that a word may mean: the whole before the part, so that no id hides behind a name, and no
/// name behind the beginning of an id.
fn meant<'r>(live: &'r [Record], which: &str) -> Vec<&'r Record> {
    let file = which.contains(['/', '.']).then(|| fs::canonicalize(which).ok()).flatten();
    let named = |r: &Record| r.name == which || file.is_some() && r.manifest == file;
    let begins = |r: &Record| which.len() >= SHORTEST_ID && r.id.starts_with(which);
    let ways: [&dyn Fn(&Record) -> bool; 3] = [&|r| r.id == which, &named, &begins];
    let found = ways.into_iter().map(|by| live.iter().filter(|r| by(r)).collect::<Vec<_>>());
    found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

/// The files that the runs of a manifest left, by kind (`audit.jsonl`, `output.log`), newest first.
pub fn log_files(state: &StateDir, subject: &Subject, kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.logs(&subject.key())).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|e| e.path()).filter(|p| p.to_string_lossy().ends_with(&format!(".{kind}"))).collect();
    // Names begin with the time.
    files.sort_unstable();
    files.reverse();
    files
}

/// The manifests that have logs, in order.
pub fn logged(state: &StateDir) -> Vec<Subject> {
    let entries = fs::read_dir(state.logs("")).into_iter().flatten().flatten();
    let names = entries.filter_map(|e| e.file_name().into_string().ok());
    let mut all: Vec<_> = names.filter_map(|name| state::subject_of_logs(state, &name)).collect();
    all.sort();
    all
}

/// The manifest whose logs a folder of this name holds.
pub fn logged_in(state: &StateDir, folder: &str) -> Option<Subject> {
    state::subject_of_logs(state, folder)
}

/// What the last run of a manifest (or the run of this id) asked the egress for; with `denied`, what
/// it was refused. In the order of their arrival; lines that are no audit lines are left out.
pub fn logs(state: &StateDir, subject: &Subject, run: Option<&str>, denied: bool) -> Vec<Recorded> {
    let files = log_files(state, subject, "audit.jsonl");
    let wanted = |p: &&PathBuf| run.is_none_or(|id| p.to_string_lossy().contains(&format!("-{id}.")));
    let Some(file) = files.iter().find(wanted).and_then(|p| state.open(p).ok()) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    // What could be read before an error is shown.
    let _ = Recorded::each(BufReader::new(file), |recorded| {
        if !denied || recorded.is_denied() {
            all.push(recorded);
        }
    });
    all.sort_by(|a, b| a.request.time.cmp(&b.request.time));
    all
}

/// How much of an audit is counted.
const MOST_COUNTED: u64 = 4 << 20;

/// How many requests of a run were refused until now.
pub fn refusal_count(state: &StateDir, record: &Record) -> usize {
    let Ok(file) = state.open(&record.audit) else { return 0 };
    let mut refused = 0;
    let count = |recorded: Recorded| refused += usize::from(recorded.is_denied());
    let _ = Recorded::each(BufReader::new(file.take(MOST_COUNTED)), count);
    refused
}

/// How long a run may take to end by itself.
const PATIENCE: Timespec = Timespec { tv_sec: 15, tv_nsec: 0 };

/// Ends a run: politely, then by force, and removes what is left.
///
/// # Errors
/// When it could not be ended or something of it is left.
pub fn stop(state: &StateDir, host: &Host, record: &Record) -> Result<(), Problem> {
    let what = || format!("the run {} cannot be stopped", record.id);
    if let Some(launcher) = launcher(record) {
        let failed = |e: rustix::io::Errno| Problem::io(what(), e);
        pidfd_send_signal(&launcher, Signal::TERM).map_err(failed)?;
        let ended = |wait: &Timespec| {
            poll(&mut [PollFd::new(&launcher, PollFlags::IN)], Some(wait)).is_ok_and(|n| n > 0)
        };
        if !ended(&PATIENCE) {
            pidfd_send_signal(&launcher, Signal::KILL).map_err(failed)?;
            ended(&PATIENCE);
        }
    }
    let left = sweep(state, host);
    if left.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(what(), left.join("; "), "try again once the engine runs"))
    }
}

/// The launching process, if it is still the one that was recorded.
fn launcher(record: &Record) -> Option<std::os::fd::OwnedFd> {
    let fd = pidfd_open(Pid::from_raw(record.pid)?, PidfdFlags::empty()).ok()?;
    // Looked at after the descriptor: the number cannot be reused for another process any more.
    (process_start(record.pid) == Some(record.pid_start)).then_some(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, name: &str) -> Record {
        let text = serde_json::json!({
            "version": 1, "id": id, "name": name, "backend": "bubblewrap", "pid": 1, "pid_start": 1,
            "started": "", "workspace": "/w", "key": "", "container": null, "cgroups": [],
            "audit": "/a", "output": "/o",
        });
        serde_json::from_value(text).expect("a record")
    }

    #[test]
    fn a_word_means_an_id_a_name_or_enough_of_an_id() {
        let live = [run("7abc123456", "dev"), run("7abc999999", "7"), run("beef000000", "7abc123456")];
        let ids = |which: &str| meant(&live, which).into_iter().map(|r| r.id.as_str()).collect::<Vec<_>>();
        assert_eq!(ids("dev"), ["7abc123456"]);
        // A name of one letter is not the beginning of somebody's id.
        assert_eq!(ids("7"), ["7abc999999"]);
        assert_eq!(ids("7a"), [""; 0]);
        assert_eq!(ids("b"), [""; 0]);
        // An id is nobody's name.
        assert_eq!(ids("7abc123456"), ["7abc123456"]);
        assert_eq!(ids("7abc1"), ["7abc123456"]);
        assert_eq!(ids("7abc").len(), 2);
    }
}
