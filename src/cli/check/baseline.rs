//! The baseline's file.

use super::examine::Examiner;
use super::{Args, Failure, exit_code};
use crate::check::report::Summary;
use crate::check::{Baseline, BaselineCounts, BaselineError};
use crate::cli::git_files::Revision;
use crate::cli::terminal;
use crate::disk::replace;
use crate::manifest::Files;
use crate::shown::printable;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What the command line's baseline allows; nothing where it is about to be written.
pub(super) fn load(args: &Args) -> Result<Option<Baseline>, Failure> {
    let Some(path) = args.baseline.as_ref().filter(|_| !args.write_baseline) else { return Ok(None) };
    let plain = terminal::absolute(path);
    match revision_and_path(path) {
        Some((rev, file)) => of_revision(rev, file).map(Some),
        None => read(&plain).map_err(|unread| cannot(&plain, &unread.why)).map(Some),
    }
}

/// `REV:FILE`, unless there is a file of that name.
fn revision_and_path(path: &Path) -> Option<(&str, &str)> {
    let (rev, file) = path.to_str()?.split_once(':')?;
    (!rev.is_empty() && !terminal::absolute(path).exists()).then_some((rev, file))
}

/// The baseline as a revision has it: a change does not write its own judge.
fn of_revision(rev: &str, file: &str) -> Result<Baseline, Failure> {
    let revision = Revision::open(rev)?;
    let path = revision.absolute(file);
    if revision.kind(&path).is_none() {
        terminal::note(&format!(
            "there is no baseline {} in {}: nothing is accepted",
            printable(file),
            printable(rev)
        ));
        return Ok(Baseline::empty(folder(&path)));
    }
    let failed = |why: &dyn std::fmt::Display| cannot(Path::new(&format!("{rev}:{file}")), &why.to_string());
    let bytes = revision.read(&path).map_err(|e| failed(&e))?;
    let text = String::from_utf8(bytes).map_err(|e| failed(&e))?;
    Baseline::parse(&text, folder(&path)).map_err(|e| failed(&e))
}

fn cannot(path: &Path, why: &str) -> Failure {
    Failure::usage(format!("cannot read the baseline {}: {why}", terminal::shown(path)))
}

/// Why a file is no baseline.
struct Unread {
    why: String,
    /// Writing it anew is what it waits for.
    conflict: bool,
}

fn read(path: &Path) -> Result<Baseline, Unread> {
    let unread = |why: String| Unread { why, conflict: false };
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => unread("there is none; --write-baseline makes it".to_owned()),
        _ => unread(e.to_string()),
    })?;
    Baseline::parse(&text, folder(path))
        .map_err(|e| Unread { conflict: matches!(e, BaselineError::Conflict(_)), why: e.to_string() })
}

/// Writes today's counts, and gives the exit code: what no baseline can accept is still there.
pub(super) fn write(
    args: &Args,
    counts: &BaselineCounts,
    examiner: &Examiner<'_>,
    summary: &Summary,
) -> Result<u8, Failure> {
    let path = args.baseline.as_ref().map_or_else(PathBuf::new, |p| terminal::absolute(p));
    if let Some((rev, _)) = args.baseline.as_deref().and_then(revision_and_path) {
        return Err(Failure::usage(format!(
            "--write-baseline cannot write into the revision {}",
            printable(rev)
        )));
    }
    let old = match path.exists().then(|| read(&path)) {
        None => None,
        Some(Ok(old)) => Some(old),
        // Both sides' counts are of files as they were before: today's hold.
        Some(Err(Unread { conflict: true, why: _ })) => {
            terminal::note(&format!(
                "{} had a merge conflict and is written anew, with what was checked now and nothing else",
                examiner.relative(&path)
            ));
            None
        }
        Some(Err(unread)) => return Err(cannot(&path, &unread.why)),
    };
    let text = counts.to_text(folder(&path), old.as_ref(), |p| !p.exists());
    let shown = terminal::shown(&path);
    replace(&path, text.as_bytes(), None)
        .map_err(|e| Failure::usage(format!("cannot write {shown}: {e}")))?;
    terminal::note(&format!("wrote {}", examiner.relative(&path)));
    if summary.findings() > 0 {
        terminal::note(&format!(
            "{} of the language's rules stay: no baseline accepts them; `bot-bottle check` shows them",
            summary.findings()
        ));
    }
    Ok(exit_code(args, summary))
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
