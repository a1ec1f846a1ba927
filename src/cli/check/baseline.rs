//! The baseline's file.

use super::examine::{Examiner, Outcome};
use super::inputs::{Input, Inputs};
use super::{Args, Failure, exit_code};
use crate::check::report::Summary;
use crate::check::{Baseline, BaselineCounts, BaselineError};
use crate::cli::git_files::{Revision, left_out, revision_and_path};
use crate::cli::terminal;
use crate::disk::{Disk, Remembered, replace};
use crate::manifest::{Catalog, Files, Layout, project_root};
use crate::shown::printable;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What the command line's baseline allows; nothing where it is about to be written.
pub(super) fn load(args: &Args, layout: &Layout) -> Result<Option<Baseline>, Failure> {
    let Some(path) = args.baseline.as_ref().filter(|_| !args.write_baseline) else { return Ok(None) };
    let mut baseline = match path.to_str().and_then(revision_and_path) {
        Some((rev, file)) => of_revision(rev, file)?,
        None => {
            let path = terminal::absolute(path);
            read(&path).map_err(|unread| cannot(&path, &unread.why))?
        }
    };
    follow(&mut baseline, args, layout)?;
    tell_moved(&baseline);
    Ok(Some(baseline))
}

/// Finds out what has become of files that are gone. What is checked has no say in it.
fn follow(baseline: &mut Baseline, args: &Args, layout: &Layout) -> Result<(), Failure> {
    if baseline.paths().all(|path| Disk.kind(&path).is_some()) {
        return Ok(());
    }
    let left_out = left_out();
    let exists = |path: &Path| Disk.kind(path).is_some() || left_out.contains(path);
    let project = match project(baseline, layout) {
        Some(root) => Inputs::collect(&[root], layout).files.into_iter().map(|input| input.path).collect(),
        None => Vec::new(),
    };
    baseline.follow(&project, exists);
    let perhaps = baseline.perhaps_renamed(&project);
    if !perhaps.is_empty() {
        let examiner = Examiner::new(args, layout, None)?;
        let files = Remembered::default();
        let catalog = Catalog::new(&files, layout);
        let mut found = BaselineCounts::default();
        for path in perhaps {
            let outcome = examiner.file(&Input { path: path.clone(), named: false }, &catalog);
            if let Outcome::Checked(examined) = outcome {
                found.add(&path, examined.checked.as_ref().map_or(&[][..], |checked| &checked.findings));
            }
        }
        baseline.follow_renamed(&found);
    }
    Ok(())
}

/// The folder that holds everything that the baseline is about: its own project, and the files that it lists.
/// None where that would be somebody's home, or the whole disk.
fn project(baseline: &Baseline, layout: &Layout) -> Option<PathBuf> {
    let mut root = project_root(&Disk, layout, &baseline.folder().join("bottle.yaml"))?;
    for path in baseline.paths() {
        while !path.starts_with(&root) {
            root.pop();
        }
    }
    let holds_home = layout.home.as_ref().is_some_and(|home| home.starts_with(&root));
    (root.parent().is_some() && !holds_home).then_some(root)
}

fn tell_moved(baseline: &Baseline) {
    let mut moved = baseline.moved().map(|(old, new)| {
        let (old, new) = (terminal::shown(&old), terminal::shown(&new));
        format!("what it allows in {old}, which is gone, holds for {new}")
    });
    let Some(first) = moved.next() else { return };
    let more = match moved.count() {
        0 => String::new(),
        n => format!(", and so for {n} more"),
    };
    terminal::note(&format!("the baseline: {first}{more}; --write-baseline writes it down so"));
}

/// The baseline as a revision has it: a change does not write its own judge.
fn of_revision(rev: &str, file: &str) -> Result<Baseline, Failure> {
    let failed = |why: &dyn std::fmt::Display| cannot(Path::new(&format!("{rev}:{file}")), &why.to_string());
    let colon = "; a file whose name holds `:` is written with `./` in front";
    let revision = Revision::open(rev).map_err(|e| failed(&format!("{e}{colon}")))?;
    let path = revision.absolute(file);
    if revision.kind(&path).is_none() {
        terminal::note(&format!(
            "there is no baseline {} in {}: nothing is accepted",
            printable(file),
            printable(rev)
        ));
        return Ok(Baseline::empty(folder(&path)));
    }
    let bytes = revision.read(&path).map_err(|e| failed(&e))?;
    let text = String::from_utf8(bytes).map_err(|e| failed(&e))?;
    Baseline::parse(&text, folder(&path)).map_err(|e| failed(&e))
}

fn cannot(path: &Path, why: &str) -> Failure {
    Failure::usage(format!("cannot read the baseline {}: {why}", terminal::shown(path)))
}

/// Why a file is not a baseline.
struct Unread {
    why: String,
    /// What it has to be called where writing it anew is what it waits for.
    replaceable: Option<&'static str>,
}

fn read(path: &Path) -> Result<Baseline, Unread> {
    let unread = |why: String| Unread { why, replaceable: None };
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => unread("there is none; --write-baseline makes it".to_owned()),
        _ => unread(e.to_string()),
    })?;
    Baseline::parse(&text, folder(path)).map_err(|e| Unread {
        replaceable: match e {
            BaselineError::Conflict(_) => Some("had a merge conflict"),
            BaselineError::Broken(_) => Some("was broken"),
            BaselineError::Form(_) | BaselineError::Version(_) => None,
        },
        why: e.to_string(),
    })
}

/// Writes today's counts, and gives the exit code: what no baseline can accept is still there.
pub(super) fn write(
    args: &Args,
    counts: &BaselineCounts,
    examiner: &Examiner<'_>,
    summary: &Summary,
) -> Result<u8, Failure> {
    let given = args.baseline.clone().unwrap_or_default();
    if let Some((rev, _)) = given.to_str().and_then(revision_and_path) {
        return Err(Failure::usage(format!(
            "--write-baseline cannot write into the revision {}",
            printable(rev)
        )));
    }
    let path = terminal::absolute(&given);
    let old = match path.exists().then(|| read(&path)) {
        None => None,
        Some(Ok(mut old)) => {
            follow(&mut old, args, examiner.layout)?;
            Some(old)
        }
        // Its counts are lost, or of files as they were on either side: today's hold.
        Some(Err(Unread { replaceable: Some(what), why: _ })) => {
            terminal::note(&format!(
                "{} {what} and is written anew, with what was checked now and nothing else",
                examiner.relative(&path)
            ));
            None
        }
        Some(Err(unread)) => return Err(cannot(&path, &unread.why)),
    };
    let text = counts.to_text(folder(&path), old.as_ref());
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
