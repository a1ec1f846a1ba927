//! What can be done about findings: their fixes, all safe fixes at once, silencing, reading on.

use super::Snapshot;
use crate::check::{Applicability, Diagnostic, Edit, Rule, fix_all};
use crate::manifest::Body;
use crate::syntax::{Node, Span, Value};

/// Something that a person may have done.
#[derive(Debug, Clone)]
pub struct Action<'f> {
    /// As an order.
    pub title: String,
    /// The finding that it is about; all of them for `FixAll`.
    pub finding: Option<&'f Diagnostic>,
    /// What it does.
    pub act: Act,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Mends the finding. A safe fix keeps what the manifest means.
    Fix {
        /// In the document.
        edits: Vec<Edit>,
        /// Whether it may be applied unasked.
        applicability: Applicability,
    },
    /// Applies every safe fix of the document.
    FixAll {
        /// In the document.
        edits: Vec<Edit>,
    },
    /// Writes a comment that silences the finding.
    Suppress {
        /// In the document.
        edits: Vec<Edit>,
    },
    /// Shows the rule's page.
    Explain {
        /// The rule.
        rule: &'static Rule,
    },
}

/// What can be done about the findings that a span touches.
pub fn actions<'f>(snapshot: &Snapshot<'_>, findings: &'f [Diagnostic], span: Span) -> Vec<Action<'f>> {
    let here = |f: &&Diagnostic| f.span.start <= span.end && span.start <= f.span.end;
    let here: Vec<_> = findings.iter().filter(here).collect();
    let mut all: Vec<Action<'f>> = here.iter().filter_map(|f| fix(f)).collect();
    all.extend(here.iter().filter_map(|f| suppress(snapshot, f)));
    let mut explained: Vec<&Rule> = Vec::new();
    for finding in here {
        if !explained.contains(&finding.rule) {
            explained.push(finding.rule);
            all.push(explain(finding));
        }
    }
    all
}

fn fix(finding: &Diagnostic) -> Option<Action<'_>> {
    let fix = finding.fix.as_ref()?;
    let mut title: String = fix.title.clone();
    if let Some(first) = title.get(..1) {
        title = first.to_uppercase() + &title[1..];
    }
    let act = Act::Fix { edits: fix.edits.clone(), applicability: fix.applicability };
    Some(Action { title, finding: Some(finding), act })
}

fn explain(finding: &Diagnostic) -> Action<'_> {
    let title = format!("Explain {}", finding.rule.id);
    Action { title, finding: Some(finding), act: Act::Explain { rule: finding.rule } }
}

/// Every safe fix of the document at once; `None` where there is none.
pub fn fix_everything(snapshot: &Snapshot<'_>) -> Option<Action<'static>> {
    let source = snapshot.source;
    let layout = snapshot.catalog.layout;
    let (text, applied) =
        fix_all(&source.path, source.text.clone(), snapshot.catalog, layout, &snapshot.facts, false);
    if applied == 0 {
        return None;
    }
    let edits = between(&source.text, &text);
    Some(Action { title: "Apply every safe fix".to_owned(), finding: None, act: Act::FixAll { edits } })
}

/// The edits that turn one text into another: whole lines, so that what is not touched keeps its
/// folds and marks in the editor.
pub fn between(old: &str, new: &str) -> Vec<Edit> {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let starts: Vec<usize> = old_lines
        .iter()
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some(start)
        })
        .chain([old.len()])
        .collect();
    let operations = similar::capture_diff_slices(similar::Algorithm::Patience, &old_lines, &new_lines);
    let changed = operations.iter().filter(|o| o.tag() != similar::DiffTag::Equal);
    changed
        .map(|operation| {
            let (old, new) = (operation.old_range(), operation.new_range());
            Edit { span: Span::new(starts[old.start], starts[old.end]), text: new_lines[new].concat() }
        })
        .collect()
}

/// A comment above the finding's line. `None` where a comment would not be one, or where it has no
/// effect: what the language refuses, and the comments themselves.
fn suppress<'f>(snapshot: &Snapshot<'_>, finding: &'f Diagnostic) -> Option<Action<'f>> {
    let id = finding.rule.id;
    let about_comments = ["unused-suppression", "suppression-without-reason"].contains(&id);
    if !finding.can_be_silenced() || about_comments {
        return None;
    }
    let source = snapshot.source;
    let text = &source.text;
    let at = (finding.span.start as usize).min(text.len());
    let line = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let in_yaml = match source.body {
        Body::None => true,
        // Not above the fence, and not in the Markdown.
        Body::After(body) => line > 0 && at < body.start as usize,
        Body::NoFrontmatter(_) => false,
    };
    let mut roots = source.tree.documents.iter().filter_map(|d| d.root.as_ref());
    if !in_yaml || roots.any(|root| within_scalar(root, line)) {
        return None;
    }
    let indent: String = text[line..].chars().take_while(|c| *c == ' ').collect();
    // A byte order mark stays the first character.
    let line = if text[line..].starts_with('\u{feff}') { line + '\u{feff}'.len_utf8() } else { line };
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let edits =
        vec![Edit { span: Span::at(line), text: format!("{indent}# bot-bottle: ignore[{id}] {newline}") }];
    let title = format!("Silence {id} here with a comment");
    Some(Action { title, finding: Some(finding), act: Act::Suppress { edits } })
}

/// Whether an offset is inside a scalar, where `#` is text.
fn within_scalar(node: &Node, offset: usize) -> bool {
    if !((node.span.start as usize) < offset && offset < node.span.end as usize) {
        return false;
    }
    match &node.value {
        Value::Scalar(_) => true,
        Value::Mapping(entries) => entries.iter().any(|e| {
            let key = e.key.span;
            ((key.start as usize) < offset && offset < key.end as usize) || within_scalar(&e.value, offset)
        }),
        Value::Sequence(items) => items.iter().any(|item| within_scalar(item, offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{apply, check};
    use crate::ide::fixture::marked;

    /// The actions at the mark: titles, and for each its text after it was applied.
    fn at_mark(fixture: &str) -> Vec<(String, String)> {
        marked(fixture).ask(|snapshot, offset| {
            let findings = check(snapshot.source, snapshot.catalog, &snapshot.facts);
            let actions = actions(snapshot, &findings, Span::at(offset));
            let text = |a: &Action<'_>| match &a.act {
                Act::Fix { edits, .. } | Act::FixAll { edits } | Act::Suppress { edits } => {
                    apply(&snapshot.source.text, edits)
                }
                Act::Explain { rule } => rule.id.to_owned(),
            };
            actions.iter().map(|a| (a.title.clone(), text(a))).collect()
        })
    }

    #[test]
    fn a_finding_can_be_mended_silenced_and_explained() {
        let titles = |text| -> Vec<String> { at_mark(text).into_iter().map(|(title, _)| title).collect() };
        // What the language refuses cannot be silenced.
        let language = titles("env:\n  A: x\nenv$0v:\n  B: y\n");
        assert_eq!(language, ["Rename it to `env`", "Explain unknown-field"]);
        let judgement = titles("skills: [re$0view]\n");
        assert_eq!(judgement, ["Silence skill-not-found here with a comment", "Explain skill-not-found"]);
        let silenced = &at_mark("skills: [re$0view]\n")[0].1;
        assert_eq!(silenced, "# bot-bottle: ignore[skill-not-found] \nskills: [review]\n");
    }

    #[test]
    fn a_silencing_comment_keeps_the_indent_and_silences() {
        let text = "/h/.bot-bottle/bottles/dev.md|---\negress:\n  routes:\n    - git: read\n      host: '*.c$0om'\n---\n";
        let all = at_mark(text);
        let (_, silenced) = all.iter().find(|(t, _)| t.starts_with("Silence")).expect("an action");
        assert!(
            silenced.contains("\n      # bot-bottle: ignore[broad-wildcard] \n      host: '*"),
            "{silenced}"
        );
        let path = "/h/.bot-bottle/bottles/dev.md|";
        marked(&format!("{path}{silenced}")).ask(|s, _| {
            let rules: Vec<_> = check(s.source, s.catalog, &s.facts).iter().map(|f| f.rule.id).collect();
            assert_eq!(rules, ["suppression-without-reason"]);
        });
    }

    #[test]
    fn nothing_is_silenced_where_a_comment_would_be_text() {
        for fixture in ["env: {A: \"x\n  y\", B: [$0z]}\n", "/p/.bot-bottle/agents/a.md|no frontm$0atter\n"] {
            let all = at_mark(fixture);
            assert!(!all.is_empty(), "{fixture}");
            assert!(all.iter().all(|(t, _)| !t.starts_with("Silence")), "{fixture}: {all:?}");
        }
    }

    #[test]
    fn everything_safe_is_fixed_at_once_and_nothing_else() {
        let text = "egress:\n  routes:\n    - host: api.github.com\n      path_allowlist: /a\n    - host: b.example.com\n      \
                    path_allowlist: /b\nenvv: {}\n$0";
        marked(text).ask(|s, _| {
            let action = fix_everything(s).expect("an action");
            let Act::FixAll { edits } = action.act else { panic!("{:?}", action.act) };
            assert_eq!(edits.len(), 2);
            let fixed = apply(&s.source.text, &edits);
            assert!(fixed.contains("[/a]") && fixed.contains("[/b]") && fixed.contains("envv"), "{fixed}");
        });
        assert!(marked("env: {}\n$0").ask(|s, _| fix_everything(s).is_none()));
    }

    #[test]
    fn the_edits_between_two_texts_make_the_one_of_the_other() {
        for (old, new) in
            [("a\nb\nc\n", "a\nx\nc"), ("", "a"), ("a", ""), ("a\r\nb", "b\r\na\n"), ("é\n", "è\n")]
        {
            assert_eq!(apply(old, &between(old, new)), new);
        }
    }
}
