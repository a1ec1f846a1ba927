//! Files of the workspace that the host obeys later: what an agent changed there is reported.
//!
//! A hook, a git setting, an editor task or a shell file runs outside of the bottle, the next time
//! a person works in the folder. The workspace is the agent's to write, so these files are not
//! locked; but no change to one stays unseen.

use crate::provider;
use crate::shown::output;
use ring::digest::{SHA256, digest};
use std::collections::{BTreeMap, VecDeque};
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
/// How far the look goes: repositories within the workspace count, and a large tree costs no second. What lies
/// beyond is said to be unseen.
const DEPTH: usize = 64;
const ENTRIES: usize = 100_000;
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
        write!(f, "{how} {}", name(&self.path))
    }
}

/// The watched files of a workspace at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    root: PathBuf,
    /// So many names are looked at.
    most: usize,
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// What was not looked at, and why.
    unseen: Vec<String>,
}

/// What a run changed, as far as it was looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub changes: Vec<Change>,
    /// What was not looked at, and why; empty where nothing is left out.
    pub unseen: Vec<String>,
}

impl Snapshot {
    pub(crate) fn take(root: &Path) -> Self {
        Self::take_of(root, ENTRIES)
    }

    fn take_of(root: &Path, most: usize) -> Self {
        let mut look = Self { root: root.to_path_buf(), most, files: BTreeMap::new(), unseen: Vec::new() };
        let mut left = most;
        // The nearest folders first: an agent can fill a folder of its own with names, and none of the root's
        // may be missed for it.
        let mut waiting = VecDeque::from([(PathBuf::new(), false)]);
        while let Some((inside, all)) = waiting.pop_front() {
            if !look.folder(&inside, all, &mut left, &mut waiting) {
                look.unseen.push(format!("more than {most} names are in it"));
                break;
            }
        }
        look
    }

    /// Looks at a folder's entries; whether there was room for all of them.
    fn folder(
        &mut self,
        inside: &Path,
        all: bool,
        left: &mut usize,
        waiting: &mut VecDeque<(PathBuf, bool)>,
    ) -> bool {
        let entries = match fs::read_dir(self.root.join(inside)) {
            Ok(entries) => entries,
            Err(error) => {
                self.unseen.push(format!("{} cannot be read ({error})", name(inside)));
                return true;
            }
        };
        for entry in entries {
            let Ok(entry) = entry else {
                self.unseen.push(format!("{} cannot be read to its end", name(inside)));
                return true;
            };
            if *left == 0 {
                return false;
            }
            *left -= 1;
            let path = inside.join(entry.file_name());
            let counts = all || watched(&path);
            // A link to a folder is itself the change; it is never followed.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !enter(&path) {
                    continue;
                }
                if path.components().count() > DEPTH {
                    self.unseen.push(format!("{} lies too deep", name(&path)));
                    continue;
                }
                waiting.push_back((path.clone(), counts || is_watched_folder(&path)));
            } else if counts && let Ok(metadata) = entry.metadata() {
                self.files.insert(path.clone(), mark(&self.root.join(&path), &metadata));
            }
        }
        true
    }

    /// What is different now.
    pub(crate) fn changes(&self) -> Changes {
        let now = Self::take_of(&self.root, self.most);
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
        Changes { changes, unseen: now.unseen }
    }
}

/// A path in the workspace for a person's eyes: the agent chose it.
fn name(path: &Path) -> String {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    output(path.as_os_str().as_bytes()).replace(['\n', '\t'], " ")
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
        assert_eq!(before.changes(), Changes::default());
        fs::write(root.join(".git/config"), "[core]\nfsmonitor=x").expect("write");
        fs::write(root.join(".git/hooks/pre-commit\x1b[2J"), "x").expect("write");
        fs::write(root.join("sub/.git/config"), "x").expect("write");
        fs::remove_file(root.join(".env")).expect("remove");
        std::os::unix::fs::symlink("/etc", root.join(".claude")).expect("link");
        let shown: Vec<_> = before.changes().changes.iter().map(ToString::to_string).collect();
        let wanted = [
            "added .claude",
            "changed .git/config",
            "added .git/hooks/pre-commit\u{fffd}[2J",
            "added sub/.git/config",
            "removed .env",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn a_folder_full_of_names_hides_nothing_near_the_root_and_what_is_not_seen_is_said() {
        let temp = tempfile::tempdir().expect("temp");
        let root = temp.path();
        fs::create_dir_all(root.join(".git/hooks")).expect("dir");
        fs::create_dir_all(root.join("a/a")).expect("dir");
        let before = Snapshot::take_of(root, 50);
        for number in 0..60 {
            fs::write(root.join(format!("a/a/{number}")), "").expect("write");
        }
        fs::write(root.join(".git/hooks/pre-commit"), "x").expect("write");
        let Changes { changes, unseen } = before.changes();
        assert_eq!(
            changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["added .git/hooks/pre-commit"]
        );
        assert_eq!(unseen, ["more than 50 names are in it"]);

        let deep: PathBuf = (0..=DEPTH).map(|_| "d").collect();
        fs::create_dir_all(root.join(&deep)).expect("dir");
        let unseen = Snapshot::take_of(root, 1000).changes().unseen;
        assert!(unseen.len() == 1 && unseen[0].ends_with("d lies too deep"), "{unseen:?}");
    }
}
