//! Applying fixes.

use super::{Applicability, Diagnostic, Edit, Facts, Fix, check};
use crate::manifest::{Catalog, Layout, Source};
use crate::syntax::{Node, Span};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Edits as every client reads them alike: in the order of the text, none touching another. What
/// touches is one edit: an insertion where a removal starts, say, which Neovim applies the other way
/// round. The edits may touch but not overlap.
pub fn normalised(edits: &[Edit]) -> Vec<Edit> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|e| (e.span.start, e.span.end));
    let mut all: Vec<Edit> = Vec::with_capacity(sorted.len());
    for edit in sorted {
        match all.last_mut().filter(|last| edit.span.start <= last.span.end) {
            Some(last) => {
                last.span.end = last.span.end.max(edit.span.end);
                last.text.push_str(&edit.text);
            }
            None => all.push(edit.clone()),
        }
    }
    all
}

/// Applies edits to a text. The edits may touch but not overlap.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in normalised(edits) {
        let range = edit.span.range();
        out.push_str(text.get(at..range.start).unwrap_or(""));
        out.push_str(&edit.text);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// How often a text is checked again: each round mends at least one finding, and a fix never
/// makes another of its kind, so real manifests need two or three.
const ROUNDS: usize = 50;

/// Applies every fix of the wanted kind until there is none left, and gives the new text and how
/// many fixes were applied.
///
/// Of fixes that touch one another the first is applied, and the next round sees the rest.
pub fn fix_all(
    path: &Path,
    text: Arc<str>,
    catalog: &Catalog<'_>,
    layout: &Layout,
    facts: &Facts<'_>,
    with_unsafe: bool,
) -> (Arc<str>, usize) {
    let mut text = text;
    let mut applied = 0;
    for _ in 0..ROUNDS {
        let Some(source) = Source::recognise(path, text.clone(), layout, true) else { break };
        // Of a text that is broken somewhere only a part is known: a person may edit it, we do not.
        if !source.tree.problems.is_empty() {
            break;
        }
        let source = Arc::new(source);
        let found = check(&source, catalog, facts);
        let fixes = compatible(&source, &found, with_unsafe);
        if fixes.is_empty() {
            break;
        }
        let edits: Vec<Edit> = fixes.iter().flat_map(|f| f.edits.iter().cloned()).collect();
        let next = apply(&text, &edits);
        if *next == *text {
            break;
        }
        applied += fixes.len();
        text = next.into();
    }
    (text, applied)
}

/// Fixes that can be applied together: no edit of one touches an edit of another, and they do not empty a
/// collection together. Each that removes a member counts on the others being there: the one that removes the last
/// writes `[]`, which is not the same as nothing.
fn compatible<'f>(source: &Source, found: &'f [Diagnostic], with_unsafe: bool) -> Vec<&'f Fix> {
    let mut taken: Vec<&Fix> = Vec::new();
    let mut removed: HashMap<Span, usize> = HashMap::new();
    let wanted = found
        .iter()
        .filter_map(|d| d.fix.as_ref())
        .filter(|f| with_unsafe || f.applicability == Applicability::Safe);
    for fix in wanted {
        let free = |e: &Edit| {
            let touches = |o: &Edit| e.span.start <= o.span.end && o.span.start <= e.span.end;
            !taken.iter().flat_map(|f| &f.edits).any(touches)
        };
        if !fix.edits.iter().all(free) {
            continue;
        }
        let parents: Vec<_> = fix.edits.iter().filter_map(|edit| parent(source, edit)).collect();
        let empties = |node: &&Node| {
            let before = removed.get(&node.span).copied().unwrap_or_default();
            before > 0 && before + 1 >= members(node)
        };
        if parents.iter().any(empties) {
            continue;
        }
        parents.iter().for_each(|node| *removed.entry(node.span).or_default() += 1);
        taken.push(fix);
    }
    taken
}

fn members(node: &Node) -> usize {
    node.entries().len() + node.items().len()
}

/// The collection that a removal takes a member of.
fn parent<'s>(source: &'s Source, edit: &Edit) -> Option<&'s Node> {
    let gone = source.text.get(edit.span.range()).filter(|_| edit.text.is_empty())?;
    let at = edit.span.start as usize + gone.len() - gone.trim_start().len();
    let roots = source.tree.documents.iter().filter_map(|document| document.root.as_ref());
    let mut node = roots.into_iter().find(|root| holds(root, at))?;
    loop {
        let values = node.entries().iter().map(|entry| &entry.value).chain(node.items());
        match values.filter(|value| members(value) > 0).find(|value| holds(value, at)) {
            Some(inner) => node = inner,
            None => return (members(node) > 0).then_some(node),
        }
    }
}

fn holds(node: &Node, at: usize) -> bool {
    node.origin.is_none() && node.span.range().contains(&at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Span;
    use proptest::prelude::*;

    /// The edits one after another, from the end, as Neovim applies them: those of one start by
    /// descending index.
    fn by_neovim(text: &str, edits: &[Edit]) -> String {
        let mut order: Vec<(usize, &Edit)> = edits.iter().enumerate().collect();
        order.sort_by(|(i, a), (j, b)| (b.span.start, j).cmp(&(a.span.start, i)));
        let mut out = text.to_owned();
        order.iter().for_each(|(_, e)| out.replace_range(e.span.range(), &e.text));
        out
    }

    /// By offsets of the original text, those of one start in the list's order, as VS Code does.
    fn by_vscode(text: &str, edits: &[Edit]) -> String {
        let mut order: Vec<&Edit> = edits.iter().collect();
        order.sort_by_key(|e| e.span.start);
        let (mut out, mut at) = (String::new(), 0);
        for edit in order {
            out.push_str(&text[at..edit.span.start as usize]);
            out.push_str(&edit.text);
            at = edit.span.end as usize;
        }
        out + &text[at..]
    }

    proptest! {
        /// However many edits touch one another, three clients make the same text of them.
        #[test]
        fn every_client_reads_the_edits_alike(
            text in "[a-z\n]{0,24}",
            cuts in prop::collection::vec((0usize..25, 0usize..4, "[A-Z]{0,3}"), 0..6),
        ) {
            let mut edits: Vec<Edit> = Vec::new();
            let mut end = 0;
            let mut cuts = cuts;
            cuts.sort();
            for (start, len, new) in cuts {
                let start = start.clamp(end, text.len().max(end));
                if start > text.len() { break; }
                let stop = (start + len).min(text.len());
                edits.push(Edit { span: Span::new(start, stop), text: new });
                end = stop;
            }
            let sent = normalised(&edits);
            prop_assert!(sent.windows(2).all(|w| w[0].span.end < w[1].span.start));
            let wanted = apply(&text, &edits);
            prop_assert_eq!(&by_neovim(&text, &sent), &wanted);
            prop_assert_eq!(&by_vscode(&text, &sent), &wanted);
        }
    }
}
