//! Findings for a person, a program, a reviewer: one file a format.

pub mod text;

use super::{Diagnostic, mask, masked};
use crate::syntax::{LineIndex, Position, Span, Unit};
use std::path::Path;
use std::sync::Arc;

/// A checked file that has findings.
pub struct Checked {
    /// Its path as it is shown: relative to the working folder where it lies below.
    pub shown: String,
    /// Its text with everything that looks like a credential overwritten.
    pub text: String,
    /// Its lines.
    pub lines: LineIndex,
    /// What was found, in the order of the text.
    pub findings: Vec<Diagnostic>,
    /// The other files that findings speak of.
    pub others: Vec<Other>,
}

/// Another file that a finding speaks of.
pub struct Other {
    /// Its path.
    pub path: Arc<Path>,
    /// Its path as it is shown.
    pub shown: String,
    /// Its text, masked likewise.
    pub text: String,
    /// Its lines.
    pub lines: LineIndex,
}

impl Other {
    /// Masks a text for showing.
    pub fn new(path: Arc<Path>, shown: String, text: &str) -> Self {
        Self { path, shown, text: masked(text), lines: LineIndex::new(text) }
    }
}

impl Checked {
    /// Masks a text for showing.
    pub fn new(shown: String, text: &str, findings: Vec<Diagnostic>, others: Vec<Other>) -> Self {
        // What only its place gives away, such as a password, is known to the finding alone.
        let secrets = findings.iter().filter(|f| f.rule.id == "secret-literal").map(|f| f.span.range());
        let masked = mask(&masked(text), secrets);
        Self { shown, text: masked, lines: LineIndex::new(text), findings, others }
    }

    /// Where a span begins and ends, both from one, columns in characters.
    pub fn range(&self, span: Span) -> (Position, Position) {
        range(&self.text, &self.lines, span)
    }

    /// The same in the file that a related place is in, with that file's shown path.
    pub fn related_range(&self, related: &super::Related) -> (&str, Position, Position) {
        match self.others.iter().find(|o| o.path == related.file) {
            Some(other) => {
                let (start, end) = range(&other.text, &other.lines, related.span);
                (&other.shown, start, end)
            }
            None => {
                let (start, end) = self.range(related.span);
                (&self.shown, start, end)
            }
        }
    }
}

fn range(text: &str, lines: &LineIndex, span: Span) -> (Position, Position) {
    let one = |offset: u32| {
        let position = lines.position(text, offset as usize, Unit::Utf32);
        Position { line: position.line + 1, column: position.column + 1 }
    };
    (one(span.start), one(span.end))
}
