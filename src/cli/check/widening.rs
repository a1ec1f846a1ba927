//! `--deny-widening`: what the changed manifests permit, beside what they permitted.

use super::examine::Examiner;
use super::inputs::Input;
use super::since::inside;
use super::{Args, CLEAN, FINDINGS, Failure};
use crate::check::report::Format;
use crate::cli::diff::{Plans, add_plans, moved, widens};
use crate::cli::git_files::Revision;
use crate::cli::terminal;
use crate::disk::Remembered;
use crate::manifest::{Catalog, Files};
use crate::plan::{DiffFormat, render_changes};
use crate::shown;

/// Compares, tells what moved, and gives what the comparison comes to.
pub(super) fn compare(
    args: &Args,
    files: &[Input],
    revision: Revision,
    examiner: &Examiner<'_>,
) -> Result<u8, Failure> {
    let disk = Remembered::default();
    let (before, now) = (Catalog::new(&revision, examiner.layout), Catalog::new(&disk, examiner.layout));
    let (mut old, mut new) = (Plans::new(), Plans::new());
    let mut unknown = false;
    for input in files {
        let shown = shown::lines(&examiner.relative(&input.path));
        // What has no plan now cannot be shown to permit no more.
        if let Err(why) = add_plans(&mut new, &input.path, &shown, input.named, &now) {
            terminal::error(&format!("permissions are not compared: {why}"));
            unknown = true;
        }
        // What had none before permitted nothing.
        if let Some(path) = inside(revision.root(), &input.path).filter(|p| revision.kind(p).is_some()) {
            let _ = add_plans(&mut old, &path, &shown, input.named, &before);
        }
    }
    let changes = moved(&old, &new);
    let table = render_changes(&changes, DiffFormat::Text);
    // A report for a program stays alone on standard output.
    if args.output.is_none() && matches!(args.format(), Format::Text) {
        terminal::print(&table)?;
    } else {
        terminal::note(&format!(
            "permissions since {}:\n{}",
            args.since.as_deref().unwrap_or(""),
            table.trim_end()
        ));
    }
    Ok(if unknown || widens(&changes) { FINDINGS } else { CLEAN })
}
