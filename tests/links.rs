//! Every link of the documentation leads somewhere: to a file of the repository, and to a heading of it; and each
//! attack that docs/security.md lists to a test that is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The repository's pages.
fn pages() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(ROOT).output().expect("git");
    let names = String::from_utf8(listed.stdout).expect("names");
    names.lines().map(|name| Path::new(ROOT).join(name)).filter(|page| page.exists()).collect()
}

/// The text without what stands between fences and backticks, where nothing is a link.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        let outside = !fenced && !fence;
        let spans = line.split('`').step_by(2).collect::<Vec<_>>().concat();
        lines.push(if outside { spans } else { String::new() });
    }
    lines.join("\n")
}

/// The targets of its links.
fn links(text: &str) -> Vec<String> {
    let ends = |rest: &str| rest.split_once(')').map(|(target, _)| target.to_owned());
    prose(text).split("](").skip(1).filter_map(ends).collect()
}

/// The names of its headings as a forge makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut names = BTreeSet::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if let Some(title) = line.strip_prefix('#').filter(|_| !fenced) {
            let title = title.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            names.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    names
}

#[test]
fn every_link_within_the_repository_leads_to_a_file_and_a_heading() {
    let mut seen = 0;
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for link in links(&text).iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            seen += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { page.clone() } else { page.parent().expect("a folder").join(path) };
            let there = target.exists()
                && (heading.is_empty()
                    || fs::read_to_string(&target).is_ok_and(|text| headings(&text).contains(heading)));
            if !there {
                dead.push(format!("{}: {link}", page.strip_prefix(ROOT).expect("below").display()));
            }
        }
    }
    assert!(seen > 40, "only {seen} links were found");
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

/// The names of all tests, by `fn` or as a macro's entry (`name(rig) {`).
fn tests() -> BTreeSet<String> {
    let listed =
        Command::new("git").args(["ls-files", "src", "tests"]).current_dir(ROOT).output().expect("git");
    let files = String::from_utf8(listed.stdout).expect("names");
    let sources = files.lines().filter(|file| file.ends_with(".rs") || file.ends_with("js"));
    let texts = sources.filter_map(|file| fs::read_to_string(Path::new(ROOT).join(file)).ok());
    let name = |line: &str| {
        let line = line.trim_start();
        let line = ["pub(crate) ", "async "].iter().fold(line, |line, word| line.trim_start_matches(word));
        let line = line.trim_start_matches("fn ");
        line.split_once('(').map(|(name, _)| name.to_owned())
    };
    texts.flat_map(|text| text.lines().filter_map(name).collect::<Vec<_>>()).collect()
}

/// Whether a reference of the page is to something that is there: a file, a module with tests, a rule, or a test
/// by its name, by the beginning of it (`a45_…`) or by its number (`a36`).
fn is_there(reference: &str, tests: &BTreeSet<String>) -> bool {
    let at = |path: String| Path::new(ROOT).join(path).exists();
    if reference.contains('/') {
        return at(reference.to_owned()) || at(format!("{reference}.rs"));
    }
    if reference.contains("::") || !reference.contains(['_', '-']) && at(format!("src/{reference}")) {
        let module = reference.replace("::", "/");
        return at(format!("src/{module}.rs")) || at(format!("src/{module}/mod.rs"));
    }
    let beginning = reference.trim_end_matches('…');
    at(format!("src/check/rules/{}.rs", reference.replace('-', "_")))
        || tests.contains(beginning)
        || tests.iter().any(|test| {
            test.strip_prefix(beginning).is_some_and(|rest| beginning.ends_with('_') || rest.starts_with('_'))
        })
}

#[test]
fn every_attack_that_the_page_on_security_lists_has_a_test() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/security.md")).expect("the page");
    let table = page.split_once("## Which test holds what").expect("the heading").1;
    let table = table.split_once("\n## ").expect("the next heading").0;
    let tests = tests();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(2);
    assert!(
        !is_there("a99_…", &tests) && !is_there("no_such_test", &tests) && !is_there("no::module", &tests)
    );
    let mut lost = Vec::new();
    let mut seen = 0;
    for row in rows {
        seen += 1;
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let last = cells.last().expect("a cell");
        let references: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        if references.is_empty() {
            lost.push(format!("names no test: {row}"));
        }
        let gone = references.iter().filter(|reference| !is_there(reference, &tests));
        lost.extend(gone.map(|reference| format!("there is no `{reference}`: {row}")));
    }
    assert!(seen > 60, "only {seen} rows were found");
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn a_link_and_a_heading_are_read_as_a_forge_reads_them() {
    let text = "# A B-c: `d`\n[x](y.md#z) `[no](code)`\n```\n[no](fence)\n# no\n```\n[z](#a)";
    assert_eq!(links(text), ["y.md#z", "#a"]);
    assert_eq!(headings(text), BTreeSet::from(["a-b-c-d".to_owned()]));
}
