//! Whatever stands in a text, every feature answers and none panics.

use super::fixture::{Marked, marked};
use super::symbols::Symbol;
use super::{
    completion, definition, folding, format, inlay, links, on_type, query, references, rename, selection,
    symbols, tokens,
};
use crate::check::{page, rules};
use crate::syntax::Span;
use proptest::prelude::*;

/// Asks everything at an offset.
fn everything(marked: &Marked, offset: usize) {
    marked.ask(|snapshot, _| {
        let source = snapshot.source;
        let whole = Span::new(0, source.text.len());
        query::at(source, offset);
        completion::completion(snapshot, offset);
        definition::definition(snapshot, offset);
        references::references(snapshot, offset, true);
        let _ = rename::rename(snapshot, offset, "other");
        selection::selection(source, offset);
        on_type::on_enter(source, offset);
        format::format_range(source, Span::new(offset, offset + 9));
        let inside =
            |span: Span| assert!(source.text.get(span.range()).is_some(), "{span:?} in {:?}", source.text);
        symbols::document_symbols(source).iter().for_each(|s| {
            inside(s.whole);
            nested(s);
        });
        folding::folds(source).iter().for_each(|f| inside(f.span));
        tokens::tokens(source, whole).iter().for_each(|t| inside(t.span));
        links::links(snapshot).iter().for_each(|l| inside(l.span));
        inlay::hints(snapshot, whole).iter().for_each(|h| inside(Span::at(h.offset)));
    });
}

/// Editors refuse an outline whose parts leave their whole.
fn nested(symbol: &Symbol) {
    assert!(symbol.whole.encloses(symbol.span) && !symbol.name.is_empty(), "{symbol:?}");
    for child in &symbol.children {
        assert!(symbol.whole.encloses(child.whole), "{symbol:?}");
        nested(child);
    }
}

/// The rules' examples in both carriers, and texts that parsers dislike.
fn corpus() -> Vec<(String, String)> {
    let pages = rules::all().iter().map(page).flat_map(|p| p.bad.into_iter().chain(p.good));
    let place =
        |path: &str| path.strip_prefix("~/").map_or(format!("/p/{path}"), |rest| format!("/h/{rest}"));
    let mut all: Vec<_> = pages.map(|f| (place(&f.path), f.text)).collect();
    let markdown =
        |text: &str| ("/h/.bot-bottle/bottles/x.md".to_owned(), format!("---\n{text}\n---\n# Body\n"));
    let examples: Vec<_> = all.iter().map(|(_, text)| markdown(text)).collect();
    all.extend(examples);
    for odd in [
        "x: &a [*a]\ny: {<<: *a, ? [b] : c}\n",
        "\u{feff}é: \"漢🙂\n  \\x\"\r\n-\t- |+2\r\n\r\n",
        "--- >\n a\n...\n%YAML 1.2\n---\n!!str &b *b : :\n",
    ] {
        all.push(("/p/dev.bottle.yaml".to_owned(), odd.to_owned()));
        all.push(markdown(odd));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_and_no_offset_panics(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0usize..6, "[ \\n\\r\\t:#\\-,\\[\\]{}&*!|>\"'%@`?$~ax0é🙂]{0,4}"), 0..8),
        at in any::<prop::sample::Index>(),
    ) {
        let corpus = corpus();
        let (path, mut text) = pick.get(&corpus).clone();
        for (at, drop, insert) in &edits {
            let at = (0..=at.index(text.len() + 1)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            let end = (at + drop..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
            text.replace_range(at..end.max(at), insert);
        }
        let length = text.len();
        // A `$0` that was there is no cursor.
        let marked = marked(&format!("{path}|{}", text.replace("$0", "$1")));
        if marked.manifests.is_empty() {
            return Ok(());
        }
        everything(&marked, at.index(length + 3));
        everything(&marked, length);
    }
}

#[test]
fn deep_long_and_wide_texts_are_answered() {
    let texts = [
        "[".repeat(20_000),
        "- ".repeat(20_000),
        "{a: ".repeat(10_000),
        "a:\n".repeat(5_000),
        format!("a: {}", "x ".repeat(50_000)),
        (0..400).map(|i| format!("{}a:\n", " ".repeat(i))).collect(),
    ];
    for text in texts {
        let marked = marked(&text);
        for offset in [0, text.len() / 2, text.len()] {
            everything(&marked, offset);
        }
    }
}
