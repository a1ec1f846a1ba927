//! # extends-cycle
//!
//! ## What it finds
//! A bottle that extends itself, directly or through its parents, and one with more than 64 parents in a row.
//!
//! ## Why it matters
//! There is no base to start from, so nobody can say what such a bottle allows.
//!
//! ## Bad
//! ```yaml base.bottle.yaml
//! extends: dev
//! ```
//! ```yaml
//! extends: base # <- extends-cycle
//! ```
//!
//! ## Good
//! ```yaml base.bottle.yaml
//! resources: {memory: 4GiB}
//! ```
//! ```yaml
//! extends: base
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::{Bottle, Located, MOST_IN_A_ROW, ParentError};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let (Some(bottle), Some(resolved)) = (&ctx.bottle, ctx.resolved()) else { return };
    for error in &resolved.errors {
        let (parent, chain) = match error {
            ParentError::Cycle { parent, chain } => (parent, chain),
            ParentError::TooMany { parent } => {
                too_many(bottle, parent, out);
                return;
            }
            ParentError::Missing { .. } => continue,
        };
        // A circle above this bottle is reported by the bottles in it.
        let [first, second, ..] = chain.as_slice() else { continue };
        if *first != bottle.name {
            continue;
        }
        let Some(entry) = bottle.extends.iter().find(|e| e.value == *second) else { continue };
        let arrows = chain.iter().map(|n| shown(n)).collect::<Vec<_>>().join(" → ");
        let message = match chain.len() {
            2 => format!("the bottle extends itself: {arrows}"),
            _ => format!("the parents lead back to the bottle: {arrows}"),
        };
        let finding = out.at(&entry.place, message);
        finding.help("take one of the steps out");
        if parent.place != entry.place {
            finding.related(&parent.place, "this closes the circle");
        }
    }
}

/// Reported by every bottle that is too far up: none of them is launched with a part of its parents.
fn too_many(bottle: &Bottle, parent: &Located<String>, out: &mut Sink<'_>) {
    let Some(entry) = bottle.extends.first() else { return };
    let message = format!("the bottle has more parents than are followed: {MOST_IN_A_ROW} in a row at most");
    let finding = out.at(&entry.place, message);
    finding.help("fold some of them into one");
    if parent.place != entry.place {
        finding.related(&parent.place, "this one is too many");
    }
}
