//! The state folder: what a run makes is written down before it is made, so that the next
//! command can take it away when the run itself could not.
//!
//! ```text
//! STATE/runs/ID/      lock, record.json, what the guest sees; one folder a run, gone at its end
//! STATE/kept/KEY/ID/  the homes (and workspace copies) of the last runs of a manifest, for --resume
//! STATE/logs/KEY/     the audit and, without a terminal, the output of each run of a manifest
//! STATE/lsp/          the language server's log, where one was asked for
//! ```

use super::backend::BackendKind;
use super::error::Problem;
use super::subject::Subject;
use crate::shown::hex;
use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const VERSION: u32 = 1;
/// A folder that a launch is still making is hidden; past this age its launch is dead.
const UNFINISHED: Duration = Duration::from_secs(600);
/// In a log folder: whose it is.
const SUBJECT: &str = "subject.json";
/// Logs of this many runs of one manifest are kept.
const KEPT_LOGS: usize = 20;

/// The folder below which everything that bot-bottle remembers of runs lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// An explicit folder (`--state-dir`).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// `$XDG_STATE_HOME/bot-bottle`, else `~/.local/state/bot-bottle`.
    pub fn default_for(home: &Path, xdg_state_home: Option<&Path>) -> Self {
        // The specification: a relative path there is ignored.
        let base = xdg_state_home.filter(|p| p.is_absolute()).map(Path::to_path_buf);
        Self(base.unwrap_or_else(|| home.join(".local/state")).join("bot-bottle"))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The language server's log; its folder is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn server_log(&self) -> io::Result<PathBuf> {
        let folder = self.0.join("lsp");
        make_dir_all(&folder)?;
        fs::set_permissions(&self.0, PermissionsExt::from_mode(0o700))?;
        Ok(folder.join("server.log"))
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    pub(crate) fn kept(&self, key: &str) -> PathBuf {
        self.0.join("kept").join(key)
    }

    /// The folder of a manifest's logs, made where it is missing; it says whose it is.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn log_folder(&self, subject: &Subject) -> io::Result<PathBuf> {
        let logs = self.logs(&subject.key());
        make_dir_all(&logs)?;
        let note = logs.join(SUBJECT);
        if !note.exists() {
            private_file(&note)?.write_all(&serde_json::to_vec_pretty(subject)?)?;
        }
        thin_out(&logs);
        Ok(logs)
    }

    pub(crate) fn logs(&self, key: &str) -> PathBuf {
        self.0.join("logs").join(key)
    }
}

/// What a run is and what it made; written before the making.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// Names the run, its folder and its container.
    pub id: String,
    /// The plan's name.
    pub name: String,
    /// What the person who launched it calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The file that the plan is from, links followed, where the launch said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<PathBuf>,
    /// `bubblewrap`, `docker` or `podman`.
    pub backend: BackendKind,
    /// The launching process.
    pub pid: i32,
    /// That process's start time in clock ticks since boot; a reused number has another.
    pub pid_start: u64,
    /// When it was launched, RFC 3339.
    pub started: String,
    /// The host folder at `/workspace`.
    pub workspace: PathBuf,
    /// The key of what is kept for `--resume`.
    pub key: String,
    /// The digest of what was launched, where the launch said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The container's name, of container backends.
    pub container: Option<String>,
    /// Control groups that the run made.
    pub cgroups: Vec<PathBuf>,
    /// The audit log.
    pub audit: PathBuf,
    /// The agent's output, when it runs without a terminal.
    pub output: PathBuf,
}

/// A live run's folder. The lock is held as long as this lives.
#[derive(Debug)]
pub(crate) struct Run {
    pub dir: PathBuf,
    pub record: Record,
    _lock: File,
}

/// What a new run is called and where it belongs.
pub(crate) struct NewRun<'a> {
    /// The manifest that the run is of.
    pub subject: &'a Subject,
    /// The bottle, where the run is an agent's.
    pub bottle: Option<&'a Subject>,
    /// What a person calls it.
    pub label: Option<&'a str>,
    pub backend: BackendKind,
    pub workspace: &'a Path,
    /// The key of what is kept for `--resume`.
    pub kept_key: &'a str,
    /// The digest of what is launched.
    pub digest: Option<&'a str>,
    pub container: bool,
}

impl Run {
    /// Makes a run's folder, locked before it can be seen by its name.
    pub(crate) fn create(state: &StateDir, new: &NewRun<'_>) -> Result<Self, Problem> {
        let runs = state.runs();
        make_dir_all(&runs)
            .and_then(|()| fs::set_permissions(state.path(), PermissionsExt::from_mode(0o700)))
            .map_err(|e| {
                let help = "give another folder with --state-dir";
                Problem::new(format!("cannot make the state folder {}", state.path().display()), e, help)
            })?;
        let id = random_id().map_err(|e| Problem::io("cannot make a run id", e))?;
        Self::create_as(state, &runs, id, new)
            .map_err(|e| Problem::io(format!("cannot make a run's folder in {}", runs.display()), e))
    }

    fn create_as(state: &StateDir, runs: &Path, id: String, new: &NewRun<'_>) -> io::Result<Self> {
        let (hidden, dir) = (runs.join(format!(".{id}")), runs.join(&id));
        make_dir(&hidden)?;
        let lock = private_file(&hidden.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let logs = state.log_folder(new.subject)?;
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let file = |kind: &str| format!("{}-{id}.{kind}", now.replace(':', ""));
        let log = |kind: &str| logs.join(file(kind));
        if let Some(bottle) = new.bottle.filter(|bottle| *bottle != new.subject) {
            // What an agent is refused is its bottle's concern: the audit is among the bottle's logs too.
            let file = file("audit.jsonl");
            let logs = state.log_folder(bottle)?;
            private_file(&log("audit.jsonl"))?;
            fs::hard_link(log("audit.jsonl"), logs.join(file))?;
        }
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let record = Record {
            version: VERSION,
            name: new.subject.name.clone(),
            label: new.label.map(str::to_owned),
            manifest: Some(new.subject.file.clone()).filter(|f| !f.as_os_str().is_empty()),
            backend: new.backend,
            pid,
            pid_start: process_start(pid).unwrap_or(0),
            started: now.clone(),
            workspace: new.workspace.to_path_buf(),
            key: new.kept_key.to_owned(),
            digest: new.digest.map(str::to_owned),
            container: new.container.then(|| format!("bot-bottle-{id}")),
            cgroups: Vec::new(),
            audit: log("audit.jsonl"),
            output: log("output.log"),
            id,
        };
        let run = Self { dir, record, _lock: lock };
        run.write_record(&hidden)?;
        fs::rename(&hidden, &run.dir)?;
        make_dir(&run.net_dir())?;
        Ok(run)
    }

    /// Whole or not at all. Nothing is synced: where the machine dies, the run that the record speaks of does, too.
    fn write_record(&self, dir: &Path) -> io::Result<()> {
        let next = dir.join("record.json.next");
        let mut file = private_file(&next)?;
        file.write_all(&serde_json::to_vec_pretty(&self.record)?)?;
        fs::rename(next, dir.join("record.json"))
    }

    /// Writes down a control group that is about to be made.
    pub(crate) fn add_cgroup(&mut self, path: PathBuf) -> io::Result<()> {
        self.record.cgroups.push(path);
        self.write_record(&self.dir)
    }

    /// The host folder that holds the egress socket and nothing else.
    pub(crate) fn net_dir(&self) -> PathBuf {
        self.dir.join("net")
    }
}

fn random_id() -> io::Result<String> {
    let mut bytes = [0; 5];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(hex(&bytes))
}

pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

pub(crate) fn make_dir_all(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)
}

pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW).open(path)
}

/// A process's start time in clock ticks since boot (field 22 of /proc/PID/stat).
pub(crate) fn process_start(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in brackets and may hold anything, brackets included.
    let rest = &stat[stat.rfind(')')? + 1..];
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// A run as the state folder tells it.
pub(crate) enum FoundRun {
    /// Its launcher lives.
    Live(Record),
    /// Its launcher is gone; the lock keeps other commands off while it is swept.
    Dead(PathBuf, Option<Record>, File),
}

/// The runs whose launcher lives. Takes no lock and makes nothing, so that looking on, as often as
/// anybody likes, is in nobody's way.
pub(crate) fn living(state: &StateDir) -> Vec<Record> {
    let entries = fs::read_dir(state.runs()).into_iter().flatten().flatten();
    let records = entries
        .filter(|e| !e.file_name().as_encoded_bytes().starts_with(b"."))
        .filter_map(|e| record_in(state, &e.path()));
    records.filter(|r: &Record| process_start(r.pid) == Some(r.pid_start)).collect()
}

/// Every run in the state folder. A folder that cannot be read is left alone.
pub(crate) fn runs(state: &StateDir) -> Vec<FoundRun> {
    let Ok(entries) = fs::read_dir(state.runs()) else { return Vec::new() };
    entries.flatten().filter_map(|entry| look_at(state, &entry)).collect()
}

/// The record in a run's or a kept home's folder; one that speaks of another run is not its record.
pub(crate) fn record_in(state: &StateDir, dir: &Path) -> Option<Record> {
    let record: Record = serde_json::from_slice(&state.read(&dir.join("record.json")).ok()?).ok()?;
    let folder = dir.file_name()?.to_str()?.trim_start_matches('.');
    (record.id == folder).then_some(record)
}

fn look_at(state: &StateDir, entry: &fs::DirEntry) -> Option<FoundRun> {
    let dir = entry.path();
    let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    if hidden && entry.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default() < UNFINISHED {
        return None;
    }
    // A link is no folder of a run, wherever it leads.
    if !entry.file_type().ok()?.is_dir() {
        return None;
    }
    let record = record_in(state, &dir);
    let mut lock = OpenOptions::new();
    lock.write(true).create(true).truncate(false).mode(0o600);
    let lock = lock.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(dir.join("lock")).ok()?;
    match (flock(&lock, FlockOperation::NonBlockingLockExclusive), record) {
        // Another command may have swept it between the listing and the lock.
        (Ok(()), record) => dir.join("lock").exists().then_some(FoundRun::Dead(dir, record, lock)),
        (Err(_), record) => record.map(FoundRun::Live),
    }
}

/// Whose a log folder is, by the folder's name.
pub(crate) fn subject_of_logs(state: &StateDir, key: &str) -> Option<Subject> {
    serde_json::from_slice(&state.read(&state.logs(key).join(SUBJECT)).ok()?).ok()
}

fn thin_out(logs: &Path) {
    let Ok(entries) = fs::read_dir(logs) else { return };
    let mut names: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    // Names begin with the time.
    names.sort_unstable();
    let excess = names.len().saturating_sub(2 * KEPT_LOGS);
    for old in &names[..excess] {
        let _ = fs::remove_file(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_run(state: &StateDir) -> Run {
        let workspace = Path::new("/w");
        let subject = Subject::of(Path::new("/p/dev.bottle.yaml"), "dev");
        let new = NewRun {
            subject: &subject,
            bottle: None,
            label: None,
            backend: BackendKind::Bubblewrap,
            workspace,
            kept_key: "dev",
            digest: None,
            container: false,
        };
        Run::create(state, &new).expect("run")
    }

    #[test]
    fn a_record_of_another_run_is_none() {
        let temp = tempfile::tempdir().expect("temp");
        let state = StateDir::new(temp.path().join("state"));
        let run = new_run(&state);
        assert_eq!(living(&state).len(), 1);
        // The same record under another name, and a link to the run.
        let forged = state.runs().join("0000000000");
        make_dir(&forged).expect("a folder");
        fs::copy(run.dir.join("record.json"), forged.join("record.json")).expect("copied");
        std::os::unix::fs::symlink(&run.dir, state.runs().join(format!("{}x", run.record.id)))
            .expect("a link");
        assert_eq!(living(&state).len(), 1);
        let records = runs(&state).into_iter().filter(|found| match found {
            FoundRun::Live(_) => true,
            FoundRun::Dead(_, record, _) => record.is_some(),
        });
        assert_eq!(records.count(), 1);
    }

    #[test]
    fn a_run_is_live_while_it_is_held_and_dead_after() {
        let temp = tempfile::tempdir().expect("temp");
        let state = StateDir::new(temp.path().join("state"));
        let run = new_run(&state);
        assert!(matches!(runs(&state).as_slice(), [FoundRun::Live(r)] if r.id == run.record.id));
        drop(run);
        assert!(matches!(runs(&state).as_slice(), [FoundRun::Dead(_, Some(r), _)] if r.name == "dev"));
    }

    #[test]
    fn nothing_of_a_run_is_for_others() {
        let temp = tempfile::tempdir().expect("temp");
        let state = StateDir::new(temp.path().join("state"));
        let run = new_run(&state);
        let mode = |p: &Path| fs::metadata(p).expect("exists").permissions().mode() & 0o777;
        assert_eq!((mode(state.path()), mode(&run.dir)), (0o700, 0o700));
        assert_eq!(mode(&run.dir.join("record.json")), 0o600);
    }

    #[test]
    fn this_process_has_a_start_time() {
        assert!(process_start(std::process::id() as i32).expect("stat") > 0);
    }
}
