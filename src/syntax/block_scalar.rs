//! Where a block scalar (`|`, `>`) stands: from its indicator to the end of its text's last line. The parser's own
//! span begins behind the header and ends where the next token does, comments and indentation on the way included.

use super::Span;

/// The extent of a block scalar: `before` is where the token in front of it ends, `raw` the parser's span of it.
pub(super) fn extent(text: &str, before: usize, raw: Span) -> Span {
    let start = indicator(text, before).unwrap_or(raw.start as usize);
    let header =
        start + text[start..].find(|c: char| !"|>+-0123456789".contains(c)).unwrap_or(text.len() - start);
    let end = (raw.end as usize).max(header);
    Span::new(
        start,
        if keeps(&text[start..header]) { whole_lines(text, header, end) } else { filled(text, header, end) },
    )
}

/// The indicator that comes next behind `at`, over what may stand in front of it: marks, anchors, tags, comments.
fn indicator(text: &str, at: usize) -> Option<usize> {
    let mut at = at;
    loop {
        let rest = text.get(at..)?;
        at += match rest.chars().next()? {
            '|' | '>' => return Some(at),
            '&' | '!' => rest.find(char::is_whitespace)?,
            '#' => rest.find('\n')?,
            c if c.is_whitespace() || ":-?".contains(c) => c.len_utf8(),
            _ => return None,
        };
    }
}

/// Whether line breaks at the end belong to the text (`|+`).
fn keeps(header: &str) -> bool {
    header.contains('+')
}

/// The end of the last line with text, or of the header where there is none.
fn filled(text: &str, header: usize, end: usize) -> usize {
    let last = header + text[header..end].trim_end().len();
    line_end(text, last).min(end).max(last)
}

/// The end of the last line that ends before `end`: what follows is the next token's indentation.
fn whole_lines(text: &str, header: usize, end: usize) -> usize {
    match text[header..end].rfind('\n') {
        Some(last) if end < text.len() || text.ends_with('\n') => {
            header + last - usize::from(text[..header + last].ends_with('\r'))
        }
        _ => end,
    }
}

fn line_end(text: &str, at: usize) -> usize {
    let line = text[at..].split('\n').next().unwrap_or("");
    at + line.trim_end_matches('\r').len()
}

#[cfg(test)]
mod tests {
    use crate::syntax::Span;
    use crate::syntax::{Node, Value, parse};

    /// The source of every scalar that is a value, in order.
    fn values(text: &str) -> Vec<String> {
        fn walk(node: &Node, text: &str, out: &mut Vec<String>) {
            match &node.value {
                Value::Scalar(_) => out.push(node.span.of(text).to_owned()),
                Value::Mapping(entries) => entries.iter().for_each(|e| walk(&e.value, text, out)),
                Value::Sequence(items) => items.iter().for_each(|item| walk(item, text, out)),
            }
        }
        let tree = parse(text, Span::new(0, text.len()));
        assert!(tree.problems.is_empty(), "{text:?}: {:?}", tree.problems);
        let mut out = Vec::new();
        walk(tree.documents[0].root.as_ref().expect("a root"), text, &mut out);
        out
    }

    #[test]
    fn it_begins_at_its_indicator_and_ends_with_its_text() {
        for (text, wanted) in [
            ("a: |\n  x\n\n  # in\n\n # out\nb: 1\n", &["|\n  x\n\n  # in", "1"][..]),
            ("a: |\n  x\n\n\n\nb: 1\n", &["|\n  x", "1"]),
            ("l:\n  - |\n    x\n  # c\n  - >-\n    y\n  - z\n", &["|\n    x", ">-\n    y", "z"]),
            ("l:\n  - a: >-\n      x\n    # c\n    b: y\n", &[">-\n      x", "y"]),
            ("a: |+\n  x\n\n\n# c\nb: 1\n", &["|+\n  x\n\n", "1"]),
            ("a:\n  b: |+\n    x\n\n  c: 1\n", &["|+\n    x\n", "1"]),
            ("a: |\nb: 1\n", &["|", "1"]),
            ("a: |\n\n\n# c\nb: 1\n", &["|", "1"]),
            ("a: |\n  x", &["|\n  x"]),
            ("a: |\r\n  x\r\n\r\n  y\r\n\r\n# c\r\nb: 1\r\n", &["|\r\n  x\r\n\r\n  y", "1"]),
            ("a: | # head | > \n  x  \n  \n \n# c\n", &["| # head | > \n  x  "]),
            ("'a | # b': |\n  x\n", &["|\n  x"]),
            ("a: &x |2\n    t\n# c\nb: *x\n", &["|2\n    t", "*x"]),
            ("a: !!str\n  # note | > x\n  |\n  t\n# c\nb: 1\n", &["|\n  t", "1"]),
            ("- - |\n    x\n  - |\n    y\n", &["|\n    x", "|\n    y"]),
            ("- [a]\n- {b: 1}\n- >\n  x\n", &["a", "1", ">\n  x"]),
            ("- a: é\n  b: >\n   ü\n\n\n\n- z\n", &["é", ">\n   ü", "z"]),
        ] {
            assert_eq!(values(text), wanted, "{text:?}");
        }
    }
}
