//! Selections that grow: word, value, entry, mapping, document.

use crate::manifest::Source;
use crate::syntax::{Node, Span, Value};

/// The selections around an offset, the smallest first; each holds the one before it. The last one
/// is the whole text.
pub fn selection(source: &Source, offset: usize) -> Vec<Span> {
    let text = &*source.text;
    let offset = (0..=offset.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let mut outer = vec![Span::new(0, text.len())];
    if let crate::manifest::Body::After(body) = source.body
        && offset >= body.start as usize
    {
        outer.push(body);
        outer.push(paragraph(text, body, offset));
    }
    for document in source.tree.documents.iter().filter(|d| d.span.touches(offset)) {
        outer.push(document.span);
        document.root.iter().for_each(|root| node(text, root, offset, &mut outer));
    }
    outer.extend(source.tree.comments.iter().map(|c| c.span).filter(|s| s.touches(offset)));
    outer.extend(word(text, offset));
    nested(outer)
}

fn node(text: &str, value: &Node, offset: usize, outer: &mut Vec<Span>) {
    let whole = trimmed(text, value.span);
    if !whole.touches(offset) || value.origin.is_some() {
        return;
    }
    outer.push(whole);
    match &value.value {
        Value::Scalar(_) => {
            let quoted = whole.of(text).starts_with(['"', '\'']) && whole.end - whole.start >= 2;
            if quoted {
                outer.push(Span { start: whole.start + 1, end: whole.end - 1 });
            }
        }
        Value::Mapping(entries) => {
            for entry in entries.iter().filter(|e| e.key.origin.is_none()) {
                let span = trimmed(text, entry.key.span.join(entry.value.span));
                if span.touches(offset) {
                    outer.push(span);
                    if entry.key.span.touches(offset) {
                        outer.push(entry.key.span);
                    } else {
                        node(text, &entry.value, offset, outer);
                    }
                }
            }
        }
        Value::Sequence(items) => {
            for item in items.iter().filter(|n| n.span.touches(offset)) {
                let dash =
                    text[whole.start as usize..item.span.start as usize].trim_end_matches([' ', '\n', '\r']);
                if dash.ends_with('-') {
                    let start = whole.start as usize + dash.len() - 1;
                    outer.push(trimmed(text, Span::new(start, item.span.end as usize)));
                }
                node(text, item, offset, outer);
            }
        }
    }
}

/// The letters, digits, `_` and `-` around an offset.
fn word(text: &str, offset: usize) -> Option<Span> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let start =
        offset - text[..offset].chars().rev().take_while(|c| part(*c)).map(char::len_utf8).sum::<usize>();
    let end = offset + text[offset..].chars().take_while(|c| part(*c)).map(char::len_utf8).sum::<usize>();
    (start < end).then(|| Span::new(start, end))
}

/// The lines around an offset that no empty line divides.
fn paragraph(text: &str, body: Span, offset: usize) -> Span {
    let (from, to) = (body.start as usize, body.end as usize);
    let start = text[from..offset].rfind("\n\n").map_or(from, |i| from + i + 2);
    let end = text[offset..to].find("\n\n").map_or(to, |i| offset + i);
    trimmed(text, Span::new(start, end))
}

fn trimmed(text: &str, span: Span) -> Span {
    Span { end: span.start + u32::try_from(span.of(text).trim_end().len()).unwrap_or(0), ..span }
}

/// The smallest first, each strictly within the next.
fn nested(outer: Vec<Span>) -> Vec<Span> {
    let mut inner: Vec<Span> = Vec::with_capacity(outer.len());
    for span in outer {
        match inner.last() {
            Some(last) if !last.encloses(span) || *last == span => {}
            _ => inner.push(span),
        }
    }
    inner.reverse();
    inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    fn check(text: &str, expected: &[&str]) {
        let marked = marked(text);
        let source = marked.source();
        let seen: Vec<_> = selection(&source, marked.offset).iter().map(|s| s.of(&source.text)).collect();
        assert_eq!(seen, expected, "{text}");
        selection(&source, usize::MAX);
    }

    #[test]
    fn a_selection_grows_from_the_word_to_the_text() {
        let item = "- host: \"api.x.com\"\n    git: read";
        let mapping = "host: \"api.x.com\"\n    git: read";
        let text = format!("routes:\n  {item}\n");
        check(
            "routes:\n  - host: \"ap$0i.x.com\"\n    git: read\n",
            &[
                "api",
                "api.x.com",
                "\"api.x.com\"",
                "host: \"api.x.com\"",
                mapping,
                item,
                &text[..text.len() - 1],
                &text,
            ],
        );
        check("a: {b: c$0}\n", &["c", "b: c", "{b: c}", "a: {b: c}", "a: {b: c}\n"]);
        check("a: 1 # one t$0wo\n", &["two", "# one two", "a: 1 # one two\n"]);
        check(
            "/h/.bot-bottle/agents/a.md|---\nbottle: d\n---\none\ntw$0o\n\nthree\n",
            &["two", "one\ntwo", "one\ntwo\n\nthree\n", "---\nbottle: d\n---\none\ntwo\n\nthree\n"],
        );
    }
}
