//! Permission changes for a terminal, a program, a pull request.

use super::{Change, Direction};
use crate::shown::{self, visible};
use serde::Serialize;
use std::fmt::Write;

/// How changes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffFormat {
    /// For a terminal.
    Text,
    /// One object.
    Json,
    /// A table fit for a pull request.
    Markdown,
}

/// Writes the changes of some manifests, each with its name. Manifests without changes are left out.
pub fn render_changes(manifests: &[(String, Vec<Change>)], format: DiffFormat) -> String {
    match format {
        DiffFormat::Text => text(manifests),
        DiffFormat::Json => json(manifests),
        DiffFormat::Markdown => markdown(manifests),
    }
}

fn moved(manifests: &[(String, Vec<Change>)]) -> impl Iterator<Item = &(String, Vec<Change>)> {
    manifests.iter().filter(|(_, changes)| !changes.is_empty())
}

fn text(manifests: &[(String, Vec<Change>)]) -> String {
    let mut out = String::new();
    for (name, changes) in moved(manifests) {
        let _ = writeln!(out, "{}", visible(name));
        for change in changes {
            let sign = match change.direction {
                Direction::Widened => '+',
                Direction::Changed => '~',
                Direction::Narrowed => '-',
            };
            let (area, subject) = (change.area, &change.subject);
            let _ = writeln!(
                out,
                "  {sign} {:<9} {area:<10} {subject}: {}",
                change.direction.word(),
                arrow(change)
            );
        }
    }
    let _ = writeln!(out, "{}", summary(manifests));
    out
}

fn arrow(change: &Change) -> String {
    match (change.before.as_str(), change.after.as_str()) {
        ("", after) => after.to_owned(),
        (before, "") => format!("no longer {before}"),
        (before, after) => format!("{before} → {after}"),
    }
}

/// `2 widened, 1 narrowed`, or that nothing moved.
fn summary(manifests: &[(String, Vec<Change>)]) -> String {
    let count =
        |direction| moved(manifests).flat_map(|(_, c)| c).filter(|c| c.direction == direction).count();
    let parts: Vec<_> = [Direction::Widened, Direction::Changed, Direction::Narrowed]
        .into_iter()
        .map(|d| (count(d), d.word()))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    if parts.is_empty() { "no permission changes".to_owned() } else { parts.join(", ") }
}

fn json(manifests: &[(String, Vec<Change>)]) -> String {
    #[derive(Serialize)]
    struct Manifest<'a> {
        name: &'a str,
        changes: &'a [Change],
    }
    #[derive(Serialize)]
    struct Report<'a> {
        version: u32,
        widened: bool,
        manifests: Vec<Manifest<'a>>,
    }
    let report = Report {
        version: 1,
        widened: moved(manifests).flat_map(|(_, c)| c).any(|c| c.direction == Direction::Widened),
        manifests: moved(manifests).map(|(name, changes)| Manifest { name, changes }).collect(),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

fn markdown(manifests: &[(String, Vec<Change>)]) -> String {
    let mut out = String::from("### What this change lets agents do\n\n");
    if moved(manifests).next().is_none() {
        out.push_str("No permission changes.\n");
        return out;
    }
    let _ = writeln!(out, "**{}**\n", summary(manifests));
    out.push_str("| manifest | | what | before | after |\n| --- | --- | --- | --- | --- |\n");
    for (name, changes) in moved(manifests) {
        for change in changes {
            let _ = writeln!(
                out,
                "| {} | **{}** | {} {} | {} | {} |",
                cell(name),
                change.direction.word(),
                change.area,
                cell(&change.subject),
                cell(&change.before),
                cell(&change.after)
            );
        }
    }
    out
}

/// Text as code in a table, so that nothing in it is read as Markdown.
fn cell(text: &str) -> String {
    if text.is_empty() {
        return "–".to_owned();
    }
    format!("`{}`", shown::cell(text))
}
