//! `bot-bottle check`.

mod approved;
mod baseline;
mod dependencies;
mod emit;
mod examine;
mod fixing;
mod inputs;
mod since;
mod stdin;
mod watch;
mod widening;

use super::git_files::Revision;
use super::{CLEAN, FINDINGS, Failure, USAGE, terminal};
use crate::check::report::{Format, Summary};
use crate::check::{Baseline, Severity};
use crate::disk::Remembered;
use crate::manifest::{self, Catalog, Kind, Layout};
use emit::Emitter;
use examine::{Examiner, in_order};
use inputs::{Input, Inputs};
use std::path::PathBuf;
use tracing::{info, info_span};

/// Check manifests.
#[derive(clap::Args)]
#[command(after_help = "Exit status: 0 without findings, 1 with findings, 2 for wrong usage or a file \
                        that cannot be read, 3 for an internal error.")]
pub(super) struct Args {
    /// Files and folders; `-` is standard input. By default the tree below the working folder,
    /// without what git ignores. What is named is checked even if git ignores it.
    paths: Vec<PathBuf>,
    /// The path that standard input is taken to have; it decides which kind of manifest it is.
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
    /// How findings are written. By default text, and inside GitHub Actions annotations besides.
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// Write the report into a file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Mend what can be mended without changing what a manifest means.
    #[arg(long)]
    fix: bool,
    /// Also apply fixes that guess, or that change what a bottle may do.
    #[arg(long)]
    unsafe_fixes: bool,
    /// Show as a diff what `--fix` would do, and write nothing.
    #[arg(long)]
    diff: bool,
    /// Check again whenever a manifest, or something that it depends on, changes.
    #[arg(long, conflicts_with_all = ["fix", "diff", "output", "since", "write_baseline", "stdin_filename"])]
    watch: bool,
    /// Check only what has changed since a git revision, and what depends on it.
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// With `--since`: check every file, and compare those that have changed.
    #[arg(long, requires = "since")]
    whole: bool,
    /// Also compare what the changed manifests permit with what they did where the change began, and
    /// exit with 1 where one permits more. Needs `--since`.
    #[arg(long, conflicts_with_all = ["fix", "diff"])]
    deny_widening: bool,
    /// With `--deny-widening`: let through what this file lists by its digest, manifest and, behind `#`, reason.
    #[arg(long, value_name = "FILE", requires = "deny_widening")]
    approved: Option<PathBuf>,
    /// Add what the comparison came to to this file, as a Markdown table. Needs `--since`.
    #[arg(long, value_name = "FILE", requires = "since", conflicts_with_all = ["fix", "diff"])]
    summary: Option<PathBuf>,
    /// Report only what goes beyond the counts (a file and rule) of this file. `REV:FILE` reads it from a git
    /// revision, such as the base of a pull request; a file whose name holds `:` is `./FILE`.
    #[arg(long, value_name = "[REV:]FILE")]
    baseline: Option<PathBuf>,
    /// Report as an error, and exit with 1, where the baseline allows what is no longer there.
    #[arg(long, requires = "baseline", conflicts_with_all = ["fix", "diff", "write_baseline"])]
    baseline_strict: bool,
    /// Write today's counts into the baseline.
    #[arg(long, requires = "baseline", conflicts_with_all = ["fix", "diff", "since"])]
    write_baseline: bool,
    /// Also report what the last runs of each manifest were refused and it would still refuse.
    #[arg(long, conflicts_with_all = ["fix", "diff", "watch", "write_baseline"])]
    denied: bool,
    /// The folder that stands for the home, with bottles in `.bot-bottle`: for a machine that has none,
    /// such as CI's.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// The mildest severity that is reported and counted.
    #[arg(long, value_enum, default_value = "warning")]
    severity: SeverityArg,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    /// Drawn, for a person.
    Text,
    /// A line a finding.
    Concise,
    /// Everything, for a program; versioned.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's Code Quality report.
    Gitlab,
    /// JUnit's XML.
    Junit,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SeverityArg {
    Hint,
    Info,
    Warning,
    Error,
}

impl Args {
    fn format(&self) -> Format {
        match self.format {
            None | Some(FormatArg::Text) => Format::Text,
            Some(FormatArg::Concise) => Format::Concise,
            Some(FormatArg::Json) => Format::Json,
            Some(FormatArg::Sarif) => Format::Sarif,
            Some(FormatArg::Github) => Format::Github,
            Some(FormatArg::Gitlab) => Format::Gitlab,
            Some(FormatArg::Junit) => Format::Junit,
        }
    }

    fn threshold(&self) -> Severity {
        match self.severity {
            SeverityArg::Hint => Severity::Hint,
            SeverityArg::Info => Severity::Info,
            SeverityArg::Warning => Severity::Warning,
            SeverityArg::Error => Severity::Error,
        }
    }

    /// Where bottles lie.
    fn layout(&self) -> Result<Layout, Failure> {
        let Some(home) = &self.home else { return Ok(terminal::layout()) };
        let home = terminal::absolute(home);
        if !home.join(".bot-bottle").is_dir() {
            let shown = terminal::shown(&home);
            return Err(Failure::usage(format!("--home: there is no folder .bot-bottle in {shown}")));
        }
        Ok(Layout { home: Some(home) })
    }

    fn reads_stdin(&self) -> bool {
        self.stdin_filename.is_some() || self.paths.iter().any(|p| p.as_os_str() == "-")
    }

    /// What clap cannot say.
    fn validate(&self) -> Result<(), Failure> {
        let fixes = self.fix || self.diff;
        if self.unsafe_fixes && !fixes {
            return Err(Failure::usage("--unsafe-fixes goes with --fix or --diff"));
        }
        if self.diff && (self.format.is_some() || self.output.is_some()) {
            return Err(Failure::usage("--diff writes a diff; it goes with no --format and no --output"));
        }
        if self.watch && !matches!(self.format(), Format::Text | Format::Concise) {
            return Err(Failure::usage("--watch writes text or concise"));
        }
        if self.deny_widening && self.since.is_none() {
            return Err(Failure::usage("--deny-widening needs --since REV, the revision to compare with"));
        }
        if self.reads_stdin() && (self.paths.len() > 1 || self.watch || self.since.is_some()) {
            return Err(Failure::usage("standard input is checked alone, without --watch and --since"));
        }
        if self.stdin_filename.is_some() && self.paths.iter().any(|p| p.as_os_str() != "-") {
            return Err(Failure::usage("--stdin-filename goes with `-` alone"));
        }
        Ok(())
    }
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    args.validate()?;
    let layout = args.layout()?;
    if args.reads_stdin() {
        return stdin::run(args, &layout);
    }
    let (baseline, examiner);
    baseline = info_span!("baseline").in_scope(|| baseline::load(args, &layout))?;
    examiner = Examiner::new(args, &layout, baseline.as_ref())?;
    if args.watch {
        return watch::run(args, &examiner);
    }
    // While the folders are walked; most manifests are bottles.
    std::thread::spawn(|| manifest::prepare(Kind::Bottle));
    let mut inputs = info_span!("walk").in_scope(|| Inputs::collect(&args.paths, &layout));
    let since = args.since.is_some().then(|| info_span!("since").entered());
    let revision = args.since.as_deref().map(Revision::merge_base).transpose()?;
    let (mut changed, mut missing) = (Vec::new(), Vec::new());
    if let Some(revision) = &revision {
        let left_out = since::widen(&mut inputs, &args.paths, revision, &layout)?;
        changed = inputs.files.clone();
        missing = since::missing(revision, &left_out);
        since::retain_changed(&mut changed, revision, &missing, &examiner);
        if !args.whole {
            inputs.files.clone_from(&changed);
        }
    }
    drop(since);
    info!(files = inputs.files.len(), "to be checked");
    inputs.tell(args.since.as_deref());
    if args.diff {
        return fixing::diff(&inputs, &examiner, args.unsafe_fixes);
    }
    let mut emitter = Emitter::new(args)?;
    for (path, why) in &inputs.problems {
        emitter.unreadable(path, why)?;
    }
    if args.fix {
        let _span = info_span!("fix").entered();
        fixing::fix(&inputs.files, &examiner, args.unsafe_fixes, &mut emitter.summary)?;
    }
    let compares = args.deny_widening || args.summary.is_some();
    let compared = match revision.as_ref().filter(|_| compares) {
        None => None,
        Some(revision) => {
            let _span = info_span!("compare").entered();
            let change = widening::Change { files: &changed, revision, missing: &missing };
            let mut compared = widening::compare(args, &change, &examiner)?;
            if args.deny_widening {
                let _ = examiner.widened.set(std::mem::take(&mut compared.widened));
            }
            Some(compared)
        }
    };
    info_span!("examine").in_scope(|| check_all(&inputs.files, &examiner, &mut emitter))?;
    let _span = info_span!("report").entered();
    for (path, stale) in baseline.iter().flat_map(Baseline::gone) {
        emitter.stale(&path, &stale)?;
    }
    if let Some(counts) = emitter.finish()? {
        return baseline::write(args, &counts, &examiner, &emitter.summary);
    }
    let code = exit_code(&emitter.summary);
    match compared {
        Some(compared) => {
            compared.tell(args)?;
            if let Some(summary) = &args.summary {
                compared.add_to(summary)?;
            }
            Ok(if args.deny_widening { compared.code.max(code) } else { code })
        }
        None => Ok(code),
    }
}

fn check_all(files: &[Input], examiner: &Examiner<'_>, emitter: &mut Emitter) -> Result<(), Failure> {
    let disk = Remembered::default();
    let catalog = Catalog::new(&disk, examiner.layout);
    in_order(
        files,
        |input| examiner.file(input, &catalog),
        |input, outcome| emitter.outcome(&input.path, &outcome),
    )?;
    Ok(())
}

/// Input that could not be read weighs more than findings: what was not looked at is not clean.
fn exit_code(summary: &Summary) -> u8 {
    match (summary.unreadable, summary.findings()) {
        (0, 0) if summary.strict && summary.stale > 0 => FINDINGS,
        (0, 0) => CLEAN,
        (0, _) => FINDINGS,
        _ => USAGE,
    }
}
