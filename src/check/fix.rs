//! Applying fixes.

use super::{Applicability, Diagnostic, Edit, Facts, Fix, check};
use crate::manifest::{Catalog, Layout, Source};
use std::path::Path;
use std::sync::Arc;

/// Applies edits to a text. The edits may touch but not overlap.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|e| (e.span.start, e.span.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in sorted {
        let range = edit.span.range();
        out.push_str(text.get(at..range.start).unwrap_or(""));
        out.push_str(&edit.text);
        at = range.end.max(at);
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
        let found = check(&Arc::new(source), catalog, facts);
        let fixes = compatible(&found, with_unsafe);
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

/// Fixes that can be applied together: no edit of one touches an edit of another.
fn compatible(found: &[Diagnostic], with_unsafe: bool) -> Vec<&Fix> {
    let mut taken: Vec<&Fix> = Vec::new();
    let wanted = found
        .iter()
        .filter_map(|d| d.fix.as_ref())
        .filter(|f| with_unsafe || f.applicability == Applicability::Safe);
    for fix in wanted {
        let free = |e: &Edit| {
            let touches = |o: &Edit| e.span.start <= o.span.end && o.span.start <= e.span.end;
            !taken.iter().flat_map(|f| &f.edits).any(touches)
        };
        if fix.edits.iter().all(free) {
            taken.push(fix);
        }
    }
    taken
}
