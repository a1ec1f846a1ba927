//! Reads text as a client would that undoes escapes: JSON's and JavaScript's, percent signs, HTML's
//! entities, and the line breaks that wrap long values.
//!
//! They may be mixed within one value, so one reader knows them all, and says for what it read where
//! in the bytes that stands.

use std::ops::Range;

/// The most digits of a numeric entity that are read, leading zeros among them.
const DIGITS: usize = 8;

/// The named entities of what credentials are made of; letters and digits have none.
const NAMED: [(&[u8], u8); 33] = [
    (b"amp", b'&'),
    (b"apos", b'\''),
    (b"ast", b'*'),
    (b"bsol", b'\\'),
    (b"colon", b':'),
    (b"comma", b','),
    (b"commat", b'@'),
    (b"dollar", b'$'),
    (b"equals", b'='),
    (b"excl", b'!'),
    (b"grave", b'`'),
    (b"gt", b'>'),
    (b"Hat", b'^'),
    (b"hyphen", b'-'),
    (b"lbrace", b'{'),
    (b"lcub", b'{'),
    (b"lowbar", b'_'),
    (b"lpar", b'('),
    (b"lsqb", b'['),
    (b"lt", b'<'),
    (b"num", b'#'),
    (b"percnt", b'%'),
    (b"period", b'.'),
    (b"plus", b'+'),
    (b"quest", b'?'),
    (b"quot", b'"'),
    (b"rcub", b'}'),
    (b"rpar", b')'),
    (b"rsqb", b']'),
    (b"semi", b';'),
    (b"sol", b'/'),
    (b"verbar", b'|'),
    (b"vert", b'|'),
];

/// Where the next byte is that begins an escape or breaks a line. Each kind is looked for once as far as it is
/// away, so that text with many lines and no escapes is not searched to its end for each line.
struct Ahead<'a> {
    raw: &'a [u8],
    escape: usize,
    line: usize,
}

impl<'a> Ahead<'a> {
    fn new(raw: &'a [u8]) -> Self {
        let mut ahead = Self { raw, escape: 0, line: 0 };
        ahead.look(0, true, true);
        ahead
    }

    fn look(&mut self, from: usize, escape: bool, line: bool) {
        let (rest, end) = (&self.raw[from..], self.raw.len());
        if escape {
            self.escape = memchr::memchr3(b'\\', b'%', b'&', rest).map_or(end, |at| from + at);
        }
        if line {
            self.line = memchr::memchr2(b'\r', b'\n', rest).map_or(end, |at| from + at);
        }
    }

    /// The next place at or behind `from`; the length where there is none.
    fn next(&mut self, from: usize) -> usize {
        self.look(from, self.escape < from, self.line < from);
        self.escape.min(self.line)
    }
}

/// Bytes as they read without their escapes.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    runs: Vec<Run>,
    /// Where an escape begins that the end cuts off.
    pub(crate) cut: Option<usize>,
    /// The last thing is a line break.
    pub(crate) broken: bool,
}

/// From one place in the text on, where its bytes are from.
struct Run {
    at: usize,
    from: Range<usize>,
    /// All of `at..` is from all of `from`, and not byte by byte.
    escape: bool,
}

/// What the byte before was, as far as it matters to line breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Other,
    Return,
    Break,
}

enum Escape {
    /// So many bytes stand for this character.
    Whole(usize, char),
    /// So many bytes stand for this one, which may be a part of a character.
    Byte(usize, u8),
    /// It may go on behind the end.
    Cut,
    /// The byte stands for itself.
    Not,
}

impl Text {
    /// Reads bytes; with `end` nothing follows them. `None` where they read as they are.
    pub(crate) fn read(raw: &[u8], end: bool) -> Option<Self> {
        let mut ahead = Ahead::new(raw);
        if ahead.next(0) == raw.len() {
            return None;
        }
        let mut text = Self {
            bytes: Vec::with_capacity(raw.len()),
            runs: Vec::with_capacity(raw.len() / 16),
            ..Self::default()
        };
        let (mut i, mut last) = (0, Last::Other);
        while i < raw.len() {
            let plain = ahead.next(i) - i;
            if plain > 0 {
                text.runs.push(Run { at: text.bytes.len(), from: i..i + plain, escape: false });
                text.bytes.extend_from_slice(&raw[i..i + plain]);
                (i, last) = (i + plain, Last::Other);
                continue;
            }
            let (length, c) = match escape(&raw[i..], end) {
                Escape::Byte(length, byte @ 0x80..) => {
                    text.runs.push(Run { at: text.bytes.len(), from: i..i + length, escape: true });
                    text.bytes.push(byte);
                    (i, last) = (i + length, Last::Other);
                    continue;
                }
                Escape::Byte(length, byte) => (length, char::from(byte)),
                Escape::Whole(length, c) => (length, c),
                Escape::Not => (1, char::from(raw[i])),
                Escape::Cut => {
                    text.cut = Some(i);
                    break;
                }
            };
            text.runs.push(Run { at: text.bytes.len(), from: i..i + length, escape: true });
            // One line break wraps a value and is nothing; a second one ends whatever there was.
            last = match (c, last) {
                ('\r', Last::Other) => Last::Return,
                ('\n', Last::Other | Last::Return) => Last::Break,
                _ => {
                    text.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    Last::Other
                }
            };
            i += length;
        }
        text.broken = last != Last::Other;
        Some(text)
    }

    /// Where the bytes of a place in the text stand.
    pub(crate) fn raw(&self, place: Range<usize>) -> Range<usize> {
        self.start(place.start)..self.end(place.end)
    }

    /// Where the text's byte `at` begins to stand.
    pub(crate) fn start(&self, at: usize) -> usize {
        // The last run that begins at or before it: those of no text come first.
        let run = self.runs.partition_point(|run| run.at <= at).checked_sub(1);
        run.map_or(0, |run| self.within(&self.runs[run], at))
    }

    fn end(&self, at: usize) -> usize {
        let run = self.runs.partition_point(|run| run.at < at).checked_sub(1).map(|run| &self.runs[run]);
        run.map_or(0, |run| if run.escape { run.from.end } else { run.from.start + (at - run.at) })
    }

    fn within(&self, run: &Run, at: usize) -> usize {
        if run.escape { run.from.start } else { run.from.start + (at - run.at) }
    }

    /// The beginning of the escape that a byte lies in, or the byte itself.
    pub(crate) fn boundary(&self, raw: usize) -> usize {
        let run = self.runs.partition_point(|run| run.from.start <= raw).checked_sub(1);
        match run.map(|run| &self.runs[run]) {
            Some(run) if run.escape && raw < run.from.end => run.from.start,
            _ => self.cut.map_or(raw, |cut| raw.min(cut)),
        }
    }
}

fn escape(raw: &[u8], end: bool) -> Escape {
    let cut = || if end { Escape::Not } else { Escape::Cut };
    match raw[0] {
        b'%' => hex(&raw[1..], 2).map_or_else(cut, |c| {
            c.and_then(|c| u8::try_from(c).ok()).map_or(Escape::Not, |c| Escape::Byte(3, c))
        }),
        b'\\' => match raw.get(1) {
            None => cut(),
            Some(b'x') => hex(&raw[2..], 2).map_or_else(cut, |c| whole(4, c)),
            Some(b'u') => match hex(&raw[2..], 4) {
                None => cut(),
                Some(Some(high @ 0xd800..=0xdbff)) => match surrogate(&raw[6..]) {
                    None => cut(),
                    Some(Some(low)) => whole(12, Some(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))),
                    Some(None) => Escape::Not,
                },
                Some(c) => whole(6, c),
            },
            Some(b'n') => Escape::Whole(2, '\n'),
            Some(b'r') => Escape::Whole(2, '\r'),
            Some(b't') => Escape::Whole(2, '\t'),
            Some(b) if b.is_ascii_punctuation() => Escape::Whole(2, char::from(*b)),
            Some(_) => Escape::Not,
        },
        b'&' => entity(raw, end),
        other => Escape::Whole(1, char::from(other)),
    }
}

fn whole(length: usize, c: Option<u32>) -> Escape {
    c.and_then(char::from_u32).map_or(Escape::Not, |c| Escape::Whole(length, c))
}

/// So many digits; `None` where they are cut off, `Some(None)` where there is something else.
fn hex(raw: &[u8], digits: usize) -> Option<Option<u32>> {
    let found = raw.iter().take(digits).take_while(|b| b.is_ascii_hexdigit()).count();
    if found < digits {
        return (found < raw.len()).then_some(None);
    }
    Some(raw[..digits].iter().try_fold(0, |n, b| Some(n << 4 | char::from(*b).to_digit(16)?)))
}

/// `\uDC00` … `\uDFFF`, as [`hex`] gives it.
fn surrogate(raw: &[u8]) -> Option<Option<u32>> {
    match raw {
        [] | [b'\\'] => None,
        [b'\\', b'u', digits @ ..] => hex(digits, 4).map(|c| c.filter(|c| (0xdc00..=0xdfff).contains(c))),
        _ => Some(None),
    }
}

/// `&#45;`, `&#x2d;` and `&hyphen;`; without the semicolon too, as browsers take it.
fn entity(raw: &[u8], end: bool) -> Escape {
    let cut = if end { Escape::Not } else { Escape::Cut };
    let Some(second) = raw.get(1) else { return cut };
    if *second != b'#' {
        let name = raw[1..].iter().take(8).take_while(|b| b.is_ascii_alphabetic()).count();
        let found = NAMED.iter().find(|(n, _)| *n == &raw[1..=name]);
        return match (raw.get(1 + name), found) {
            (Some(b';'), Some((_, c))) => Escape::Whole(name + 2, char::from(*c)),
            (None, _) if NAMED.iter().any(|(n, _)| n.starts_with(&raw[1..])) => cut,
            _ => Escape::Not,
        };
    }
    let (radix, from) = match raw.get(2) {
        None => return cut,
        Some(b'x' | b'X') => (16, 3),
        Some(_) => (10, 2),
    };
    let digits: Vec<u32> =
        raw[from..].iter().take(DIGITS).map_while(|b| char::from(*b).to_digit(radix)).collect();
    let after = raw.get(from + digits.len());
    if after.is_none() && !end {
        return Escape::Cut;
    }
    if digits.is_empty() {
        return Escape::Not;
    }
    let code = digits.iter().fold(0u32, |n, d| n.wrapping_mul(radix).wrapping_add(*d));
    whole(from + digits.len() + usize::from(after == Some(&b';')), Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> String {
        Text::read(raw.as_bytes(), true)
            .map_or(raw.to_owned(), |t| String::from_utf8_lossy(&t.bytes).into_owned())
    }

    #[test]
    fn every_escape_is_undone_and_what_is_none_stays() {
        for (raw, wanted) in [
            ("plain", "plain"),
            (r#"\u0073\u002D\/\"\\\x2d"#, "s-/\"\\-"),
            ("%73%2D%2d%C3%a9", "s--é"),
            ("&#115;&#x2d;&#X2D;&#0045;&#45x&amp;&lowbar;", "s---\u{2d}x&_"),
            (r"\ud83d\ude00", "😀"),
            ("a\nb\r\nc\\nd%0Ae&#10;f", "abcdef"),
            ("a\n\nb", "a\nb"),
            ("100%", "100%"),
            ("%zz &nothing; & \\q \\u12 \\ud83d", "%zz &nothing; & \\q \\u12 \\ud83d"),
        ] {
            assert_eq!(read(raw), wanted, "{raw}");
        }
    }

    #[test]
    fn a_place_in_the_text_is_found_in_the_bytes() {
        let raw = b"ab\\u0073\ncd%2d";
        let text = Text::read(raw, true).expect("escapes");
        assert_eq!(text.bytes, b"abscd-");
        assert_eq!((text.raw(2..3), text.raw(1..4), text.raw(5..6)), (2..8, 1..10, 11..14));
        assert_eq!((text.boundary(5), text.boundary(1)), (2, 1));
    }

    #[test]
    fn what_may_go_on_is_cut_off_and_what_cannot_is_not() {
        for raw in ["\\", "\\u", "\\u00", "%", "%2", "&", "&#", "&#4", "&#x", "&hy", "\\ud83d", "\\ud83d\\u"]
        {
            assert_eq!(Text::read(raw.as_bytes(), false).and_then(|t| t.cut), Some(0), "{raw}");
        }
        for raw in ["\\n", "%z", "& ", "&nothing", "&#;", "&#123456789", "\\ud83dx"] {
            assert_eq!(Text::read(raw.as_bytes(), false).and_then(|t| t.cut), None, "{raw}");
        }
    }
}
