//! # extends-cycle
//!
//! ## What it finds
//! A bottle that extends itself, directly or through its parents.
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
use crate::manifest::ParentError;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let (Some(bottle), Some(resolved)) = (&ctx.bottle, ctx.resolved()) else { return };
    for error in &resolved.errors {
        let ParentError::Cycle { parent, chain } = error else { continue };
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
