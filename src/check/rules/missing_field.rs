//! # missing-field
//!
//! ## What it finds
//! A mapping that lacks a field it must have: a route without `host`, a mount without `target`,
//! an agent without `bottle`.
//!
//! ## Why it matters
//! Without it the rest of the mapping means nothing, and a launch refuses it.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - path_allowlist: [/repos/acme/] # <- missing-field
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::ViolationKind;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for violation in &ctx.violations {
        let ViolationKind::MissingField { key } = &violation.kind else { continue };
        let place = if violation.path.is_empty() {
            format!("the {}", ctx.manifest.kind.word())
        } else {
            format!("`{}`", shown(&violation.path))
        };
        let span = super::first_line(ctx, violation.span);
        out.span(span, violation.origin, format!("{place} lacks the field `{key}`"))
            .help(format!("add `{key}: …`"));
    }
}
