//! # loosened-parent
//!
//! ## What it finds
//! A protection of a parent that is gone or wider here: a route on a host that the parent limits, a
//! `workspace` without the parent's `mode` or with a wider one, a mount that the parent gives without
//! writing, `resources` without one of its limits or with a higher one. And, of several parents, a later one
//! that loosens an earlier one. Where it is meant, a suppression says why.
//!
//! ## Why it matters
//! The first bottle with a route that matches a host decides alone, and `workspace` and `resources` replace
//! the parent's as a whole. So what a base was written to protect can end in a file that never speaks of it.
//!
//! ## Bad
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! workspace: {mode: read_only}
//! resources: {pids: 200}
//! ---
//! ```
//! ```yaml
//! extends: base
//! egress:
//!   routes:
//!     - host: api.github.com # <- loosened-parent
//! workspace: {} # <- loosened-parent
//! resources: # <- loosened-parent
//!   cpus: 2
//! ```
//!
//! ## Good
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! workspace: {mode: read_only}
//! resources: {pids: 200}
//! ---
//! ```
//! ```yaml
//! extends: base
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/site/]
//! workspace: {mode: read_only}
//! resources:
//!   cpus: 2
//!   pids: 200
//! ```

use crate::check::{Context, Edit, Sink, edit, shown};
use crate::manifest::{Bottle, overlay};
use crate::plan::{Change, Direction, Places, build, compare};
use crate::provider::Start;
use std::cell::LazyCell;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(own) = &ctx.bottle else { return };
    let speaks = own.egress.is_some() || own.workspace.is_some() || own.resources.is_some();
    if own.extends.is_empty() || !speaks && own.extends.len() < 2 {
        return;
    }
    let mut base: Option<Bottle> = None;
    for (name, parent) in own.extends.iter().filter_map(|name| Some((name, ctx.parent(name)?.bottle))) {
        let folded = match base.take() {
            None => parent,
            Some(before) => {
                let folded = overlay(before.clone(), parent);
                let places = LazyCell::new(|| Places::of(&before));
                for change in loosened(ctx, &before, &folded) {
                    let finding = out.at(
                        &name.place,
                        format!(
                            "the parent `{}` loosens what an earlier one protects: {}",
                            shown(&name.value),
                            in_words(&change)
                        ),
                    );
                    finding.help("put it first, or say in a suppression why it may");
                    if let Some(at) = places.place(&change) {
                        finding.related(&at, "the earlier parent's");
                    }
                }
                folded
            }
        };
        base = Some(folded);
    }
    let Some(base) = base else { return };
    let all = overlay(base.clone(), own.clone());
    let (places, parents) = (LazyCell::new(|| Places::of(&all)), LazyCell::new(|| Places::of(&base)));
    for change in loosened(ctx, &base, &all) {
        let here = places.place(&change).filter(|at| at.file == ctx.source.path);
        let at = here.unwrap_or_else(|| own.extends[0].place.clone());
        let finding = out.at(&at, format!("this loosens what a parent protects: {}", in_words(&change)));
        finding.help("repeat the parent's term, or say in a suppression why it is dropped");
        if let Some(at) = parents.place(&change) {
            finding.related(&at, "the parent's");
        }
        if let Some((title, edit)) = repeated(ctx, &change, &base) {
            finding.unsafe_fix(title, vec![edit]);
        }
    }
}

/// What the second bottle permits that the first one had terms on.
pub(super) fn loosened(ctx: &Context<'_>, before: &Bottle, after: &Bottle) -> Vec<Change> {
    let plan = |bottle| build(bottle, None, &Start::default(), ctx.catalog.layout).ok();
    let (Some(before), Some(after)) = (plan(before), plan(after)) else { return Vec::new() };
    let mut all = compare(Some(&before), Some(&after));
    all.retain(|change| {
        let wider = match change.area {
            "egress" => change.direction != Direction::Narrowed,
            "workspace" | "mount" | "limit" => change.direction == Direction::Widened,
            _ => false,
        };
        // What was not there had no terms.
        wider && !change.before.is_empty()
    });
    all
}

fn in_words(change: &Change) -> String {
    format!("{} {}: {} → {}", change.area, change.subject, change.before, change.after)
}

/// The parent's value, said again here.
fn repeated(ctx: &Context<'_>, change: &Change, base: &Bottle) -> Option<(String, Edit)> {
    let (field, value) = match (change.area, change.subject.as_str()) {
        ("workspace", "mode") => ("workspace", base.workspace.as_ref()?.value.mode.as_ref()?),
        ("limit", subject) => {
            let limits = &base.resources.as_ref()?.value;
            let of = match subject {
                "cpus" => &limits.cpus,
                "memory" => &limits.memory,
                _ => &limits.pids,
            };
            ("resources", of.as_ref()?)
        }
        _ => return None,
    };
    let entry = ctx.root?.entry(field)?;
    if entry.key.origin.is_some() || entry.value.origin.is_some() || entry.value.entries().is_empty() {
        return None;
    }
    // In quotes a number would be text.
    let amount = field == "resources" && value.value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let scalar = if amount { value.value.clone() } else { edit::scalar(&value.value) };
    let said = format!("`{}: {}`", change.subject, value.value);
    match entry.value.get(&change.subject) {
        // What is not a value is another finding's to mend.
        Some(own) if own.origin.is_some() || own.is_null() || own.scalar().is_none() => None,
        Some(own) => Some((format!("put the parent's {said} back"), Edit { span: own.span, text: scalar })),
        None => {
            let edit = edit::add_entry(ctx.text(), &entry.value, &change.subject, &scalar)?;
            Some((format!("add {said}"), edit))
        }
    }
}
