//! The only questions that the pure layers ask of the world: does this file exist, what does it say.

use super::Layout;
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

/// What stands at a path, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An ordinary file.
    File,
    /// A folder.
    Dir,
    /// A FIFO, a socket or a device: never opened.
    Other,
}

/// Read access to files. Paths are absolute.
pub trait Files: Sync {
    /// The bytes of an ordinary file.
    ///
    /// # Errors
    /// As the file system says; also for anything but an ordinary file, and for one that is larger
    /// than any manifest.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What stands at the path.
    fn kind(&self, path: &Path) -> Option<FileKind>;

    /// The names in a folder, sorted; none for anything else.
    fn list(&self, dir: &Path) -> Vec<String>;

    /// The path with every link followed, if there is something at it.
    fn canonical(&self, path: &Path) -> Option<PathBuf>;

    /// What a link says, by its own name alone; `None` for anything else.
    fn target(&self, _path: &Path) -> Option<PathBuf> {
        None
    }

    /// Whether the owner of an ordinary file may run it, which is all that git knows of a file's mode.
    fn is_executable(&self, _path: &Path) -> bool {
        false
    }
}

/// As the kernel counts them.
const MOST_LINKS: usize = 40;

/// Where a path leads with every link followed, whether something is there or not. A circle of links leads
/// to itself.
pub fn leads_to(files: &dyn Files, path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    let mut rest: Vec<PathBuf> = vec![path.to_owned()];
    let mut links = 0;
    while let Some(next) = rest.pop() {
        let mut components = next.components();
        let Some(first) = components.next() else { continue };
        rest.push(components.as_path().to_owned());
        match first {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            first => {
                out.push(first);
                if let Some(target) = files.target(&out) {
                    links += 1;
                    if links > MOST_LINKS {
                        return path.to_owned();
                    }
                    out.pop();
                    rest.push(target);
                }
            }
        }
    }
    out
}

/// A base folder and a path as a manifest writes it, without `.` and `..`.
///
/// Purely by the text: links are not looked at.
pub fn join(base: &Path, path: impl AsRef<Path>) -> PathBuf {
    let mut out = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// The folder of the project that a manifest belongs to: the nearest one above it that holds
/// `.git` or `.bot-bottle`, else the manifest's own.
///
/// `None` for a manifest that lies in the home folder itself, or above it: a project never is the
/// home and never holds it. So the user's own store, which lies in the home, marks no project either.
pub fn project_root(files: &dyn Files, layout: &Layout, manifest: &Path) -> Option<PathBuf> {
    let homes: Vec<PathBuf> = layout
        .home
        .iter()
        .flat_map(|home| [Some(home.clone()), files.canonical(home)].into_iter().flatten())
        .collect();
    let holds_home = |dir: &Path| {
        let real = files.canonical(dir);
        homes
            .iter()
            .any(|home| home.starts_with(dir) || real.as_ref().is_some_and(|real| home.starts_with(real)))
    };
    let own = manifest.parent().unwrap_or(manifest);
    let mut folders = own.ancestors().filter(|a| !a.ends_with(".bot-bottle"));
    let marked = |dir: &&Path| [".git", ".bot-bottle"].iter().any(|m| files.kind(&dir.join(m)).is_some());
    let root =
        folders.find(|dir| marked(dir) || holds_home(dir)).filter(|dir| !holds_home(dir)).unwrap_or(own);
    (!holds_home(root)).then(|| root.to_owned())
}

/// Files that exist only in memory: for tests, and for text that stands in no file.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl MemoryFiles {
    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into());
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        if self.files.contains_key(path) {
            return Some(FileKind::File);
        }
        let below = self.files.range(path.to_owned()..).next().is_some_and(|(p, _)| p.starts_with(path));
        below.then_some(FileKind::Dir)
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = self
            .files
            .keys()
            .filter_map(|p| p.strip_prefix(dir).ok()?.components().next())
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.dedup();
        names
    }

    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        self.kind(path).map(|_| path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_by_its_text() {
        assert_eq!(join(Path::new("/a/b"), "../c/./d"), Path::new("/a/c/d"));
        assert_eq!(join(Path::new("/a"), "../../.."), Path::new("/"));
        assert_eq!(join(Path::new("/a"), "/x"), Path::new("/x"));
    }

    #[test]
    fn the_project_is_the_nearest_marked_folder() {
        let mut files = MemoryFiles::default();
        files.insert("/p/.git/HEAD", "");
        files.insert("/p/q/dev.bottle.yaml", "");
        files.insert("/h/ada/.bot-bottle/bottles/dev.md", "");
        files.insert("/h/ada/.git/HEAD", "");
        files.insert("/h/ada/unpacked/.bot-bottle/agents/a.md", "");
        let layout = Layout { home: Some("/h/ada".into()) };
        for (manifest, root) in [
            ("/p/q/dev.bottle.yaml", Some("/p")),
            ("/o/.bot-bottle/agents/a.md", Some("/o/.bot-bottle/agents")),
            // The store and a repository of the home mark no project: what lies below stands for itself.
            ("/h/ada/unpacked/x.agent.yaml", Some("/h/ada/unpacked")),
            ("/h/ada/unpacked/.bot-bottle/agents/a.md", Some("/h/ada/unpacked")),
            ("/h/ada/loose/deep/x.agent.yaml", Some("/h/ada/loose/deep")),
            // The home is never a project, nor is what holds it.
            ("/h/ada/x.bottle.yaml", None),
            ("/h/x.bottle.yaml", None),
        ] {
            assert_eq!(
                project_root(&files, &layout, Path::new(manifest)).as_deref(),
                root.map(Path::new),
                "{manifest}"
            );
        }
    }
}
