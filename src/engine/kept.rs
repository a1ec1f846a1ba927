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

/// Files of a home that programs obey, whoever wrote them. A folder stands for what is in it.
const OBEYED: [&str; 36] = [
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".cargo/bin",
    ".cargo/config.toml",
    ".claude/CLAUDE.md",
    ".claude/agents",
    ".claude/commands",
    ".claude/hooks",
    ".claude/plugins",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".codex/AGENTS.md",
    ".codex/config.toml",
    ".codex/prompts",
    ".config/fish",
    ".config/git",
    ".config/pip",
    ".config/systemd",
    ".gdbinit",
    ".gitconfig",
    ".inputrc",
    ".local/bin",
    ".mcp.json",
    ".npmrc",
    ".profile",
    ".pythonrc",
    ".ssh",
    ".tmux.conf",
    ".vimrc",
    ".yarnrc.yml",
    ".zprofile",
    ".zshenv",
    ".zshrc",
];

/// What of a kept home a program will obey that the launch does not write itself, by its path below the
/// home. `written` are the plan's own files, as guest paths.
pub(crate) fn obeyed(home: &Path, written: &[&str]) -> Vec<String> {
    let there = |path: &&&str| fs::symlink_metadata(home.join(path)).is_ok();
    let own = |path: &&&str| written.iter().any(|w| *w == format!("{}/{path}", crate::provider::GUEST_HOME));
    OBEYED.iter().filter(there).filter(|path| !own(path)).map(|path| format!("~/{path}")).collect()
}
