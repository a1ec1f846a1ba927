//! What runs leave for `--resume`: the guest's home, its copy of the workspace, its places outside the home.
//!
//! It belongs to one manifest, its bottle and one workspace, and an agent wrote it: so it says which run it
//! is of and what that run was launched as, beside the folders, where no guest can write.

use super::error::Problem;
use super::guest::PLACE;
use super::state::{Record, StateDir, make_dir_all, record_in};
use super::tree;
use crate::provider;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// So many homes are kept of one manifest in one workspace, the last ones.
const MOST: usize = 5;
const RECORD: &str = "record.json";

/// The folders of one run.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub dir: PathBuf,
    /// The run that left them.
    pub run: Record,
}

/// What a key's runs kept, the last one first.
pub(crate) fn all(state: &StateDir, key: &str) -> Vec<Kept> {
    let entries = fs::read_dir(state.kept(key)).into_iter().flatten().flatten();
    let read = |dir: PathBuf| {
        let run = record_in(state, &dir)?;
        let home = fs::symlink_metadata(dir.join("home")).ok()?;
        home.is_dir().then_some(Kept { dir, run })
    };
    let mut all: Vec<_> = entries.filter_map(|e| read(e.path())).collect();
    // The record says seconds, in which several runs may begin.
    let written = |kept: &Kept| fs::metadata(kept.dir.join(RECORD)).and_then(|m| m.modified()).ok();
    all.sort_by_key(|kept| std::cmp::Reverse(written(kept)));
    all
}

/// What is resumed: the last, or with an id the one of that run.
///
/// # Errors
/// When there is none.
pub(crate) fn pick(state: &StateDir, key: &str, run: Option<&str>) -> Result<Kept, Problem> {
    let all = all(state, key);
    let known: Vec<_> = all.iter().map(|k| k.run.id.clone()).collect();
    let found = all.into_iter().find(|k| run.is_none_or(|run| k.run.id == run));
    found.ok_or_else(|| match run {
        Some(run) if !known.is_empty() => Problem::new(
            format!("the home of the run {run} is not kept"),
            format!("kept are those of {}, the last one first", known.join(", ")),
            "resume one of them",
        ),
        _ => Problem::new(
            "there is nothing to resume",
            "no run of this manifest in this workspace has ended, or one that resumes it is under way",
            "launch without --resume",
        ),
    })
}

/// Keeps a run's folders; what is more than enough goes.
pub(crate) fn keep(state: &StateDir, dir: &Path, record: &Record) -> io::Result<()> {
    let to = state.kept(&record.key).join(&record.id);
    make_dir_all(&to)?;
    for entry in fs::read_dir(dir)?.flatten() {
        let name = entry.file_name();
        let kept = |name: &str| ["home", "workspace"].contains(&name) || name.starts_with(PLACE);
        if name.to_str().is_some_and(kept) {
            tree::remove_path(&to.join(&name))?;
            fs::rename(entry.path(), to.join(&name))?;
        }
    }
    // Moved like the rest: on a full disk nothing can be written.
    fs::rename(dir.join(RECORD), to.join(RECORD))?;
    all(state, &record.key).iter().skip(MOST).try_for_each(|old| tree::remove_path(&old.dir))
}

/// Folders of a home that hold records and programs' orders side by side, beside those of the agents: their
/// entries are told one by one.
const MIXED: [&str; 4] = [".cache", ".config", ".local", ".local/share"];

fn is_record(path: &str) -> bool {
    RECORDS.contains(&path) || provider::all().iter().any(|p| p.is_record(path))
}

fn is_mixed(path: &str) -> bool {
    MIXED.contains(&path) || provider::all().iter().any(|p| p.files().mixed.contains(&path))
}

/// What of a home is the record of what was done in it, and no order to any program; the agents' own are
/// [`provider::Provider::is_record`]. Anything else is listed.
const RECORDS: [&str; 5] = [".bash_history", ".lesshst", ".local/state", ".python_history", ".wget-hsts"];

/// What a kept home holds beside the agents' records and what the launch writes itself, by its path below
/// the home, sorted: programs obey files that no list has all of (`.bashrc`, `.gitconfig`, `CLAUDE.md`, a
/// `node_modules`), and an agent wrote them. `written` are the plan's own files, as guest paths.
pub(crate) fn left_behind(home: &Path, written: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(home.join(&folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            let shown = path.to_string_lossy();
            let guest_path = format!("{}/{shown}", provider::GUEST_HOME);
            if is_record(&shown) || written.contains(&guest_path.as_str()) {
                continue;
            }
            if is_mixed(&shown) && entry.file_type().is_ok_and(|t| t.is_dir()) {
                waiting.push(path);
            } else {
                left.push(format!("~/{shown}"));
            }
        }
    }
    left.sort();
    left
}

/// So many names are enough to decide on.
const TOLD: usize = 30;

/// [`left_behind`] in a line of words.
pub(crate) fn listed(left: &[String]) -> String {
    let mut text = left[..left.len().min(TOLD)].join(", ");
    if left.len() > TOLD {
        text += &format!(" and {} more", left.len() - TOLD);
    }
    text
}
