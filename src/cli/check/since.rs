//! `--since REV`: what has changed since a git revision, and what depends on it.
//!
//! Only the revision's list of files is asked of git. The working tree is compared here: git
//! itself would run the filters, monitors and diff programs that the repository's configuration
//! names, and a repository that an agent has worked in may name anything.

use super::dependencies::dependencies;
use super::examine::Examiner;
use super::inputs::Input;
use crate::cli::git_files::Revision;
use crate::disk::{Disk, Remembered};
use crate::manifest::{Catalog, Files, Kind, Layout};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Keeps the files that differ from the revision, or depend on one that does.
pub(super) fn retain_changed(files: &mut Vec<Input>, revision: &Revision, examiner: &Examiner<'_>) {
    let gone = bottles_gone(revision, examiner.layout);
    let disk = Remembered::default();
    let catalog = Catalog::new(&disk, examiner.layout);
    files.retain(|input| {
        if differs(revision, &input.path) {
            return true;
        }
        // What cannot be read is kept, so that it is told.
        let Ok(Some(source)) = examiner.read(input) else { return true };
        let depends = dependencies(&Arc::new(source), &catalog);
        depends.files.iter().any(|f| differs(revision, f)) || !gone.is_disjoint(&depends.names)
    });
}

/// Whether the file is not now as it is in the revision. Files outside the repository never
/// differ: the revision says nothing of them.
fn differs(revision: &Revision, path: &Path) -> bool {
    let Some(path) = inside(revision.root(), path) else { return false };
    match (revision.blob(&path), Disk.read(&path)) {
        (None, Err(_)) => false,
        (Some(id), Ok(bytes)) => object_id(&bytes, id.len()) != id,
        _ => true,
    }
}

/// The path as the revision knows it: links among its folders followed, the file's own not.
pub(super) fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let path = Disk.canonical(path.parent()?)?.join(path.file_name()?);
    path.starts_with(root).then_some(path)
}

/// The names of the bottles that the revision has and the working tree has not.
fn bottles_gone(revision: &Revision, layout: &Layout) -> BTreeSet<String> {
    let bottles = revision.files().filter_map(|path| {
        let identity = layout.identify(path).filter(|i| i.kind == Kind::Bottle)?;
        Disk.kind(path).is_none().then_some(identity.name)
    });
    bottles.collect()
}

/// The id that git gives these bytes; `digits` tells SHA-1 (40) from SHA-256 (64) repositories.
fn object_id(bytes: &[u8], digits: usize) -> String {
    let mut context = Context::new(if digits == 40 { &SHA1_FOR_LEGACY_USE_ONLY } else { &SHA256 });
    context.update(format!("blob {}\0", bytes.len()).as_bytes());
    context.update(bytes);
    context.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_gits() {
        // `printf 'hello\n' | git hash-object --stdin`
        assert_eq!(object_id(b"hello\n", 40), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
