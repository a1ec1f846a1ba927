//! Files of the workspace that the host obeys later: what an agent changed there is reported.
//!
//! A hook, a git setting, an editor task or a shell file runs outside of the bottle, the next time
//! a person works in the folder. The workspace is the agent's to write, so these files are not
//! locked; but no change to one stays unseen.

use crate::provider;
use crate::shown::output;
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Folders all of whose files count, beside those that an agent obeys.
const FOLDERS: [&str; 7] =
    [".git/hooks", ".vscode", ".idea", ".devcontainer", ".husky", ".bot-bottle", ".github/workflows"];
/// Files that count, wherever they lie, beside those that an agent obeys.
const FILES: [&str; 20] = [
    ".git/config",
    ".git/info/attributes",
    ".gitattributes",
    ".gitmodules",
    ".cargo/config.toml",
    ".env",
    ".envrc",
    ".npmrc",
    ".yarnrc.yml",
    ".tool-versions",
    ".mise.toml",
    ".pre-commit-config.yaml",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".zshenv",
    "bottle.yaml",
    "bottle.yml",
    ".git",
];
/// Endings of manifests.
const MANIFESTS: [&str; 4] = [".bottle.yaml", ".bottle.yml", ".agent.yaml", ".agent.yml"];
/// How far the look goes: repositories within the workspace count, a deep tree costs no second.
const DEPTH: usize = 5;
const ENTRIES: usize = 30_000;
/// Larger files are compared by size and time.
const HASHED: u64 = 4 << 20;

/// What became of a watched file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Added,
    /// Its content, kind or mode changed.
    Changed,
    /// It is gone.
    Removed,
}

/// A watched file that a run changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the workspace.
    pub path: PathBuf,
    /// What became of it.
    pub how: How,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.how {
            How::Added => "added",
            How::Changed => "changed",
            How::Removed => "removed",
        };
        // The agent chose the name.
        let name = output(self.path.as_os_str().as_bytes()).replace(['\n', '\t'], " ");
        write!(f, "{how} {name}")
    }
}

/// The watched files of a workspace at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    root: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Snapshot {
    pub(crate) fn take(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut left = ENTRIES;
        walk(root, Path::new(""), 0, false, &mut left, &mut files);
        Self { root: root.to_path_buf(), files }
    }

    /// What is different now.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let now = Self::take(&self.root);
        let mut changes = Vec::new();
        for (path, mark) in &now.files {
            match self.files.get(path) {
                None => changes.push(Change { path: path.clone(), how: How::Added }),
                Some(before) if before != mark => {
                    changes.push(Change { path: path.clone(), how: How::Changed })
                }
                Some(_) => {}
            }
        }
        let gone = self.files.keys().filter(|path| !now.files.contains_key(*path));
        changes.extend(gone.map(|path| Change { path: path.clone(), how: How::Removed }));
        changes
    }
}

fn walk(
    root: &Path,
    inside: &Path,
    depth: usize,
    all: bool,
    left: &mut usize,
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) {
    let Ok(entries) = fs::read_dir(root.join(inside)) else { return };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = inside.join(entry.file_name());
        let Ok(metadata) = entry.metadata() else { continue };
        let counts = all || watched(&path);
        // A link to a folder is itself the change; it is never followed.
        if metadata.is_dir() {
            let below = counts || is_watched_folder(&path);
            if depth < DEPTH && enter(&path) {
                walk(root, &path, depth + 1, below, left, files);
            }
        } else if counts {
            files.insert(path.clone(), mark(&root.join(&path), &metadata));
        }
    }
}

/// Folders that hold much and nothing that the host obeys.
fn enter(path: &Path) -> bool {
    let skipped = [".git/objects", ".git/refs", ".git/logs", ".git/lfs", "node_modules", "target"];
    !skipped.iter().any(|s| path.ends_with(s))
}

fn is_watched_folder(path: &Path) -> bool {
    let agents = || provider::all().iter().flat_map(|p| p.files().obeyed_folders);
    FOLDERS.iter().chain(agents()).any(|f| path.ends_with(f))
}

fn watched(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    // `.git` is watched as a file: a link to a repository elsewhere.
    let agents = || provider::all().iter().flat_map(|p| p.files().obeyed);
    let file =
        FILES.iter().chain(agents()).any(|f| path.ends_with(f)) && !(path.ends_with(".git") && path.is_dir());
    file || is_watched_folder(path) || MANIFESTS.iter().any(|m| name.ends_with(m.as_bytes()))
}

fn mark(path: &Path, metadata: &fs::Metadata) -> Vec<u8> {
    let mut mark = metadata.mode().to_ne_bytes().to_vec();
    if metadata.is_symlink() {
        mark.extend(fs::read_link(path).unwrap_or_default().as_os_str().as_bytes());
    } else if metadata.is_file() && metadata.len() <= HASHED {
        // Opened without waiting: a FIFO may have taken the file's place.
        let content = path.parent().zip(path.file_name()).and_then(|(dir, name)| {
            use std::io::Read;
            use std::os::fd::AsFd;
            let mut bytes = Vec::new();
            let file = super::tree::regular(super::tree::open_root(dir).ok()?.as_fd(), name).ok()?;
            file.take(HASHED).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        });
        mark.extend(digest(&SHA256, &content.unwrap_or_default()).as_ref());
    } else {
        mark.extend(metadata.len().to_ne_bytes());
        mark.extend(metadata.mtime().to_ne_bytes());
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_obeys_is_watched_and_the_work_is_not() {
        let temp = tempfile::tempdir().expect("temp");
        let root = temp.path();
        for dir in [".git/hooks", "src", "sub/.git", ".vscode"] {
            fs::create_dir_all(root.join(dir)).expect("dir");
        }
        fs::write(root.join(".git/config"), "[core]").expect("write");
        fs::write(root.join(".vscode/tasks.json"), "{}").expect("write");
        fs::write(root.join(".env"), "A=1").expect("write");
        let before = Snapshot::take(root);
        fs::write(root.join("src/main.rs"), "fn main() {}").expect("write");
        assert_eq!(before.changes(), []);
        fs::write(root.join(".git/config"), "[core]\nfsmonitor=x").expect("write");
        fs::write(root.join(".git/hooks/pre-commit\x1b[2J"), "x").expect("write");
        fs::write(root.join("sub/.git/config"), "x").expect("write");
        fs::remove_file(root.join(".env")).expect("remove");
        std::os::unix::fs::symlink("/etc", root.join(".claude")).expect("link");
        let shown: Vec<_> = before.changes().iter().map(ToString::to_string).collect();
        let wanted = [
            "added .claude",
            "changed .git/config",
            "added .git/hooks/pre-commit\u{fffd}[2J",
            "added sub/.git/config",
            "removed .env",
        ];
        assert_eq!(shown, wanted);
    }
}
