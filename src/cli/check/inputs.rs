//! Which files are checked.

use crate::cli::terminal;
use crate::disk::Disk;
use crate::manifest::{FileKind, Files, Layout, project_root};
use ignore::{DirEntry, WalkBuilder};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A file to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// Its absolute path.
    pub path: PathBuf,
    /// A person named it, so it is a manifest whatever its name.
    pub named: bool,
}

/// The order of paths, a folder before its neighbours' longer names, without taking each apart.
fn by_component(a: &Path, b: &Path) -> Ordering {
    // No name holds a zero, so it may stand for the separator.
    let order = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    let [a, b] = [a, b].map(|path| path.as_os_str().as_encoded_bytes());
    a.iter().map(order).cmp(b.iter().map(order))
}

/// Why a folder is not entered.
const TRAPPED: &str = "its list of ignored files is not an ordinary file";

/// Whether the walker would wait forever in a folder: it opens these files, and one may be a FIFO.
fn is_trapped(dir: &Path) -> bool {
    let lists = [".gitignore", ".ignore", ".git/info/exclude"];
    lists.iter().any(|list| Disk.kind(&dir.join(list)) == Some(FileKind::Other))
}

/// What the paths of the command line lead to.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// The files, sorted by path.
    pub files: Vec<Input>,
    /// What could not be looked at, with why.
    pub problems: Vec<(PathBuf, String)>,
    /// The folders that were walked through, for `--watch`.
    pub folders: Vec<PathBuf>,
    /// The named folders that hold no manifest.
    pub empty: Vec<PathBuf>,
}

impl Inputs {
    /// Looks for manifests; without paths, below the working folder.
    pub(super) fn collect(paths: &[PathBuf], layout: &Layout) -> Self {
        let mut all = Self::default();
        let here = [PathBuf::from(".")];
        for path in if paths.is_empty() { &here } else { paths } {
            let path = terminal::absolute(path);
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => all.walk(&path, layout),
                Ok(_) => all.files.push(Input { path, named: true }),
                Err(error) => all.problems.push((path, error.to_string())),
            }
        }
        all.sort();
        all
    }

    /// Brings the files into their order.
    pub(super) fn sort(&mut self) {
        // Of a file that was also named, the named one comes first and stays.
        self.files.sort_by(|a, b| by_component(&a.path, &b.path).then(b.named.cmp(&a.named)));
        self.files.dedup_by(|a, b| a.path == b.path);
    }

    fn walk(&mut self, root: &Path, layout: &Layout) {
        let before = self.files.len();
        let links = Links::new(root, layout);
        let trapped = Arc::new(Mutex::new(Vec::new()));
        if is_trapped(root) {
            self.problems.push((root.to_owned(), TRAPPED.to_owned()));
            return;
        }
        let seen = trapped.clone();
        let enter = move |entry: &DirEntry| {
            if entry.file_name() == ".git" {
                return false;
            }
            let trap = entry.file_type().is_some_and(|t| t.is_dir()) && is_trapped(entry.path());
            if trap && let Ok(mut seen) = seen.lock() {
                seen.push(entry.path().to_owned());
            }
            !trap
        };
        let walk = WalkBuilder::new(root).hidden(false).filter_entry(enter).build();
        for entry in walk {
            match entry {
                Ok(entry) => self.entry(entry, layout, &links),
                Err(error) => self.problems.push((root.to_owned(), error.to_string())),
            }
        }
        let trapped = trapped.lock().map(|t| t.clone()).unwrap_or_default();
        self.problems.extend(trapped.into_iter().map(|dir| (dir, TRAPPED.to_owned())));
        if self.files.len() == before {
            self.empty.push(root.to_owned());
        }
    }

    fn entry(&mut self, entry: DirEntry, layout: &Layout, links: &Links) {
        let kind = entry.file_type();
        if kind.is_some_and(|k| k.is_dir()) {
            self.folders.push(entry.into_path());
            return;
        }
        if layout.identify(entry.path()).is_none() {
            return;
        }
        let link = kind.is_some_and(|k| k.is_symlink());
        let path = entry.into_path();
        if link && Disk.kind(&path) == Some(FileKind::Dir) {
            return;
        }
        if link && links.lead_out(&path) {
            let why = "it is a link that leads out of the project; name it to check it".to_owned();
            self.problems.push((path, why));
        } else {
            self.files.push(Input { path, named: false });
        }
    }

    /// Says what was not there to check.
    pub(super) fn tell(&self, since: Option<&str>) {
        for (path, why) in &self.problems {
            terminal::error(&format!("cannot read {}: {why}", terminal::shown(path)));
        }
        for folder in &self.empty {
            let folder = Some(terminal::shown(folder)).filter(|f| !f.is_empty());
            terminal::note(&format!("no manifests in {}", folder.as_deref().unwrap_or("the working folder")));
        }
        if let Some(revision) = since.filter(|_| self.files.is_empty() && self.empty.is_empty()) {
            terminal::note(&format!("no manifest has changed since {revision}"));
        }
    }
}

/// Where links may lead: a cloned repository must not make a report of somebody's private files.
struct Links {
    allowed: Vec<PathBuf>,
}

impl Links {
    fn new(root: &Path, layout: &Layout) -> Self {
        // The user's own manifests are often kept elsewhere and linked from here.
        if layout.store().is_some_and(|store| root.starts_with(store)) {
            return Self { allowed: vec![PathBuf::from("/")] };
        }
        let project = project_root(&Disk, layout, &root.join("bottle.yaml"));
        let places: HashSet<_> = project.into_iter().chain([root.to_owned()]).collect();
        Self { allowed: places.iter().filter_map(|p| Disk.canonical(p)).collect() }
    }

    fn lead_out(&self, path: &Path) -> bool {
        // A link to nothing is reported when it is read.
        Disk.canonical(path).is_some_and(|target| !self.allowed.iter().any(|a| target.starts_with(a)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_the_order_of_their_components() {
        let names = ["/a", "/a/b", "/a/b.c", "/a-b", "/a.b/c", "/a/ä", "/b", "/a b/c"];
        for a in names.map(Path::new) {
            for b in names.map(Path::new) {
                assert_eq!(by_component(a, b), a.cmp(b), "{a:?} {b:?}");
            }
        }
    }
}
