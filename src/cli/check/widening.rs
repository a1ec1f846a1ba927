//! `--deny-widening`: what the changed manifests permit, beside what they permitted.

use super::examine::Examiner;
use super::inputs::Input;
use super::since::{inside, is_blob};
use super::{Args, CLEAN, FINDINGS, Failure};
use crate::check::report::Format;
use crate::cli::diff::{Plans, add_plans, moved, widens};
use crate::cli::git_files::Revision;
use crate::cli::terminal;
use crate::disk::{Disk, Remembered};
use crate::manifest::{Catalog, Files};
use crate::plan::{DiffFormat, render_changes};
use crate::shown;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A change: the manifests that it touches, and what it began at.
pub(super) struct Change<'a> {
    /// Those that are there now.
    pub files: &'a [Input],
    /// What the change began at.
    pub revision: &'a Revision,
    /// What a sparse checkout leaves out, which is there all the same.
    pub left_out: &'a BTreeSet<PathBuf>,
}

/// Compares, tells what moved, and gives what the comparison comes to.
pub(super) fn compare(args: &Args, change: &Change<'_>, examiner: &Examiner<'_>) -> Result<u8, Failure> {
    let disk = Remembered::default();
    let revision = change.revision;
    let (before, now) = (Catalog::new(revision, examiner.layout), Catalog::new(&disk, examiner.layout));
    let (mut old, mut new) = (Plans::new(), Plans::new());
    let mut unknown = false;
    let mut cannot = |why: &str| {
        terminal::error(&format!("permissions are not compared: {why}"));
        unknown = true;
    };
    let mut gone = gone(change, examiner, &args.paths);
    for input in change.files {
        let shown = shown::visible(&examiner.relative(&input.path));
        // What has no plan now cannot be shown to permit no more.
        if let Err(why) = add_plans(&mut new, &input.path, &shown, input.named, &now) {
            cannot(&why.to_string());
        }
        let Some(path) = inside(revision.root(), &input.path) else { continue };
        if let Some(module) = revision.unread(&path) {
            let module = terminal::shown(module);
            cannot(&format!("{shown} lies in the submodule {module}, whose earlier commit is not here"));
            continue;
        }
        // What had another name before is compared with that.
        let path = if revision.kind(&path).is_some() {
            Some(path)
        } else {
            renamed(&path, &mut gone, change, examiner)
        };
        let Some(path) = path else { continue };
        match revision.read(&path) {
            // What had no plan before permitted nothing.
            Ok(_) => drop(add_plans(&mut old, &path, &shown, input.named, &before)),
            Err(why) => cannot(&format!("{shown} cannot be read in {}: {why}", revision.commit())),
        }
    }
    for path in gone.iter().filter(|gone| gone.in_scope).map(|gone| &gone.path) {
        let shown = shown::visible(&examiner.relative(path));
        let _ = add_plans(&mut old, path, &shown, false, &before);
    }
    let changes = moved(&old, &new);
    let table = render_changes(&changes, DiffFormat::Text);
    // A report for a program stays alone on standard output.
    if args.output.is_none() && matches!(args.format(), Format::Text) {
        terminal::print(&table)?;
    } else {
        let since = revision.commit().get(..12).unwrap_or_default();
        terminal::note(&format!("permissions since {since}:\n{}", table.trim_end()));
    }
    Ok(if unknown || widens(&changes) { FINDINGS } else { CLEAN })
}

/// A manifest of the revision that is not there any more.
struct Gone {
    path: PathBuf,
    /// Whether it is among what was asked about.
    in_scope: bool,
}

fn gone(change: &Change<'_>, examiner: &Examiner<'_>, named: &[PathBuf]) -> Vec<Gone> {
    let named: Vec<_> = named.iter().map(|path| terminal::absolute(path)).collect();
    let real = |path: &Path| Disk.canonical(path).unwrap_or_else(|| path.to_owned());
    let here = real(&terminal::working_folder());
    let in_scope = |path: &Path| {
        if named.is_empty() {
            path.starts_with(&here)
        } else {
            named.iter().any(|n| path.starts_with(n) || path.starts_with(real(n)))
        }
    };
    let is_gone = |path: &&Path| {
        examiner.layout.identify(path).is_some()
            && Disk.kind(path).is_none()
            && !change.left_out.contains(*path)
    };
    let all = change.revision.files().filter(is_gone);
    all.map(|path| Gone { path: path.to_owned(), in_scope: in_scope(path) }).collect()
}

/// The manifest that this one was before: one of the same text, else of the same name.
fn renamed(
    path: &Path,
    gone: &mut Vec<Gone>,
    change: &Change<'_>,
    examiner: &Examiner<'_>,
) -> Option<PathBuf> {
    let bytes = Disk.read(path).ok()?;
    let same_text = |g: &Gone| change.revision.blob(&g.path).is_some_and(|id| is_blob(&bytes, id));
    let identity = examiner.layout.identify(path);
    let same_name = |g: &Gone| {
        let was = examiner.layout.identify(&g.path);
        was.zip(identity.as_ref()).is_some_and(|(was, is)| was.kind == is.kind && was.name == is.name)
    };
    let at = gone.iter().position(same_text).or_else(|| gone.iter().position(same_name))?;
    Some(gone.remove(at).path)
}
