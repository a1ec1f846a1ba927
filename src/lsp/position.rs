//! The one place where the protocol's positions and byte offsets turn into one another.

use crate::syntax::{self, LineIndex, Span, Unit};
use tower_lsp::ls_types::{Position, PositionEncodingKind, Range};

/// A text with its lines, in the unit that the client counts in.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    /// The text.
    pub text: &'a str,
    /// Where its lines begin.
    pub index: &'a LineIndex,
    /// What a column counts.
    pub unit: Unit,
}

impl Lines<'_> {
    /// The position of an offset.
    pub(super) fn position(&self, offset: usize) -> Position {
        let at = self.index.position(self.text, offset, self.unit);
        Position::new(at.line, at.column)
    }

    /// The offset of a position; one outside the text is moved to the nearest place inside.
    pub(super) fn offset(&self, position: Position) -> usize {
        let at = syntax::Position { line: position.line, column: position.character };
        self.index.offset(self.text, at, self.unit)
    }

    /// The range of a span.
    pub(super) fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start as usize), self.position(span.end as usize))
    }

    /// The span of a range; of a reversed one, what lies between.
    pub(super) fn span(&self, range: Range) -> Span {
        let (a, b) = (self.offset(range.start), self.offset(range.end));
        Span::new(a.min(b), a.max(b))
    }
}

/// The first of the client's encodings that there is; the client lists what it likes best first.
pub(super) fn negotiate(offered: Option<&[PositionEncodingKind]>) -> Unit {
    offered.unwrap_or_default().iter().find_map(unit).unwrap_or_default()
}

fn unit(kind: &PositionEncodingKind) -> Option<Unit> {
    [Unit::Utf8, Unit::Utf16, Unit::Utf32].into_iter().find(|unit| encoding(*unit) == *kind)
}

/// A unit's name in the protocol.
pub(super) fn encoding(unit: Unit) -> PositionEncodingKind {
    match unit {
        Unit::Utf8 => PositionEncodingKind::UTF8,
        Unit::Utf16 => PositionEncodingKind::UTF16,
        Unit::Utf32 => PositionEncodingKind::UTF32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_first_known_encoding_is_taken() {
        let kinds =
            |names: &[&'static str]| names.iter().map(|n| PositionEncodingKind::new(n)).collect::<Vec<_>>();
        assert_eq!(negotiate(None), Unit::Utf16);
        assert_eq!(negotiate(Some(&kinds(&[]))), Unit::Utf16);
        assert_eq!(negotiate(Some(&kinds(&["utf-7", "utf-32", "utf-8"]))), Unit::Utf32);
    }

    #[test]
    fn ranges_go_there_and_back_in_every_unit() {
        let text = "a: \"🙂漢\tx\" # é\r\nb: 1\n";
        let index = LineIndex::new(text);
        for unit in [Unit::Utf8, Unit::Utf16, Unit::Utf32] {
            let lines = Lines { text, index: &index, unit };
            for (start, _) in text.char_indices().filter(|(_, c)| *c != '\n') {
                let span = Span::new(start, text.len());
                assert_eq!(lines.span(lines.range(span)), span, "{unit:?} {start}");
            }
        }
    }
}
