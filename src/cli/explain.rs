//! `bot-bottle explain`.

use super::{CLEAN, Failure, terminal};
use crate::check::{Rule, rules};
use crate::check::{page, page_url};
use serde_json::{Value, json};

/// Print a rule's page: what it finds, why it matters, examples, how to silence it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The rule's id; without one, every rule in a line.
    rule: Option<String>,
    /// How it is written; JSON is versioned.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum FormatArg {
    Text,
    Json,
    Markdown,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let wanted = match &args.rule {
        Some(id) => vec![known(id)?],
        None => rules::all().iter().collect(),
    };
    terminal::print(&match (args.format, &args.rule) {
        (FormatArg::Json, _) => json(&wanted),
        (FormatArg::Text, None) => list(&wanted),
        (FormatArg::Text, Some(_)) if terminal::styled() => styled(&page(wanted[0]).markdown),
        _ => wanted.iter().map(|r| page(r).markdown).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(CLEAN)
}

fn known(id: &str) -> Result<&'static Rule, Failure> {
    rules::get(id).ok_or_else(|| {
        let near = rules::nearest_id(id).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        Failure::usage(format!("there is no rule `{id}`{near}"))
    })
}

fn list(rules: &[&Rule]) -> String {
    let width = rules.iter().map(|r| r.id.len()).max().unwrap_or(0) + 2;
    let line = |r: &&Rule| format!("{:<width$}{:<9}{}\n", r.id, r.severity.word(), page(r).summary);
    rules.iter().map(line).collect()
}

fn json(rules: &[&Rule]) -> String {
    let one = |rule: &&Rule| {
        let page = page(rule);
        json!({
            "id": rule.id,
            "group": format!("{:?}", rule.group).to_lowercase(),
            "severity": rule.severity,
            "summary": page.summary,
            "markdown": page.markdown,
            "url": page_url(rule),
        })
    };
    let rules: Value = rules.iter().map(one).collect();
    format!("{:#}\n", json!({"version": 1, "rules": rules}))
}

/// Markdown for a terminal: headings bold, examples indented and in their own colour.
fn styled(markdown: &str) -> String {
    let mut code = false;
    let mut out = String::new();
    for line in markdown.lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        let title = line.trim_start_matches('#').trim_start();
        out.push_str(&match (code, line.starts_with('#')) {
            (true, _) => format!("    \x1b[36m{line}\x1b[0m\n"),
            (false, true) => format!("\x1b[1m{title}\x1b[0m\n"),
            (false, false) => format!("{line}\n"),
        });
    }
    out
}
