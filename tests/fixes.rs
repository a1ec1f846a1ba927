//! A fix changes what it says and nothing else, however the text is written: each bad example of a rule with a fix,
//! rewritten with block scalars, quotes, comments and other line breaks, is fixed to the same data, and keeps every
//! comment that stands beside what stays.

use bot_bottle::check::{Facts, fix_all, page, rules};
use bot_bottle::manifest::{Catalog, Layout, MemoryFiles};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| Layout { home: Some("/home/ada".into()) });

/// A rule's bad example: the files beside it, its path, and its text.
struct Example {
    rule: &'static str,
    files: MemoryFiles,
    path: PathBuf,
    text: String,
}

fn place(path: &str) -> PathBuf {
    path.strip_prefix("~/")
        .map_or_else(|| Path::new("/project").join(path), |rest| Path::new("/home/ada").join(rest))
}

/// The YAML examples that a fix changes, and stays valid YAML in another style.
static EXAMPLES: LazyLock<Vec<Example>> = LazyLock::new(|| {
    let example = |rule: &'static bot_bottle::check::Rule| {
        let mut bad = page(rule).bad;
        let last = bad.pop()?;
        let mut files = MemoryFiles::default();
        files.insert("/project/.git/HEAD", "");
        bad.iter().for_each(|file| files.insert(place(&file.path), file.text.clone()));
        // The marks of the page are comments like others; here each comment is one of ours.
        let text: String = last
            .text
            .lines()
            .map(|line| format!("{}\n", line.split("# <- ").next().unwrap_or(line).trim_end()))
            .collect();
        let example = Example { rule: rule.id, files, path: place(&last.path), text };
        let yaml = matches!(example.path.extension()?.to_str()?, "yaml" | "yml");
        (yaml && data(&example.text).is_some() && example.fixed(&example.text).1 > 0).then_some(example)
    };
    rules::all().iter().filter_map(example).collect()
});

impl Example {
    fn fixed(&self, text: &str) -> (Arc<str>, usize) {
        let catalog = Catalog::new(&self.files, &LAYOUT);
        fix_all(&self.path, text.into(), &catalog, &LAYOUT, &Facts::default(), true)
    }
}

/// What a text says; `None` where a general reader refuses it.
fn data(text: &str) -> Option<serde_yaml::Value> {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).ok()?;
    value.apply_merge().ok()?;
    Some(value)
}

/// How a line is written otherwise.
#[derive(Debug, Clone, Copy)]
enum Style {
    AsIs,
    Literal,
    Folded,
    Kept,
    Quoted,
}

/// A plain text value with a key in front of it: the indentation, the key, the value.
fn entry(line: &str) -> Option<(usize, &str, &str)> {
    let (head, value) = line.split_once(": ")?;
    let key = head.trim_start_matches([' ', '-']);
    let plain = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '.')
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && !["true", "false", "null", "yes", "no"].contains(&value);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    (plain && is_key).then_some((head.len() - key.len(), head, value))
}

/// The text in other styles, a comment before each line and behind some, and blank lines.
fn rewritten(text: &str, choices: &[(Style, bool, bool)], crlf: bool) -> String {
    let mut out = String::new();
    let mut in_block = None;
    for (i, line) in text.lines().enumerate() {
        let (style, comment, blank) = choices[i % choices.len()];
        let indent = line.len() - line.trim_start().len();
        // Inside a block scalar's text nothing is a comment.
        if in_block.is_some_and(|deep| indent > deep || line.trim().is_empty()) {
            out.push_str(&format!("{line}\n"));
            continue;
        }
        in_block = line.trim_end().ends_with(['|', '>']).then_some(indent);
        if comment {
            out.push_str(&format!("{}# before {i}\n", " ".repeat(indent)));
        }
        match (style, entry(line)) {
            (Style::Literal, Some((deep, head, value))) => {
                out.push_str(&format!("{head}: |-\n{}{value}\n", " ".repeat(deep + 2)))
            }
            (Style::Folded, Some((deep, head, value))) => {
                out.push_str(&format!("{head}: >- # h{i}\n{}{value}\n", " ".repeat(deep + 3)))
            }
            (Style::Kept, Some((deep, head, value))) => {
                // A line break at the end is another text, so only where nothing compares it.
                out.push_str(&format!("{head}: |-\n{}{value}\n\n", " ".repeat(deep + 1)));
            }
            (Style::Quoted, Some((_, head, value))) => out.push_str(&format!("{head}: '{value}'\n")),
            _ => out.push_str(&format!("{line}\n")),
        }
        if blank {
            out.push('\n');
        }
    }
    if crlf { out.replace('\n', "\r\n") } else { out }
}

fn choice() -> impl Strategy<Value = (Style, bool, bool)> {
    let style = proptest::sample::select(vec![
        Style::AsIs,
        Style::Literal,
        Style::Folded,
        Style::Kept,
        Style::Quoted,
    ]);
    (style, any::<bool>(), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fix_means_the_same_however_the_text_is_written(
        index in 0..1000usize,
        choices in prop::collection::vec(choice(), 1..12),
        crlf: bool,
    ) {
        let example = &EXAMPLES[index * EXAMPLES.len() / 1000];
        let text = rewritten(&example.text, &choices, crlf);
        prop_assert_eq!(data(&text), data(&example.text), "the rewriting is wrong: {}", text);
        let (plain, of_plain) = example.fixed(&example.text);
        let (fixed, count) = example.fixed(&text);
        let shown = format!("{}:\n{text}\n→\n{fixed}", example.rule);
        let after = data(&fixed);
        prop_assert!(after.is_some(), "no YAML any more: {}", shown);
        // In another style a fix may not be offered; what is offered comes to the same.
        if count == of_plain {
            prop_assert_eq!(&after, &data(&plain), "{}", shown);
        }
        if count == 0 {
            prop_assert_eq!(&*fixed, text.as_str());
        }
        prop_assert!(!crlf || !fixed.replace("\r\n", "").contains('\n'), "a line break of another kind: {}", shown);
        let (again, more) = example.fixed(&fixed);
        prop_assert_eq!((more, &again), (0, &fixed), "it does not end: {}", shown);
        // A line of the plain text that its fix keeps has its comment here, too.
        let kept: Vec<&str> = plain.lines().collect();
        for (i, line) in example.text.lines().enumerate() {
            let comment = format!("# before {i}");
            let once = example.text.lines().filter(|other| other == &line).count() == 1;
            let stays = once && kept.contains(&line) && count == of_plain;
            prop_assert!(!stays || !text.contains(&comment) || fixed.lines().any(|l| l.trim() == comment), "{} is gone: {}", comment, shown);
        }
    }
}

#[test]
fn there_are_examples_to_try() {
    assert!(EXAMPLES.len() > 12, "only {:?}", EXAMPLES.iter().map(|e| e.rule).collect::<Vec<_>>());
}
