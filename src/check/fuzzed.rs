//! What must hold for any manifest's bytes: the bodies of the fuzz targets, which tests run too.

use super::{Facts, check, fix_all};
use crate::manifest::{Catalog, Layout, MemoryFiles, Source};
use crate::syntax::{LineIndex, Span, Unit, parse, split_frontmatter};
use std::path::Path;

/// Any text becomes a tree whose places lie in the text.
///
/// # Panics
/// When that is not so.
pub fn syntax(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let whole = Span::new(0, text.len());
    let _ = split_frontmatter(&text);
    let tree = parse(&text, whole);
    for problem in &tree.problems {
        assert!(text.get(problem.span.range()).is_some(), "a problem's place is not in the text");
    }
    let lines = LineIndex::new(&text);
    for offset in (0..=text.len()).filter(|offset| text.is_char_boundary(*offset)) {
        let position = lines.position(&text, offset, Unit::Utf16);
        // Between `\r` and `\n` an editor has no place of its own: it is the line's end.
        let back = lines.offset(&text, position, Unit::Utf16);
        assert_eq!(lines.position(&text, back, Unit::Utf16), position);
    }
}

/// Fixing ends: what was fixed has nothing left to fix, and no place of a finding lies outside the text.
///
/// # Panics
/// When that is not so.
pub fn fixes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (files, layout) = (MemoryFiles::default(), Layout { home: Some("/home/ada".into()) });
    let (catalog, path) = (Catalog::new(&files, &layout), Path::new("/project/dev.bottle.yaml"));
    let Some(source) = Source::recognise(path, &*text, &layout, true) else { return };
    for finding in check(&source.into(), &catalog, &Facts::default()) {
        assert!(text.get(finding.span.range()).is_some(), "a finding's place is not in the text");
    }
    let fix = |text: &str| fix_all(path, text.into(), &catalog, &layout, &Facts::default(), true);
    let (once, _) = fix(&text);
    let (twice, count) = fix(&once);
    assert_eq!((once, count), (twice, 0), "fixing goes on for ever");
}
