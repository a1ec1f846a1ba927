//! # widened-permission
//!
//! ## What it finds
//! What a change lets an agent do that it could not do before, or something else that may be more. Only
//! `check --since REV --deny-widening` looks for it: it compares each changed manifest with what it was
//! where the change began.
//!
//! ## Why it matters
//! A manifest is the wall around an agent, and a line of it is easily read over in a review. So that
//! every report says what the exit code says, each widening is a finding at the line that widens. No
//! comment and no baseline accepts it: whoever reviews the change does.
//!
//! ## Bad
//! ```yaml widened.bottle.yaml
//! egress:
//!   routes:
//!     - host: api.github.com # <- widened-permission
//! ```
//!
//! ## Good
//! ```yaml narrowed.bottle.yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! ```

use crate::check::{Context, Sink, Widened};
use crate::plan::Places;
use std::cell::LazyCell;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let of = |w: &&Widened| w.manifest == ctx.manifest.name && *w.file == *ctx.source.path;
    let places = LazyCell::new(|| ctx.resolved().map(|resolved| Places::of(&resolved.bottle)));
    for Widened { change, .. } in ctx.facts.widened.iter().filter(of) {
        let found = places.as_ref().and_then(|places| places.place(change));
        // A line that is gone widens too; then there is nothing but the manifest to point at.
        let (here, elsewhere) = match found {
            Some(at) if at.file == ctx.source.path => (at, None),
            other => (ctx.place(ctx.head()), other),
        };
        let (before, after) = (words(&change.before), words(&change.after));
        let (direction, area, subject) = (change.direction.word(), change.area, &change.subject);
        let finding = out.at(&here, format!("{area} {subject} is {direction}: {before} → {after}"));
        finding.help("narrow it, or have it reviewed: an agent may do more than before this change");
        if let Some(at) = elsewhere {
            finding.related(&at, "here");
        }
    }
}

fn words(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}
