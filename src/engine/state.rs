//! The state folder: what a run makes is written down before it is made, so that the next
//! command can take it away when the run itself could not.
//!
//! ```text
//! STATE/runs/ID/      lock, record.json, what the guest sees; one folder a run, gone at its end
//! STATE/kept/KEY/     the last run's home (and workspace copy) of a bottle and project, for --resume
//! STATE/logs/NAME/    the audit and, without a terminal, the output of each run
//! ```

use super::error::Problem;
use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const VERSION: u32 = 1;
/// A Unix socket's path holds 107 bytes.
const LONGEST_SOCKET_PATH: usize = 100;
/// A folder that a launch is still making is hidden; past this age its launch is dead.
const UNFINISHED: Duration = Duration::from_secs(600);
/// Logs of this many runs of one bottle are kept.
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

    pub(crate) fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    pub(crate) fn kept(&self, key: &str) -> PathBuf {
        self.0.join("kept").join(key)
    }

    pub(crate) fn logs(&self, name: &str) -> PathBuf {
        self.0.join("logs").join(name)
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
    /// The file that the plan is from, where the launch said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<PathBuf>,
    /// `bubblewrap`, `docker` or `podman`.
    pub backend: String,
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
    /// The container's name, of container backends.
    pub container: Option<String>,
    /// Control groups that the run made.
    pub cgroups: Vec<PathBuf>,
    /// The egress socket's folder where the state folder's path is too long for a socket.
    pub socket_dir: Option<PathBuf>,
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
    pub name: &'a str,
    /// The bottle's own name, where the run is an agent's.
    pub bottle: Option<&'a str>,
    /// What a person calls it.
    pub label: Option<&'a str>,
    pub manifest: Option<&'a Path>,
    pub backend: &'a str,
    pub workspace: &'a Path,
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
        let socket_dir = (dir.join("net/egress.sock").as_os_str().len() > LONGEST_SOCKET_PATH)
            .then(|| std::env::temp_dir().join(format!("bot-bottle-{id}")));
        let logs = state.logs(new.name);
        make_dir_all(&logs)?;
        thin_out(&logs);
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let file = |kind: &str| format!("{}-{id}.{kind}", now.replace(':', ""));
        let log = |kind: &str| logs.join(file(kind));
        if let Some(bottle) = new.bottle.filter(|bottle| *bottle != new.name) {
            link_audit(&state.logs(bottle), new.name, &file("audit.jsonl"))?;
        }
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let record = Record {
            version: VERSION,
            name: new.name.to_owned(),
            label: new.label.map(str::to_owned),
            manifest: new.manifest.map(Path::to_path_buf),
            backend: new.backend.to_owned(),
            pid,
            pid_start: process_start(pid).unwrap_or(0),
            started: now.clone(),
            workspace: new.workspace.to_path_buf(),
            key: kept_key(new.name, new.workspace),
            container: new.container.then(|| format!("bot-bottle-{id}")),
            cgroups: Vec::new(),
            socket_dir,
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
        self.record.socket_dir.clone().unwrap_or_else(|| self.dir.join("net"))
    }
}

/// The bottle's name and a digest of the workspace: another project's run is not this one's to resume.
fn kept_key(name: &str, workspace: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let digest = ring::digest::digest(&ring::digest::SHA256, workspace.as_os_str().as_bytes());
    format!("{name}-{}", hex(&digest.as_ref()[..6]))
}

fn random_id() -> io::Result<String> {
    let mut bytes = [0; 5];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(hex(&bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

pub(crate) fn make_dir_all(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)
}

pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// A process's start time in clock ticks since boot (field 22 of /proc/PID/stat).
pub(crate) fn process_start(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in brackets and may hold anything, brackets included.
    let rest = &stat[stat.rfind(')')? + 1..];
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// A run as the state folder tells it.
pub(crate) enum Found {
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
        .filter_map(|e| serde_json::from_slice(&fs::read(e.path().join("record.json")).ok()?).ok());
    records.filter(|r: &Record| process_start(r.pid) == Some(r.pid_start)).collect()
}

/// Every run in the state folder. A folder that cannot be read is left alone.
pub(crate) fn runs(state: &StateDir) -> Vec<Found> {
    let Ok(entries) = fs::read_dir(state.runs()) else { return Vec::new() };
    entries.flatten().filter_map(|entry| look_at(&entry)).collect()
}

fn look_at(entry: &fs::DirEntry) -> Option<Found> {
    let dir = entry.path();
    let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    if hidden && entry.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default() < UNFINISHED {
        return None;
    }
    let record = fs::read(dir.join("record.json")).ok().and_then(|b| serde_json::from_slice(&b).ok());
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join("lock"));
    let lock = lock.ok()?;
    match (flock(&lock, FlockOperation::NonBlockingLockExclusive), record) {
        // Another command may have swept it between the listing and the lock.
        (Ok(()), record) => dir.join("lock").exists().then_some(Found::Dead(dir, record, lock)),
        (Err(_), record) => record.map(Found::Live),
    }
}

/// What an agent is refused is its bottle's concern: the audit is among the bottle's logs too.
fn link_audit(logs: &Path, agent: &str, file: &str) -> io::Result<()> {
    make_dir_all(logs)?;
    thin_out(logs);
    std::os::unix::fs::symlink(Path::new("..").join(agent).join(file), logs.join(file))
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
        let (name, bottle, backend) = ("dev", None, "bubblewrap");
        let new = NewRun { name, bottle, label: None, manifest: None, backend, workspace, container: false };
        Run::create(state, &new).expect("run")
    }

    #[test]
    fn a_run_is_live_while_it_is_held_and_dead_after() {
        let temp = tempfile::tempdir().expect("temp");
        let state = StateDir::new(temp.path().join("state"));
        let run = new_run(&state);
        assert!(matches!(runs(&state).as_slice(), [Found::Live(r)] if r.id == run.record.id));
        drop(run);
        assert!(matches!(runs(&state).as_slice(), [Found::Dead(_, Some(r), _)] if r.name == "dev"));
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
    fn a_long_state_folder_does_not_break_the_socket() {
        let temp = tempfile::tempdir().expect("temp");
        let run = new_run(&StateDir::new(temp.path().join("x".repeat(120))));
        assert!(run.net_dir().join("egress.sock").as_os_str().len() < LONGEST_SOCKET_PATH);
        fs::remove_dir(run.net_dir()).expect("made");
    }

    #[test]
    fn this_process_has_a_start_time() {
        assert!(process_start(std::process::id() as i32).expect("stat") > 0);
    }
}
