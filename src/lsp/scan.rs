//! Reading the workspace's manifests: when first asked for, within bounds, and nothing outside.

use crate::disk::Disk;
use crate::manifest::{Files, Layout, Source};
use crate::syntax::decode;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is looked at; a workspace beyond it is known in part.
const MAX_ENTRIES: usize = 200_000;
const MAX_MANIFESTS: usize = 5_000;
const MAX_TEXT: usize = 8 << 20;
const MAX_DEPTH: usize = 64;
const MAX_TIME: Duration = Duration::from_secs(10);
/// Folders that hold other people's files.
const SKIPPED: [&str; 4] = [".git", ".hg", "node_modules", "target"];

/// The manifests of the workspace and of the user's own folder.
pub(super) struct Workspace {
    /// By path.
    pub sources: BTreeMap<PathBuf, Arc<Source>>,
    /// Whether that is all of them.
    pub complete: bool,
    /// When it was read.
    pub read: Instant,
}

/// Reads the manifests below some folders and in the user's own. `go_on` is asked now and then with
/// the number of entries seen; once it says no, what was read until then is returned.
pub(super) fn scan(roots: &[PathBuf], layout: &Layout, mut go_on: impl FnMut(usize) -> bool) -> Workspace {
    let mut scan = Scan {
        layout,
        found: Workspace { sources: BTreeMap::new(), complete: true, read: Instant::now() },
        entries: 0,
        text: 0,
    };
    scan.own();
    for root in roots {
        scan.tree(root, &mut go_on);
    }
    scan.found
}

/// Reads one manifest as the scan would; `None` for what is none.
pub(super) fn read(path: &Path, layout: &Layout) -> Option<Source> {
    layout.identify(path)?;
    Source::recognise(path, decode(Disk.read(path).ok()?).ok()?, layout, false)
}

struct Scan<'a> {
    layout: &'a Layout,
    found: Workspace,
    entries: usize,
    text: usize,
}

/// A folder that is still to be looked at, with the ignore files above it, the nearest last.
struct Folder {
    path: PathBuf,
    depth: usize,
    ignored: Vec<Rc<Gitignore>>,
}

impl Scan<'_> {
    /// The user's own manifests; links there are the user's own.
    fn own(&mut self) {
        let Some(store) = self.layout.store() else { return };
        for folder in ["bottles", "agents"].map(|name| store.join(name)) {
            for name in Disk.list(&folder) {
                self.entries += 1;
                self.take(&folder.join(name));
            }
        }
    }

    fn tree(&mut self, root: &Path, go_on: &mut impl FnMut(usize) -> bool) {
        let mut folders = vec![Folder { path: root.to_owned(), depth: 0, ignored: Vec::new() }];
        while let Some(mut folder) = folders.pop() {
            if self.over() || !go_on(self.entries) {
                self.found.complete = false;
                return;
            }
            folder.ignored.extend(ignore_file(&folder.path).map(Rc::new));
            for (name, kind) in entries(&folder.path) {
                self.entries += 1;
                let path = folder.path.join(&name);
                if kind.is_symlink() || ignored(&folder.ignored, &path, kind.is_dir()) {
                    continue;
                }
                if kind.is_file() {
                    self.take(&path);
                } else if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
                    if folder.depth < MAX_DEPTH {
                        let ignored = folder.ignored.clone();
                        folders.push(Folder { path, depth: folder.depth + 1, ignored });
                    } else {
                        self.found.complete = false;
                    }
                }
            }
        }
    }

    fn take(&mut self, path: &Path) {
        if self.over() || self.found.sources.contains_key(path) {
            return;
        }
        if let Some(source) = read(path, self.layout) {
            self.text += source.text.len();
            self.found.sources.insert(path.to_owned(), Arc::new(source));
        }
    }

    fn over(&self) -> bool {
        self.entries > MAX_ENTRIES
            || self.found.sources.len() >= MAX_MANIFESTS
            || self.text > MAX_TEXT
            || self.found.read.elapsed() > MAX_TIME
    }
}

/// The entries of a folder in the order of their names.
fn entries(folder: &Path) -> Vec<(String, FileType)> {
    let all = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut all: Vec<_> =
        all.filter_map(|e| Some((e.file_name().into_string().ok()?, e.file_type().ok()?))).collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    all
}

/// A folder's `.gitignore`. Read here, and not by the crate's own walk, which opens whatever has
/// that name: a FIFO would hold the server.
fn ignore_file(folder: &Path) -> Option<Gitignore> {
    let path = folder.join(".gitignore");
    if !fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let text = decode(Disk.read(&path).ok()?).ok()?;
    let mut builder = GitignoreBuilder::new(folder);
    for line in text.lines() {
        // A line that is no pattern is none for git either.
        let _ = builder.add_line(None, line);
    }
    builder.build().ok().filter(|g| !g.is_empty())
}

/// The nearest ignore file that speaks of a path decides.
fn ignored(files: &[Rc<Gitignore>], path: &Path, is_dir: bool) -> bool {
    let verdicts = files.iter().rev().map(|file| file.matched(path, is_dir));
    let mut verdicts = verdicts.filter(|verdict| !verdict.is_none());
    matches!(verdicts.next(), Some(Match::Ignore(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(workspace: &Workspace, root: &Path) -> Vec<String> {
        let relative = |p: &PathBuf| p.strip_prefix(root).unwrap_or(p).display().to_string();
        workspace.sources.keys().map(relative).collect()
    }

    #[test]
    fn what_is_ignored_linked_or_no_file_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("ws");
        let outside = dir.path().join("outside");
        for folder in
            ["ws/a/b", "ws/node_modules", "ws/.git", "ws/out", "outside", "home/.bot-bottle/bottles"]
        {
            fs::create_dir_all(dir.path().join(folder)).expect("a folder");
        }
        let write = |path: &str, text: &str| fs::write(dir.path().join(path), text).expect("a file");
        write("ws/bottle.yaml", "env: {}\n");
        write("ws/a/b/x.bottle.yaml", "env: {}\n");
        write("ws/a/kept.bottle.yaml", "env: {}\n");
        write("ws/a/dropped.bottle.yaml", "env: {}\n");
        write("ws/.gitignore", "out/\n*.bottle.yaml\n!/a/b/*.bottle.yaml\n");
        write("ws/a/.gitignore", "!kept.bottle.yaml\n");
        write("ws/out/y.bottle.yaml", "env: {}\n");
        write("ws/node_modules/z.agent.yaml", "bottle: x\n");
        write("outside/o.bottle.yaml", "env: {}\n");
        write("home/.bot-bottle/bottles/own.md", "---\nenv: {}\n---\n");
        write("ws/a/big.agent.yaml", &"x".repeat(5 << 20));
        write("ws/a/binary.agent.yaml", "a\0b");
        symlink(&outside, root.join("link")).expect("a link");
        symlink(outside.join("o.bottle.yaml"), root.join("o.agent.yaml")).expect("a link");
        symlink(&root, root.join("a/loop")).expect("a link");
        for fifo in ["fifo.agent.yaml", "a/b/.gitignore"] {
            let kind = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, root.join(fifo), kind, 0o600.into(), 0).expect("a FIFO");
        }
        let layout = Layout { home: Some(dir.path().join("home")) };
        let found = scan(std::slice::from_ref(&root), &layout, |_| true);
        assert!(found.complete);
        let own = layout.bottles().expect("a folder").join("own.md").display().to_string();
        assert_eq!(names(&found, &root), [&own, "a/b/x.bottle.yaml", "a/kept.bottle.yaml", "bottle.yaml"]);
    }

    #[test]
    fn a_scan_can_be_stopped_and_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        for i in 0..10 {
            let folder = dir.path().join(i.to_string());
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("bottle.yaml"), "env: {}\n").expect("a file");
        }
        let mut asked = 0;
        let found = scan(&[dir.path().to_owned()], &Layout::default(), |_| {
            asked += 1;
            asked < 4
        });
        assert!(!found.complete);
        assert_eq!(found.sources.len(), 2);
    }
}
