//! `--fix` and `--diff`.

use super::examine::{Examiner, in_order};
use super::inputs::{Input, Inputs};
use super::{CLEAN, FINDINGS, Failure, USAGE};
use crate::check::report::Summary;
use crate::check::{Facts, fix_all, masked};
use crate::cli::terminal;
use crate::disk::{Disk, Remembered, replace};
use crate::manifest::{Catalog, Files, Layout, project_root};
use crate::shown::visible;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text and what the fixes make of it.
struct Mended {
    old: Arc<str>,
    new: Arc<str>,
    count: usize,
}

/// The text after every fix of the wanted kind, and how many were applied.
pub(super) fn fixed(
    path: &Path,
    text: Arc<str>,
    catalog: &Catalog<'_>,
    layout: &Layout,
    with_unsafe: bool,
) -> (Arc<str>, usize) {
    fix_all(path, text, catalog, layout, &Facts::default(), with_unsafe)
}

/// `None` for what cannot be read, which the check itself tells, and for what needs no fix.
fn mend(input: &Input, examiner: &Examiner<'_>, catalog: &Catalog<'_>, with_unsafe: bool) -> Option<Mended> {
    let old = examiner.read(input).ok()??.text;
    let (new, count) = fixed(&input.path, old.clone(), catalog, examiner.layout, with_unsafe);
    (new != old).then_some(Mended { old, new, count })
}

/// Mends the files in place.
pub(super) fn fix(
    files: &[Input],
    examiner: &Examiner<'_>,
    with_unsafe: bool,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let disk = Remembered::default();
    let catalog = Catalog::new(&disk, examiner.layout);
    let work = |input: &Input| mend(input, examiner, &catalog, with_unsafe);
    in_order(files, work, |input, mended| {
        let Some(mended) = mended else { return Ok(()) };
        match write(&input.path, &mended) {
            Ok(()) => summary.fixed += mended.count,
            Err(why) => {
                summary.unreadable += 1;
                terminal::error(&format!("cannot fix {}: {why}", terminal::shown(&input.path)));
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn write(path: &Path, mended: &Mended) -> Result<(), String> {
    let target = target(path)?;
    replace(&target, mended.new.as_bytes(), Some(mended.old.as_bytes())).map_err(|e| e.to_string())
}

/// The file to write: where the path is a link, what it leads to, if that is in the same project.
fn target(path: &Path) -> Result<PathBuf, String> {
    let metadata = std::fs::symlink_metadata(path).map_err(|e| e.to_string())?;
    if !metadata.is_symlink() {
        return Ok(path.to_owned());
    }
    let target = Disk.canonical(path).ok_or("it is a link to nothing")?;
    let project = project_root(&Disk, &terminal::layout(), path).and_then(|root| Disk.canonical(&root));
    match project {
        Some(project) if target.starts_with(&project) => Ok(target),
        _ => Err("it is a link that leads out of the project; fix the file itself".to_owned()),
    }
}

/// Shows what `fix` would do.
pub(super) fn diff(inputs: &Inputs, examiner: &Examiner<'_>, with_unsafe: bool) -> Result<u8, Failure> {
    let disk = Remembered::default();
    let catalog = Catalog::new(&disk, examiner.layout);
    let (mut files, mut fixes, mut unreadable) = (0, 0, inputs.problems.len());
    let work = |input: &Input| match examiner.read(input) {
        Err(why) => Err(why),
        Ok(_) => Ok(mend(input, examiner, &catalog, with_unsafe)),
    };
    in_order(&inputs.files, work, |input, result| {
        match result {
            Err(why) => {
                unreadable += 1;
                terminal::error(&format!("cannot read {}: {why}", terminal::shown(&input.path)));
            }
            Ok(None) => {}
            Ok(Some(mended)) => {
                (files, fixes) = (files + 1, fixes + mended.count);
                let path = examiner.relative(&input.path);
                terminal::print(&unified(&path, &mended.old, &mended.new, terminal::styled()))?;
            }
        }
        Ok(())
    })?;
    terminal::note(&match fixes {
        0 => "there is nothing to fix".to_owned(),
        _ => {
            let s = |count: usize| if count == 1 { "" } else { "s" };
            format!("would fix {fixes} finding{} in {files} file{}", s(fixes), s(files))
        }
    });
    Ok(match (unreadable, fixes) {
        (0, 0) => CLEAN,
        (0, _) => FINDINGS,
        _ => USAGE,
    })
}

/// The same for a text from standard input.
pub(super) fn print_diff(path: &str, old: &str, new: &str, fixes: usize) -> Result<u8, Failure> {
    terminal::print(&unified(path, old, new, terminal::styled()))?;
    Ok(if fixes == 0 { CLEAN } else { FINDINGS })
}

/// A unified diff with three lines around each change, credentials overwritten in it.
fn unified(path: &str, old: &str, new: &str, styled: bool) -> String {
    let (old, new) = (masked(old), masked(new));
    let diff = TextDiff::from_lines(&old, &new);
    let paint = |color: &'static str| if styled { (color, "\x1b[0m") } else { ("", "") };
    let mut out = String::new();
    let groups = diff.grouped_ops(3);
    if groups.is_empty() {
        return out;
    }
    let (bold, off) = paint("\x1b[1m");
    let _ = writeln!(out, "{bold}--- {0}{off}\n{bold}+++ {0}{off}", visible(path));
    for group in groups {
        let hunk = similar::udiff::UnifiedHunkHeader::new(&group);
        let (cyan, off) = paint("\x1b[36m");
        let _ = writeln!(out, "{cyan}{hunk}{off}");
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, color) = match change.tag() {
                ChangeTag::Equal => (' ', ""),
                ChangeTag::Delete => ('-', "\x1b[31m"),
                ChangeTag::Insert => ('+', "\x1b[32m"),
            };
            let (color, off) = if color.is_empty() { ("", "") } else { paint(color) };
            let _ = writeln!(out, "{color}{sign}{}{off}", harmless(change.value()));
            if change.missing_newline() {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// A line that moves no terminal, its byte order mark, tabs and carriage return kept.
fn harmless(line: &str) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let (mark, line) = line.strip_prefix('\u{feff}').map_or(("", line), |l| ("\u{feff}", l));
    let (line, end) = line.strip_suffix('\r').map_or((line, ""), |l| (l, "\r"));
    let parts: Vec<_> = line.split('\t').map(visible).collect();
    format!("{mark}{}{end}", parts.join("\t"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diff_is_one_that_patch_takes() {
        let diff = unified("a.yaml", "a: 1\r\nb: 2\r\n", "a: 1\r\nc:\t3", false);
        let expected = "--- a.yaml\n+++ a.yaml\n@@ -1,2 +1,2 @@\n a: 1\r\n-b: 2\r\n+c:\t3\n\\ No newline at end of file\n";
        assert_eq!(diff, expected);
        assert_eq!(unified("a", "x\n", "x\n", false), "");
    }

    #[test]
    fn the_diff_holds_no_credential_and_moves_no_terminal() {
        let token = ["ghp", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"].join("_");
        let diff = unified("a", &format!("x: {token}\nb: \x1b[2J\n"), "b: \x1b[2J\n", false);
        assert!(!diff.contains(&token) && !diff.contains('\x1b'), "{diff}");
    }
}
