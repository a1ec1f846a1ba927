//! Frontmatter that Claude Code reads and YAML does not: a description of one line, unquoted, in which a colon or a
//! special character stands. Files of subagents have it often.

use crate::syntax::{Node, Scalar, Span, Style, Tree, Value, parse};

const KEY: &str = "description:";

/// Parses an agent's frontmatter, whose `description` may be such a text. With it comes where that text stands, if
/// the YAML is only read because of the tolerance.
pub(super) fn parse_frontmatter(text: &str, yaml: Span) -> (Tree, Option<Span>) {
    let tree = parse(text, yaml);
    let Some(value) = (!tree.problems.is_empty()).then(|| unquoted_description(text, yaml)).flatten() else {
        return (tree, None);
    };
    // Letters of the same length, so that every other place stays where it is.
    let masked =
        [&text[..value.start as usize], &"x".repeat(value.range().len()), &text[value.end as usize..]];
    let mut tolerant = parse(&masked.concat(), yaml);
    if !tolerant.problems.is_empty() {
        // The rest is broken too: one thing at a time, and each as YAML has it.
        return (tree, None);
    }
    let root = tolerant.documents.first_mut().and_then(|document| document.root.as_mut());
    restore(root, value, text);
    (tolerant, Some(value))
}

/// The value of a top-level `description` that is one line of unquoted text.
fn unquoted_description(text: &str, yaml: Span) -> Option<Span> {
    let mut lines = lines(text, yaml).peekable();
    let line = lines.find(|line| line.of(text).starts_with(KEY))?;
    // What is indented below goes on with it.
    let goes_on = |next: &Span| next.of(text).starts_with([' ', '\t']) && !next.of(text).trim().is_empty();
    if lines.peek().is_some_and(goes_on) {
        return None;
    }
    let value = line.of(text)[KEY.len()..].trim();
    let plain = !value.is_empty() && !value.starts_with(['"', '\'', '|', '>', '&', '*', '!']);
    let start = line.start as usize + line.of(text).len() - line.of(text)[KEY.len()..].trim_start().len();
    plain.then(|| Span::new(start, start + value.len()))
}

/// Each line of a part, without its break.
fn lines(text: &str, part: Span) -> impl Iterator<Item = Span> {
    let mut offset = part.start as usize;
    part.of(text).split_inclusive('\n').map(move |line| {
        let here = offset;
        offset += line.len();
        Span::new(here, here + line.trim_end_matches(['\n', '\r']).len())
    })
}

/// Puts the text that was masked back into the tree: it is searched for secrets like any other.
fn restore(root: Option<&mut Node>, value: Span, text: &str) {
    let Some(Node { value: Value::Mapping(entries), .. }) = root else { return };
    for entry in entries.iter_mut().filter(|entry| entry.value.span == value) {
        let scalar = Scalar { text: value.of(text).into(), style: Style::Plain, forced_text: true };
        entry.value.value = Value::Scalar(scalar);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Option<&str>) {
        let (tree, value) = parse_frontmatter(text, Span::new(0, text.len()));
        let said = tree
            .documents
            .first()
            .and_then(|d| d.root.as_ref()?.get("description")?.text().map(str::to_owned));
        let problems = tree.problems.into_iter().map(|problem| problem.message);
        (problems.chain(said).collect(), value.map(|span| span.of(text)))
    }

    #[test]
    fn a_description_of_one_line_is_read_as_it_stands() {
        for value in [
            "Use this: when x",
            "[draft] reviews",
            "`git` helper: x",
            "@me: x",
            "<example>user: \"a\"</example>",
            "%x",
            "a: b # c",
        ] {
            let text = format!("name: x\ndescription:   {value}  \nbottle: dev\n");
            assert_eq!(read(&text), (vec![value.to_owned()], Some(value)), "{value}");
        }
        let crlf = "description: a: b\r\nbottle: dev\r\n";
        assert_eq!(read(crlf), (vec!["a: b".to_owned()], Some("a: b")));
    }

    #[test]
    fn what_is_yaml_or_broken_elsewhere_is_read_as_yaml() {
        assert_eq!(read("description: plain\n").1, None);
        for broken in [
            "description: \"a\" b: c\n",
            "description: a: b\n  more\n",
            "description: a: b\nbottle: c: d\n",
            "x: {description: a: b}\n",
            "name: a: b\n",
        ] {
            let (said, value) = read(broken);
            assert!(value.is_none() && !said.is_empty(), "{broken:?}: {said:?}");
        }
    }
}
