//! The disk as one run sees it.

use super::Disk;
use crate::manifest::{FileKind, Files};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// The disk, with what stands at a path asked once: a thousand manifests of a folder ask the same
/// of the same few folders. What files say is not kept.
///
/// For one pass over the files; the next pass takes a new one.
#[derive(Debug, Default)]
pub struct Remembered {
    kinds: Answers<FileKind>,
    real: Answers<PathBuf>,
}

/// More paths than this are manifests' own, each asked about once; remembering them would only
/// make memory grow with the tree.
const MOST: usize = 4096;

#[derive(Debug)]
struct Answers<T>(RwLock<HashMap<PathBuf, Option<T>>>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Answers<T> {
    fn get(&self, path: &Path, ask: impl FnOnce(&Path) -> Option<T>) -> Option<T> {
        // A poisoned lock holds answers that are still true.
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return known.clone();
        }
        let answer = ask(path);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(path.to_owned(), answer.clone());
        answer
    }
}

impl Files for Remembered {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Disk.read(path)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        self.kinds.get(path, |p| Disk.kind(p))
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        Disk.list(dir)
    }

    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        self.real.get(path, |p| Disk.canonical(p))
    }

    fn target(&self, path: &Path) -> Option<PathBuf> {
        Disk.target(path)
    }

    fn is_executable(&self, path: &Path) -> bool {
        Disk.is_executable(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_at_a_path_is_asked_once_and_what_it_says_each_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, disk) = (dir.path().join("a"), Remembered::default());
        std::fs::write(&path, "1").expect("written");
        assert_eq!(disk.kind(&path), Some(FileKind::File));
        std::fs::write(&path, "2").expect("written");
        assert_eq!(disk.read(&path).expect("bytes"), b"2");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(disk.kind(&path), Some(FileKind::File));
        assert!(disk.read(&path).is_err());
        for i in 0..MOST {
            disk.kind(&dir.path().join(i.to_string()));
        }
        assert_eq!(disk.kind(&path), None, "the oldest answers are forgotten");
    }
}
