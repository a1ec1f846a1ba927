//! Where the report goes, and how the run ends.

use super::examine::{Examined, Outcome};
use super::{Args, Failure};
use crate::check::report::{Checked, Format, Report, Style, Summary};
use crate::check::{BaselineCounts, Stale};
use crate::cli::ci;
use crate::cli::terminal::{self, unless_gone};
use crate::disk::replace;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes findings as they come.
pub(super) struct Emitter {
    report: Report,
    /// GitHub's annotations besides the report.
    annotations: Option<Report>,
    out: Out,
    /// The outcome so far.
    pub summary: Summary,
    /// For `--write-baseline`: counted, and not shown.
    counts: Option<BaselineCounts>,
}

enum Out {
    Stdout(BufWriter<io::Stdout>),
    /// For `--fix -`, where standard output carries the manifest.
    Stderr,
    /// Kept until the end, so that the file is whole or as it was.
    File(PathBuf, Vec<u8>),
}

impl Emitter {
    /// Opens the report.
    pub(super) fn new(args: &Args) -> Result<Self, Failure> {
        let out = match &args.output {
            None if args.fix && args.reads_stdin() => Out::Stderr,
            None => Out::Stdout(BufWriter::new(io::stdout())),
            Some(path) => Out::File(terminal::absolute(path), Vec::new()),
        };
        let style = if matches!(out, Out::Stdout(_)) { terminal::style() } else { Style::Plain };
        let format = args.format();
        let in_actions = std::env::var_os("GITHUB_ACTIONS").is_some_and(|v| v == "true");
        let annotated = in_actions && args.format.is_none() && args.output.is_none();
        let annotations =
            annotated.then(|| Report::new(Format::Github, Style::Plain, ci::prefix_of(Format::Github)));
        let mut emitter = Self {
            report: Report::new(format, style, ci::prefix_of(format)),
            annotations,
            out,
            summary: Summary { strict: args.baseline_strict, ..Summary::default() },
            counts: args.write_baseline.then(BaselineCounts::default),
        };
        if emitter.counts.is_none() {
            emitter.write(&emitter.report.head())?;
        }
        Ok(emitter)
    }

    /// Takes what came of a file.
    pub(super) fn outcome(&mut self, path: &Path, outcome: &Outcome) -> io::Result<()> {
        match outcome {
            Outcome::NoManifest => Ok(()),
            Outcome::Unreadable(why) => {
                terminal::error(&format!("cannot read {}: {why}", terminal::shown(path)));
                self.unreadable(path, why)
            }
            Outcome::Checked(examined) => self.examined(path, examined),
        }
    }

    fn examined(&mut self, path: &Path, examined: &Examined) -> io::Result<()> {
        self.summary.files += 1;
        self.summary.in_baseline += examined.in_baseline;
        self.summary.silenced += examined.silenced;
        if let Some(counts) = &mut self.counts {
            let findings = examined.checked.as_ref().map_or(&[][..], |c| &c.findings);
            counts.add(path, findings);
            let language = findings.iter().filter(|f| !f.can_be_silenced());
            self.summary.add(&language.cloned().collect::<Vec<_>>());
            return Ok(());
        }
        for note in &examined.notes {
            terminal::note(&format!("{}: {note}", terminal::shown(path)));
        }
        for stale in &examined.stale {
            self.stale(path, stale)?;
        }
        examined.checked.as_ref().map_or(Ok(()), |checked| self.findings(checked))
    }

    /// Tells of an entry of the baseline that allows what is no longer there.
    pub(super) fn stale(&mut self, path: &Path, stale: &Stale) -> io::Result<()> {
        self.summary.stale += 1;
        let line = format!("{}: {stale}", terminal::shown(path));
        let path = path.strip_prefix(terminal::working_folder()).unwrap_or(path).display().to_string();
        if !self.summary.strict {
            terminal::note(&line);
            self.report.stale(path, stale.clone());
            return Ok(());
        }
        terminal::error(&line);
        if let Some(annotations) = &mut self.annotations {
            annotations.stale_is_wrong(&path, stale);
        }
        let text = self.report.stale_is_wrong(&path, stale);
        self.write(&text)
    }

    /// Counts a file that could not be read, and says so in the report.
    pub(super) fn unreadable(&mut self, path: &Path, why: &str) -> io::Result<()> {
        self.summary.unreadable += 1;
        if self.counts.is_some() {
            return Ok(());
        }
        let path = path.strip_prefix(terminal::working_folder()).unwrap_or(path).display().to_string();
        let text = self.report.unreadable(&path, why);
        if let Some(annotations) = &mut self.annotations {
            annotations.unreadable(&path, why);
        }
        self.write(&text)
    }

    /// Writes the findings of a file.
    fn findings(&mut self, checked: &Checked) -> io::Result<()> {
        self.summary.add(&checked.findings);
        let text = self.report.file(checked);
        if let Some(annotations) = &mut self.annotations {
            // What has no room there stands in the report.
            annotations.file(checked);
        }
        self.write(&text)
    }

    /// Ends the report, or gives the counts for the baseline.
    pub(super) fn finish(&mut self) -> Result<Option<BaselineCounts>, Failure> {
        if let Some(counts) = self.counts.take() {
            return Ok(Some(counts));
        }
        self.write(&self.report.tail(&self.summary))?;
        if let Some(annotations) = &self.annotations {
            self.write(&annotations.tail(&self.summary))?;
        }
        match &mut self.out {
            Out::Stdout(out) => unless_gone(out.flush())?,
            Out::Stderr => {}
            Out::File(path, text) => replace(path, text, None)
                .map_err(|e| Failure::usage(format!("cannot write {}: {e}", terminal::shown(path))))?,
        }
        Ok(None)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match &mut self.out {
            Out::Stdout(out) => unless_gone(out.write_all(text.as_bytes())),
            Out::Stderr => unless_gone(io::stderr().write_all(text.as_bytes())),
            Out::File(_, all) => {
                all.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
    }
}
