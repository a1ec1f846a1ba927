//! Files as a git revision has them. Runs git without anything that the repository could configure.

use super::Failure;
use crate::disk::Disk;
use crate::manifest::{FileKind, Files};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A revision of the repository at the working folder. Paths outside of it are the disk's.
pub(super) struct Revision {
    root: PathBuf,
    /// Blob ids by path.
    blobs: BTreeMap<PathBuf, String>,
    dirs: BTreeSet<PathBuf>,
}

impl Revision {
    /// Reads the revision's list of files; their contents are read when asked for.
    pub(super) fn open(rev: &str) -> Result<Self, Failure> {
        if rev.starts_with('-') {
            return Err(Failure::usage(format!("`{rev}` is no revision")));
        }
        let root = git(Path::new("."), &["rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(OsStr::from_bytes(root.strip_suffix(b"\n").unwrap_or(&root)));
        let listed = git(&root, &["ls-tree", "-r", "-z", "--full-tree", rev])?;
        let (mut blobs, mut dirs) = (BTreeMap::new(), BTreeSet::new());
        for line in listed.split(|b| *b == 0) {
            let Some(tab) = line.iter().position(|b| *b == b'\t') else { continue };
            let (meta, path) = (String::from_utf8_lossy(&line[..tab]), OsStr::from_bytes(&line[tab + 1..]));
            // `100644 blob ID`: a link is no manifest, and a submodule is another repository.
            let mut meta = meta.split(' ');
            if let (Some("100644" | "100755"), Some("blob"), Some(id)) =
                (meta.next(), meta.next(), meta.next())
            {
                let path = root.join(path);
                dirs.extend(path.ancestors().skip(1).map(Path::to_owned));
                blobs.insert(path, id.to_owned());
            }
        }
        Ok(Self { root, blobs, dirs })
    }

    /// The absolute path of `REV:path`: from the repository's root, or from here with `./`.
    pub(super) fn absolute(&self, path: &str) -> PathBuf {
        if path.starts_with("./") || path.starts_with("../") {
            super::terminal::absolute(Path::new(path))
        } else {
            crate::manifest::join(&self.root, path)
        }
    }

    /// The repository's folder, links followed.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The id of the file at a path.
    pub(super) fn blob(&self, path: &Path) -> Option<&str> {
        self.blobs.get(path).map(String::as_str)
    }

    /// Every file.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.blobs.keys().map(PathBuf::as_path)
    }

    fn inside(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }
}

impl Files for Revision {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if !self.inside(path) {
            return Disk.read(path);
        }
        let id = self.blobs.get(path).ok_or(io::ErrorKind::NotFound)?;
        git(&self.root, &["cat-file", "blob", id]).map_err(|e| io::Error::other(e.to_string()))
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        if !self.inside(path) {
            return Disk.kind(path);
        }
        if self.blobs.contains_key(path) {
            return Some(FileKind::File);
        }
        self.dirs.contains(path).then_some(FileKind::Dir)
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        if !self.inside(dir) {
            return Disk.list(dir);
        }
        let all = self.blobs.keys().chain(&self.dirs).filter(|p| p.parent() == Some(dir));
        let mut names: Vec<_> =
            all.filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        self.kind(path).map(|_| path.to_owned())
    }
}

/// Runs git where no configuration of the repository can start another program.
pub(super) fn git(dir: &Path, args: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = Command::new("git")
        .current_dir(dir)
        .args([
            "-c",
            "core.fsmonitor=",
            "-c",
            "diff.external=",
            "-c",
            "core.hooksPath=/dev/null",
            // What a partial clone lacks is not fetched.
            "-c",
            "protocol.allow=never",
            "--no-pager",
        ])
        .args(args)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Failure::usage(format!("cannot run git: {e}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(Failure::usage(format!(
        "git {}: {}",
        args.first().unwrap_or(&""),
        crate::shown::lines(why.lines().next().unwrap_or("failed"))
    )))
}
