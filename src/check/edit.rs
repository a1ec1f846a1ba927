//! Edits of YAML text that keep its comments and its style. None is made inside an alias.

use super::Edit;
use crate::syntax::{Entry, Node, Span, Value};

/// Removes an entry of a mapping; of an only entry in a flow mapping, its text alone.
///
/// `None` where the mapping came through an alias or has no such entry.
pub(super) fn remove_entry(text: &str, mapping: &Node, key: &str) -> Option<Edit> {
    let entries = mapping.entries();
    let index = entries.iter().position(|e| &*e.key.text == key)?;
    let entry = &entries[index];
    if mapping.origin.is_some() || entry.key.origin.is_some() {
        return None;
    }
    let whole = entry.key.span.join(entry.value.span);
    if is_flow(text, mapping) {
        return Some(remove(without_comma(text, mapping.span, whole)));
    }
    // The first key behind a dash shares the dash's line: the next key moves up to it.
    let starts_line = text[line_start(text, whole.start as usize)..whole.start as usize].trim().is_empty();
    let next = entries.get(index + 1).filter(|e| e.key.origin.is_none());
    Some(match (starts_line, next) {
        (true, _) => remove(whole_lines(text, whole)),
        (false, Some(next)) => remove(Span { start: whole.start, end: next.key.span.start }),
        (false, None) => Edit { span: whole, text: "{}".to_owned() },
    })
}

/// Removes an item of a sequence, dash and comments behind it included.
pub(super) fn remove_item(text: &str, sequence: &Node, index: usize) -> Option<Edit> {
    let item = sequence.items().get(index)?;
    if sequence.origin.is_some() {
        return None;
    }
    if is_flow(text, sequence) {
        return Some(remove(without_comma(text, sequence.span, item.span)));
    }
    let dash = text[..item.span.start as usize].rfind('-')?;
    let span = Span { start: Span::at(dash).start, end: item.span.end };
    // Behind another dash (`- - a`) the line is not the item's own.
    let starts_line = text[line_start(text, dash)..dash].trim().is_empty();
    starts_line.then(|| remove(whole_lines(text, span)))
}

/// Sets `key: value` in the mapping under `parent`, making the mapping if it is not there.
///
/// `at` is where a new `parent` goes: the start of a line at the indentation of `root`'s keys.
pub(super) fn set_below(
    text: &str,
    root: &Node,
    parent: &str,
    key: &str,
    value: &str,
    at: usize,
) -> Option<Edit> {
    let Some(entry) = root.entry(parent) else {
        if is_flow(text, root) {
            return Some(insert(root.span.start as usize + 1, format!("{parent}: {{{key}: {value}}}, ")));
        }
        let indent = indent_of_keys(text, root);
        return Some(insert(at, format!("{indent}{parent}:\n{indent}  {key}: {value}\n")));
    };
    if entry.key.origin.is_some() || entry.value.origin.is_some() {
        return None;
    }
    match &entry.value.value {
        Value::Mapping(_) => match entry.value.get(key) {
            Some(old) => (old.origin.is_none()).then(|| Edit { span: old.span, text: value.to_owned() }),
            None => add_entry(text, &entry.value, key, value),
        },
        Value::Scalar(_) if entry.value.is_null() => {
            let end = text[..entry.value.span.end as usize].trim_end().len().max(entry.key.span.end as usize);
            let end = end + usize::from(text[end..].starts_with(':'));
            let indent = indent_of(text, entry);
            Some(Edit {
                span: Span::new(end, end.max(entry.value.span.end as usize).min(line_end(text, end))),
                text: format!("\n{indent}  {key}: {value}"),
            })
        }
        _ => None,
    }
}

/// Adds an entry at the end of a mapping that has at least one, or is written `{}`.
pub(super) fn add_entry(text: &str, mapping: &Node, key: &str, value: &str) -> Option<Edit> {
    if mapping.origin.is_some() || !matches!(mapping.value, Value::Mapping(_)) {
        return None;
    }
    if is_flow(text, mapping) {
        let last = mapping.entries().iter().map(|e| e.key.span.join(e.value.span)).max_by_key(|s| s.end);
        return add_to_flow(text, mapping, last, &format!("{key}: {value}"));
    }
    let indent = " ".repeat(column(text, mapping.span.start as usize));
    let end = whole_lines(text, mapping.span).end as usize;
    Some(insert(end, lines_at(text, end, &format!("{indent}{key}: {value}\n"))))
}

/// Adds to a flow collection behind its last member: a comma or a comment there stays behind.
/// Text that breaks off before the closing bracket is left alone.
fn add_to_flow(text: &str, collection: &Node, last: Option<Span>, member: &str) -> Option<Edit> {
    let bracket = if text[collection.span.range()].starts_with('{') { '}' } else { ']' };
    if !collection.span.of(text).ends_with(bracket) {
        return None;
    }
    let close = collection.span.end as usize - 1;
    match last.map(|s| s.end as usize) {
        None => Some(insert(collection.span.start as usize + 1, member.to_owned())),
        // A key without a value ends before its colon.
        Some(end) if text[end..close].trim_start().starts_with(':') => None,
        Some(end) => Some(insert(end, format!(", {member}"))),
    }
}

/// Writes an empty collection (`[]`, `{}`) in place of an entry's.
pub(super) fn empty(text: &str, entry: &Entry, collection: &str) -> Option<Edit> {
    if entry.key.origin.is_some() || entry.value.origin.is_some() {
        return None;
    }
    let colon = Span { start: entry.key.span.end, end: entry.value.span.start };
    // What stands between may be a comment or an anchor, which stay.
    let span = if colon.of(text).trim() == ":" { colon.join(entry.value.span) } else { entry.value.span };
    let before = if span == entry.value.span { "" } else { ": " };
    Some(Edit { span, text: format!("{before}{collection}") })
}

/// Moves an item of a block sequence in front of an earlier one, with its whole lines.
pub(super) fn move_item_before(text: &str, sequence: &Node, from: usize, to: usize) -> Option<Vec<Edit>> {
    let gone = remove_item(text, sequence, from)?;
    let earlier = remove_item(text, sequence, to)?;
    if is_flow(text, sequence) {
        return None;
    }
    let mut moved = gone.span.of(text).to_owned();
    if !moved.ends_with('\n') {
        moved.push('\n');
    }
    Some(vec![insert(earlier.span.start as usize, moved), gone])
}

/// Adds an item at the end of a sequence, in its own style: the lines of a mapping in block style,
/// or the same mapping in flow style.
pub(super) fn add_item(text: &str, sequence: &Node, block: &[String], flow: &str) -> Option<Edit> {
    if sequence.origin.is_some() || !matches!(sequence.value, Value::Sequence(_)) {
        return None;
    }
    let items = sequence.items();
    if is_flow(text, sequence) {
        return add_to_flow(text, sequence, items.last().map(|n| n.span), flow);
    }
    let dash = text[..items.first()?.span.start as usize].rfind('-')?;
    if !text[line_start(text, dash)..dash].trim().is_empty() {
        return None;
    }
    let indent = " ".repeat(column(text, dash));
    let mut lines = format!("{indent}- {}\n", block.first()?);
    lines.extend(block[1..].iter().map(|line| format!("{indent}  {line}\n")));
    let end = whole_lines(text, sequence.span).end as usize;
    Some(insert(end, lines_at(text, end, &lines)))
}

/// Whole lines as they are inserted: behind a last line without a line break, that comes first, and
/// the text ends without one as before.
fn lines_at(text: &str, at: usize, lines: &str) -> String {
    if at == 0 || text[..at].ends_with('\n') {
        return lines.to_owned();
    }
    format!("\n{}", lines.trim_end_matches('\n'))
}

/// Text as a YAML scalar: plain where that says the same.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || "/_.".contains(c))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c))
        && !["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str())
        && !text.starts_with('.');
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// Whether a collection is written with brackets.
pub(super) fn is_flow(text: &str, node: &Node) -> bool {
    text[node.span.range()].starts_with(['{', '['])
}

/// The start of the line that holds an offset.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |i| i + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |i| offset + i)
}

/// From the start of the span's first line to the end of its last, line break included.
pub(super) fn whole_lines(text: &str, span: Span) -> Span {
    let end = line_end(text, span.end as usize);
    Span::new(line_start(text, span.start as usize), (end + 1).min(text.len()))
}

fn indent_of_keys(text: &str, mapping: &Node) -> String {
    mapping.entries().iter().find(|e| e.key.origin.is_none()).map(|e| indent_of(text, e)).unwrap_or_default()
}

fn indent_of(text: &str, entry: &Entry) -> String {
    " ".repeat(column(text, entry.key.span.start as usize))
}

fn column(text: &str, offset: usize) -> usize {
    text[line_start(text, offset)..offset].chars().filter(|c| *c != '\u{feff}').count()
}

/// A flow item with the comma that separates it from its neighbour.
fn without_comma(text: &str, collection: Span, item: Span) -> Span {
    let (start, end) = (item.start as usize, item.end as usize);
    let after = text[end..collection.end as usize].trim_start();
    if after.starts_with(',') {
        let comma = collection.end as usize - after.len();
        let rest = &text[comma + 1..collection.end as usize];
        return Span::new(start, comma + 1 + (rest.len() - rest.trim_start().len()));
    }
    let before = text[collection.start as usize..start].trim_end();
    match before.strip_suffix(',') {
        Some(kept) => Span::new(collection.start as usize + kept.trim_end().len(), end),
        None => item,
    }
}

/// Replaces nothing by text.
pub(super) fn insert(at: usize, text: String) -> Edit {
    Edit { span: Span::at(at), text }
}

/// Replaces text by nothing.
pub(super) fn remove(span: Span) -> Edit {
    Edit { span, text: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::apply;
    use crate::syntax::parse;

    fn edited(text: &str, edit: impl Fn(&Node) -> Option<Edit>) -> String {
        let tree = parse(text, Span::new(0, text.len()));
        let root = tree.documents[0].root.as_ref().expect("root");
        apply(text, &[edit(root).expect("an edit")])
    }

    #[test]
    fn entries_go_with_their_lines_and_commas() {
        let drop = |text: &str, key: &str| edited(text, |root| remove_entry(text, root, key));
        assert_eq!(drop("a: 1 # one\nb: 2\n", "a"), "b: 2\n");
        assert_eq!(drop("a: |\n  x\n  y\nb: 2\n", "a"), "b: 2\n");
        assert_eq!(drop("{a: 1, b: 2}", "a"), "{b: 2}");
        assert_eq!(drop("{a: 1, b: 2}", "b"), "{a: 1}");
        assert_eq!(drop("a:\n  - x\nb: 2", "b"), "a:\n  - x\n");
    }

    #[test]
    fn the_first_key_behind_a_dash_makes_room_for_the_next() {
        let drop = |text: &str, key: &str| edited(text, |root| remove_entry(text, &root.items()[0], key));
        assert_eq!(drop("- a: 1\n  b: 2\n", "a"), "- b: 2\n");
        assert_eq!(drop("- a: 1\n  b: 2\n", "b"), "- a: 1\n");
        assert_eq!(drop("- a: 1\n", "a"), "- {}\n");
    }

    #[test]
    fn items_go_with_their_dash() {
        let drop = |text: &str, i: usize| edited(text, |root| remove_item(text, root, i));
        assert_eq!(drop("- a: 1\n  b: 2 # x\n- c\n", 0), "- c\n");
        assert_eq!(drop("[a, b]", 1), "[a]");
        assert_eq!(drop("[a, b]", 0), "[b]");
    }

    #[test]
    fn items_are_moved_and_added_in_the_sequences_own_style() {
        let text = "r:\n  - a: 1 # one\n  - b: 2\n    c: 3";
        let tree = parse(text, Span::new(0, text.len()));
        let list = tree.documents[0].root.as_ref().and_then(|r| r.get("r")).expect("r");
        let edits = move_item_before(text, list, 1, 0).expect("edits");
        assert_eq!(apply(text, &edits), "r:\n  - b: 2\n    c: 3\n  - a: 1 # one\n");
        let block = ["h: x".to_owned(), "k: y".to_owned()];
        let add = |text: &str| edited(text, |root| add_item(text, root, &block, "{h: x, k: y}"));
        assert_eq!(add("- a: 1\n"), "- a: 1\n- h: x\n  k: y\n");
        assert_eq!(add("[]"), "[{h: x, k: y}]");
        assert_eq!(add("[a]"), "[a, {h: x, k: y}]");
        assert_eq!(add("[a, # one\n]"), "[a, {h: x, k: y}, # one\n]");
    }

    #[test]
    fn a_field_is_set_in_every_style() {
        let set = |text: &str| edited(text, |root| set_below(text, root, "p", "k", "v", 0));
        assert_eq!(set("a: 1\n"), "p:\n  k: v\na: 1\n");
        assert_eq!(set("p: {}\n"), "p: {k: v}\n");
        assert_eq!(set("p: {a: 1}\n"), "p: {a: 1, k: v}\n");
        assert_eq!(set("p:\n  a: 1 # x\nb: 2\n"), "p:\n  a: 1 # x\n  k: v\nb: 2\n");
        assert_eq!(set("p:\n  a: 1"), "p:\n  a: 1\n  k: v");
        assert_eq!(set("p:\nb: 1\n"), "p:\n  k: v\nb: 1\n");
        assert_eq!(set("p: {k: old}"), "p: {k: v}");
        assert_eq!(set("{a: 1}"), "{p: {k: v}, a: 1}");
    }
}
