//! Half-typed text: the place at the cursor, and a small text around it that parses.
//!
//! The text that comes out holds no more than the way from the document's root to the cursor, the
//! cursor's neighbours, and the word at the cursor, or a placeholder. A bare word has its colon, an
//! open quote or bracket is closed. It is made from the lines' shape alone, so that what is wrong
//! elsewhere does not matter, and the cost is one pass over the lines.

use super::Span;
use super::levels::{Levels, Pair};
use super::scan::{Line, LineKind, Mark, Open, Scanner};

/// What stands for a word that is not there yet.
pub const PLACEHOLDER: &str = "_";

/// Where the cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// In a comment, from its `#` to the end of its line.
    Comment(Span),
    /// Where a word is, or may be, written.
    Word(Box<Repaired>),
    /// Inside longer text, or where nothing may stand.
    Nowhere,
}

/// A word's surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// YAML in which the word exists.
    pub text: String,
    /// Where the word begins in it.
    pub cursor: usize,
    /// The word in the original text, quotes not included; empty where there is none yet.
    pub word: Span,
    /// The quote that is open before the word, and whether it is closed behind it.
    pub quote: Option<(char, bool)>,
    /// What must be written before the word: a blank behind a colon, a dash.
    pub before: &'static str,
    /// A colon follows.
    pub colon: bool,
    /// Inside brackets.
    pub flow: bool,
    /// How much deeper than its line's indentation the word begins.
    pub depth: usize,
}

/// Finds the place at a cursor in a part of a text.
pub fn repair(text: &str, part: Span, cursor: usize) -> Repair {
    let (start, end) = (part.start as usize, part.end as usize);
    if cursor < start || cursor > end || !text.is_char_boundary(cursor) {
        return Repair::Nowhere;
    }
    let text = &text[..end];
    let mut scanner = Scanner::new(text, document_start(text, start, cursor));
    let mut levels = Levels::default();
    loop {
        let before = scanner.clone();
        let Some(line) = scanner.next() else { return Repair::Nowhere };
        if (line.span.end as usize) < cursor {
            levels.line(&line);
            continue;
        }
        // Between the two bytes of a line break.
        if line.span.start as usize > cursor {
            return Repair::Nowhere;
        }
        let mut cut = before.until(cursor);
        cut.next();
        let at = Cursor { text, cursor, line, levels, here: cut.open, before: before.open, after: scanner };
        return at.place().unwrap_or(Repair::Nowhere);
    }
}

/// Behind the last `---` line before the cursor, else the start.
fn document_start(text: &str, start: usize, cursor: usize) -> usize {
    let line = text[start..cursor].rfind('\n').map_or(start, |i| start + i + 1);
    let marker = |at: usize| {
        text[at..].starts_with("---") && !text[at + 3..].starts_with(|c: char| !c.is_whitespace())
    };
    let mut at = line;
    loop {
        if marker(at) {
            return at;
        }
        if at == start {
            return start;
        }
        at = text[start..at - 1].rfind('\n').map_or(start, |i| start + i + 1);
    }
}

struct Cursor<'a> {
    text: &'a str,
    cursor: usize,
    line: Line,
    levels: Levels,
    /// What is open at the cursor.
    here: Open,
    /// What was open where the line begins.
    before: Open,
    /// The lines that follow.
    after: Scanner<'a>,
}

impl Cursor<'_> {
    fn place(mut self) -> Option<Repair> {
        if let Some(comment) = self.line.comment.filter(|c| self.cursor > *c) {
            return Some(Repair::Comment(Span::new(comment, self.line.span.end as usize)));
        }
        if !self.here.flow.is_empty() {
            return self.in_flow().map(word);
        }
        match self.line.kind {
            LineKind::Document | LineKind::Comment | LineKind::Continued => None,
            LineKind::Block if self.in_block_scalar() => None,
            LineKind::Block | LineKind::Blank => self.bare(None).map(word),
            LineKind::Content => self.content().map(word),
        }
    }

    /// Whether a line that may belong to a block scalar does: an empty one behind the last line of
    /// the scalar, with the cursor out of it, does not.
    fn in_block_scalar(&self) -> bool {
        let Some(parent) = self.before.block else { return false };
        let blank = self.text[self.line.span.range()].trim().is_empty();
        let outside = isize::try_from(self.column()).is_ok_and(|c| c <= parent);
        let next = self.after.clone().find(|l| self.text[l.span.range()].trim() != "");
        let goes_on = next.is_some_and(|l| l.kind == LineKind::Block);
        !blank || !outside || goes_on
    }

    fn column(&self) -> usize {
        self.cursor - self.line.span.start as usize
    }

    fn content(&mut self) -> Option<Repaired> {
        let cursor = self.cursor;
        if cursor < self.line.span.start as usize + self.line.indent {
            return None;
        }
        let passed = |m: &Mark| m.colon.map_or(m.span.end as usize, |c| c + 1) <= cursor;
        let count = self.line.marks.iter().take_while(|m| passed(m)).count();
        if let Some(next) = self.line.marks.get(count) {
            let typed = next.colon.is_some() && next.span.touches(cursor);
            return if typed { Some(self.key(*next)) } else { None };
        }
        let marks = std::mem::take(&mut self.line.marks);
        let Some(last) = marks.last() else { return self.bare(self.line.value) };
        if self.line.properties.is_some_and(|p| cursor <= p.end as usize) {
            return None;
        }
        if last.colon.is_some() { self.value(&marks) } else { self.item(&marks) }
    }

    /// On a key that has its colon.
    fn key(&mut self, key: Mark) -> Repaired {
        let span = unquoted(self.text, key.span);
        let first = self.line.marks[0];
        let out = self.skeleton(first.column, first.colon.is_none());
        let head = self.head(key.span.start as usize);
        let mut out = out + &head + &self.text[key.span.range()] + ":\n";
        let cursor = out.len() - ":\n".len() - (key.span.end - span.start) as usize;
        self.below(key.column, false, &mut out);
        Repaired { colon: true, ..self.repaired(out, cursor, span) }
    }

    /// Behind a key's colon.
    fn value(&mut self, marks: &[Mark]) -> Option<Repaired> {
        let (first, last) = (marks.first()?, marks.last()?);
        let word = self.word()?;
        let mut out = self.skeleton(first.column, first.colon.is_none());
        out += &self.head(word.start());
        let before = if word.needs_blank(self.text) { " " } else { "" };
        let cursor = word.write(self.text, before, &mut out);
        out.push('\n');
        self.below(last.column, false, &mut out);
        Some(Repaired { quote: word.quote, before, ..self.repaired(out, cursor, word.span) })
    }

    /// Behind a dash: an item, or the first key of one.
    fn item(&mut self, marks: &[Mark]) -> Option<Repaired> {
        let (first, last) = (marks.first()?, marks.last()?);
        let word = self.word()?;
        let mut out = self.skeleton(first.column, true);
        let written = word.span.start != word.span.end || word.quote.is_some();
        let column = word.start() - self.line.span.start as usize;
        let next = self.after.clone().find(|l| !matches!(l.kind, LineKind::Blank | LineKind::Comment));
        let below = next.filter(|l| l.kind == LineKind::Content && l.indent > last.column).map(|l| l.indent);
        // The item is a mapping where its other keys follow.
        let column = below.filter(|c| !written || *c == column);
        let before = if word.needs_blank(self.text) { " " } else { "" };
        let cursor = match column {
            Some(column) if !written => {
                out += &self.head(last.span.end as usize);
                out += &" ".repeat(column - last.column - 1);
                out += PLACEHOLDER;
                out.len() - PLACEHOLDER.len()
            }
            _ => {
                out += &self.head(word.start());
                word.write(self.text, before, &mut out)
            }
        };
        match column {
            Some(column) => {
                out += ":\n";
                self.below(column, false, &mut out);
            }
            None => {
                out.push('\n');
                self.below(last.column, true, &mut out);
            }
        }
        Some(Repaired { quote: word.quote, before, ..self.repaired(out, cursor, word.span) })
    }

    /// A word alone on its line, or an empty line.
    fn bare(&mut self, value: Option<Span>) -> Option<Repaired> {
        let column = value.map_or(self.column(), |_| self.line.indent);
        let word = self.word()?;
        let dash = self.levels.place(column)?;
        let mut out = self.skeleton(column, dash);
        out += &" ".repeat(column);
        if dash {
            out += "- ";
        }
        let cursor = word.write(self.text, "", &mut out);
        out += if dash { "\n" } else { ":\n" };
        self.below(column, dash, &mut out);
        let before = if dash { "- " } else { "" };
        Some(Repaired { quote: word.quote, before, ..self.repaired(out, cursor, word.span) })
    }

    /// Inside brackets.
    fn in_flow(&mut self) -> Option<Repaired> {
        let start = self.here.flow[0].1;
        let own_line = start >= self.line.span.start as usize;
        let marks = std::mem::take(&mut self.line.marks);
        // Whatever follows on other lines must be deeper than what holds the brackets.
        let (mut out, deep) = match marks.first().filter(|_| own_line) {
            Some(first) => {
                let skeleton = self.skeleton(first.column, first.colon.is_none());
                (skeleton + &self.head(start), start - self.line.span.start as usize)
            }
            None => {
                let deep = self.levels.deepest() + 1;
                (self.levels.skeleton(self.text, None) + &" ".repeat(deep), deep)
            }
        };
        let inner = self.flow_word();
        let pad = format!("\n{}", " ".repeat(deep));
        out += &self.text[start..inner.start()].replace('\n', &pad);
        let before = if inner.needs_blank(self.text) { " " } else { "" };
        let cursor = inner.write(self.text, before, &mut out);
        let behind = inner.end();
        out += &self.rest_of_flow(behind).replace('\n', &pad);
        out.push('\n');
        let colon = self.text[behind..].trim_start_matches([' ', '\t']).starts_with(':');
        let quote = inner.quote;
        Some(Repaired { quote, before, colon, flow: true, ..self.repaired(out, cursor, inner.span) })
    }

    /// What follows the word in its flow collection, with what closes it.
    fn rest_of_flow(&self, behind: usize) -> String {
        let mut scanner = self.after.clone();
        let end = loop {
            if scanner.open.flow.is_empty() {
                break scanner.open.flow_end.filter(|e| *e >= behind);
            }
            // Where the structure goes on, the brackets were never closed.
            match scanner.next() {
                Some(line) if line.kind == LineKind::Continued => {}
                _ => break None,
            }
        };
        if let Some(end) = end {
            return self.text[behind..end].to_owned();
        }
        let open = if self.after.open.flow.is_empty() { &self.here } else { &self.after.open };
        let stop = self.line.comment.unwrap_or(self.line.span.end as usize).max(behind);
        let mut rest = self.text[behind..stop].trim_end().to_owned();
        if let Some((quote, _)) = open.quote.filter(|(_, at)| *at >= behind) {
            rest.push(char::from(quote));
        }
        rest.extend(open.flow.iter().rev().map(|(b, _)| if *b == b'[' { ']' } else { '}' }));
        rest
    }

    /// The word at a cursor inside brackets.
    fn flow_word(&self) -> Word {
        let (line, bytes) = (self.line.span, self.text.as_bytes());
        let start_of_line = (line.start as usize).max(self.here.flow[0].1 + 1);
        let end_of_line = self.line.comment.unwrap_or(line.end as usize);
        if let Some((quote, at)) = self.here.quote {
            let close = bytes[self.cursor..end_of_line].iter().position(|b| *b == quote);
            let end = close.map_or(self.cursor, |i| self.cursor + i);
            return Word {
                span: Span::new((at + 1).min(end), end),
                quote: Some((char::from(quote), close.is_some())),
            };
        }
        let part = |b: u8| !b" \t[]{},\"'\r".contains(&b);
        let back = bytes[start_of_line.min(self.cursor)..self.cursor].iter().rev();
        let mut start = self.cursor - back.take_while(|b| part(**b)).count();
        let ahead = bytes[self.cursor..end_of_line.max(self.cursor)].iter();
        let mut end = self.cursor + ahead.take_while(|b| part(**b)).count();
        if start < self.cursor && bytes[self.cursor - 1] == b':' {
            start = self.cursor;
        }
        if let Some(colon) =
            (self.cursor..end).find(|i| bytes[*i] == b':' && !bytes.get(i + 1).is_some_and(|b| part(*b)))
        {
            end = colon;
        }
        Word { span: Span::new(start, end), quote: None }
    }

    /// The word at a cursor in block YAML: the line's value, or the empty place behind its marks.
    fn word(&self) -> Option<Word> {
        let Some(value) = self.line.value else {
            return Some(Word { span: Span::at(self.cursor), quote: None });
        };
        let written = value.of(self.text);
        let (start, end) = (value.start as usize, value.end as usize);
        let first = written.as_bytes().first().copied();
        match first {
            Some(quote @ (b'"' | b'\'')) => {
                let closed = self.after.open.quote.is_none();
                let inner = Span::new(start + 1, if closed { end - 1 } else { end });
                let word = Word { span: inner, quote: Some((char::from(quote), closed)) };
                inner.touches(self.cursor).then_some(word)
            }
            Some(b'|' | b'>') if self.after.open.block.is_some() => None,
            Some(b'[' | b'{' | b'*') => None,
            _ => value.touches(self.cursor).then_some(Word { span: value, quote: None }),
        }
    }

    /// The line up to an offset, behind its indentation as the skeleton wants it.
    fn head(&self, to: usize) -> String {
        self.text[self.line.span.start as usize..to].replace('\t', " ")
    }

    /// The way to the line: everything above that its first mark is inside of.
    fn skeleton(&mut self, column: usize, dash: bool) -> String {
        self.levels.enter(column, dash);
        self.levels.skeleton(self.text, Some((column, dash)))
    }

    /// The neighbours behind the cursor's line.
    fn below(&mut self, column: usize, dash: bool, out: &mut String) {
        for line in self.after.by_ref() {
            match line.kind {
                LineKind::Blank | LineKind::Comment | LineKind::Block | LineKind::Continued => continue,
                LineKind::Document => return,
                LineKind::Content if line.indent < column => return,
                LineKind::Content if line.indent > column => continue,
                LineKind::Content => {}
            }
            let Some(mark) = line.marks.first() else { continue };
            if dash && mark.colon.is_some() {
                return;
            }
            if dash != mark.colon.is_none() {
                continue;
            }
            let value = line.value.filter(|_| line.marks.len() == 1);
            Pair { key: mark.span, value }.write(self.text, column, dash, out);
        }
    }

    fn repaired(&self, text: String, cursor: usize, word: Span) -> Repaired {
        let depth = (word.start as usize).saturating_sub(self.line.span.start as usize + self.line.indent);
        Repaired { text, cursor, word, quote: None, before: "", colon: false, flow: false, depth }
    }
}

fn word(repaired: Repaired) -> Repair {
    Repair::Word(Box::new(repaired))
}

fn unquoted(text: &str, span: Span) -> Span {
    let quoted = span.of(text).starts_with(['"', '\'']) && span.end - span.start >= 2;
    if quoted { Span { start: span.start + 1, end: span.end - 1 } } else { span }
}

/// The word at the cursor.
struct Word {
    /// Without its quotes.
    span: Span,
    quote: Option<(char, bool)>,
}

impl Word {
    /// Where it begins, an opening quote included.
    fn start(&self) -> usize {
        self.span.start as usize - usize::from(self.quote.is_some())
    }

    /// Where it ends, a closing quote included.
    fn end(&self) -> usize {
        self.span.end as usize + usize::from(self.quote.is_some_and(|(_, closed)| closed))
    }

    /// Whether it follows a colon, a dash or a word without a blank.
    fn needs_blank(&self, text: &str) -> bool {
        text[..self.start()].ends_with([':', '-']) && !text[..self.start()].ends_with([' ', '\t'])
    }

    /// Writes it, closed, and gives where it begins.
    fn write(&self, text: &str, before: &str, out: &mut String) -> usize {
        out.push_str(before);
        let at = out.len();
        match self.quote {
            Some((quote, _)) => {
                out.push(quote);
                out.push_str(self.span.of(text));
                out.push(quote);
            }
            None if self.span.start == self.span.end => out.push_str(PLACEHOLDER),
            None => out.push_str(self.span.of(text)),
        }
        at
    }
}

#[cfg(test)]
mod tests;
