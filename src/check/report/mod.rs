//! Findings for a person, a program, a reviewer: one file a format.
//!
//! A report is written file by file, so that a hundred thousand files take no more memory than
//! one. Nothing in it holds a credential: [`Checked`] overwrites them before any format sees them.

mod concise;
mod fingerprint;
mod github;
mod gitlab;
mod json;
mod junit;
pub mod permissions;
mod sarif;
pub mod text;

use super::mask::mask;
use super::{Applicability, Diagnostic, Group, Rule, Severity, Stale, masked, masked_words};
use crate::shown::{Written, no_commands, visible};
use crate::syntax::{LineIndex, Position, Span, Unit};
use std::path::Path;
use std::sync::Arc;
pub use text::Style;

/// A checked file that has findings.
pub struct Checked {
    /// Its path: relative to the working folder where it lies below, with `/`.
    pub path: String,
    /// The path for a person's eyes: without control characters.
    pub shown: String,
    /// Its text with everything that looks like a credential overwritten.
    pub text: String,
    /// Its lines.
    pub lines: LineIndex,
    /// What was found, in the order of the text, masked likewise.
    pub findings: Vec<Diagnostic>,
    /// The other files that findings speak of.
    pub others: Vec<Other>,
}

/// Another file that a finding speaks of.
pub struct Other {
    /// Which file.
    pub file: Arc<Path>,
    /// Its path, as a report names it.
    pub path: String,
    /// The path for a person's eyes.
    pub shown: String,
    /// Its text, masked likewise.
    pub text: String,
    /// Its lines.
    pub lines: LineIndex,
}

impl Other {
    /// Masks a text for showing.
    pub fn new(file: Arc<Path>, path: String, text: &str) -> Self {
        Self { file, shown: visible(&path), path, text: masked(text), lines: LineIndex::new(text) }
    }
}

impl Checked {
    /// Masks a text and its findings for showing. A place in a file that is not among `others`
    /// (it could not be read again) is left out.
    pub fn new(path: String, text: &str, mut findings: Vec<Diagnostic>, others: Vec<Other>) -> Self {
        for finding in &mut findings {
            let own = &finding.file;
            finding.related.retain(|r| r.file == *own || others.iter().any(|o| o.file == r.file));
        }
        // What only its place gives away, such as a password, is known to the finding alone.
        let secrets = findings.iter().filter(|f| f.rule.id == "secret-literal").map(|f| f.span.range());
        Self {
            shown: visible(&path),
            path,
            text: mask(&masked(text), secrets),
            lines: LineIndex::new(text),
            findings: findings.into_iter().map(without_secrets).collect(),
            others,
        }
    }

    /// Where a span begins and ends, both from one, columns in characters.
    pub fn range(&self, span: Span) -> (Position, Position) {
        range(&self.text, &self.lines, span)
    }

    /// The same in the file that a related place is in, with that file's path.
    pub fn related_range(&self, related: &super::Related) -> (&str, Position, Position) {
        match self.others.iter().find(|o| o.file == related.file) {
            Some(other) => {
                let (start, end) = range(&other.text, &other.lines, related.span);
                (&other.path, start, end)
            }
            None => {
                let (start, end) = self.range(related.span);
                (&self.path, start, end)
            }
        }
    }
}

/// Rules keep credentials out of their messages; this is the last gate. A fix whose text holds
/// one is left out: masked, it would destroy the manifest.
fn without_secrets(mut finding: Diagnostic) -> Diagnostic {
    finding.message = masked_words(&finding.message);
    finding.help = masked_words(&finding.help);
    for related in &mut finding.related {
        related.message = masked_words(&related.message);
    }
    finding.fix = finding.fix.filter(|fix| fix.edits.iter().all(|e| masked(&e.text) == e.text));
    if let Some(fix) = &mut finding.fix {
        fix.title = masked_words(&fix.title);
    }
    finding
}

fn range(text: &str, lines: &LineIndex, span: Span) -> (Position, Position) {
    let one = |offset: u32| {
        let position = lines.position(text, offset as usize, Unit::Utf32);
        Position { line: position.line + 1, column: position.column + 1 }
    };
    (one(span.start), one(span.end))
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Drawn, for a person.
    Text,
    /// A line each.
    Concise,
    /// Everything, for a program.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's Code Quality report.
    Gitlab,
    /// JUnit's XML.
    Junit,
}

/// A run's totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were checked.
    pub files: usize,
    /// Files among them with findings.
    pub with_findings: usize,
    /// Findings by severity, as [`Severity::ALL`].
    pub counts: [usize; 4],
    /// Findings with a safe fix.
    pub fixable: usize,
    /// Findings whose fix a person must agree to.
    pub unsafe_fixable: usize,
    /// Findings that the baseline allows, and that are not shown.
    pub in_baseline: usize,
    /// Entries of the baseline that allow what is no longer there.
    pub stale: usize,
    /// Whether such an entry is an error.
    pub strict: bool,
    /// Findings of judgement that a comment silences, and that are not shown.
    pub silenced: usize,
    /// Fixes that were applied.
    pub fixed: usize,
    /// Files that could not be read.
    pub unreadable: usize,
}

impl Summary {
    /// Adds a file's findings.
    pub fn add(&mut self, findings: &[Diagnostic]) {
        self.with_findings += usize::from(!findings.is_empty());
        for finding in findings {
            self.counts[finding.severity as usize] += 1;
            // `--fix` knows the files alone.
            let fix = finding.fix.as_ref().filter(|_| finding.rule.group != Group::Editor);
            match fix.map(|f| f.applicability) {
                Some(Applicability::Safe) => self.fixable += 1,
                Some(Applicability::Unsafe) => self.unsafe_fixable += 1,
                None => {}
            }
        }
    }

    /// All findings.
    pub fn findings(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Each severity that was found and how often, the worst first.
    fn by_severity(&self) -> impl Iterator<Item = (Severity, usize)> {
        Severity::ALL.into_iter().rev().map(|s| (s, self.counts[s as usize])).filter(|(_, n)| *n > 0)
    }
}

/// A report in the making. The parts that it gives, one after another, are the report.
pub struct Report {
    format: Format,
    /// With colours and links; text alone has any.
    style: Style,
    /// What goes before relative paths where the reader counts from another folder: empty, or a
    /// path that ends with `/`.
    prefix: String,
    /// The rules that were seen, in the order of their first finding.
    rules: Vec<&'static Rule>,
    /// Whether something stands in the list already.
    begun: bool,
    /// What could not be read, or has no room, where the format tells it at its end.
    missing: sarif::Missing,
    /// Results so far.
    results: usize,
    /// Entries of the baseline that allow what is no longer there, by their files.
    stale: Vec<(String, Stale)>,
    /// GitHub's, which come at the end.
    annotations: github::Annotations,
}

impl Report {
    /// An empty report.
    pub fn new(format: Format, style: Style, prefix: String) -> Self {
        let (rules, missing, annotations) =
            (Vec::new(), sarif::Missing::default(), github::Annotations::default());
        Self {
            format,
            style,
            prefix,
            rules,
            begun: false,
            missing,
            results: 0,
            stale: Vec::new(),
            annotations,
        }
    }

    /// What stands before everything.
    pub fn head(&self) -> String {
        match self.format {
            Format::Text | Format::Concise | Format::Github => String::new(),
            Format::Json => json::HEAD.to_owned(),
            Format::Sarif => sarif::HEAD.to_owned(),
            Format::Gitlab => gitlab::HEAD.to_owned(),
            Format::Junit => junit::HEAD.to_owned(),
        }
    }

    /// The findings of a file, as far as they are reported before the end. No line of it is a command to the CI
    /// system that logs it, but those of the format for GitHub's own.
    pub fn file(&mut self, checked: &Checked) -> String {
        let (text, written) = match self.format {
            Format::Text => (text::render(checked, self.style), Written::Plain),
            Format::Concise => (concise::render(checked), Written::Plain),
            // Its own escapes, and lines that are to be commands.
            Format::Github => return self.annotations.file(checked, &self.prefix),
            Format::Junit => (junit::render(checked), Written::Xml),
            Format::Json => (self.items(json::items(checked)), Written::Json),
            Format::Gitlab => (self.items(gitlab::items(checked, &self.prefix)), Written::Json),
            Format::Sarif => (self.results(checked), Written::Json),
        };
        no_commands(&text, written).into_owned()
    }

    /// A file that could not be read, and why: nothing is known of it, so no report passes it over.
    pub fn unreadable(&mut self, path: &str, why: &str) -> String {
        let (text, written) = match self.format {
            // Told on standard error.
            Format::Text | Format::Concise => return String::new(),
            Format::Github => return self.annotations.unreadable(path, why, &self.prefix),
            Format::Junit => (junit::unreadable(path, why), Written::Xml),
            Format::Gitlab => (self.items(vec![gitlab::unreadable(path, why, &self.prefix)]), Written::Json),
            Format::Json | Format::Sarif => {
                self.missing.unreadable.push((path.to_owned(), why.to_owned()));
                return String::new();
            }
        };
        no_commands(&text, written).into_owned()
    }

    /// An entry of the baseline that allows what is no longer there.
    pub fn stale(&mut self, path: String, stale: Stale) {
        self.stale.push((path, stale));
    }

    /// The same where it is an error: every report says so that says what the exit code says.
    pub fn stale_is_wrong(&mut self, path: &str, stale: &Stale) -> String {
        let (text, written) = match self.format {
            // Told on standard error.
            Format::Text | Format::Concise => return String::new(),
            Format::Github => return self.annotations.stale(path, stale, &self.prefix),
            Format::Junit => (junit::stale(path, stale), Written::Xml),
            Format::Gitlab => (self.items(vec![gitlab::stale(path, stale, &self.prefix)]), Written::Json),
            Format::Json | Format::Sarif => {
                self.stale(path.to_owned(), stale.clone());
                return String::new();
            }
        };
        no_commands(&text, written).into_owned()
    }

    /// SARIF's, as many as a report may hold.
    fn results(&mut self, checked: &Checked) -> String {
        for finding in &checked.findings {
            if !self.rules.contains(&finding.rule) {
                self.rules.push(finding.rule);
            }
        }
        let mut items = sarif::items(checked, &self.prefix, &self.rules);
        let room = sarif::MOST - self.results;
        self.missing.more += items.len().saturating_sub(room);
        items.truncate(room);
        self.results += items.len();
        self.items(items)
    }

    /// What stands behind everything.
    pub fn tail(&self, summary: &Summary) -> String {
        match self.format {
            Format::Text => text::summary(summary, self.style),
            Format::Concise => String::new(),
            Format::Github => self.annotations.tail(),
            Format::Json => {
                no_commands(&json::tail(summary, &self.missing.unreadable, &self.stale), Written::Json)
                    .into_owned()
            }
            Format::Sarif => {
                let tail = sarif::tail(summary, &self.rules, &self.missing, &self.stale, &self.prefix);
                no_commands(&tail, Written::Json).into_owned()
            }
            Format::Gitlab => gitlab::TAIL.to_owned(),
            Format::Junit => junit::tail(summary),
        }
    }

    /// Members of a JSON list, a line each, with the commas between them.
    fn items(&mut self, items: Vec<serde_json::Value>) -> String {
        let mut out = String::new();
        for item in items {
            out.push_str(if self.begun { ",\n" } else { "\n" });
            self.begun = true;
            out.push_str(&item.to_string());
        }
        out
    }
}

/// A path as the reader of a report counts it.
fn prefixed(prefix: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{prefix}{path}") }
}
