//! Findings that were there when a project began to check: only what goes beyond them is reported.
//!
//! A baseline counts findings by file and rule. Counts survive moved lines, and a count that
//! shrinks is reported, so that it is written anew and cannot grow back unseen. Only findings of
//! judgement can be accepted so: what the language refuses is refused whatever a baseline says.

mod moved;

use super::{Diagnostic, Matter, rules};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// What a baseline file allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The folder that its paths count from.
    folder: PathBuf,
    counts: Counts,
    /// Files without an entry, and the entries of files that are gone which hold for them.
    moved: BTreeMap<String, String>,
    /// Entries of files that are gone.
    gone: Vec<String>,
}

/// How often, by rule.
type OfFile = BTreeMap<String, usize>;

/// How often, by path and rule.
type Counts = BTreeMap<String, OfFile>;

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    findings: Counts,
}

/// The version of the file's form that this program reads and writes.
const VERSION: u32 = 1;

/// Why a text is not a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not JSON, or not of this form.
    #[error("it is not a baseline: {0}")]
    Form(#[source] serde_json::Error),
    /// It was a baseline, and nothing of it can be read any more.
    #[error("it is broken: {0}; `--write-baseline` writes it anew")]
    Broken(#[source] serde_json::Error),
    /// Two branches wrote it, and nobody has said which one holds.
    #[error("it has a merge conflict in line {0}; `--write-baseline` writes it anew")]
    Conflict(usize),
    /// A later program wrote it.
    #[error("it has version {0}, and this program reads version {VERSION}")]
    Version(u32),
}

/// What is wrong with a count of the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// It could be lower.
    Shrunk {
        /// The rule's id; the rule may be gone.
        rule: String,
        /// How many findings the baseline allows.
        allowed: usize,
        /// How many there are.
        found: usize,
    },
    /// Its file is gone.
    Gone {
        /// How many findings the baseline allows in it.
        allowed: usize,
    },
    /// It is of a rule of the language, and accepts nothing.
    NoEffect {
        /// The rule's id.
        rule: String,
    },
}

impl Stale {
    /// The rule that is allowed too often.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Shrunk { rule, .. } | Self::NoEffect { rule } => Some(rule),
            Self::Gone { .. } => None,
        }
    }
}

impl std::fmt::Display for Stale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shrunk { rule, allowed, found } => write!(
                f,
                "the baseline allows {allowed} of `{rule}`, and {found} were found; write it anew with --write-baseline"
            ),
            Self::Gone { allowed } => write!(
                f,
                "the baseline allows {allowed} finding{} here, and the file is gone; write it anew with --write-baseline",
                if *allowed == 1 { "" } else { "s" }
            ),
            Self::NoEffect { rule } => write!(
                f,
                "the baseline lists `{rule}`, which is a rule of the language and cannot be accepted; the entry has no effect"
            ),
        }
    }
}

impl Baseline {
    /// Reads a baseline file that lies in `folder`.
    ///
    /// # Errors
    /// When the text is not a baseline, or one of a later version.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, BaselineError> {
        let meant = was_meant(text);
        let marked =
            |line: &str| ["<<<<<<< ", "||||||| ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark));
        if let Some(line) = text.lines().position(|line| marked(line) || line == "=======").filter(|_| meant)
        {
            return Err(BaselineError::Conflict(line + 1));
        }
        let broken = if meant { BaselineError::Broken } else { BaselineError::Form };
        let file: File = serde_json::from_str(text).map_err(broken)?;
        if file.version != VERSION {
            return Err(BaselineError::Version(file.version));
        }
        Ok(Self { counts: file.findings, ..Self::empty(folder) })
    }

    /// A baseline that accepts nothing.
    pub fn empty(folder: &Path) -> Self {
        let (counts, moved, gone) = (Counts::new(), BTreeMap::new(), Vec::new());
        Self { folder: folder.to_owned(), counts, moved, gone }
    }

    /// Takes out of a file's findings, which are in the order of its text, as many as are allowed.
    pub fn apply(&self, path: &Path, findings: &mut Vec<Diagnostic>) -> Vec<Stale> {
        let path = relative(&self.folder, path);
        let path = self.moved.get(&path).unwrap_or(&path);
        let Some(allowed) = self.counts.get(path) else { return Vec::new() };
        let no_effect =
            allowed.keys().filter(|id| of_language(id)).map(|id| Stale::NoEffect { rule: id.clone() });
        let mut stale: Vec<_> = no_effect.collect();
        let mut left: OfFile = accepted(allowed).map(|(id, n)| (id.clone(), *n)).collect();
        findings.retain(|finding| match left.get_mut(finding.rule.id) {
            Some(n) if *n > 0 && finding.can_be_silenced() => {
                *n -= 1;
                false
            }
            _ => true,
        });
        let shrunk = left.into_iter().filter(|(_, left)| *left > 0);
        stale.extend(shrunk.map(|(rule, left)| Stale::Shrunk {
            found: allowed[&rule] - left,
            allowed: allowed[&rule],
            rule,
        }));
        stale
    }
}

/// Counts for a new baseline.
#[derive(Debug, Default)]
pub struct BaselineCounts {
    files: BTreeMap<PathBuf, OfFile>,
}

impl BaselineCounts {
    /// Counts a file's findings of judgement; a file without any takes its old counts away.
    pub fn add(&mut self, path: &Path, findings: &[Diagnostic]) {
        let counts = self.files.entry(path.to_owned()).or_default();
        for finding in findings.iter().filter(|f| f.can_be_silenced()) {
            *counts.entry(finding.rule.id.to_owned()).or_default() += 1;
        }
    }

    /// The text of a baseline file in `folder`. Of an older baseline the files that were not looked
    /// at this time stay, under the names that they have now, and those that are gone go.
    pub fn to_text(&self, folder: &Path, old: Option<&Baseline>) -> String {
        let mut findings = Counts::new();
        if let Some(old) = old {
            findings.extend(old.counts.clone());
            old.gone.iter().for_each(|path| drop(findings.remove(path)));
            for (new, path) in &old.moved {
                if let Some(counts) = findings.remove(path) {
                    findings.insert(new.clone(), counts);
                }
            }
        }
        for (path, counts) in &self.files {
            findings.insert(relative(folder, path), counts.clone());
        }
        findings.retain(|_, counts| !counts.is_empty());
        let file = File { version: VERSION, findings };
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }
}

/// Whether a text was a baseline once, also where it is none as it stands: then nothing else is lost with it.
fn was_meant(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty()
        || (text.starts_with('{') || text.starts_with("<<<<<<< "))
            && ["\"version\"", "\"findings\""].iter().all(|key| text.contains(key))
}

fn of_language(id: &str) -> bool {
    rules::get(id).is_some_and(|rule| rule.matter == Matter::Language)
}

/// The counts that have an effect.
fn accepted(counts: &OfFile) -> impl Iterator<Item = (&String, &usize)> {
    counts.iter().filter(|(id, n)| **n > 0 && !of_language(id))
}

/// The way from a folder to a path, both absolute, with `/`.
fn relative(folder: &Path, path: &Path) -> String {
    let (mut from, mut to) = (folder.components().peekable(), path.components().peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let up = from.map(|_| "..".to_owned());
    let down = to.filter(|c| *c != Component::CurDir).map(|c| c.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::rules;
    use crate::syntax::Span;

    pub(super) fn findings(rule: &str, count: usize) -> Vec<Diagnostic> {
        let rule = rules::get(rule).expect("a rule");
        let one = |i| Diagnostic {
            rule,
            severity: rule.severity,
            message: String::new(),
            help: String::new(),
            file: Path::new("/p/a.bottle.yaml").into(),
            span: Span::at(i),
            related: Vec::new(),
            fix: None,
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn only_what_goes_beyond_the_count_is_left_and_less_is_reported() {
        let mut counts = BaselineCounts::default();
        counts.add(Path::new("/p/a.bottle.yaml"), &findings("broad-wildcard", 2));
        let text = counts.to_text(Path::new("/p/ci"), None);
        assert!(text.contains("\"../a.bottle.yaml\": {\n      \"broad-wildcard\": 2"), "{text}");
        let baseline = Baseline::parse(&text, Path::new("/p/ci")).expect("a baseline");
        let left = |count: usize| {
            let mut all = findings("broad-wildcard", count);
            let shrunk = baseline.apply(Path::new("/p/a.bottle.yaml"), &mut all);
            (all.iter().map(|f| f.span.start).collect::<Vec<_>>(), shrunk)
        };
        assert_eq!(left(2), (vec![], vec![]));
        assert_eq!(left(3), (vec![2], vec![]));
        let less = Stale::Shrunk { rule: "broad-wildcard".to_owned(), allowed: 2, found: 1 };
        assert_eq!(left(1), (vec![], vec![less]));
        let mut other = findings("syntax", 1);
        assert_eq!(baseline.apply(Path::new("/p/b.bottle.yaml"), &mut other), []);
        assert_eq!(other.len(), 1);
    }

    #[test]
    fn what_the_language_refuses_is_neither_counted_nor_accepted() {
        let path = Path::new("/p/a.bottle.yaml");
        for rule in rules::all().iter().filter(|r| r.matter == Matter::Language) {
            let mut counts = BaselineCounts::default();
            counts.add(path, &findings(rule.id, 1));
            let text = counts.to_text(Path::new("/p"), None);
            assert!(!text.contains(rule.id), "{text}");
            let old = format!("{{\"version\":1,\"findings\":{{\"a.bottle.yaml\":{{\"{}\":9}}}}}}", rule.id);
            let baseline = Baseline::parse(&old, Path::new("/p")).expect("a baseline");
            let mut all = findings(rule.id, 1);
            let stale = baseline.apply(path, &mut all);
            assert_eq!((all.len(), stale), (1, vec![Stale::NoEffect { rule: rule.id.to_owned() }]));
        }
    }

    #[test]
    fn writing_again_keeps_the_files_that_were_not_looked_at() {
        let mut first = BaselineCounts::default();
        for file in ["/p/a.yaml", "/p/b.yaml", "/p/gone.yaml"] {
            first.add(Path::new(file), &findings("private-host", 1));
        }
        let folder = Path::new("/p");
        let mut old = Baseline::parse(&first.to_text(folder, None), folder).expect("a baseline");
        old.follow(&[], |path| !path.ends_with("gone.yaml"));
        let mut second = BaselineCounts::default();
        second.add(Path::new("/p/a.yaml"), &[]);
        let text = second.to_text(folder, Some(&old));
        let new = Baseline::parse(&text, folder).expect("a baseline");
        assert_eq!(new.counts.keys().collect::<Vec<_>>(), ["b.yaml"]);
    }

    #[test]
    fn another_form_or_version_is_refused() {
        // A text of something else, conflict or not, is nothing that may be written over.
        for text in ["[]", "{\"version\":1}", "title\n=======\n", "<<<<<<< a\nenv: {}\n>>>>>>> b\n"] {
            assert!(matches!(Baseline::parse(text, Path::new("/")), Err(BaselineError::Form(_))), "{text}");
        }
        for text in
            ["", "\n", "{\"version\":1,\"findings\":{\"a\":{\"b\":-1}}}", "{\"version\":1,\"findings\":{"]
        {
            assert!(matches!(Baseline::parse(text, Path::new("/")), Err(BaselineError::Broken(_))), "{text}");
        }
        let both = "<<<<<<< a\n{\"version\":1,\"findings\":{}}\n=======\n{}\n>>>>>>> b\n";
        assert!(matches!(Baseline::parse(both, Path::new("/")), Err(BaselineError::Conflict(1))));
        let later = Baseline::parse("{\"version\":2,\"findings\":{}}", Path::new("/"));
        assert!(matches!(later, Err(BaselineError::Version(2))));
    }
}
