//! The indentation of a line that was just begun.

use super::yaml_part::yaml;
use crate::check::Edit;
use crate::manifest::Source;
use crate::syntax::{Line, LineKind, Scanner, Span};

/// What the line at an offset needs, once a line break was typed before it. Behind an empty line,
/// or within quotes, it is left as it is.
pub fn on_enter(source: &Source, offset: usize) -> Option<Edit> {
    let part = yaml(source)?;
    if offset < part.start as usize || offset > part.end as usize {
        return None;
    }
    let text = &source.text[..part.end as usize];
    let mut scanner = Scanner::new(text, part.start as usize);
    let mut last: Option<Line> = None;
    loop {
        let open = scanner.open.clone();
        let line = scanner.next()?;
        if (line.span.end as usize) < offset {
            last = Some(line);
            continue;
        }
        let start = line.span.start as usize;
        let last = last.filter(|l| !text[l.span.range()].trim().is_empty())?;
        let column = if open.quote.is_some() {
            return None;
        } else if let Some(parent) = open.block {
            let first = last.kind != LineKind::Block;
            if first { usize::try_from(parent + 2).unwrap_or(2) } else { last.indent }
        } else if let Some((_, bracket)) = open.flow.last() {
            let opened = indent_at(text, *bracket);
            let closes = text[start + line.indent..].starts_with([']', '}']);
            if closes { opened } else { opened + 2 }
        } else {
            behind(&last)
        };
        if start + line.indent < offset {
            return None;
        }
        let edit = Edit { span: Span::new(start, start + line.indent), text: " ".repeat(column) };
        return (edit.span.of(text) != edit.text).then_some(edit);
    }
}

/// The column of what follows a line.
fn behind(line: &Line) -> usize {
    match line.marks.last() {
        Some(mark) if line.value.is_none() => mark.column + 2,
        Some(mark) => mark.column,
        None => line.indent,
    }
}

/// The indentation of the line that holds an offset.
fn indent_at(text: &str, offset: usize) -> usize {
    let line = text[..offset].rsplit('\n').next().unwrap_or_default();
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::apply;
    use crate::ide::fixture::marked;

    /// The text before the break, and the column that the next line gets.
    fn check(before: &str, column: usize) {
        for typed in ["", "    "] {
            let text = format!("{before}\n{typed}$0\n");
            let marked = marked(&text);
            let source = marked.source();
            let edits: Vec<_> = on_enter(&source, marked.offset).into_iter().collect();
            let after = apply(&source.text, &edits);
            let before = &source.text[..source.text[..marked.offset].rfind('\n').expect("a break")];
            assert_eq!(after, format!("{before}\n{}\n", " ".repeat(column)), "{text:?}");
        }
    }

    #[test]
    fn a_line_is_indented_as_what_is_before_it_asks() {
        check("egress:", 2);
        check("egress:\n  routes:", 4);
        check("egress:\n  routes:\n    - host: a", 6);
        check("egress:\n  routes:\n    -", 6);
        check("skills:\n  - a", 2);
        check("env:\n  A: b", 2);
        check("env: &a # c", 2);
        check("# c", 0);
        check("prompt: |", 2);
        check("prompt: |\n     text", 5);
        check("a:\n  b: [", 4);
        check("/h/.bot-bottle/agents/a.md|---\nx: 1\nenv:", 2);
    }

    #[test]
    fn some_lines_are_left_alone() {
        for text in
            ["a:\n\n$0", "a: \"x\n$0", "/h/.bot-bottle/agents/a.md|---\nbottle: d\n---\n- a:\n$0", "$0"]
        {
            let marked = marked(text);
            assert_eq!(on_enter(&marked.source(), marked.offset), None, "{text}");
        }
    }
}
