//! Findings that were there when a project began to check: only what goes beyond them is reported.
//!
//! A baseline counts findings by file and rule. Counts survive moved lines, and a count that
//! shrinks is told, so that it is written anew and cannot grow back unseen.

use super::Diagnostic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// What a baseline file allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The folder that its paths count from.
    folder: PathBuf,
    counts: Counts,
}

/// How often, by path and rule.
type Counts = BTreeMap<String, BTreeMap<String, usize>>;

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    findings: Counts,
}

/// The version of the file's form that this program reads and writes.
const VERSION: u32 = 1;

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no JSON, or not of this form.
    #[error("it is no baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// A later program wrote it.
    #[error("it has version {0}, and this program reads version {VERSION}")]
    Version(u32),
}

/// A count that the baseline could lower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// The rule's id; the rule may be gone.
    pub rule: String,
    /// How many findings the baseline allows.
    pub allowed: usize,
    /// How many there are.
    pub found: usize,
}

impl Baseline {
    /// Reads a baseline file that lies in `folder`.
    ///
    /// # Errors
    /// When the text is no baseline, or one of a later version.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, BaselineError> {
        let file: File = serde_json::from_str(text)?;
        if file.version != VERSION {
            return Err(BaselineError::Version(file.version));
        }
        Ok(Self { folder: folder.to_owned(), counts: file.findings })
    }

    /// Takes out of a file's findings, which are in the order of its text, as many as are allowed.
    pub fn apply(&self, path: &Path, findings: &mut Vec<Diagnostic>) -> Vec<Shrunk> {
        let Some(allowed) = self.counts.get(&relative(&self.folder, path)) else { return Vec::new() };
        let mut left = allowed.clone();
        findings.retain(|finding| match left.get_mut(finding.rule.id) {
            Some(n) if *n > 0 => {
                *n -= 1;
                false
            }
            _ => true,
        });
        let shrunk = left.into_iter().filter(|(_, left)| *left > 0);
        shrunk
            .map(|(rule, left)| Shrunk { found: allowed[&rule] - left, allowed: allowed[&rule], rule })
            .collect()
    }
}

/// Counts for a new baseline.
#[derive(Debug, Default)]
pub struct BaselineCounts {
    files: BTreeMap<PathBuf, BTreeMap<String, usize>>,
}

impl BaselineCounts {
    /// Counts a file's findings; a file without any takes its old counts away.
    pub fn add(&mut self, path: &Path, findings: &[Diagnostic]) {
        let counts = self.files.entry(path.to_owned()).or_default();
        for finding in findings {
            *counts.entry(finding.rule.id.to_owned()).or_default() += 1;
        }
    }

    /// The text of a baseline file in `folder`. Of an older baseline the files that were not looked
    /// at this time stay, unless `gone` says that they are no more.
    pub fn to_text(&self, folder: &Path, old: Option<&Baseline>, gone: impl Fn(&Path) -> bool) -> String {
        let mut findings = Counts::new();
        for (path, counts) in old.iter().flat_map(|b| &b.counts) {
            if !gone(&folder.join(path)) {
                findings.insert(path.clone(), counts.clone());
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

    fn findings(rule: &str, count: usize) -> Vec<Diagnostic> {
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
    fn only_what_goes_beyond_the_count_is_left_and_less_is_told() {
        let mut counts = BaselineCounts::default();
        counts.add(Path::new("/p/a.bottle.yaml"), &findings("unknown-field", 2));
        let text = counts.to_text(Path::new("/p/ci"), None, |_| false);
        assert!(text.contains("\"../a.bottle.yaml\": {\n      \"unknown-field\": 2"), "{text}");
        let baseline = Baseline::parse(&text, Path::new("/p/ci")).expect("a baseline");
        let left = |count: usize| {
            let mut all = findings("unknown-field", count);
            let shrunk = baseline.apply(Path::new("/p/a.bottle.yaml"), &mut all);
            (all.iter().map(|f| f.span.start).collect::<Vec<_>>(), shrunk)
        };
        assert_eq!(left(2), (vec![], vec![]));
        assert_eq!(left(3), (vec![2], vec![]));
        let less = Shrunk { rule: "unknown-field".to_owned(), allowed: 2, found: 1 };
        assert_eq!(left(1), (vec![], vec![less]));
        let mut other = findings("syntax", 1);
        assert_eq!(baseline.apply(Path::new("/p/b.bottle.yaml"), &mut other), []);
        assert_eq!(other.len(), 1);
    }

    #[test]
    fn writing_again_keeps_the_files_that_were_not_looked_at() {
        let mut first = BaselineCounts::default();
        for file in ["/p/a.yaml", "/p/b.yaml", "/p/gone.yaml"] {
            first.add(Path::new(file), &findings("syntax", 1));
        }
        let folder = Path::new("/p");
        let old = Baseline::parse(&first.to_text(folder, None, |_| false), folder).expect("a baseline");
        let mut second = BaselineCounts::default();
        second.add(Path::new("/p/a.yaml"), &[]);
        let text = second.to_text(folder, Some(&old), |p| p.ends_with("gone.yaml"));
        let new = Baseline::parse(&text, folder).expect("a baseline");
        assert_eq!(new.counts.keys().collect::<Vec<_>>(), ["b.yaml"]);
    }

    #[test]
    fn another_form_or_version_is_refused() {
        for text in ["", "[]", "{\"version\":1}", "{\"version\":1,\"findings\":{\"a\":{\"b\":-1}}}"] {
            assert!(matches!(Baseline::parse(text, Path::new("/")), Err(BaselineError::Form(_))), "{text}");
        }
        let later = Baseline::parse("{\"version\":2,\"findings\":{}}", Path::new("/"));
        assert!(matches!(later, Err(BaselineError::Version(2))));
    }
}
