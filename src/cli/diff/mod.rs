//! `bot-bottle diff`.

mod contents;
mod side;

pub(super) use side::{Planned, Plans, add_plans};

use super::{CLEAN, FINDINGS, Failure, ci, terminal};
use crate::check::report::permissions::{Moved, sarif};
use crate::check::report::{Checked, Format, Report, Style, Summary};
use crate::check::{Facts, Widened, check};
use crate::manifest::{Catalog, Files, Found, Place, Source, resolve};
use crate::plan::{Change, DiffFormat, Dockerfile, Places, Plan, compare, render_changes};
use crate::provider::{Content, Derived};
use crate::shown::Written;
use crate::syntax::Span;
use side::Side;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Show what a change lets an agent do that it could not do before.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A file, a folder, or `REV:path` of the git repository here.
    old: String,
    /// The same, after the change.
    new: String,
    /// How it is written.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,
    /// Exit with 1 if anything is widened, or changed so that it may be.
    #[arg(long)]
    deny_widening: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    /// A line a permission, for a person.
    Text,
    /// One object, for a program; versioned.
    Json,
    /// A table for a pull request.
    Markdown,
    /// SARIF 2.1.0: what is widened, at the line that widens it.
    Sarif,
    /// The same, a line each.
    Concise,
    /// The same as annotations of GitHub Actions.
    Github,
    /// The same as GitLab's Code Quality report.
    Gitlab,
    /// The same as JUnit's XML.
    Junit,
}

impl FormatArg {
    /// As `check` writes its findings; `None` where the format is this command's own.
    fn of_findings(self) -> Option<Format> {
        match self {
            Self::Text | Self::Json | Self::Markdown => None,
            Self::Sarif => Some(Format::Sarif),
            Self::Concise => Some(Format::Concise),
            Self::Github => Some(Format::Github),
            Self::Gitlab => Some(Format::Gitlab),
            Self::Junit => Some(Format::Junit),
        }
    }
}

/// What moved, by manifest.
type Changes = Vec<(String, Vec<Change>)>;

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let layout = terminal::layout();
    let (old_side, new_side) = (Side::open(&args.old)?, Side::open(&args.new)?);
    let (before, catalog) = (old_side.catalog(&layout), new_side.catalog(&layout));
    let (old, new) = match (old_side.plans(&before), new_side.plans(&catalog)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(failure), _) => return unread(args, &args.old, failure),
        (_, Err(failure)) => return unread(args, &args.new, failure),
    };
    // Two files are one manifest before and after, whatever their names are.
    let (old, new) = match (old.len(), new.len()) {
        (1, 1) => {
            let name = new.keys().next().cloned().unwrap_or_default();
            (old.into_values().map(|p| (name.clone(), p)).collect(), new)
        }
        _ => (old, new),
    };
    let sides = [(&old, before.files), (&new, catalog.files)];
    let [before, after] = sides.map(|(plans, files)| Compared { plans, files, gone: &[] });
    let changes = moved(&before, &after, &Path::to_owned);
    let table = |format, written| terminal::print_as(&render_changes(&changes, format), written);
    let report = |format| terminal::write(&findings(format, &changes, &new, &catalog));
    match args.format {
        FormatArg::Text => table(DiffFormat::Text, Written::Plain)?,
        FormatArg::Json => table(DiffFormat::Json, Written::Json)?,
        FormatArg::Markdown => table(DiffFormat::Markdown, Written::Plain)?,
        // Its rules are its own, one a kind of permission.
        FormatArg::Sarif => {
            let text = sarif(&placed(&changes, &new, &catalog), &ci::prefix_of(Format::Sarif));
            terminal::print_as(&text, Written::Json)?;
        }
        FormatArg::Concise => report(Format::Concise)?,
        FormatArg::Github => report(Format::Github)?,
        FormatArg::Gitlab => report(Format::Gitlab)?,
        FormatArg::Junit => report(Format::Junit)?,
    }
    Ok(if args.deny_widening && widens(&changes) { FINDINGS } else { CLEAN })
}

/// A side that has no plan: no report passes over it in silence.
fn unread(args: &Args, side: &str, failure: Failure) -> Result<u8, Failure> {
    if let (Some(format), Failure::Usage(why)) = (args.format.of_findings(), &failure) {
        let mut report = Report::new(format, Style::Plain, ci::prefix_of(format));
        let mut text = report.head();
        text += &report.unreadable(side, why);
        text += &report.tail(&Summary { unreadable: 1, ..Summary::default() });
        terminal::write(&text)?;
    }
    Err(failure)
}

/// What is widened, as `check` reports it.
fn findings(format: Format, changes: &Changes, new: &Plans, catalog: &Catalog<'_>) -> String {
    let base = terminal::working_folder();
    let mut widened: BTreeMap<PathBuf, (Arc<Source>, Vec<Widened>)> = BTreeMap::new();
    for (name, changes) in changes {
        let Some(planned) = new.get(name) else { continue };
        let source = &planned.found.source;
        let entry = widened.entry(source.path.to_path_buf());
        entry.or_insert_with(|| (source.clone(), Vec::new())).1.extend(planned.widened(changes));
    }
    let mut report = Report::new(format, Style::Plain, ci::prefix_of(format));
    let (mut text, mut summary) = (report.head(), Summary::default());
    for (path, (source, widened)) in &widened {
        let mut findings = check(source, catalog, &Facts { widened, ..Facts::default() });
        findings.retain(|finding| finding.rule.id == "widened-permission");
        summary.files += 1;
        summary.add(&findings);
        if !findings.is_empty() {
            let path = path.strip_prefix(&base).unwrap_or(path).to_string_lossy();
            text += &report.file(&Checked::new(path.into_owned(), &source.text, findings, Vec::new()));
        }
    }
    text + &report.tail(&summary)
}

/// One side of a comparison.
pub(super) struct Compared<'a> {
    pub plans: &'a Plans,
    /// What they are read from.
    pub files: &'a dyn Files,
    /// Files of this side that the other one has not, or has another link in their place; where that is known.
    pub gone: &'a [PathBuf],
}

/// What moves between two sets of manifests. `named` is how a path of the host is shown.
pub(super) fn moved(old: &Compared<'_>, new: &Compared<'_>, named: &dyn Fn(&Path) -> PathBuf) -> Changes {
    let mut names: Vec<&String> = old.plans.keys().chain(new.plans.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let moved = |name: &str| {
        let (was, is) = (old.plans.get(name), new.plans.get(name));
        let [before, after] = [was, is].map(|p| p.map(|p| with_paths(&p.plan, named)));
        let mut changes = compare(before.as_ref(), after.as_ref());
        if let (Some(was), Some(is)) = (was, is) {
            let was = contents::Side { planned: was, files: old.files };
            let is = contents::Side { planned: is, files: new.files };
            let behind = contents::compare(&was, &is, old.gone, named);
            // The same image from another folder permits the same.
            let place =
                |c: &Change| c.area == "agent" && ["context", "dockerfile"].contains(&c.subject.as_str());
            changes.retain(|change| !(behind.same_image && place(change)));
            changes.extend(behind.changes);
            changes.sort();
        }
        changes
    };
    names.into_iter().map(|name| (name.clone(), moved(name))).collect()
}

/// A plan whose paths of the host are shown by other names.
fn with_paths(plan: &Plan, named: &dyn Fn(&Path) -> PathBuf) -> Plan {
    let mut plan = plan.clone();
    if let Dockerfile::Own { file, context } = &mut plan.dockerfile {
        (*file, *context) = (named(file), named(context));
    }
    if let Some(path) = &mut plan.workspace.path {
        *path = named(path);
    }
    for mount in &mut plan.workspace.mounts {
        mount.source = named(&mount.source);
    }
    for file in &mut plan.files {
        if let Content::Derived(Derived::HostFile(path)) = &mut file.content {
            *path = named(path);
        }
    }
    plan
}

/// Whether an agent may do more, or something else that may be more.
pub(super) fn widens(changes: &Changes) -> bool {
    changes.iter().flat_map(|(_, c)| c).any(Change::widens)
}

/// What moved, each at the line of the new manifests that moves it, else at the manifest's first.
fn placed(changes: &Changes, new: &Plans, catalog: &Catalog<'_>) -> Vec<Moved> {
    let base = terminal::working_folder();
    let mut files: HashMap<Arc<Path>, Rc<Checked>> = HashMap::new();
    let mut all = Vec::new();
    for (name, changes) in changes {
        // What is gone permits nothing.
        let Some(Planned { found, .. }) = new.get(name) else { continue };
        let bottle = catalog.bottle_of(found).map(|found| resolve(&found, catalog).bottle);
        let places = bottle.as_ref().map(Places::of);
        for change in changes {
            let place = places.as_ref().and_then(|p| p.place(change)).unwrap_or_else(|| head(found));
            let file = files.entry(place.file.clone()).or_insert_with(|| {
                let source = catalog.source(&place.file).unwrap_or_else(|| found.source.clone());
                let path = source.path.strip_prefix(&base).unwrap_or(&source.path).to_string_lossy();
                Rc::new(Checked::new(path.into_owned(), &source.text, Vec::new(), Vec::new()))
            });
            let (manifest, change, file) = (name.clone(), change.clone(), file.clone());
            all.push(Moved { manifest, change, file, span: place.span });
        }
    }
    all
}

fn head(found: &Found) -> Place {
    let start = found.source.root(&found.manifest).map_or(0, |root| root.span.start as usize);
    Place { file: found.source.path.clone(), span: Span::new(start, start), origin: None }
}
