use super::*;
use crate::check::{page, rules};
use crate::manifest::Layout;
use proptest::prelude::*;
use std::path::Path;

fn source(path: &str, text: &str) -> Option<Source> {
    Source::recognise(Path::new(path), text, &Layout::default(), true)
}

fn formatted(path: &str, text: &str) -> String {
    let source = source(path, text).expect("a manifest");
    apply(text, &format(&source))
}

fn check(text: &str, expected: &str) {
    let seen = formatted("/p/dev.bottle.yaml", text);
    assert_eq!(seen, expected);
    assert_eq!(formatted("/p/dev.bottle.yaml", &seen), seen, "not stable");
}

#[test]
fn indentation_is_two_blanks_a_level() {
    check(
        "egress:\n    routes:\n    -   host: a\n        auth:\n            scheme: Bearer\n    - host: b\nskills:\n- x\n",
        "egress:\n  routes:\n    - host: a\n      auth:\n        scheme: Bearer\n    - host: b\nskills:\n  - x\n",
    );
    check("a:\n   - - x\n     - y\n   -\n      b: 1\n", "a:\n  - - x\n    - y\n  -\n    b: 1\n");
    check("a:\n      b\n", "a:\n  b\n");
}

#[test]
fn blanks_are_put_right() {
    check("a:   1   \nb : 2\n\"c\" :  'x  y'  # why  \n", "a: 1\nb: 2\n\"c\": 'x  y'  # why\n");
    check("a: { b: c,d:  e }\nb: [ x,y ]# no comment\n", "a: { b: c,d:  e }\nb: [ x,y ]# no comment\n");
    check("a: { b: c,d:  e }\nb: [ x,y ] # c\n", "a: {b: c, d: e}\nb: [x, y] # c\n");
    check("a: &x   {k: 1}\nb:  *x\n", "a: &x {k: 1}\nb: *x\n");
}

#[test]
fn empty_lines_are_one_at_most_and_the_end_is_one_break() {
    check("\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n");
    check("a: 1", "a: 1\n");
    check("a: 1\n   ", "a: 1\n");
    check("a: 1\r\n\r\n\r\nb:  2", "a: 1\r\n\r\nb: 2\r\n");
    check("a: 1\n---\n\n\nb: 2\n", "a: 1\n---\n\nb: 2\n");
}

#[test]
fn comments_go_with_what_they_speak_of() {
    check(
        "# top\na:\n    # of b\n    b: 1   # one\n    # of nothing more\n# of c\nc: 2\n",
        "# top\na:\n  # of b\n  b: 1   # one\n  # of nothing more\n# of c\nc: 2\n",
    );
    check("a:\n    - x\n      # deep\n    # at the end\n", "a:\n  - x\n  # deep\n  # at the end\n");
}

#[test]
fn texts_keep_every_character() {
    check(
        "a:\n    p: |\n        one\n          two  \n\n\n        three\n\n\n    q: >-\n      x\n",
        "a:\n  p: |\n    one\n      two  \n\n\n    three\n\n  q: >-\n    x\n",
    );
    check("a:\n    p: |2\n        x\n       y\n", "a:\n  p: |2\n      x\n     y\n");
    check("a: |+\n    x\n\n\n", "a: |+\n  x\n\n\n");
    check("a: \"x  \n\n\n   y\"\nb:  1\n", "a: \"x  \n\n\n   y\"\nb: 1\n");
    check("a: x\n     y\n\n\n     z\nb:  1\n", "a: x\n  y\n\n\n  z\nb: 1\n");
}

#[test]
fn brackets_over_several_lines_are_indented_by_their_depth() {
    check(
        "a:\n    b: [\n      x, # one\n          {c: d,\n     e: f},\n\n     # two\n   ]\n    c:  1\n",
        "a:\n  b: [\n    x, # one\n    {c: d,\n      e: f},\n\n    # two\n  ]\n  c: 1\n",
    );
}

#[test]
fn what_is_not_yaml_is_left_alone() {
    for text in ["a: [1\nb:   2\n", "a:   1\na:\n  }\n"] {
        check(text, text);
    }
    let agent = "/p/.bot-bottle/agents/a.md";
    assert_eq!(
        formatted(agent, "---\nbottle:   d\n\n\n---\n\n\nBody   \n"),
        "---\nbottle: d\n---\n\n\nBody   \n"
    );
    assert_eq!(formatted(agent, "---\nbottle:   d\n"), "---\nbottle:   d\n");
}

#[test]
fn a_range_is_formatted_by_its_lines() {
    let text = "a:   1\nb:   2\nc:\n    d:   3\n    e:   4\n";
    let at = |from: &str, to: &str| {
        let range = Span::new(text.find(from).expect("from"), text.find(to).expect("to"));
        apply(text, &format_range(&source("/p/dev.bottle.yaml", text).expect("a manifest"), range))
    };
    assert_eq!(at("b:", "2"), "a:   1\nb: 2\nc:\n    d:   3\n    e:   4\n");
    assert_eq!(at("d:", "3"), "a:   1\nb:   2\nc:\n  d: 3\n  e: 4\n");
}

/// The rules' examples and a few odd texts.
fn corpus() -> Vec<String> {
    let pages = rules::all().iter().map(page).flat_map(|p| p.bad.into_iter().chain(p.good));
    let mut all: Vec<_> = pages.filter(|f| f.path.ends_with("yaml")).map(|f| f.text).collect();
    all.push("a:\n  - |\n    x\n\n  -   {b: [1,\n   2]} # c\n# d\nb: \"q\n  r\"\n".to_owned());
    all.push(
        "x: &a\n    k: v\ny:\n   <<: *a\n   z: >+\n     t\n\n---\n- - a\n  - b: c\n    d: 'e''f'\n"
            .to_owned(),
    );
    all
}

#[test]
fn the_examples_keep_their_meaning() {
    for text in corpus() {
        let once = formatted("/p/dev.bottle.yaml", &text);
        assert_eq!(formatted("/p/dev.bottle.yaml", &once), once, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done to a text, what is formatted says the same, and is formatted.
    #[test]
    fn meaning_is_kept_and_the_result_is_stable(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, "[ \\n\\t:#\\-,\\[\\]{}&*|>\"'ax0+]{0,3}"), 0..6),
    ) {
        let corpus = corpus();
        let mut text = pick.get(&corpus).clone();
        for (at, drop, insert) in &edits {
            let at = (0..=at.index(text.len() + 1)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            let end = (at + drop..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
            text.replace_range(at..end.max(at), insert);
        }
        let before = source("/p/dev.bottle.yaml", &text).expect("a manifest");
        let once = apply(&text, &format(&before));
        let after = source("/p/dev.bottle.yaml", &once).expect("a manifest");
        prop_assert!(once == text || same_tree(&before.tree, &text, &after.tree, &once), "{text:?} → {once:?}");
        let twice = apply(&once, &format(&after));
        prop_assert_eq!(&twice, &once, "of {:?}", text);
    }
}
