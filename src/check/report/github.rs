//! Workflow commands of GitHub Actions: findings become annotations beside the code.
//!
//! A step shows ten errors, ten warnings and ten notices, whichever come first. So the worst come first,
//! what a change widens before all, and the rest is plain lines of the log, with a count.

use super::{Checked, concise, prefixed};
use crate::check::{Diagnostic, Severity, Stale};
use crate::shown::{Written, no_commands, visible};
use std::fmt::Write;

/// How many errors, warnings and notices of ours a step shows: one error is left to the action, one notice to
/// the number of the rest.
const MOST: [usize; 3] = [9, 10, 9];
const WORDS: [(&str, &str); 3] = [("error", "errors"), ("warning", "warnings"), ("notice", "notices")];

/// The annotations of a run so far, no more than are shown.
#[derive(Default)]
pub(super) struct Annotations {
    levels: [Level; 3],
}

#[derive(Default)]
struct Level {
    shown: Vec<Annotation>,
    more: usize,
}

struct Annotation {
    /// Before the others of its level.
    first: bool,
    command: String,
    /// The same as a line of the log.
    plain: String,
}

impl Annotations {
    /// Takes the findings of a file; gives what has no room as lines of the log.
    pub(super) fn file(&mut self, checked: &Checked, prefix: &str) -> String {
        let mut rest = String::new();
        for finding in &checked.findings {
            let level = match finding.severity {
                Severity::Error => 0,
                Severity::Warning => 1,
                Severity::Info | Severity::Hint => 2,
            };
            rest += &self.add(
                level,
                Annotation {
                    first: finding.rule.id == "widened-permission",
                    command: command(checked, finding, WORDS[level].0, prefix),
                    plain: no_commands(&concise::line(checked, finding), Written::Plain).into_owned(),
                },
            );
        }
        rest
    }

    /// Takes a file of which nothing is known.
    pub(super) fn unreadable(&mut self, path: &str, why: &str, prefix: &str) -> String {
        self.of_file("unreadable", path, &format!("the file cannot be read: {why}"), prefix)
    }

    /// Takes an entry of the baseline that allows what is no longer there.
    pub(super) fn stale(&mut self, path: &str, stale: &Stale, prefix: &str) -> String {
        self.of_file("stale-baseline", path, &stale.to_string(), prefix)
    }

    fn of_file(&mut self, id: &str, path: &str, text: &str, prefix: &str) -> String {
        let file = property(&prefixed(prefix, path));
        let command = format!("::error title=bot-bottle ({id}),file={file}::{}\n", data(text));
        let plain = format!("{}: error[{id}] {}\n", visible(path), visible(text));
        let plain = no_commands(&plain, Written::Plain).into_owned();
        self.add(0, Annotation { first: true, command, plain })
    }

    fn add(&mut self, level: usize, annotation: Annotation) -> String {
        let Level { shown, more } = &mut self.levels[level];
        if shown.len() < MOST[level] {
            shown.push(annotation);
            return String::new();
        }
        *more += 1;
        match shown.iter().rposition(|other| annotation.first && !other.first) {
            Some(later) => {
                let later = shown.remove(later);
                shown.push(annotation);
                later.plain
            }
            None => annotation.plain,
        }
    }

    /// All commands, and the number of the rest.
    pub(super) fn tail(&self) -> String {
        let mut out = String::new();
        for level in &self.levels {
            for first in [true, false] {
                level.shown.iter().filter(|a| a.first == first).for_each(|a| out.push_str(&a.command));
            }
        }
        let more: Vec<_> = self
            .levels
            .iter()
            .zip(WORDS)
            .filter(|(level, _)| level.more > 0)
            .map(|(level, (one, many))| {
                format!("{} more {}", level.more, if level.more == 1 { one } else { many })
            })
            .collect();
        if !more.is_empty() {
            let _ = writeln!(out, "::notice title=bot-bottle::{}: see the log of this step", more.join(", "));
        }
        out
    }
}

/// `::error title=…,file=…,line=…,col=…::message`.
fn command(checked: &Checked, finding: &Diagnostic, word: &str, prefix: &str) -> String {
    let file = property(&prefixed(prefix, &checked.path));
    let (start, end) = checked.range(finding.span);
    let title = property(&format!("bot-bottle ({})", finding.rule.id));
    let mut out = format!("::{word} title={title},file={file},line={},endLine={}", start.line, end.line);
    // GitHub takes columns for a range within one line alone.
    if start.line == end.line {
        let _ = write!(out, ",col={},endColumn={}", start.column, end.column);
    }
    let _ = writeln!(out, "::{}", data(&finding.full_message()));
    out
}

/// The escapes of the runner's own toolkit for what stands behind `::`.
fn data(text: &str) -> String {
    // The line ends are the runner's own escapes below; nothing else moves a terminal.
    let parts = text.split_inclusive(['\r', '\n']).map(|part| {
        let line = part.trim_end_matches(['\r', '\n']);
        visible(line) + &part[line.len()..]
    });
    let text: String = parts.collect();
    // Wherever it stands, `##[` is a command of the older form.
    text.replace("##[", "#\u{fffd}#[")
        .replace("##vso[", "#\u{fffd}#vso[")
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The same for a property, which `,` and `:` would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_property_or_a_command() {
        assert_eq!(property("a%b,c:d\r\ne"), "a%25b%2Cc%3Ad%0D%0Ae");
        assert_eq!(data("100 %: a,b\n::set-env"), "100 %25: a,b%0A::set-env");
    }
}
