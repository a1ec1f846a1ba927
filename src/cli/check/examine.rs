//! Checking files, in parallel where it pays, with the results in the order of the files.

use super::inputs::Input;
use super::{Args, Failure};
use crate::check::report::{Checked, Other};
use crate::check::{Baseline, Denied, Diagnostic, Facts, Findings, Severity, Stale, Widened, examine};
use crate::cli::operator::Operator;
use crate::cli::terminal;
use crate::disk::Disk;
use crate::engine::{StateDir, refusals};
use crate::manifest::{Catalog, Files, Layout, Source};
use crate::syntax::decode;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};

/// The rules that ask whether a bottle is there.
const ELSEWHERE: [&str; 2] = ["unknown-bottle", "unknown-parent"];

/// What came of a file.
pub(super) enum Outcome {
    /// Only its frontmatter could tell that it is a manifest, and it does not.
    NoManifest,
    /// Why it cannot be read.
    Unreadable(String),
    /// It was checked.
    Checked(Examined),
}

/// A file that was checked. Of one without findings nothing is kept.
#[derive(Default)]
pub(super) struct Examined {
    /// Its findings, if there are any.
    pub checked: Option<Checked>,
    /// How many findings the baseline allows.
    pub in_baseline: usize,
    /// What is wrong with the baseline's counts.
    pub stale: Vec<Stale>,
    /// How many findings a comment silences.
    pub silenced: usize,
    /// What cannot be judged on this machine.
    pub notes: Vec<String>,
}

/// Checks one file after another, each alike.
pub(super) struct Examiner<'a> {
    /// Where the user's own manifests lie.
    pub layout: &'a Layout,
    /// The working folder.
    pub base: PathBuf,
    threshold: Severity,
    baseline: Option<&'a Baseline>,
    /// Where runs are remembered, for `--denied`.
    runs: Option<StateDir>,
    /// Whether this machine has no home with bottles.
    pub bottles_elsewhere: bool,
    /// What a change widens, for `--deny-widening`.
    pub widened: OnceLock<Vec<Widened>>,
}

impl<'a> Examiner<'a> {
    /// An examiner that looks at what the command line says.
    pub(super) fn new(
        args: &Args,
        layout: &'a Layout,
        baseline: Option<&'a Baseline>,
    ) -> Result<Self, Failure> {
        let runs = args.denied.then(|| Operator::default().settings()).transpose()?.map(|s| s.state);
        let base = terminal::working_folder();
        // A person's own machine has a person's bottles, or none at all.
        let store = layout.store().is_some_and(|store| store.is_dir());
        let bottles_elsewhere = !store && std::env::var_os("CI").is_some_and(|v| !v.is_empty());
        Ok(Self {
            bottles_elsewhere,
            layout,
            base,
            threshold: args.threshold(),
            baseline,
            runs,
            widened: OnceLock::new(),
        })
    }

    /// Reads and checks a file.
    pub(super) fn file(&self, input: &Input, catalog: &Catalog<'_>) -> Outcome {
        let _span = tracing::debug_span!("file", path = %input.path.display()).entered();
        match self.read(input) {
            Err(why) => Outcome::Unreadable(why),
            Ok(None) => Outcome::NoManifest,
            Ok(Some(source)) => Outcome::Checked(self.source(&Arc::new(source), catalog)),
        }
    }

    /// Reads a file; `None` where it turns out to be no manifest.
    ///
    /// # Errors
    /// In words, why it cannot be read.
    pub(super) fn read(&self, input: &Input) -> Result<Option<Source>, String> {
        let bytes = Disk.read(&input.path).map_err(|e| e.to_string())?;
        let text = decode(bytes).map_err(|e| e.to_string())?;
        Ok(Source::recognise(&input.path, text, self.layout, input.named))
    }

    /// Checks a text.
    pub(super) fn source(&self, source: &Arc<Source>, catalog: &Catalog<'_>) -> Examined {
        let denied: Vec<_> =
            source.manifests.iter().flat_map(|m| self.refusals(&source.path, &m.name)).collect();
        let widened = self.widened.get().map(Vec::as_slice).unwrap_or_default();
        let bottles_elsewhere = self.bottles_elsewhere;
        let facts = Facts { env_names: None, denied: &denied, widened, bottles_elsewhere };
        let Findings { mut findings, silenced } = examine(source, catalog, &facts);
        let unjudged = |f: &&Diagnostic| ELSEWHERE.contains(&f.rule.id) && f.severity == Severity::Info;
        let notes = findings.iter().filter(unjudged).map(Diagnostic::full_message).collect();
        findings.retain(|f| !unjudged(&f));
        // What was asked for by name is shown, however mild.
        let asked_for = |f: &Diagnostic| f.rule.id == "denied-egress";
        findings.retain(|f| f.severity >= self.threshold || asked_for(f));
        let silenced = silenced.iter().filter(|f| f.severity >= self.threshold).count();
        let mut examined = Examined { silenced, notes, ..Examined::default() };
        if let Some(baseline) = self.baseline {
            let all = findings.len();
            examined.stale = baseline.apply(&source.path, &mut findings);
            examined.in_baseline = all - findings.len();
        }
        if !findings.is_empty() {
            examined.checked = Some(self.checked(source, findings, catalog));
        }
        examined
    }

    fn refusals(&self, file: &Path, name: &str) -> Vec<Denied> {
        self.runs
            .as_ref()
            .map(|state| refusals(state, &crate::engine::Subject::of(file, name)))
            .unwrap_or_default()
    }

    fn checked(&self, source: &Arc<Source>, findings: Vec<Diagnostic>, catalog: &Catalog<'_>) -> Checked {
        let mut others: Vec<Other> = Vec::new();
        for related in findings.iter().flat_map(|f| &f.related).filter(|r| r.file != source.path) {
            if others.iter().any(|o| o.file == related.file) {
                continue;
            }
            if let Some(other) = catalog.source(&related.file) {
                others.push(Other::new(related.file.clone(), self.relative(&related.file), &other.text));
            }
        }
        Checked::new(self.relative(&source.path), &source.text, findings, others)
    }

    /// A path as a report names it.
    pub(super) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.base).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// Below this many files a second thread costs more than it saves.
const WORTH_THREADS: usize = 24;

/// How many files a thread takes at once.
const CHUNK: usize = 8;

/// Does `work` for each item and hands the results to `each` in the items' order.
///
/// # Errors
/// Those of `each`; the rest is then not done.
pub(super) fn in_order<I: Sync, O: Send>(
    items: &[I],
    work: impl Fn(&I) -> O + Sync,
    mut each: impl FnMut(&I, O) -> io::Result<()>,
) -> io::Result<()> {
    let few = items.len() < WORTH_THREADS;
    let threads = if few { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    if threads == 1 {
        return items.iter().try_for_each(|item| each(item, work(item)));
    }
    let next = AtomicUsize::new(0);
    let (work, next) = (&work, &next);
    std::thread::scope(|scope| {
        // Bounded, so that a slow reader of the report does not fill the memory.
        let (results, done) = mpsc::sync_channel(threads * 64);
        for _ in 0..threads {
            let results = results.clone();
            scope.spawn(move || {
                loop {
                    let chunk = next.fetch_add(1, Ordering::Relaxed);
                    let Some(items) = items.chunks(CHUNK).nth(chunk) else { return };
                    let outcomes: Vec<O> = items.iter().map(work).collect();
                    if results.send((chunk, outcomes)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        let mut early = BTreeMap::new();
        let mut turn = 0;
        for (chunk, outcomes) in done {
            early.insert(chunk, outcomes);
            while let Some(outcomes) = early.remove(&turn) {
                let items = &items[turn * CHUNK..];
                items.iter().zip(outcomes).try_for_each(|(item, outcome)| each(item, outcome))?;
                turn += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_an_error_ends_the_work() {
        let items: Vec<usize> = (0..1000).collect();
        let mut seen = Vec::new();
        in_order(
            &items,
            |n| n * 2,
            |n, twice| {
                seen.push((*n, twice));
                Ok(())
            },
        )
        .expect("no error");
        assert!(seen.iter().enumerate().all(|(i, pair)| *pair == (i, i * 2)));
        let stopped = in_order(
            &items,
            |n| *n,
            |n, _| match n {
                500 => Err(io::ErrorKind::BrokenPipe.into()),
                _ => Ok(()),
            },
        );
        assert!(stopped.is_err());
    }
}
