//! Which part of a text is YAML.

use crate::manifest::{Body, Source};
use crate::syntax::Span;

/// The YAML of a text, also where the closing fence is not there yet. A fence's own line is none of
/// it. `None` where there is no YAML.
pub(super) fn yaml(source: &Source) -> Option<Span> {
    let text = &source.text;
    if source.body == Body::None {
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        return Some(Span::new(start, text.len()));
    }
    let fence = text.find("---").filter(|at| text[..*at].trim_start_matches('\u{feff}').is_empty())?;
    let start = fence + text[fence..].find('\n')? + 1;
    let close = text[start..].lines().position(|l| matches!(l.trim_end(), "---" | "..."));
    let lines = text[start..].split_inclusive('\n');
    match close {
        Some(0) => None,
        Some(n) => Some(Span::new(start, start + lines.take(n).map(str::len).sum::<usize>() - 1)),
        None => Some(Span::new(start, text.len())),
    }
}
