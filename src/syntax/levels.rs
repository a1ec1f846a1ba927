//! The open collections above a line, as their columns tell.

use super::Span;
use super::scan::{Line, LineKind, Mark};

/// The open collections, the root first.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels(Vec<Level>);

#[derive(Debug, Clone)]
struct Level {
    column: usize,
    /// A list; otherwise a mapping.
    dash: bool,
    /// The keys of the mapping, or the dashes of the list.
    pairs: Vec<Pair>,
}

/// A key or a dash, and the value on its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) key: Span,
    pub(super) value: Option<Span>,
}

impl Levels {
    /// Takes in a line.
    pub(super) fn line(&mut self, line: &Line) {
        match line.kind {
            LineKind::Content => {}
            LineKind::Document => return self.0.clear(),
            _ => return,
        }
        for mark in &line.marks {
            self.mark(mark);
        }
        if line.marks.is_empty() {
            return;
        }
        if let Some(pair) = self.0.last_mut().and_then(|l| l.pairs.last_mut()) {
            pair.value = line.value;
        }
    }

    fn mark(&mut self, mark: &Mark) {
        let dash = mark.colon.is_none();
        self.enter(mark.column, dash);
        let pair = Pair { key: mark.span, value: None };
        match self.0.last_mut() {
            Some(level) if level.column == mark.column && level.dash == dash => level.pairs.push(pair),
            _ => self.0.push(Level { column: mark.column, dash, pairs: vec![pair] }),
        }
    }

    /// Leaves what a mark at a column is not inside of. A list may stand at the column of its key.
    pub(super) fn enter(&mut self, column: usize, dash: bool) {
        while self.0.last().is_some_and(|l| l.column > column || (l.column == column && l.dash && !dash)) {
            self.0.pop();
        }
    }

    /// Whether a word alone at a column is an item (and needs a dash) or a key; `None` where neither
    /// may stand.
    pub(super) fn place(&self, column: usize) -> Option<bool> {
        let deeper = self.0.iter().rev().take_while(|l| l.column > column).count();
        let open = &self.0[..self.0.len() - deeper];
        let Some(last) = open.last() else { return Some(false) };
        if last.column == column {
            // Where a list stands at its key's column, a word there is the next key.
            let under_key = open.len() > 1 && open[open.len() - 2].column == column;
            return Some(last.dash && !under_key);
        }
        let empty = last.pairs.last().is_some_and(|p| p.value.is_none());
        (deeper == 0 && empty).then_some(false)
    }

    /// The column of the innermost collection.
    pub(super) fn deepest(&self) -> usize {
        self.0.last().map_or(0, |l| l.column)
    }

    /// The way down as YAML; of the innermost collection, if it is the one of `own`, every neighbour.
    pub(super) fn skeleton(&self, text: &str, own: Option<(usize, bool)>) -> String {
        let mut out = String::new();
        for (i, level) in self.0.iter().enumerate() {
            let innermost = i + 1 == self.0.len() && own == Some((level.column, level.dash));
            let pairs = if innermost { &level.pairs[..] } else { &level.pairs[level.pairs.len() - 1..] };
            for pair in pairs {
                let value = pair.value.filter(|_| innermost);
                Pair { value, ..*pair }.write(text, level.column, level.dash, &mut out);
            }
        }
        out
    }
}

impl Pair {
    /// Writes it on a line of its own, the value only where it is one plain word or quoted.
    pub(super) fn write(self, text: &str, column: usize, dash: bool, out: &mut String) {
        let (key, value) = (self.key.of(text), self.value.map_or("", |v| v.of(text)));
        out.extend(std::iter::repeat_n(' ', column));
        if dash {
            out.push('-');
        } else if is_word(key) || is_quoted(key) {
            out.push_str(key);
            out.push(':');
        } else {
            out.push_str("\"?\":");
        }
        if is_word(value) || is_quoted(value) {
            out.push(' ');
            out.push_str(value);
        }
        out.push('\n');
    }
}

fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./-".contains(&b);
    text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') && text.bytes().all(plain)
}

/// Quoted on one line, without anything that needs care.
fn is_quoted(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let inner = inner.or_else(|| text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')));
    inner.is_some_and(|t| !t.contains(['"', '\'', '\\']))
}
