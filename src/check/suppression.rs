//! Comments that silence findings: `# bot-bottle: ignore[rule-id] reason`.

use super::{Diagnostic, edit, rules};
use crate::manifest::Source;
use crate::syntax::{Comment, Span};

/// A comment that silences findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The comment.
    pub comment: Comment,
    /// The ids with their places.
    pub ids: Vec<(String, Span)>,
    /// Whether a reason follows.
    pub has_reason: bool,
    /// The line that it speaks of, as its range of bytes.
    pub line: Span,
}

/// Every such comment of a file.
pub fn parse(source: &Source) -> Vec<Suppression> {
    source.tree.comments.iter().filter_map(|c| one(source, *c)).collect()
}

fn one(source: &Source, comment: Comment) -> Option<Suppression> {
    let text = &source.text;
    let written = comment.span.of(text);
    let rest = written.trim_start_matches('#').trim_start().strip_prefix("bot-bottle:")?;
    let list = rest.trim_start().strip_prefix("ignore")?.strip_prefix('[')?;
    let close = list.find(']')?;
    let first = comment.span.end as usize - list.len();
    let mut ids = Vec::new();
    let mut at = first;
    for part in list[..close].split(',') {
        let id = part.trim();
        let start = at + (part.len() - part.trim_start().len());
        ids.push((id.to_owned(), Span::new(start, start + id.len())));
        at += part.len() + 1;
    }
    let reason = list[close + 1..].trim().trim_start_matches([':', '-', '–', '—']).trim();
    Some(Suppression { comment, ids, has_reason: !reason.is_empty(), line: line_of(text, comment) })
}

/// The comment's own line, or for one that stands alone the next line that holds more than comments.
fn line_of(text: &str, comment: Comment) -> Span {
    let mut start = edit::line_start(text, comment.span.start as usize);
    loop {
        let line = Span::new(start, start).join(edit::whole_lines(text, Span::at(start)));
        let content = line.of(text).trim();
        let passed_over = content.is_empty() || content.starts_with('#');
        if !comment.own_line || !passed_over || line.end as usize >= text.len() {
            return line;
        }
        start = line.end as usize;
    }
}

/// Takes out what is silenced, and reports comments that silence nothing.
pub(super) fn apply(source: &Source, found: &mut Vec<Diagnostic>) {
    let suppressions = parse(source);
    if suppressions.is_empty() {
        return;
    }
    let mut used: Vec<Vec<bool>> = suppressions.iter().map(|s| vec![false; s.ids.len()]).collect();
    found.retain(|finding| {
        let mut silenced = false;
        for (suppression, used) in suppressions.iter().zip(&mut used) {
            let on_line = (suppression.line.start..suppression.line.end.max(suppression.line.start + 1))
                .contains(&finding.span.start);
            for ((id, _), used) in suppression.ids.iter().zip(used) {
                if on_line && id == finding.rule.id {
                    *used = true;
                    silenced = true;
                }
            }
        }
        !silenced
    });
    let Some(rule) = rules::get("unused-suppression") else { return };
    for (suppression, used) in suppressions.iter().zip(&used) {
        for ((id, span), _) in suppression.ids.iter().zip(used).filter(|(_, used)| !**used) {
            found.push(unused(source, rule, suppression, id, *span));
        }
    }
}

fn unused(
    source: &Source,
    rule: &'static rules::Rule,
    suppression: &Suppression,
    id: &str,
    span: Span,
) -> Diagnostic {
    let shown = super::shown(id);
    let message = if rules::get(id).is_some() {
        format!("`{shown}` finds nothing here, so this comment silences nothing")
    } else {
        format!("there is no rule `{shown}`, so this comment silences nothing")
    };
    let mut finding = Diagnostic {
        rule,
        severity: rule.severity,
        message,
        help: "remove it, so that it cannot silence a later finding unseen".to_owned(),
        file: source.path.clone(),
        span,
        related: Vec::new(),
        fix: None,
    };
    // Of several ids the others may still be wanted.
    if suppression.ids.len() == 1 {
        let text = &source.text;
        let comment = suppression.comment.span;
        let gone = if suppression.comment.own_line {
            edit::whole_lines(text, comment)
        } else {
            let before = text[..comment.start as usize].trim_end_matches([' ', '\t']).len();
            Span::new(before, comment.end as usize)
        };
        finding.safe_fix("remove the comment", vec![edit::remove(gone)]);
    }
    finding
}
