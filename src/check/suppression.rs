//! Comments that silence findings: `# bot-bottle: ignore[rule-id] reason`.

use super::{Diagnostic, Matter, Rule, edit, rules};
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

/// Takes out what is silenced and gives it back; reports comments that silence nothing.
///
/// Only a matter of judgement can be silenced: whatever a comment says, the language stays.
pub(super) fn apply(source: &Source, found: &mut Vec<Diagnostic>) -> Vec<Diagnostic> {
    let suppressions = parse(source);
    if suppressions.is_empty() {
        return Vec::new();
    }
    let mut uses: Vec<Vec<Use>> = suppressions.iter().map(|s| vec![Use::None; s.ids.len()]).collect();
    let mut silenced = Vec::new();
    let mut left = Vec::with_capacity(found.len());
    for finding in found.drain(..) {
        let mut silent = false;
        for (suppression, uses) in suppressions.iter().zip(&mut uses) {
            let on_line = (suppression.line.start..suppression.line.end.max(suppression.line.start + 1))
                .contains(&finding.span.start);
            let named =
                suppression.ids.iter().zip(uses).filter(|((id, _), _)| on_line && id == finding.rule.id);
            for (_, used) in named {
                if finding.can_be_silenced() {
                    (silent, *used) = (true, Use::Silences);
                } else {
                    *used = Use::NoEffect;
                }
            }
        }
        if silent { &mut silenced } else { &mut left }.push(finding);
    }
    *found = left;
    let Some(rule) = rules::get("unused-suppression") else { return silenced };
    for (suppression, uses) in suppressions.iter().zip(&uses) {
        let idle = |used: Use, id: &str| match used {
            Use::Silences => false,
            Use::NoEffect => true,
            Use::None => !OF_THE_MACHINE.contains(&id),
        };
        for ((id, span), used) in suppression.ids.iter().zip(uses).filter(|((id, _), used)| idle(**used, id))
        {
            found.push(unused(source, rule, suppression, (id, *span), *used));
        }
    }
    silenced
}

/// Rules whose findings come from this machine: its variables and its runs. A comment for one silences
/// something elsewhere, or tomorrow, so that nothing here says it is of no use.
const OF_THE_MACHINE: [&str; 2] = ["denied-egress", "token-unset"];

/// What an id in a comment has an effect on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It silences a finding.
    Silences,
    /// There is a finding, and it is not to be silenced.
    NoEffect,
    /// There is no such finding.
    None,
}

fn unused(
    source: &Source,
    rule: &'static Rule,
    suppression: &Suppression,
    (id, span): (&str, Span),
    used: Use,
) -> Diagnostic {
    let shown = super::shown(id);
    let language = used == Use::NoEffect || rules::get(id).is_some_and(|r| r.matter == Matter::Language);
    let message = match rules::get(id) {
        None => format!("there is no rule `{shown}`, so this comment silences nothing"),
        Some(_) if language => {
            format!(
                "`{shown}` is a rule of the language, which no comment can silence; this one has no effect"
            )
        }
        Some(_) => format!("`{shown}` finds nothing here, so this comment silences nothing"),
    };
    let help = match used {
        Use::NoEffect => "mend what is found, and remove the comment",
        Use::Silences | Use::None => "remove it, so that it cannot silence a later finding unseen",
    };
    let mut finding = Diagnostic {
        rule,
        severity: rule.severity,
        message,
        help: help.to_owned(),
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
