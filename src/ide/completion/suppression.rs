//! Rule ids in `# bot-bottle: ignore[…]`.

use super::{Completion, CompletionKind};
use crate::check::{Edit, Group, Matter, Rule, page, rules};
use crate::manifest::Source;
use crate::syntax::Span;

/// Completes a comment.
pub(super) fn complete(source: &Source, comment: Span, offset: usize) -> Vec<Completion> {
    let text = &source.text;
    let typed = text.get(comment.start as usize..offset).unwrap_or_default();
    let Some((before, list)) = typed.rsplit_once("ignore[").filter(|(b, _)| b.contains("bot-bottle:")) else {
        return whole(text, comment, typed, offset);
    };
    if list.contains(']') || before.contains('[') {
        return Vec::new();
    }
    let behind = text.get(offset..comment.end as usize).unwrap_or_default();
    let closed = behind.contains(']');
    let word = list.rsplit(',').next().unwrap_or_default().trim_start();
    let rest = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(behind.len());
    let span = Span::new(offset - word.len(), offset + rest);
    let listed: Vec<_> = list.split(',').chain(behind.split([',', ']'])).map(str::trim).collect();
    let can_be = |r: &&Rule| r.matter != Matter::Language && r.group != Group::Upkeep;
    let all = rules::all().iter().filter(can_be).filter(|r| r.id == word || !listed.contains(&r.id));
    all.map(|rule| {
        let close = if closed { "" } else { "] " };
        Completion {
            label: rule.id.to_owned(),
            kind: CompletionKind::Rule,
            detail: rule.severity.word().to_owned(),
            documentation: what_it_finds(&page(rule).markdown),
            edit: Edit { span, text: format!("{}{close}", rule.id) },
            snippet: (!closed).then(|| format!("{}] ${{1:reason}}", rule.id)),
            sort: rule.id.to_owned(),
            filter: rule.id.to_owned(),
            retrigger: false,
        }
    })
    .collect()
}

/// The whole suppression, where nothing but its beginning is typed.
fn whole(text: &str, comment: Span, typed: &str, offset: usize) -> Vec<Completion> {
    const START: &str = "bot-bottle: ignore[";
    let word = typed.trim_start_matches('#').trim_start();
    if !START.starts_with(word)
        || !text.get(offset..comment.end as usize).unwrap_or_default().trim().is_empty()
    {
        return Vec::new();
    }
    vec![Completion {
        label: "bot-bottle: ignore[…]".to_owned(),
        kind: CompletionKind::Snippet,
        detail: "silences a finding".to_owned(),
        documentation: "Silences findings of a rule on this line, or on the next one where the comment stands alone. Say why.".to_owned(),
        edit: Edit { span: Span::new(offset - word.len(), offset), text: START.to_owned() },
        snippet: Some(format!("{START}$1] ${{2:reason}}")),
        sort: "0".to_owned(),
        filter: START.to_owned(),
        retrigger: true,
    }]
}

/// The first section of a rule's page.
fn what_it_finds(page: &str) -> String {
    let section = page.lines().skip_while(|l| *l != "## What it finds").skip(1);
    section.take_while(|l| !l.starts_with("## ")).collect::<Vec<_>>().join("\n").trim().to_owned()
}
