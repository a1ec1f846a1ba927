//! Limits of a whole bottle, by a control group where this machine lets us make one.
//!
//! Version 2 (also a delegated one, as systemd gives every user) and version 1 (as root). A
//! process joins between fork and exec, so nothing of the guest ever runs outside.

use super::super::state::Run;
use crate::plan::Resources;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Processes of a bottle whose manifest states no limit: enough for any build, short of a fork bomb.
pub(crate) const DEFAULT_PIDS: u64 = 4096;
const PERIOD: u64 = 100_000;

/// The control groups of a run.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    groups: Vec<PathBuf>,
    /// What the guest's own program states by resource limits, for lack of a group: its name there
    /// and the number.
    pub instead: Vec<(&'static str, u64)>,
    /// What a person asked for and gets only in part, in words.
    pub notes: Vec<&'static str>,
}

/// One limit: its name to a person, the controller, and the files that state it.
struct Limit {
    /// The resource limit that comes nearest, and what a person reads about it.
    instead: Option<(&'static str, u64)>,
    note: &'static str,
    controller: &'static str,
    v1: Vec<(&'static str, String)>,
    v2: Vec<(&'static str, String)>,
    asked: bool,
}

fn limits(resources: &Resources) -> Vec<Limit> {
    let number = resources.pids.unwrap_or(DEFAULT_PIDS);
    let pids = number.to_string();
    let mut limits = vec![Limit {
        instead: Some(("nproc", number)),
        note: "",
        controller: "pids",
        v1: vec![("pids.max", pids.clone())],
        v2: vec![("pids.max", pids)],
        asked: resources.pids.is_some(),
    }];
    if let Some(memory) = resources.memory {
        let bytes = memory.to_string();
        limits.push(Limit {
            instead: Some(("data", memory)),
            note: "memory binds each process alone, not the whole bottle",
            controller: "memory",
            // Memory and swap together, which version 1 sets after the memory alone.
            v1: vec![
                ("memory.limit_in_bytes", bytes.clone()),
                ("memory.memsw.limit_in_bytes", bytes.clone()),
            ],
            v2: vec![("memory.max", bytes), ("memory.swap.max", "0".into())],
            asked: true,
        });
    }
    if let Some(cpus) = resources.cpus {
        let quota = ((cpus * PERIOD as f64) as u64).max(1000).to_string();
        limits.push(Limit {
            instead: None,
            note: "cpus is not enforced",
            controller: "cpu",
            v1: vec![("cpu.cfs_period_us", PERIOD.to_string()), ("cpu.cfs_quota_us", quota.clone())],
            v2: vec![("cpu.max", format!("{quota} {PERIOD}"))],
            asked: true,
        });
    }
    limits
}

impl Limits {
    /// Makes the groups, each written into the run's record first.
    pub(crate) fn make(resources: &Resources, run: &mut Run) -> io::Result<Self> {
        let mut made = Self::default();
        let name = format!("bot-bottle-{}", run.record.id);
        let unified = parent_of_groups();
        for limit in limits(resources) {
            let enforced = match &unified {
                Some(parent) => made.enforce(&parent.join(&name), &limit.v2, run)?,
                None => {
                    let parent = Path::new("/sys/fs/cgroup").join(limit.controller);
                    made.enforce(&parent.join(&name), &limit.v1, run)?
                }
            };
            if !enforced {
                made.instead.extend(limit.instead);
                made.notes.extend((limit.asked && !limit.note.is_empty()).then_some(limit.note));
            }
        }
        Ok(made)
    }

    fn enforce(&mut self, group: &Path, files: &[(&str, String)], run: &mut Run) -> io::Result<bool> {
        if !self.groups.iter().any(|g| g == group) {
            if !group.parent().is_some_and(Path::exists) {
                return Ok(false);
            }
            run.add_cgroup(group.to_path_buf())?;
            if fs::create_dir(group).is_err() {
                return Ok(false);
            }
            self.groups.push(group.to_path_buf());
        }
        // Swap accounting is often off; the first file is the limit itself.
        let mut results = files.iter().map(|(file, value)| fs::write(group.join(file), value));
        let limited = results.next().is_some_and(|r| r.is_ok());
        results.for_each(drop);
        Ok(limited)
    }

    /// Opens what a child writes to join.
    pub(crate) fn join_files(&self) -> io::Result<Vec<OwnedFd>> {
        let open =
            |g: &PathBuf| OpenOptions::new().write(true).open(g.join("cgroup.procs")).map(OwnedFd::from);
        self.groups.iter().map(open).collect()
    }
}

/// The nearest group of version 2 above this process in which we may make one with controllers.
fn parent_of_groups() -> Option<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|l| l.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    if !root.join("cgroup.controllers").exists() {
        return None;
    }
    // A group with processes in it hands no controllers on, so the search begins above our own.
    root.join(own)
        .ancestors()
        .skip(1)
        .take_while(|a| a.starts_with(root))
        .find(|a| usable(a))
        .map(Path::to_path_buf)
}

fn usable(group: &Path) -> bool {
    let handed_on = fs::read_to_string(group.join("cgroup.subtree_control")).unwrap_or_default();
    let writable = |file: &str| rustix::fs::access(group.join(file), rustix::fs::Access::WRITE_OK).is_ok();
    handed_on.split_whitespace().any(|c| c == "pids") && writable("") && writable("cgroup.procs")
}

/// Kills what is left in a group and removes it; part of clean-up and of sweeping.
pub(crate) fn remove(group: &Path) {
    // Only a group of our own making is ever touched, whatever a record says.
    let ours = group.starts_with("/sys/fs/cgroup")
        && group.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"bot-bottle-"));
    for _ in 0..200 {
        if !ours || fs::remove_dir(group).is_ok() || !group.exists() {
            return;
        }
        let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for pid in members.lines().filter_map(|l| l.parse().ok()).filter_map(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        // The kernel empties a group a moment after its processes die.
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// What `doctor` says of limits without a container engine.
pub fn support() -> &'static str {
    if parent_of_groups().is_some() {
        "control groups (version 2)"
    } else if rustix::fs::access("/sys/fs/cgroup/pids", rustix::fs::Access::WRITE_OK).is_ok() {
        "control groups (version 1)"
    } else {
        "resource limits a process (this user may make no control group): `cpus` binds container backends alone"
    }
}
