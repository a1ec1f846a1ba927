//! A rule's page: what it finds, why it matters, a bad and a good example, how to silence it.

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
    /// The example that has the finding. A line `# <- rule-id` at the end of a line marks where.
    pub bad: Example,
    /// The example that has no finding.
    pub good: Example,
}

/// The page of a rule.
pub fn page(rule: &Rule) -> Page {
    let header = rule.file.lines().take_while(|l| l.starts_with("//!"));
    let body: Vec<&str> = header.map(|l| l.strip_prefix("//! ").unwrap_or(&l[3..])).collect();
    let silence = format!(
        "## How to silence it\n\nOn the line or the line above:\n\n```yaml\n# bot-bottle: ignore[{}] the reason\n```\n",
        rule.id
    );
    Page {
        markdown: format!("{}\n\n{silence}", body.join("\n").trim_end()),
        bad: example(&body, "## Bad"),
        good: example(&body, "## Good"),
    }
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
                file.text.push_str(line);
                file.text.push('\n');
            }
            (None, None) => {}
        }
    }
    files
}
