//! The baseline's file.

use super::examine::Examiner;
use super::{Args, Failure, exit_code};
use crate::check::report::Summary;
use crate::check::{Baseline, BaselineCounts};
use crate::cli::terminal;
use crate::disk::replace;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What the command line's baseline allows; nothing where it is about to be written.
pub(super) fn load(args: &Args) -> Result<Option<Baseline>, Failure> {
    match &args.baseline {
        Some(path) if !args.write_baseline => read(&terminal::absolute(path)).map(Some),
        _ => Ok(None),
    }
}

fn read(path: &Path) -> Result<Baseline, Failure> {
    let failed =
        |why: String| Failure::usage(format!("cannot read the baseline {}: {why}", terminal::shown(path)));
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => failed("there is none; --write-baseline makes it".to_owned()),
        _ => failed(e.to_string()),
    })?;
    Baseline::parse(&text, folder(path)).map_err(|e| failed(e.to_string()))
}

/// Writes today's counts, and gives the exit code: what no baseline can accept is still there.
pub(super) fn write(
    args: &Args,
    counts: &BaselineCounts,
    examiner: &Examiner<'_>,
    summary: &Summary,
) -> Result<u8, Failure> {
    let path = args.baseline.as_ref().map_or_else(PathBuf::new, |p| terminal::absolute(p));
    let old = if path.exists() { Some(read(&path)?) } else { None };
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
    Ok(exit_code(summary))
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
