//! Formatting: indentation, blanks and empty lines, and nothing that a text says.
//!
//! Comments, quoted text and block scalars keep every character. What comes out is parsed again and
//! compared: where it would say something else, there is no edit at all.

mod flow;
mod lines;

use super::yaml_part::yaml;
use crate::check::{Edit, apply};
use crate::manifest::{Body, Carrier, Source};
use crate::syntax::{Node, Span, Tree, Value, parse};

/// The edits that format a document; none where it is not YAML, or is formatted already.
pub fn format(source: &Source) -> Vec<Edit> {
    let Some(edits) = edits(source) else { return Vec::new() };
    checked(source, edits).unwrap_or_default()
}

/// The edits that format the lines that a range touches. Where these alone would change what the
/// text says, those of the whole top-level entries.
pub fn format_range(source: &Source, range: Span) -> Vec<Edit> {
    let Some(all) = edits(source) else { return Vec::new() };
    let within = |range: Span| {
        let touches = |e: &&Edit| e.span.start <= range.end && range.start <= e.span.end;
        all.iter().filter(touches).cloned().collect::<Vec<_>>()
    };
    let lines = whole_lines(&source.text, range);
    checked(source, within(lines))
        .or_else(|| checked(source, within(entries(source, lines))))
        .unwrap_or_default()
}

/// Every edit; `None` where the text has a problem or no YAML.
fn edits(source: &Source) -> Option<Vec<Edit>> {
    if !source.tree.problems.is_empty() || matches!(source.body, Body::NoFrontmatter(_)) {
        return None;
    }
    let ends_text = source.carrier == Carrier::Yaml;
    Some(lines::edits(&source.text, yaml(source)?, ends_text))
}

/// The edits, if the text says the same with them.
fn checked(source: &Source, edits: Vec<Edit>) -> Option<Vec<Edit>> {
    if edits.is_empty() {
        return Some(edits);
    }
    let text = apply(&source.text, &edits);
    let before = yaml(source)?;
    let end = (before.end as usize + text.len()).checked_sub(source.text.len())?;
    let tree = parse(&text, Span::new(before.start as usize, end));
    same_tree(&source.tree, &source.text, &tree, &text).then_some(edits)
}

fn same_tree(a: &Tree, a_text: &str, b: &Tree, b_text: &str) -> bool {
    let comments = |tree: &Tree, text: &str| -> Vec<String> {
        tree.comments.iter().map(|c| c.span.of(text).trim_end().to_owned()).collect()
    };
    b.problems.is_empty()
        && a.documents.len() == b.documents.len()
        && a.documents.iter().zip(&b.documents).all(|(a, b)| match (&a.root, &b.root) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() == b.is_none(),
        })
        && a.anchors.iter().map(|a| &a.name).eq(b.anchors.iter().map(|b| &b.name))
        && comments(a, a_text) == comments(b, b_text)
}

fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Scalar(a), Value::Scalar(b)) => a == b,
        (Value::Sequence(a), Value::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Mapping(a), Value::Mapping(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.key.text == b.key.text && same(&a.value, &b.value))
        }
        _ => false,
    }
}

fn whole_lines(text: &str, range: Span) -> Span {
    let (start, end) = ((range.start as usize).min(text.len()), (range.end as usize).min(text.len()));
    let start = text.as_bytes()[..start].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let end = text.as_bytes()[end..].iter().position(|b| *b == b'\n').map_or(text.len(), |i| end + i);
    Span::new(start, end)
}

/// The lines of every top-level entry that a range touches.
fn entries(source: &Source, range: Span) -> Span {
    let roots = source.tree.documents.iter().filter_map(|d| d.root.as_ref());
    let entries = roots.flat_map(Node::entries).filter(|e| e.key.origin.is_none());
    let spans = entries.map(|e| whole_lines(&source.text, e.key.span.join(e.value.span)));
    spans.filter(|s| s.start <= range.end && range.start <= s.end).fold(range, Span::join)
}

#[cfg(test)]
mod tests;
