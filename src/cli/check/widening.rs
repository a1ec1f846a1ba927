//! `--deny-widening`: what the changed manifests permit, beside what they permitted.

use super::approved::{Approved, digest};
use super::examine::Examiner;
use super::inputs::Input;
use super::since::{inside, is_blob};
use super::{Args, CLEAN, FINDINGS, Failure};
use crate::check::Widened;
use crate::check::report::Format;
use crate::cli::diff::{self, Plans, add_plans, moved};
use crate::cli::git_files::Revision;
use crate::cli::terminal;
use crate::disk::{Disk, Remembered};
use crate::manifest::{Catalog, Files, Kind, Manifest, read_agent};
use crate::plan::{self, DiffFormat, render_changes};
use crate::shown::{self, Written};
use std::path::{Path, PathBuf};

/// A change: the manifests that it touches, and what it began at.
pub(super) struct Change<'a> {
    /// Those that are there now.
    pub files: &'a [Input],
    /// What the change began at.
    pub revision: &'a Revision,
    /// What the revision has and the working tree has not, or has another link in its place.
    pub missing: &'a [PathBuf],
}

/// What a comparison came to.
pub(super) struct Compared {
    /// The table, by manifest, for a person and for a pull request.
    table: String,
    markdown: String,
    /// What moves so that an agent may do more, for the findings.
    pub widened: Vec<Widened>,
    /// The outcome, beside the findings.
    pub code: u8,
    /// Lines of widenings, as `--approved` has them: those that it let through, and the others.
    approved: Vec<String>,
    open: Vec<String>,
    /// What the change began at.
    since: String,
}

impl Compared {
    /// Tells what moved. A report for a program stays alone on standard output.
    pub(super) fn tell(&self, args: &Args) -> Result<(), Failure> {
        if args.output.is_none() && matches!(args.format(), Format::Text) {
            terminal::print(&self.table)?;
        } else {
            terminal::note(&format!("permissions since {}:\n{}", self.since, self.table.trim_end()));
        }
        for line in &self.approved {
            terminal::note(&format!("approved: {line}"));
        }
        if let Some(file) = args.approved.as_ref().filter(|_| !self.open.is_empty()) {
            let (file, lines) = (terminal::shown(file), self.open.join("\n"));
            terminal::note(&format!("whoever may let this through adds to {file}:\n{lines}"));
        }
        Ok(())
    }
}

/// GitHub drops a summary of more than 1 MiB whole.
const LONGEST_SUMMARY: usize = 900 << 10;

impl Compared {
    /// Adds the table to a summary.
    pub(super) fn add_to(&self, summary: &Path) -> Result<(), Failure> {
        let mut text = shown::no_commands(&self.markdown, Written::Plain).into_owned();
        let more = "\n… and more than a summary holds: the log has all of it.\n";
        if text.len() > LONGEST_SUMMARY {
            let end = text[..LONGEST_SUMMARY].rfind('\n').unwrap_or(0);
            text.truncate(end);
            text.push_str(more);
        }
        let text = format!("{text}\nCompared with {}.\n", self.since);
        let file = std::fs::File::options().append(true).create(true).open(summary);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        written.map_err(|e| Failure::usage(format!("cannot write {}: {e}", terminal::shown(summary))))
    }
}

/// Compares the manifests of a change with what they were.
pub(super) fn compare(
    args: &Args,
    change: &Change<'_>,
    examiner: &Examiner<'_>,
) -> Result<Compared, Failure> {
    let on_record = args.approved.as_deref().map(Approved::read).transpose()?.unwrap_or_default();
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
        let inside = inside(revision.root(), &input.path);
        // What has no plan now cannot be shown to permit no more.
        if let Err(why) = add_plans(&mut new, &input.path, &shown, input.named, &now) {
            let was = inside.as_ref().filter(|_| examiner.bottles_elsewhere);
            if was.is_some_and(|was| same_bottles_elsewhere((was, &before), (&input.path, &now))) {
                terminal::note(&format!(
                    "{shown}: what it permits lies in a home and is not compared; its bottle is the same"
                ));
                continue;
            }
            cannot(&why.to_string());
        }
        let Some(path) = inside else { continue };
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
    let (mut changes, mut widened) = (Vec::new(), Vec::new());
    let (mut approved, mut open) = (Vec::new(), Vec::new());
    let here = folder_in(revision.root());
    let named = |path: &Path| from_root_of(revision.root(), &here, path);
    let was = diff::Compared { plans: &old, files: revision, gone: change.missing };
    for (name, moves) in moved(&was, &diff::Compared { plans: &new, files: &disk, gone: &[] }, &named) {
        // As the repository names it, wherever the check was run.
        let from_root = named_from(revision.root(), &here, &name);
        if moves.iter().any(plan::Change::widens) {
            let digest = digest(&from_root, &moves);
            let line = format!("{digest}  {from_root}");
            if on_record.holds(&digest, &from_root) {
                approved.push(line);
            } else {
                open.push(line);
                widened.extend(new.get(&name).iter().flat_map(|planned| planned.widened(&moves)));
            }
        }
        changes.push((from_root, moves));
    }
    Ok(Compared {
        table: render_changes(&changes, DiffFormat::Text),
        markdown: render_changes(&changes, DiffFormat::Markdown),
        widened,
        code: if unknown || !open.is_empty() { FINDINGS } else { CLEAN },
        approved,
        open,
        since: revision.commit().get(..12).unwrap_or_default().to_owned(),
    })
}

/// The working folder, from the repository's root.
fn folder_in(root: &Path) -> PathBuf {
    let here = terminal::working_folder();
    let here = Disk.canonical(&here).unwrap_or(here);
    here.strip_prefix(root).unwrap_or(Path::new("")).to_owned()
}

/// A path of the host as the repository names it, so that the same change has the same table, and the same
/// digest, in every checkout of it.
fn from_root_of(root: &Path, here: &Path, path: &Path) -> PathBuf {
    let folder = terminal::working_folder();
    // The root as the working folder's own path has it, where links lead there.
    let above = folder.ancestors().nth(here.components().count());
    let inside = path.strip_prefix(root).ok().or_else(|| path.strip_prefix(above?).ok());
    match inside {
        Some(inside) if inside.as_os_str().is_empty() => PathBuf::from("."),
        Some(inside) => inside.to_owned(),
        None => path.to_owned(),
    }
}

/// From the root, a manifest that is named from this folder of the repository, or absolutely.
fn named_from(root: &Path, folder: &Path, name: &str) -> String {
    let name = crate::manifest::join(folder, name);
    name.strip_prefix(root).unwrap_or(&name).display().to_string()
}

/// Whether a file holds agents alone whose bottles lie in a home that is not here, and each was in the same
/// bottle before: then what it permits is that home's to say, and this change has no part in it.
fn same_bottles_elsewhere(was: (&Path, &Catalog<'_>), is: (&Path, &Catalog<'_>)) -> bool {
    let agents = |(path, catalog): (&Path, &Catalog<'_>)| -> Option<Vec<(String, String)>> {
        let source = catalog.source(path)?;
        let of = |manifest: &Manifest| {
            let bottle = read_agent(&source, manifest).bottle.filter(|_| manifest.kind == Kind::Agent)?.value;
            catalog.bottle(&bottle, &source).is_none().then(|| (manifest.name.clone(), bottle))
        };
        source.manifests.iter().map(of).collect()
    };
    agents(is).is_some_and(|is| agents(was) == Some(is))
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
    let is_gone = |path: &&PathBuf| examiner.layout.identify(path).is_some() && Disk.kind(path).is_none();
    let all = change.missing.iter().filter(is_gone);
    all.map(|path| Gone { path: path.clone(), in_scope: in_scope(path) }).collect()
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
