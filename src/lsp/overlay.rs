//! The files as the editor sees them: what it holds open, over the disk.

use super::document::Document;
use crate::disk::Disk;
use crate::manifest::{FileKind, Files, Layout};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use tower_lsp::ls_types::Uri;

/// The open documents over the disk.
///
/// Reads only below the workspace's folders, the user's own folder, and the folders of open
/// documents, links followed: a cloned repository cannot point elsewhere.
pub(super) struct Overlay<'a> {
    open: HashMap<&'a Path, &'a Document>,
    roots: &'a [PathBuf],
    layout: &'a Layout,
}

impl<'a> Overlay<'a> {
    /// Looks at the documents as they are now.
    pub(super) fn new(
        documents: &'a HashMap<Uri, Document>,
        roots: &'a [PathBuf],
        layout: &'a Layout,
    ) -> Self {
        let open = documents.values().filter(|d| d.in_file).map(|d| (&*d.path, d)).collect();
        Self { open, roots, layout }
    }

    fn may_read(&self, path: &Path) -> bool {
        let store = self.layout.store();
        // What the user's own folder links to is the user's own.
        if store.as_ref().is_some_and(|store| path.starts_with(store)) {
            return true;
        }
        let Some(path) = Disk.canonical(path) else { return false };
        let below = |folder: &Path| Disk.canonical(folder).is_some_and(|folder| path.starts_with(folder));
        self.roots.iter().any(|root| below(root))
            || self.open.keys().filter_map(|path| path.parent()).any(below)
    }
}

impl Files for Overlay<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.open.get(path) {
            Some(document) => Ok(document.text.as_bytes().to_vec()),
            None if self.may_read(path) => Disk.read(path),
            None => Err(io::Error::new(io::ErrorKind::PermissionDenied, "outside the workspace")),
        }
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        if self.open.contains_key(path) { Some(FileKind::File) } else { Disk.kind(path) }
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        let mut names = if self.may_read(dir) { Disk.list(dir) } else { Vec::new() };
        let open = self.open.keys().filter(|path| path.parent() == Some(dir));
        names.extend(open.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)));
        names.sort_unstable();
        names.dedup();
        names
    }

    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        Disk.canonical(path)
    }
}
