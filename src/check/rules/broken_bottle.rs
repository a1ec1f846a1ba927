//! # broken-bottle
//!
//! ## What it finds
//! A `bottle` or a parent in `extends` that has errors itself, or whose own parents have.
//!
//! ## Why it matters
//! What a bottle does is decided by every file that it is made of. A mistake in one of them is a
//! mistake here too, and is not launched through a name either.
//!
//! ## Bad
//! ```yaml base.bottle.yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       role: github_app
//! ```
//! ```yaml dev.bottle.yaml
//! extends: base # <- broken-bottle
//! env: {LOG_LEVEL: debug}
//! ```
//!
//! ## Good
//! ```yaml base.bottle.yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//! ```
//! ```yaml dev.bottle.yaml
//! extends: base
//! env: {LOG_LEVEL: debug}
//! ```

use crate::check::{Context, Sink, first_broken, shown};
use crate::manifest::{ParentError, Place};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    // A circle is reported as one by each bottle in it.
    let own = ctx.bottle.as_ref().map(|b| b.name.as_str());
    let circles =
        ctx.resolved().iter().flat_map(|r| &r.errors).any(
            |e| matches!(e, ParentError::Cycle { chain, .. } if chain.first().map(String::as_str) == own),
        );
    for name in ctx.references() {
        let Some(found) = ctx.catalog.bottle(&name.value, ctx.source) else { continue };
        // Its own errors are reported where they are.
        let Some((broken, error)) = first_broken(&found, ctx.catalog, Some((ctx.source, ctx.manifest)))
        else {
            continue;
        };
        if circles && error.rule.id == "extends-cycle" {
            continue;
        }
        let through = if broken.manifest == found.manifest && broken.source.path == found.source.path {
            String::new()
        } else {
            format!(", which it is made of by `{}`,", shown(&broken.manifest.name))
        };
        let message = format!(
            "the bottle `{}` has an error{through} and is not launched: {} ({})",
            shown(&name.value),
            error.message,
            error.rule.id
        );
        let place = Place { file: error.file.clone(), span: error.span, origin: None };
        out.at(&name.place, message).help("mend that file first").related(&place, "the first error");
    }
}
