use super::*;
use crate::syntax::parse;

/// The repaired text with `|` where the word begins.
fn repaired(marked: &str) -> Option<(String, Repaired)> {
    let cursor = marked.find("$0").expect("a mark");
    let text = marked.replacen("$0", "", 1);
    match repair(&text, Span::new(0, text.len()), cursor) {
        Repair::Word(found) => {
            let parsed = parse(&found.text, Span::new(0, found.text.len()));
            assert_eq!(parsed.problems, [], "{marked}\n->\n{}", found.text);
            let mut shown = found.text.clone();
            shown.insert(found.cursor, '|');
            Some((shown, *found))
        }
        _ => None,
    }
}

fn check(marked: &str, expected: &str) {
    let seen = repaired(marked).map(|(shown, _)| shown);
    assert_eq!(seen.as_deref(), Some(expected), "{marked}");
}

#[test]
fn a_bare_word_gets_its_colon_and_a_blank_line_a_placeholder() {
    check("egr$0", "|egr:\n");
    check("env:\n  A: b\n$0\nskills: [a]\n", "env:\n|_:\nskills:\n");
    check("egress:\n  $0", "egress:\n  |_:\n");
    check("egress:\n  rou$0\nenv:\n", "egress:\n  |rou:\n");
    check("a:\n  b: 1\n  $0\n  d: x\n", "a:\n  b: 1\n  |_:\n  d: x\n");
    check("a:\n  b: 1\n$0", "a:\n|_:\n");
    check("ho$0st: x\nb: y", "|host:\nb: y\n");
    check("a: &x\n  b$0", "a:\n  |b:\n");
    check("$0", "|_:\n");
}

#[test]
fn items_are_words_or_mappings_as_what_follows_tells() {
    check("skills:\n  - re$0", "skills:\n  - |re\n");
    check("skills:\n  - a\n  -$0\n  - c", "skills:\n  - a\n  - |_\n  - c\n");
    check("r:\n  - host: a\n    $0\n    git: read\n", "r:\n  -\n    host: a\n    |_:\n    git: read\n");
    check("r:\n  - $0\n    git: read\n", "r:\n  - |_:\n    git: read\n");
    check("r:\n  - ho$0\n    git: read\n", "r:\n  - |ho:\n    git: read\n");
    check("r:\n  - host: a\n  $0", "r:\n  -\n  - |_\n");
    check("r:\n- a\n$0", "r:\n|_:\n");
    check("r:\n  - host: a\n    git: re$0\n", "r:\n  -\n    host: a\n    git: |re\n");
}

#[test]
fn values_are_closed() {
    check("a: $0\nb: c", "a: |_\nb: c\n");
    check("a:$0", "a: |_\n");
    check("a: \"x$0\nb: c", "a: |\"x\"\nb: c\n");
    check("a: 'x$0' # c\n", "a: |'x'\n");
    check("r:\n  - auth: {scheme: Be$0\n  - host: b\n", "r:\n  - auth: {scheme: |Be}\n");
    check("r:\n  - {host: a, $0}\n", "r:\n  - {host: a, |_}\n");
    check("m: [GET, $0\nb: c", "m: [GET, |_]\n");
    check("m: [\n  GET,\n  P$0\n]\nb: c", "m:\n [\n   GET,\n   |P\n ]\n");
    check("a: {b:$0}", "a: {b: |_}\n");
    check("a: {b: \"x$0", "a: {b: |\"x\"}\n");
    check("a: {ho$0st: x}", "a: {|host: x}\n");
}

#[test]
fn longer_text_is_never_touched() {
    for text in [
        "p: |\n  te$0xt",
        "p: |\n  a\n$0\n  b",
        "p: >-\n  a\n  $0",
        "p: a\n  b$0",
        "p: \"a\n  b$0",
        "a: 1\n  $0",
        "a:\n    b: 1\n  c$0",
        "--$0-\na: 1",
        " $0 a: 1",
        "a: b $0",
    ] {
        assert_eq!(repaired(text).map(|r| r.0), None, "{text}");
    }
    check("p: |\n  text\n$0", "p:\n|_:\n");
    check("p: |\n  text\n$0\nq: 1", "p:\n|_:\nq: 1\n");
}

#[test]
fn what_is_wrong_elsewhere_does_not_matter() {
    check("a: [1, 2\nb: }\nc:\n  d$0\n", "c:\n  |d:\n");
    check("a: }\n---\nb: {\n---\nc$0\n---\nd: }", "|c:\n");
}

#[test]
fn the_word_is_the_original_text() {
    let word = |text: &str| {
        let (_, found) = repaired(text).expect("a word");
        let original = text.replacen("$0", "", 1);
        (found.word.of(&original).to_owned(), found.before, found.depth, found.colon)
    };
    assert_eq!(word("a:$0"), (String::new(), " ", 2, false));
    assert_eq!(word("r:\n  - ho$0st: x"), ("host".to_owned(), "", 2, true));
    assert_eq!(word("r:\n  - a: 1\n  $0"), (String::new(), "- ", 0, false));
    assert_eq!(word("a: \"${A$0}\""), ("${A}".to_owned(), "", 4, false));
    assert_eq!(word("a: Ada Lo$0ve"), ("Ada Love".to_owned(), "", 3, false));
}
