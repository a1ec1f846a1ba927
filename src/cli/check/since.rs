//! `--since REV`: what has changed since a git revision, and what depends on it.
//!
//! Only the revision's list of files is asked of git. The working tree is compared here: git
//! itself would run the filters, monitors and diff programs that the repository's configuration
//! names, and a repository that an agent has worked in may name anything.

use super::Failure;
use super::dependencies::dependencies;
use super::examine::Examiner;
use super::inputs::Input;
use crate::cli::terminal;
use crate::disk::Disk;
use crate::manifest::{Catalog, Files, Kind, Layout};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Keeps the files that differ from the revision, or depend on one that does.
pub(super) fn retain_changed(
    files: &mut Vec<Input>,
    revision: &str,
    examiner: &Examiner<'_>,
) -> Result<(), Failure> {
    let tree = Tree::read(revision, &examiner.base)?;
    let gone = tree.bottles_gone(examiner.layout);
    let catalog = Catalog::new(&Disk, examiner.layout);
    files.retain(|input| {
        if tree.differs(&input.path) {
            return true;
        }
        // What cannot be read is kept, so that it is told.
        let Ok(Some(source)) = examiner.read(input) else { return true };
        let depends = dependencies(&Arc::new(source), &catalog);
        depends.files.iter().any(|f| tree.differs(f))
            || !gone.is_disjoint(&depends.names.into_iter().collect())
    });
    Ok(())
}

/// The files of a revision.
struct Tree {
    /// The repository's folder, absolute, links followed.
    root: PathBuf,
    /// The object id of each file, in hexadecimal, by its path below the root.
    ids: HashMap<PathBuf, String>,
}

impl Tree {
    fn read(revision: &str, folder: &Path) -> Result<Self, Failure> {
        let root = git(folder, &["rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(OsStr::from_bytes(root.strip_suffix(b"\n").unwrap_or(&root)));
        let commit = format!("{revision}^{{tree}}");
        let listed = git(&root, &["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", &commit])?;
        let ids = listed.split(|b| *b == 0).filter_map(entry).collect();
        Ok(Self { root, ids })
    }

    /// Whether the file is not now as it is in the revision. Files outside the repository never
    /// differ: the revision says nothing of them.
    fn differs(&self, path: &Path) -> bool {
        let Some(below) = self.below(path) else { return false };
        match (self.ids.get(&below), Disk.read(path)) {
            (None, Err(_)) => false,
            (Some(id), Ok(bytes)) => object_id(&bytes, id.len()) != *id,
            _ => true,
        }
    }

    fn below(&self, path: &Path) -> Option<PathBuf> {
        let folder = path.parent()?.canonicalize().ok()?;
        Some(folder.strip_prefix(&self.root).ok()?.join(path.file_name()?))
    }

    /// The names of the bottles that the revision has and the working tree has not.
    fn bottles_gone(&self, layout: &Layout) -> HashSet<String> {
        let bottles = self.ids.keys().filter_map(|below| {
            let path = self.root.join(below);
            let identity = layout.identify(&path).filter(|i| i.kind == Kind::Bottle)?;
            (Disk.kind(&path).is_none()).then_some(identity.name)
        });
        bottles.collect()
    }
}

/// A line of `git ls-tree`: mode, type and id, a tab, and the path.
fn entry(line: &[u8]) -> Option<(PathBuf, String)> {
    let tab = line.iter().position(|b| *b == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let id = head.split(' ').nth(2)?;
    Some((PathBuf::from(OsStr::from_bytes(&line[tab + 1..])), id.to_owned()))
}

/// The id that git gives these bytes; `digits` tells SHA-1 (40) from SHA-256 (64) repositories.
fn object_id(bytes: &[u8], digits: usize) -> String {
    let mut context = Context::new(if digits == 40 { &SHA1_FOR_LEGACY_USE_ONLY } else { &SHA256 });
    context.update(format!("blob {}\0", bytes.len()).as_bytes());
    context.update(bytes);
    context.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Runs git without anything that a repository's configuration could make it run or fetch.
fn git(folder: &Path, args: &[&str]) -> Result<Vec<u8>, Failure> {
    let off = ["core.fsmonitor=", "core.hooksPath=/dev/null", "diff.external=", "protocol.allow=never"];
    let output = Command::new("git")
        .arg("--no-pager")
        .args(off.iter().flat_map(|setting| ["-c", *setting]))
        .args(args)
        .current_dir(folder)
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Failure::usage(format!("--since needs git, which does not run: {e}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it said nothing").trim_start_matches("fatal: ");
    Err(Failure::usage(format!("--since: git says: {}", terminal::clean(said))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_gits() {
        // `printf 'hello\n' | git hash-object --stdin`
        assert_eq!(object_id(b"hello\n", 40), "ce013625030ba8dba906f756967f9e9ca394464a");
        let line = b"100644 blob ce013625030ba8dba906f756967f9e9ca394464a\ta b/c\n.yaml";
        let (path, id) = entry(line).expect("an entry");
        assert_eq!((path.as_path(), id.len()), (Path::new("a b/c\n.yaml"), 40));
    }
}
