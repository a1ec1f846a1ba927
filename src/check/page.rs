//! A rule's page: what it finds, why it matters, a bad and a good example, how to silence it.

use super::Matter;
use super::Rule;

/// A file of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFile {
    /// Its path: below `~/` for the user's home, else below the project.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// An example: one or more files, the one it is about last.
pub type Example = Vec<ExampleFile>;

/// A rule's page, read from the header of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The whole page as Markdown.
    pub markdown: String,
    /// What it finds, in a sentence.
    pub summary: String,
    /// What it finds, the first paragraph on one line.
    pub what: String,
    /// Why it matters, likewise.
    pub why: String,
    /// The example that has the finding. A line `# <- rule-id` at the end of a line marks where.
    pub bad: Example,
    /// The example that has no finding.
    pub good: Example,
}

/// The page of a rule.
pub fn page(rule: &Rule) -> Page {
    let header = rule.file.lines().take_while(|l| l.starts_with("//!"));
    let body: Vec<&str> = header.map(|l| l.strip_prefix("//! ").unwrap_or(&l[3..])).collect();
    let silence = silence(rule);
    let what = paragraph(&body, "## What it finds");
    Page {
        summary: first_sentence(&what).to_owned(),
        why: paragraph(&body, "## Why it matters"),
        what,
        markdown: format!("{}\n\n{silence}", body.join("\n").trim_end()),
        bad: example(&body, "## Bad"),
        good: example(&body, "## Good"),
    }
}

/// What a person can do who knows better than the rule.
fn silence(rule: &Rule) -> String {
    let how = match (rule.matter, rule.id) {
        (Matter::Language, _) => {
            "It cannot be silenced: it is a rule of the language, and a launch refuses what \
             breaks it. No comment and no baseline has an effect on it.\n"
                .to_owned()
        }
        (Matter::Judgement, "unused-suppression" | "suppression-without-reason") => {
            "It is about the comments that silence other rules: change or remove the comment.\n".to_owned()
        }
        (Matter::Judgement, id) => comment(id),
        (Matter::ErrorsOfLanguage, id) => format!(
            "An error of it cannot be silenced: a launch refuses it, and no comment and no baseline has an \
             effect on it. A warning of it can. {}",
            comment(id)
        ),
    };
    format!("## How to silence it\n\n{how}")
}

fn comment(id: &str) -> String {
    format!("On the line or the line above:\n\n```yaml\n# bot-bottle: ignore[{id}] the reason\n```\n")
}

/// The first paragraph below a heading, on one line.
fn paragraph(body: &[&str], heading: &str) -> String {
    let lines = body.iter().skip_while(|l| **l != heading).skip(1).skip_while(|l| l.is_empty());
    lines.take_while(|l| !l.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// Up to the first full stop, or to a colon, behind which the cases are listed.
fn first_sentence(text: &str) -> &str {
    // What stands between backticks is quoted: its colon ends nothing.
    let quoted = |at: usize| text[..at].matches('`').count() % 2 == 1;
    let end = |end| text.match_indices(end).map(|(at, _)| at).find(|at| !quoted(*at));
    let ends = [". ", ": "].into_iter().filter_map(end);
    text[..ends.min().unwrap_or(text.len())].trim_end_matches('.')
}

/// Where a rule's page stands for a reader of reports.
pub fn page_url(rule: &Rule) -> String {
    format!("https://bot-bottle.example.com/rules/{}", rule.id)
}

/// The fenced blocks below a heading. The word behind the language is the file's path.
fn example(body: &[&str], heading: &str) -> Example {
    let mut files = Vec::new();
    let mut open: Option<ExampleFile> = None;
    let section = body.iter().skip_while(|l| **l != heading).skip(1).take_while(|l| !l.starts_with("## "));
    for line in section {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let path = info.split_whitespace().nth(1).unwrap_or("dev.bottle.yaml").to_owned();
                open = Some(ExampleFile { path, text: String::new() });
            }
            (Some(_), Some(_)) => files.extend(open.take()),
            (Some(file), None) => {
                file.text.push_str(&expanded(line));
                file.text.push('\n');
            }
            (None, None) => {}
        }
    }
    files
}

/// `‹36 characters›` in an example stands for so many characters, as a token has them: the sources
/// hold nothing that looks like a credential, and the page prints as it is written.
fn expanded(line: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let parts =
        line.split_once('‹').and_then(|(before, rest)| Some((before, rest.split_once(" characters›")?)));
    let Some((before, (count, after))) = parts else { return line.to_owned() };
    let count = count.parse().unwrap_or(0);
    let token: String = (0..count).map(|i| char::from(ALPHABET[(i * 37 + 11) % ALPHABET.len()])).collect();
    format!("{before}{token}{}", expanded(after))
}
