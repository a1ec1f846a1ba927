//! `--since REV`: what has changed since a git revision, and what depends on it.
//!
//! Only the revision's list of files is asked of git. The working tree is compared here: git
//! itself would run the filters, monitors and diff programs that the repository's configuration
//! names, and a repository that an agent has worked in may name anything.

use super::Failure;
use super::dependencies::dependencies;
use super::examine::Examiner;
use super::inputs::{Input, Inputs};
use crate::cli::checkout::without_carriage_returns;
use crate::cli::git_files::Revision;
use crate::cli::terminal;
use crate::disk::{Disk, Remembered};
use crate::manifest::{Catalog, FileKind, Files, Kind, Layout, leads_to};
use crate::shown::hex;
use crate::syntax::MAX_BYTES;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Keeps the files that differ from the revision, or depend on one that does.
pub(super) fn retain_changed(
    files: &mut Vec<Input>,
    revision: &Revision,
    missing: &[PathBuf],
    examiner: &Examiner<'_>,
) {
    let gone = bottles_gone(revision, examiner.layout);
    let disk = Remembered::default();
    let catalog = Catalog::new(&disk, examiner.layout);
    files.retain(|input| {
        if differs(revision, &input.path) {
            return true;
        }
        // What cannot be read is kept, so that it is reported.
        let Ok(Some(source)) = examiner.read(input) else { return true };
        let depends = dependencies(&Arc::new(source), &catalog);
        let lost = |folder: &Path| {
            let folder = leads_to(revision, folder);
            missing.iter().any(|path| path.starts_with(&folder))
        };
        let moved = |path: &Path| leads_to(revision, path) != leads_to(&disk, path);
        depends.files.iter().any(|f| differs(revision, f) || moved(f))
            || depends.folders.iter().any(|f| moved(f) || lost(f))
            || !gone.is_disjoint(&depends.names)
    });
}

/// What the revision has and the working tree has not, or has another link in its place. What a sparse checkout
/// leaves out is there.
pub(super) fn missing(revision: &Revision, left_out: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let missing = |path: &&Path| {
        let now = std::fs::symlink_metadata(path);
        let same = now.is_ok_and(|now| !now.is_symlink() || revision.target(path) == Disk.target(path));
        !same && !left_out.contains(*path)
    };
    revision.files().filter(missing).map(Path::to_owned).collect()
}

/// Whether the file is not now as it is in the revision. Files outside the repository never
/// differ: the revision says nothing of them.
fn differs(revision: &Revision, path: &Path) -> bool {
    let Some(path) = inside(revision.root(), path) else { return false };
    match (revision.blob(&path), Disk.read(&path)) {
        (None, Err(_)) => false,
        (Some(id), Ok(bytes)) if bytes.len() > MAX_BYTES => !is_long_blob(&path, id),
        (Some(id), Ok(bytes)) => {
            !is_blob(&bytes, id) || revision.is_executable(&path) != Disk.is_executable(&path)
        }
        _ => true,
    }
}

/// Whether these bytes are a blob's, or what a checkout with `eol=crlf` makes of them.
pub(super) fn is_blob(bytes: &[u8], id: &str) -> bool {
    let same = |bytes: &[u8]| object_id(bytes, id.len()) == id;
    same(bytes) || without_carriage_returns(bytes).is_some_and(|bytes| same(&bytes))
}

/// The same of a file that is longer than any manifest, such as one that an image is built from.
fn is_long_blob(path: &Path, id: &str) -> bool {
    let id_of = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut context = blob_context(length, id.len());
        let mut buffer = vec![0; 1 << 16];
        // No more than it was: a file that grows meanwhile is another.
        let mut file = file.by_ref().take(length);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex(context.finish().as_ref())),
                read => context.update(&buffer[..read]),
            }
        }
    };
    id_of().is_ok_and(|found| found == id)
}

/// Adds what git follows here, whatever an ignore file says: only what nobody follows can be ignored.
/// What a person named and the revision has is not a mistake where it is gone.
pub(super) fn widen(
    inputs: &mut Inputs,
    named: &[PathBuf],
    revision: &Revision,
    layout: &Layout,
) -> Result<BTreeSet<PathBuf>, Failure> {
    let (tracked, left_out) = revision.tracked()?;
    let named: Vec<_> = if named.is_empty() { vec![PathBuf::from(".")] } else { named.to_vec() };
    let named: Vec<_> = named.iter().map(|path| terminal::absolute(path)).collect();
    for path in &named {
        if inside(revision.root(), path).is_none() && Disk.canonical(path).as_deref() != Some(revision.root())
        {
            let why = "it lies outside of the repository, whose revisions say nothing of it".to_owned();
            inputs.files.retain(|input| !input.path.starts_with(path));
            inputs.problems.retain(|(of, _)| of != path);
            inputs.problems.push((path.clone(), why));
        }
    }
    let gone = |path: &Path| inside(revision.root(), path).is_some_and(|p| revision.kind(&p).is_some());
    inputs.problems.retain(|(path, _)| Disk.kind(path).is_some() || !gone(path));
    let named: Vec<_> = named.iter().flat_map(|path| [path.clone(), real(path)]).collect();
    let mut known: HashSet<PathBuf> =
        inputs.files.iter().flat_map(|input| [input.path.clone(), real(&input.path)]).collect();
    // First what costs least: of most files the name says that they are no manifest.
    for path in tracked.iter().filter(|path| layout.identify(path).is_some()) {
        let here = named.iter().any(|n| path.starts_with(n) || real(path).starts_with(n));
        if here && Disk.kind(path) == Some(FileKind::File) && known.insert(path.clone()) {
            inputs.files.push(Input { path: path.clone(), named: false });
            inputs.empty.retain(|folder| !path.starts_with(folder));
        }
    }
    inputs.sort();
    Ok(left_out)
}

fn real(path: &Path) -> PathBuf {
    Disk.canonical(path).unwrap_or_else(|| path.to_owned())
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
    let mut context = blob_context(bytes.len() as u64, digits);
    context.update(bytes);
    hex(context.finish().as_ref())
}

/// What git digests in front of so many bytes.
fn blob_context(length: u64, digits: usize) -> Context {
    let mut context = Context::new(if digits == 40 { &SHA1_FOR_LEGACY_USE_ONLY } else { &SHA256 });
    context.update(format!("blob {length}\0").as_bytes());
    context
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
