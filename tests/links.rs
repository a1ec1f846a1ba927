//! Every link of the documentation leads somewhere: to a file of the repository, and to a heading of it.

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

#[test]
fn a_link_and_a_heading_are_read_as_a_forge_reads_them() {
    let text = "# A B-c: `d`\n[x](y.md#z) `[no](code)`\n```\n[no](fence)\n# no\n```\n[z](#a)";
    assert_eq!(links(text), ["y.md#z", "#a"]);
    assert_eq!(headings(text), BTreeSet::from(["a-b-c-d".to_owned()]));
}
