//! Findings: what is wrong with a manifest, where, why, and what to do.

mod baseline;
mod context;
mod diagnostic;
mod edit;
mod fix;
#[doc(hidden)]
pub mod fuzzed;
mod judgement;
mod mask;
mod page;
mod paths;
pub mod report;
mod rule;
pub mod rules;
mod severity;
mod suppression;

use crate::syntax::Span;
pub use baseline::{Baseline, BaselineCounts, BaselineError, Stale};
pub use context::{Context, Denied, Facts, Widened};
pub use diagnostic::{Applicability, Diagnostic, Edit, Fix, Related};
pub use fix::{apply, fix_all, normalised};
pub use judgement::{Cleared, Refused, Silenced, clear};
pub use page::{Example, ExampleFile, page, page_url};
pub use rule::{Group, Matter, Rule};
pub use severity::Severity;
pub use suppression::{Suppression, parse as suppressions};

use judgement::first_broken;
pub(crate) use mask::{masked, masked_words};

use crate::manifest::{Catalog, Manifest, Source};
use crate::shown::printable;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the rules say of a file.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What was found, in the order of the text.
    pub findings: Vec<Diagnostic>,
    /// What was found, and silenced by a comment.
    pub silenced: Vec<Diagnostic>,
}

/// Every finding of a file, in the order of its text, suppressed ones left out.
///
/// Pure but for the catalog's [`crate::manifest::Files`].
pub fn check(source: &Arc<Source>, catalog: &Catalog<'_>, facts: &Facts<'_>) -> Vec<Diagnostic> {
    examine(source, catalog, facts).findings
}

/// As [`check`], with what was silenced.
pub fn examine(source: &Arc<Source>, catalog: &Catalog<'_>, facts: &Facts<'_>) -> Findings {
    let mut all = Vec::new();
    for (index, manifest) in source.manifests.iter().enumerate() {
        let context = Context::new(source, manifest, index == 0, catalog, facts);
        all.append(&mut run_all(&context, true));
    }
    finish(source, all)
}

/// The findings of one manifest of a file; another document's mistakes are not its own.
///
/// With `references` it also answers for the bottles that it refers to.
fn examine_manifest(
    source: &Arc<Source>,
    manifest: &Manifest,
    catalog: &Catalog<'_>,
    facts: &Facts<'_>,
    references: bool,
) -> Findings {
    let first = source.manifests.first() == Some(manifest);
    let context = Context::new(source, manifest, first, catalog, facts);
    let mut all = run_all(&context, references);
    if !first {
        // What concerns the whole file is the first manifest's to report.
        let whole = source.manifests.first().map(|m| Context::new(source, m, true, catalog, facts));
        all.extend(whole.iter().zip(rules::get("syntax")).flat_map(|(whole, rule)| run(rule, whole)));
    }
    all.retain(|f| f.rule.id != "syntax" || source.holds(manifest, f.span));
    finish(source, all)
}

/// Silences, sorts and takes out doubles.
fn finish(source: &Source, mut all: Vec<Diagnostic>) -> Findings {
    let silenced = suppression::apply(source, &mut all);
    leave_secrets_to_their_rule(&mut all);
    all.sort_by(|a, b| (a.span, a.rule.id).cmp(&(b.span, b.rule.id)));
    all.dedup_by(|a, b| a.span == b.span && a.rule.id == b.rule.id && a.message == b.message);
    keep_line_breaks(&source.text, &mut all);
    keep_anchors(source, &mut all);
    Findings { findings: all, silenced }
}

/// A text of so many bytes keeps two threads busy: in the editor its findings are waited for.
const LONG: usize = 32 << 10;

/// The findings of every rule, with or without those of the bottles that the manifest refers to.
fn run_all(context: &Context<'_>, references: bool) -> Vec<Diagnostic> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut all = Vec::new();
        while let Some(rule) = rules::all().get(next.fetch_add(1, Ordering::Relaxed)) {
            if !references && rule.id == "broken-bottle" {
                continue;
            }
            let mut found = run(rule, context);
            found.retain(|finding| !reported_by_a_parent(finding, context));
            all.append(&mut found);
        }
        all
    };
    let (mut all, mut more) = both(context.text().len() >= LONG, work, work);
    all.append(&mut more);
    all
}

/// Does two things, in two threads where `at_once`; a panic of either goes on here.
fn both<A: Send, B>(at_once: bool, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B) -> (A, B) {
    if !at_once {
        return (a(), b());
    }
    std::thread::scope(|scope| {
        let a = scope.spawn(a);
        let b = b();
        (a.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), b)
    })
}

fn run(rule: &'static Rule, context: &Context<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    (rule.check)(context, &mut Sink { rule, context, found: &mut found });
    found
}

/// The label of the place that an inherited value comes from.
const INHERITED: &str = "inherited from here";

/// Whether a bottle that this manifest refers to has the same finding by itself: then it is that
/// bottle's alone.
///
/// Looking at the direct ones is enough: what they inherit is reported by them or above them.
fn reported_by_a_parent(finding: &Diagnostic, context: &Context<'_>) -> bool {
    let Some(place) = finding.related.iter().find(|r| r.message == INHERITED) else { return false };
    context.references().iter().filter_map(|name| context.catalog.bottle(&name.value, context.source)).any(
        |parent| {
            let first = parent.source.manifests.first() == Some(&parent.manifest);
            let parent =
                Context::new(&parent.source, &parent.manifest, first, context.catalog, context.facts);
            run(finding.rule, &parent).iter().any(|f| {
                (&f.file, f.span) == (&place.file, place.span)
                    || f.related.iter().any(|r| (&r.file, r.span) == (&place.file, place.span))
            })
        },
    )
}

/// A credential in the wrong place is one mistake: that it is neither a host nor a name is not a second one.
fn leave_secrets_to_their_rule(found: &mut Vec<Diagnostic>) {
    let is_secret = |f: &Diagnostic| f.rule.id == "secret-literal";
    let spans: Vec<_> = found.iter().filter(|f| is_secret(f)).map(|f| f.span).collect();
    found.retain(|f| is_secret(f) || !spans.contains(&f.span));
}

/// Rules write LF; in a text whose lines end with CRLF the lines of a fix do too.
fn keep_line_breaks(text: &str, found: &mut [Diagnostic]) {
    let crlf = text.find('\n').is_some_and(|i| text[..i].ends_with('\r'));
    let fixes = found.iter_mut().filter(|_| crlf).filter_map(|f| f.fix.as_mut());
    for edit in fixes.flat_map(|f| &mut f.edits) {
        edit.text = edit.text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
}

/// A fix that would take an anchor away whose aliases stay is none.
fn keep_anchors(source: &Source, found: &mut [Diagnostic]) {
    let tree = &source.tree;
    if tree.aliases.is_empty() {
        return;
    }
    let breaks = |fix: &Fix| {
        let gone = |span: Span| {
            fix.edits.iter().any(|e| {
                e.span.start <= span.start
                    && span.end <= e.span.end
                    && !e.text.contains(span.of(&source.text))
            })
        };
        let lost = tree.anchors.iter().filter(|a| gone(a.span));
        lost.into_iter().any(|anchor| {
            let uses = |a: &&crate::syntax::Alias| (&a.name, a.document) == (&anchor.name, anchor.document);
            tree.aliases.iter().filter(uses).any(|alias| !gone(alias.span))
        })
    };
    for finding in found {
        finding.fix.take_if(|fix| breaks(fix));
    }
}

/// Where a rule puts what it finds.
pub struct Sink<'a> {
    rule: &'static Rule,
    context: &'a Context<'a>,
    found: &'a mut Vec<Diagnostic>,
}

impl Sink<'_> {
    /// Reports at a place. Where the place is in another file, the finding stands at the entry
    /// that brings the value here, and the place becomes related.
    pub fn at(&mut self, place: &crate::manifest::Place, message: impl Into<String>) -> &mut Diagnostic {
        if place.file == self.context.source.path {
            return self.span(place.span, place.origin, message);
        }
        let here = self.context.entry_of_inheritance();
        let found = self.span(here.span, here.origin, message);
        found.related.push(Related {
            file: place.file.clone(),
            span: place.span,
            message: INHERITED.to_owned(),
        });
        found
    }

    /// The finding that was reported last.
    pub fn last(&mut self) -> Option<&mut Diagnostic> {
        self.found.last_mut()
    }

    /// Reports at a span of this file; `origin` is where an alias took the value from.
    pub fn span(
        &mut self,
        span: crate::syntax::Span,
        origin: Option<crate::syntax::Span>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let file = self.context.source.path.clone();
        let related = origin.map(|span| Related {
            file: file.clone(),
            span,
            message: "the value is written here".to_owned(),
        });
        self.found.push(Diagnostic {
            rule: self.rule,
            severity: self.rule.severity,
            message: message.into(),
            help: String::new(),
            file,
            span,
            related: related.into_iter().collect(),
            fix: None,
        });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }
}

/// A value of the manifest as a message may show it: nothing that looks like a credential, nothing
/// that moves a terminal.
pub(crate) fn shown(text: &str) -> String {
    if is_short_word(text) { text.to_owned() } else { printable(&masked_words(text)) }
}

/// Whether a text is shorter than any credential, and of characters that no credential so short is
/// made of: most of what is shown is, and need not be searched.
fn is_short_word(text: &str) -> bool {
    text.len() < 15 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
}

/// The names of a list as a message shows them.
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const MOST: usize = 12;
    let names: Vec<_> = names.into_iter().collect();
    let mut out: Vec<_> = names.iter().take(MOST).map(|n| format!("`{}`", shown(n))).collect();
    if names.len() > MOST {
        out.push(format!("{} more", names.len() - MOST));
    }
    out.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is not searched holds nothing that a search would find.
        #[test]
        fn a_short_word_is_shown_as_it_is(text in "(xox[abp]-|sk-|eyJ|AKIA|SG\\.)?[-A-Za-z0-9_./]{0,14}") {
            if is_short_word(&text) {
                prop_assert_eq!(printable(&masked_words(&text)), text);
            }
        }
    }
}
