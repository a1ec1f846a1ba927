//! Text, spans, lines and the YAML tree. Knows nothing of manifests.

mod block_scalar;
mod decode;
mod frontmatter;
mod levels;
mod lines;
mod parse;
mod repair;
mod scalar;
mod scan;
mod tree;

pub use decode::{DecodeError, MAX_BYTES, decode};
pub use frontmatter::{Frontmatter, split_frontmatter};
pub use lines::{LineIndex, Position, Unit};
pub use parse::parse;
pub use repair::{PLACEHOLDER, Repair, Repaired, repair};
pub use scalar::{Scalar, ScalarValue, Style};
pub use scan::{Line, LineKind, Mark, Open, Scanner};
pub use tree::{Alias, Anchor, Comment, Document, Entry, Key, Node, Problem, Tree, Value};

use std::ops::Range;

/// A range of bytes in a text. Texts are at most [`MAX_BYTES`] long, so 32 bits do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets; offsets beyond 4 GiB are clamped, which no accepted text reaches.
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: clamp(start), end: clamp(end) }
    }

    /// An empty span.
    pub fn at(offset: usize) -> Self {
        Self::new(offset, offset)
    }

    /// As a range to slice text with.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The text at the span; empty where the span does not fit the text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or("")
    }

    /// Whether an offset lies within, either end included.
    pub fn touches(self, offset: usize) -> bool {
        self.start as usize <= offset && offset <= self.end as usize
    }

    /// Whether `other` lies within.
    pub fn encloses(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The smallest span that holds both.
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}
