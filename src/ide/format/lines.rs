//! Line by line: where each begins, and what of it is rewritten.

use super::flow::spaced;
use crate::check::Edit;
use crate::syntax::{Line, LineKind, Open, Scanner, Span};

/// The edits of a part of a text, one for each line that changes. `ends_text`: the part's end is the
/// text's, which ends in one line break then.
pub(super) fn edits(text: &str, part: Span, ends_text: bool) -> Vec<Edit> {
    let end = part.end as usize;
    let mut scanner = Scanner::sound(&text[..end], part.start as usize);
    let mut out = Writer::new(text, end);
    loop {
        let before = scanner.open.clone();
        let Some(line) = scanner.next() else { break };
        out.line(&line, &before);
    }
    out.finish(ends_text);
    out.edits
}

/// An open collection: where its marks stood, and where they stand now.
struct Level {
    old: usize,
    new: usize,
    dash: bool,
}

struct Writer<'a> {
    text: &'a str,
    end: usize,
    edits: Vec<Edit>,
    levels: Vec<Level>,
    /// Empty lines and comments, until what follows is known.
    held: Vec<Line>,
    /// Whether anything but empty lines has been written.
    written: bool,
    /// The block scalar that is open.
    block: Option<Block>,
    /// The column that the lines of the open brackets count from.
    flow: Option<usize>,
}

struct Block {
    /// The new column of what holds it.
    holder: usize,
    /// The indentation of its text: an indicator's, else that of the first line with text.
    old: Option<usize>,
    /// The indentation that an indicator asks for.
    indicated: Option<usize>,
    /// `+`: the empty lines at its end are text.
    keeps: bool,
}

impl<'a> Writer<'a> {
    fn new(text: &'a str, end: usize) -> Self {
        let (edits, levels, held) = (Vec::new(), Vec::new(), Vec::new());
        Self { text, end, edits, levels, held, written: false, block: None, flow: None }
    }

    fn line(&mut self, line: &Line, before: &Open) {
        match line.kind {
            LineKind::Blank | LineKind::Comment => self.held.push(line.clone()),
            LineKind::Block if self.blank(line) && !self.block.as_ref().is_some_and(|b| b.keeps) => {
                self.held.push(line.clone());
            }
            LineKind::Block => self.block_line(line),
            LineKind::Continued => self.continued(line, before),
            LineKind::Content => self.content(line),
            LineKind::Document => {
                self.release(&self.columns(), None);
                self.levels.clear();
                let trimmed = self.text[line.span.range()].trim_end();
                self.write(line, trimmed.to_owned());
            }
        }
    }

    fn blank(&self, line: &Line) -> bool {
        line.span.of(self.text).trim().is_empty()
    }

    fn content(&mut self, line: &Line) {
        let open = self.columns();
        let first = line.marks.first();
        let dash = first.is_some_and(|m| m.colon.is_none());
        let indent = match first {
            Some(mark) => self.enter(mark.column, dash, None),
            None => self.levels.last().map_or(0, |l| l.new + 2),
        };
        self.release(&open, Some((line.indent, indent)));
        let mut out = " ".repeat(indent);
        let mut holder = indent;
        for (i, mark) in line.marks.iter().enumerate() {
            let dash = mark.colon.is_none();
            if i > 0 {
                out.push(' ');
                holder = self.enter(mark.column, dash, Some(out.len()));
            }
            out.push_str(mark.span.of(self.text));
            if !dash {
                out.push(':');
            }
        }
        let spaced_out = |out: &mut String, text: &str| {
            if !out.trim_start().is_empty() {
                out.push(' ');
            }
            out.push_str(text);
        };
        if let Some(properties) = line.properties {
            spaced_out(&mut out, properties.of(self.text));
        }
        self.block = None;
        self.flow = None;
        if let Some(value) = line.value {
            let written = value.of(self.text);
            if written.starts_with(['[', '{']) {
                self.flow = Some(holder);
                spaced_out(&mut out, &spaced(written));
            } else {
                spaced_out(&mut out, written);
            }
            if written.starts_with(['|', '>']) {
                self.block = Some(Block::new(written, holder, line));
            }
        }
        self.comment(line, &mut out);
        self.write(line, out);
    }

    /// The comment behind the line's text, with the blanks before it.
    fn comment(&self, line: &Line, out: &mut String) {
        let Some(comment) = line.comment else { return };
        let before = &self.text[line.span.start as usize..comment];
        let gap = before.len() - before.trim_end().len();
        out.extend(std::iter::repeat_n(' ', gap.max(1)));
        out.push_str(self.text[comment..line.span.end as usize].trim_end());
    }

    /// Goes to the collection of a mark at an old column, and gives its new one. `at`: the column
    /// behind another mark on the same line.
    fn enter(&mut self, old: usize, dash: bool, at: Option<usize>) -> usize {
        let left = |l: &Level| l.old > old || (l.old == old && l.dash && !dash);
        while self.levels.last().is_some_and(left) {
            self.levels.pop();
        }
        match self.levels.last() {
            Some(level) if level.old == old && level.dash == dash => level.new,
            last => {
                let new = at.unwrap_or_else(|| last.map_or(0, |l| l.new + 2));
                self.levels.push(Level { old, new, dash });
                new
            }
        }
    }

    fn block_line(&mut self, line: &Line) {
        self.keep_held();
        let Some(block) = &mut self.block else { return };
        let written = line.span.of(self.text);
        let blank = written.trim().is_empty();
        let old = match (block.old, blank) {
            (Some(old), _) => old,
            (None, true) => return self.write(line, String::new()),
            (None, false) => *block.old.insert(line.indent),
        };
        let new = block.holder + block.indicated.unwrap_or(2);
        let text = match written.get(old..) {
            Some(rest) => format!("{}{rest}", " ".repeat(new)),
            None => String::new(),
        };
        self.write(line, text);
    }

    /// A further line of brackets, or of quoted or plain text.
    fn continued(&mut self, line: &Line, before: &Open) {
        self.keep_held();
        let written = line.span.of(self.text);
        if before.quote.is_some() {
            return self.write(line, written.to_owned());
        }
        let holder = self.levels.last().map_or(0, |l| l.new + 2);
        let mut out = match (self.flow, line.value) {
            (Some(_), None) if line.comment.is_none() => String::new(),
            (Some(holder), value) => {
                let value = value.map_or("", |v| v.of(self.text)).trim_end();
                let closing = value.bytes().take_while(|b| matches!(b, b']' | b'}')).count();
                let depth = before.flow.len().saturating_sub(closing);
                " ".repeat(holder + 2 * depth) + &spaced(value)
            }
            (None, value) => " ".repeat(holder) + value.map_or("", |v| v.of(self.text)),
        };
        if out.trim().is_empty() && line.comment.is_some() {
            self.held_comment(line, &mut out);
        } else {
            self.comment(line, &mut out);
        }
        self.write(line, out.trim_end().to_owned());
    }

    /// A comment alone on a line within brackets.
    fn held_comment(&self, line: &Line, out: &mut String) {
        let start = line.comment.unwrap_or(line.span.end as usize);
        out.push_str(self.text[start..line.span.end as usize].trim_end());
    }

    /// The old and the new column of every open collection, where a held comment asks for them.
    fn columns(&self) -> Vec<(usize, usize)> {
        let asked = self.held.iter().any(|l| l.kind == LineKind::Comment);
        self.levels.iter().filter(|_| asked).map(|l| (l.old, l.new)).collect()
    }

    /// Writes the held lines before something that stands at `place`: its old and new column.
    fn release(&mut self, open: &[(usize, usize)], place: Option<(usize, usize)>) {
        let mut empty = None;
        for line in std::mem::take(&mut self.held) {
            if line.kind != LineKind::Comment {
                match empty {
                    None if self.written => empty = Some(line),
                    _ => self.remove(&line),
                }
                continue;
            }
            if let Some(empty) = empty.take() {
                self.write(&empty, String::new());
            }
            // A comment belongs to what follows it, or to the open collection that it stands in.
            let indent = match place {
                Some((at, new)) if line.indent == at => new,
                _ => open.iter().rev().find(|(old, _)| *old <= line.indent).map_or(0, |(_, new)| *new),
            };
            let comment = &line.span.of(self.text)[line.indent..];
            self.write(&line, " ".repeat(indent) + comment.trim_end());
        }
        match (empty, place.is_some()) {
            (Some(line), true) => self.write(&line, String::new()),
            (Some(line), false) => self.remove(&line),
            (None, _) => {}
        }
    }

    /// Writes the held lines as they are: between the lines of a text, empty ones are part of it.
    fn keep_held(&mut self) {
        for line in std::mem::take(&mut self.held) {
            let text = match line.kind {
                LineKind::Comment => line.span.of(self.text).trim_end().to_owned(),
                LineKind::Block => {
                    let old = self.block.as_ref().and_then(|b| b.old);
                    let new = self.block.as_ref().map_or(0, |b| b.holder + b.indicated.unwrap_or(2));
                    let rest = old.and_then(|old| line.span.of(self.text).get(old..)).unwrap_or("");
                    if rest.is_empty() { String::new() } else { " ".repeat(new) + rest }
                }
                _ => String::new(),
            };
            self.write(&line, text);
        }
    }

    fn finish(&mut self, ends_text: bool) {
        // The last line of a text that ends with a break is not a line.
        let phantom = |l: &Line| ends_text && l.span.start == l.span.end && l.span.start as usize == self.end;
        if self.held.last().is_some_and(phantom) {
            self.held.pop();
        }
        self.release(&self.columns(), None);
        // Of several empty lines the first is decided on last.
        self.edits.sort_by_key(|e| e.span);
        let ends = self.text.ends_with('\n') || self.text.is_empty();
        if ends_text && !ends && self.written && !self.removes_end() {
            let line_break = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
            self.edits.push(Edit { span: Span::at(self.text.len()), text: line_break.to_owned() });
        }
    }

    /// Whether the text's last, unended line goes away.
    fn removes_end(&self) -> bool {
        self.edits.last().is_some_and(|e| e.text.is_empty() && e.span.end as usize == self.text.len())
    }

    fn write(&mut self, line: &Line, text: String) {
        self.written = true;
        if line.span.of(self.text) != text {
            self.edits.push(Edit { span: line.span, text });
        }
    }

    /// Removes an empty line with its break.
    fn remove(&mut self, line: &Line) {
        let end = line.span.end as usize;
        let behind = &self.text[end..];
        let line_break = if behind.starts_with("\r\n") { 2 } else { usize::from(behind.starts_with('\n')) };
        let end = end + line_break;
        if end > line.span.start as usize {
            self.edits.push(Edit { span: Span::new(line.span.start as usize, end), text: String::new() });
        }
    }
}

impl Block {
    fn new(header: &str, holder: usize, line: &Line) -> Self {
        let indicated = header.bytes().find(u8::is_ascii_digit).map(|b| usize::from(b - b'0'));
        let column = line.marks.last().map_or(0, |m| m.column);
        Self { holder, old: indicated.map(|n| column + n), indicated, keeps: header.contains('+') }
    }
}
