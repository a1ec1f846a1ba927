//! What runs leave for `--resume`: the guest's home, its copy of the workspace, its places outside the home.
//!
//! It belongs to one manifest, its bottle and one workspace, and an agent wrote it: so it says which run it
//! is of and what that run was launched as, beside the folders, where no guest can write.

use super::error::Problem;
use super::guest::PLACE;
use super::state::{Record, StateDir, make_dir_all};
use super::tree;
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
        let run = serde_json::from_slice(&fs::read(dir.join(RECORD)).ok()?).ok()?;
        dir.join("home").is_dir().then_some(Kept { dir, run })
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

/// Folders of a home that hold records and programs' orders side by side: their entries are told one by one.
const MIXED: [&str; 6] = [".cache", ".claude", ".codex", ".config", ".local", ".local/share"];

/// What of a home is an agent's record of what it did, which is what is resumed for, and no order to any
/// program. As two agents leave it after a day's work; anything else is told.
const RECORDS: [&str; 38] = [
    ".bash_history",
    ".cache/claude",
    ".cache/claude-cli-nodejs",
    ".claude/.last-cleanup",
    ".claude/backups",
    ".claude/cache",
    ".claude/debug",
    ".claude/downloads",
    ".claude/file-history",
    ".claude/history.jsonl",
    ".claude/ide",
    ".claude/paste-cache",
    ".claude/plans",
    ".claude/projects",
    ".claude/session-env",
    ".claude/sessions",
    ".claude/shell-snapshots",
    ".claude/stats-cache.json",
    ".claude/statsig",
    ".claude/tasks",
    ".claude/telemetry",
    ".claude/todos",
    ".claude/usage-data",
    ".codex/.tmp",
    ".codex/history.jsonl",
    ".codex/installation_id",
    ".codex/internal_storage.json",
    ".codex/log",
    ".codex/models_cache.json",
    ".codex/session_index.jsonl",
    ".codex/sessions",
    ".codex/shell_snapshots",
    ".codex/tmp",
    ".codex/version.json",
    ".lesshst",
    ".local/state",
    ".python_history",
    ".wget-hsts",
];

/// What a kept home holds beside the agent's records and what the launch writes itself, by its path below
/// the home, sorted: programs obey files that no list has all of (`.bashrc`, `.gitconfig`, `CLAUDE.md`, a
/// `node_modules`), and an agent wrote them. `written` are the plan's own files, as guest paths.
pub(crate) fn left_behind(home: &Path, written: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(home.join(&folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            let shown = path.to_string_lossy();
            // Databases and their journals are named by version.
            let database = shown.starts_with(".codex/") && shown.contains(".sqlite");
            let guest_path = format!("{}/{shown}", crate::provider::GUEST_HOME);
            if database || RECORDS.contains(&&*shown) || written.contains(&guest_path.as_str()) {
                continue;
            }
            if MIXED.contains(&&*shown) && entry.file_type().is_ok_and(|t| t.is_dir()) {
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
pub(crate) fn told(left: &[String]) -> String {
    let mut text = left[..left.len().min(TOLD)].join(", ");
    if left.len() > TOLD {
        text += &format!(" and {} more", left.len() - TOLD);
    }
    text
}
