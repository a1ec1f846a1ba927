//! The one place that turns byte offsets into lines and columns and back.

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Bytes.
    Utf8,
    /// 16-bit units, the protocol's default.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Unit {
    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// A place in a text, both counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in the unit that was asked for.
    pub column: u32,
}

/// Where each line of a text begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Indexes a text. Lines end with LF or CRLF.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes());
        starts.extend(breaks.map(|i| u32::try_from(i + 1).unwrap_or(u32::MAX)));
        Self { starts }
    }

    /// The number of lines; a text that ends with a break has an empty last one.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Never: even the empty text has one line.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The line that holds an offset, from zero.
    pub fn line_of(&self, offset: usize) -> usize {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line without its break; beyond the last line, the end of the text.
    pub fn line_range(&self, text: &str, line: usize) -> std::ops::Range<usize> {
        let start = self.starts.get(line).map_or(text.len(), |s| *s as usize);
        let end = self.starts.get(line + 1).map_or(text.len(), |s| *s as usize);
        let whole = text.get(start..end).unwrap_or("");
        // A CR that stands alone is a character of its line, as editors have it.
        let line = whole.strip_suffix("\r\n").or_else(|| whole.strip_suffix('\n')).unwrap_or(whole);
        start..start + line.len()
    }

    /// The position of an offset. An offset within a character counts as its start, one within
    /// a line break as the line's end.
    pub fn position(&self, text: &str, offset: usize, unit: Unit) -> Position {
        let offset = offset.min(text.len());
        let line = self.line_of(offset);
        let range = self.line_range(text, line);
        let end = offset.min(range.end);
        // Most lines have one width in every unit.
        let column = if text.as_bytes()[range.start..end].is_ascii() {
            end - range.start
        } else {
            let within = text[range.clone()].char_indices();
            let before = within.take_while(|(i, c)| range.start + i + c.len_utf8() <= end);
            before.map(|(_, c)| unit.width(c)).sum()
        };
        Position { line: clamp(line), column: clamp(column) }
    }

    /// The offset of a position. A column beyond the line's end is the line's end, a line beyond
    /// the last is the text's end, and a column within a character is the character's start.
    pub fn offset(&self, text: &str, position: Position, unit: Unit) -> usize {
        let range = self.line_range(text, position.line as usize);
        let mut left = position.column as usize;
        let mut offset = range.start;
        for c in text[range].chars() {
            let width = unit.width(c);
            if left < width {
                break;
            }
            left -= width;
            offset += c.len_utf8();
        }
        offset
    }
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_the_unit_asked_for() {
        let text = "a: \"🙂漢\tx\"\r\nb: 1\n";
        let index = LineIndex::new(text);
        let x = text.find('x').expect("x");
        for (unit, column) in [(Unit::Utf8, 12), (Unit::Utf16, 8), (Unit::Utf32, 7)] {
            let position = index.position(text, x, unit);
            assert_eq!(position, Position { line: 0, column });
            assert_eq!(index.offset(text, position, unit), x);
        }
        assert_eq!(index.len(), 3);
        assert_eq!(index.position(text, text.len(), Unit::Utf16), Position { line: 2, column: 0 });
    }

    #[test]
    fn a_carriage_return_alone_is_a_character() {
        let text = "a\r\r\nb\r";
        let index = LineIndex::new(text);
        assert_eq!((index.line_range(text, 0), index.line_range(text, 1)), (0..2, 4..6));
        assert_eq!(index.position(text, text.len(), Unit::Utf16), Position { line: 1, column: 2 });
    }

    #[test]
    fn places_outside_the_text_are_clamped() {
        let text = "🙂\r\nb";
        let index = LineIndex::new(text);
        let at = |line, column| index.offset(text, Position { line, column }, Unit::Utf16);
        assert_eq!((at(0, 1), at(0, 9), at(9, 0)), (0, 4, text.len()));
        assert_eq!(index.position(text, 5, Unit::Utf8), Position { line: 0, column: 4 });
    }
}
