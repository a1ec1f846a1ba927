//! The shape of YAML text, line by line, without parsing it: for text that is half-typed, and for
//! formatting, where every byte counts.

use super::Span;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Without its break.
    pub span: Span,
    /// How many blanks it begins with.
    pub indent: usize,
    /// What it is.
    pub kind: LineKind,
    /// The dashes and keys that it begins with.
    pub marks: Vec<Mark>,
    /// Anchors and tags behind the last mark.
    pub properties: Option<Span>,
    /// The value behind the last mark, as far as it stands on this line.
    pub value: Option<Span>,
    /// Where its comment begins.
    pub comment: Option<usize>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing.
    Blank,
    /// A comment alone.
    Comment,
    /// Marks, a value, or both.
    Content,
    /// The continuation of a block scalar.
    Block,
    /// The continuation of quoted or plain text, or of a flow collection.
    Continued,
    /// `---` or `...`.
    Document,
}

/// What makes the structure of block YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Where it begins, counted from the start of its line.
    pub column: usize,
    /// The dash, or the key without its colon.
    pub span: Span,
    /// The colon behind a key; a dash has none.
    pub colon: Option<usize>,
}

/// What is open at the end of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Open {
    /// A block scalar: its lines are indented deeper than this.
    pub block: Option<isize>,
    /// Plain text, which a deeper line continues.
    plain: Option<isize>,
    /// Quoted text: the quote and where it stands.
    pub quote: Option<(u8, usize)>,
    /// Flow collections: the brackets and where they stand.
    pub flow: Vec<(u8, usize)>,
    /// Where the last outermost flow collection ended.
    pub flow_end: Option<usize>,
    /// The column of the last mark, which every continuation is deeper than.
    holder: isize,
}

/// Reads lines one after the other.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    at: Option<usize>,
    /// The text has no problem, so that whatever is open ends where it is closed.
    sound: bool,
    /// What is open where the next line begins.
    pub open: Open,
}

impl<'a> Scanner<'a> {
    /// Starts at the beginning of a line. What is half-typed ends where the structure goes on.
    pub fn new(text: &'a str, start: usize) -> Self {
        Self { text, at: Some(start), sound: false, open: Open { holder: -1, ..Open::default() } }
    }

    /// The same for a text that was parsed without a problem.
    pub fn sound(text: &'a str, start: usize) -> Self {
        Self { sound: true, ..Self::new(text, start) }
    }

    /// The same state over a text that ends earlier.
    pub fn until(&self, end: usize) -> Self {
        Self { text: &self.text[..end], ..self.clone() }
    }

    fn classify(&mut self, line: &mut Line) -> LineKind {
        let (start, end) = (line.span.start as usize + line.indent, line.span.end as usize);
        let rest = &self.text.as_bytes()[start..end];
        let indent = isize::try_from(line.indent).unwrap_or(isize::MAX);
        if line.indent == 0 && is_marker(rest) {
            self.open = Open { holder: -1, ..Open::default() };
            return LineKind::Document;
        }
        if let Some(parent) = self.open.block {
            if rest.is_empty() || indent > parent {
                return LineKind::Block;
            }
            self.open.block = None;
        }
        if self.open.quote.is_some() || !self.open.flow.is_empty() {
            let closes = rest.first().is_some_and(|b| matches!(b, b']' | b'}'));
            if self.sound || rest.is_empty() || indent > self.open.holder || closes {
                self.resume(start, end, line);
                return LineKind::Continued;
            }
            // Half-typed: whatever was open ends where the structure goes on.
            self.open.quote = None;
            self.open.flow.clear();
        }
        match rest.first() {
            None => LineKind::Blank,
            Some(b'#') => {
                self.open.plain = None;
                line.comment = Some(start);
                LineKind::Comment
            }
            Some(_) => self.content(start, end, indent, line),
        }
    }

    fn content(&mut self, start: usize, end: usize, indent: isize, line: &mut Line) -> LineKind {
        let before = self.open.clone();
        self.open.plain = None;
        self.tokens(start, end, line);
        if line.marks.is_empty() && before.plain.is_some_and(|parent| indent > parent) {
            self.open = before;
            line.value = Some(Span::new(start, line.comment.map_or(end, |c| trimmed(self.text, start, c))));
            return LineKind::Continued;
        }
        LineKind::Content
    }

    /// Goes on inside quotes or brackets.
    fn resume(&mut self, start: usize, end: usize, line: &mut Line) {
        let at =
            if self.open.flow.is_empty() { self.quoted(start, end) } else { self.flow(start, end, line) };
        line.value = Some(Span::new(start, at));
        if self.open.flow.is_empty() && self.open.quote.is_none() {
            let rest = skip_blanks(self.text.as_bytes(), at, end);
            line.comment = line.comment.or((self.text.as_bytes().get(rest) == Some(&b'#')).then_some(rest));
        }
    }

    /// Marks, then a value, then a comment.
    fn tokens(&mut self, start: usize, end: usize, line: &mut Line) {
        let bytes = self.text.as_bytes();
        let mut i = start;
        loop {
            i = skip_blanks(bytes, i, end);
            if i >= end {
                return;
            }
            let has_key = line.marks.last().is_some_and(|m| m.colon.is_some());
            let fresh = line.value.is_none();
            i = match bytes[i] {
                b'#' if i == start || is_blank(bytes[i - 1]) => {
                    line.comment = Some(i);
                    return;
                }
                b'-' if fresh && !has_key && ends_token(bytes, i + 1, end) => {
                    self.mark(line, Span::new(i, i + 1), None);
                    i + 1
                }
                b'&' | b'!' if fresh => {
                    let stop = (i..end).find(|j| is_blank(bytes[*j])).unwrap_or(end);
                    let here = Span::new(i, stop);
                    line.properties = Some(line.properties.map_or(here, |p| p.join(here)));
                    stop
                }
                b'|' | b'>' if fresh && is_block_header(&bytes[i..end]) => {
                    let none = line.marks.is_empty();
                    let indent = isize::try_from(line.indent).unwrap_or(isize::MAX);
                    self.open.block = Some(if none { indent - 1 } else { self.open.holder });
                    let stop = (i..end).find(|j| is_blank(bytes[*j])).unwrap_or(end);
                    line.value = Some(Span::new(i, stop));
                    stop
                }
                quote @ (b'"' | b'\'') if fresh => {
                    self.open.quote = Some((quote, i));
                    let stop = self.quoted(i + 1, end);
                    let colon = skip_blanks(bytes, stop, end);
                    let key = self.open.quote.is_none() && !has_key && is_colon(bytes, colon, end);
                    if key {
                        self.mark(line, Span::new(i, stop), Some(colon));
                        colon + 1
                    } else {
                        line.value = Some(Span::new(i, stop));
                        stop
                    }
                }
                b'[' | b'{' if fresh => {
                    let stop = self.flow(i, end, line);
                    line.value = Some(Span::new(i, stop));
                    stop
                }
                _ => self.plain(i, end, has_key, line),
            };
        }
    }

    /// Plain text up to a colon that makes it a key, a comment, or the line's end.
    fn plain(&mut self, start: usize, end: usize, has_key: bool, line: &mut Line) -> usize {
        let bytes = self.text.as_bytes();
        let fresh = line.value.is_none();
        for i in start..end {
            if fresh && !has_key && is_colon(bytes, i, end) {
                self.mark(line, Span::new(start, trimmed(self.text, start, i)), Some(i));
                return i + 1;
            }
            if bytes[i] == b'#' && i > start && is_blank(bytes[i - 1]) {
                self.value(line, start, i);
                return i;
            }
        }
        self.value(line, start, end);
        end
    }

    fn value(&mut self, line: &mut Line, start: usize, end: usize) {
        let end = trimmed(self.text, start, end);
        line.value = Some(line.value.map_or(Span::new(start, end), |v| v.join(Span::new(start, end))));
        self.open.plain = Some(self.open.holder);
    }

    fn mark(&mut self, line: &mut Line, span: Span, colon: Option<usize>) {
        let column = (span.start - line.span.start) as usize;
        self.open.holder = isize::try_from(column).unwrap_or(isize::MAX);
        line.marks.push(Mark { column, span, colon });
        line.properties = None;
    }

    /// The end of the open quoted text, if it ends before `end`; else `end`, and it stays open.
    fn quoted(&mut self, start: usize, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let Some((quote, _)) = self.open.quote else { return start };
        let mut i = start;
        while i < end {
            if bytes[i] == b'\\' && quote == b'"' {
                i += 2;
            } else if bytes[i] != quote {
                i += 1;
            } else if quote == b'\'' && i + 1 < end && bytes[i + 1] == quote {
                i += 2;
            } else {
                self.open.quote = None;
                return i + 1;
            }
        }
        end
    }

    /// The end of the open flow collection, if it ends before `end`; else `end`, and it stays open.
    fn flow(&mut self, start: usize, end: usize, line: &mut Line) -> usize {
        let bytes = self.text.as_bytes();
        let mut i = start;
        while i < end {
            if self.open.quote.is_some() {
                i = self.quoted(i, end);
                continue;
            }
            let before = if i == start { b' ' } else { bytes[i - 1] };
            match bytes[i] {
                b'#' if is_blank(before) => {
                    line.comment = Some(i);
                    return trimmed(self.text, start, i);
                }
                quote @ (b'"' | b'\'') if is_blank(before) || b"[{,:".contains(&before) => {
                    self.open.quote = Some((quote, i));
                }
                bracket @ (b'[' | b'{') => self.open.flow.push((bracket, i)),
                b']' | b'}' => {
                    self.open.flow.pop();
                    if self.open.flow.is_empty() {
                        self.open.flow_end = Some(i + 1);
                        return i + 1;
                    }
                }
                _ => {}
            }
            i += 1;
        }
        end
    }
}

impl Iterator for Scanner<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let start = self.at?;
        let bytes = self.text.as_bytes();
        let rest = bytes.get(start..)?;
        let stop = rest.iter().position(|b| *b == b'\n').map(|i| start + i);
        self.at = stop.map(|i| i + 1);
        let mut end = stop.unwrap_or(bytes.len());
        if end > start && bytes[end - 1] == b'\r' {
            end -= 1;
        }
        let indent = bytes[start..end].iter().take_while(|b| is_blank(**b)).count();
        let mut line = Line {
            span: Span::new(start, end),
            indent,
            kind: LineKind::Blank,
            marks: Vec::new(),
            properties: None,
            value: None,
            comment: None,
        };
        line.kind = self.classify(&mut line);
        Some(line)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn skip_blanks(bytes: &[u8], start: usize, end: usize) -> usize {
    (start..end).find(|i| !is_blank(bytes[*i])).unwrap_or(end)
}

fn ends_token(bytes: &[u8], at: usize, end: usize) -> bool {
    at >= end || is_blank(bytes[at])
}

fn is_colon(bytes: &[u8], at: usize, end: usize) -> bool {
    at < end && bytes[at] == b':' && ends_token(bytes, at + 1, end)
}

fn is_marker(line: &[u8]) -> bool {
    (line.starts_with(b"---") || line.starts_with(b"...")) && ends_token(line, 3, line.len())
}

/// `|` or `>`, its indicators, and nothing but a comment behind them.
fn is_block_header(rest: &[u8]) -> bool {
    let indicators = rest[1..].iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-')).count();
    let after = skip_blanks(rest, 1 + indicators, rest.len());
    after == rest.len() || (rest[after] == b'#' && after > 1 + indicators)
}

/// The end of a range without the blanks at its end.
fn trimmed(text: &str, start: usize, end: usize) -> usize {
    text.as_bytes()[start..end].iter().rposition(|b| !is_blank(*b)).map_or(start, |i| start + i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line's kind by a letter, its marks, its value and whether it has a comment.
    fn shape(text: &str) -> Vec<String> {
        Scanner::new(text, 0)
            .map(|line| {
                let kind = match line.kind {
                    LineKind::Blank => "blank",
                    LineKind::Comment => "comment",
                    LineKind::Content => "",
                    LineKind::Block => "block",
                    LineKind::Continued => "more",
                    LineKind::Document => "document",
                };
                let marks = line.marks.iter().map(|m| format!("{}@{}", m.span.of(text), m.column));
                let value = line.value.map(|v| format!("<{}>", v.of(text)));
                let comment = line.comment.map(|_| "#".to_owned());
                std::iter::once(kind.to_owned())
                    .chain(marks)
                    .chain(value)
                    .chain(comment)
                    .filter(|s| !s.is_empty())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }

    #[test]
    fn marks_values_and_comments_are_told_apart() {
        assert_eq!(
            shape("a: 1 # x\n- - k: http://x#y\n  \"q\" : 'it''s' # c\n# c\n\n---\nb: [1, {c: d}]"),
            [
                "a@0 <1> #",
                "-@0 -@2 k@4 <http://x#y>",
                "\"q\"@2 <'it''s'> #",
                "comment #",
                "blank",
                "document",
                "b@0 <[1, {c: d}]>"
            ]
        );
    }

    #[test]
    fn scalars_and_collections_over_several_lines_have_no_marks() {
        assert_eq!(
            shape("p: |-\n  a: 1\n\n  # no comment\nq: >2 # c\n   b: 1\nc: 1"),
            ["p@0 <|->", "block", "block", "block", "q@0 <>2> #", "block", "c@0 <1>"]
        );
        assert_eq!(
            shape("- |\n  a: 1\n- k: |\n   x\n  l: 1"),
            ["-@0 <|>", "block", "-@0 k@2 <|>", "block", "l@2 <1>"]
        );
        assert_eq!(shape("a: \"x\n  b: y\"\nc: d"), ["a@0 <\"x>", "more <b: y\">", "c@0 <d>"]);
        assert_eq!(
            shape("a: [x, # c\n  b: 1\n]\nc: d"),
            ["a@0 <[x,> #", "more <b: 1>", "more <]>", "c@0 <d>"]
        );
        assert_eq!(shape("a: x\n  y z\n  b: 1"), ["a@0 <x>", "more <y z>", "b@2 <1>"]);
    }

    #[test]
    fn what_is_half_typed_ends_where_the_structure_goes_on() {
        assert_eq!(shape("a: \"x\nb: 1"), ["a@0 <\"x>", "b@0 <1>"]);
        assert_eq!(shape("e:\n  a: {b: c\n  d: 1"), ["e@0", "a@2 <{b: c>", "d@2 <1>"]);
    }
}
