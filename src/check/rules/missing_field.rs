//! # missing-field
//!
//! ## What it finds
//! A mapping that lacks a field it must have: a route without `host`, a mount without `target`,
//! an agent without `bottle`. Also, as a warning, `resources` without a limit that the parent states.
//!
//! ## Why it matters
//! Without it the rest of the mapping means nothing, and a launch refuses it. A bottle's
//! `resources` replaces its parent's as a whole, so a limit that is not repeated is gone.
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

use crate::check::{Context, Severity, Sink, edit, shown};
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
    dropped_limits(ctx, out);
}

/// Limits of a parent's `resources` that this bottle's own drops.
fn dropped_limits(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(entry) = ctx.root.filter(|_| ctx.bottle.is_some()).and_then(|r| r.entry("resources")) else { return };
    let Some(base) = ctx.parents().into_iter().rev().find_map(|p| p.bottle.resources) else { return };
    let limits = [("cpus", base.value.cpus), ("memory", base.value.memory), ("pids", base.value.pids)];
    for (key, limit) in limits {
        let Some(limit) = limit.filter(|_| entry.value.entry(key).is_none()) else { continue };
        let message =
            format!("`resources` replaces the parent's as a whole, and lacks its `{key}: {}`", shown(&limit.value));
        let finding = out.span(entry.key.span, entry.key.origin, message);
        finding.severity(Severity::Warning).help("repeat the limit, or another one");
        finding.related(&limit.place, "the parent's limit");
        if entry.key.origin.is_none() && entry.value.origin.is_none() && !entry.value.entries().is_empty() {
            let edit = edit::add_entry(ctx.text(), &entry.value, key, &edit::scalar(&limit.value));
            finding.unsafe_fix(format!("add `{key}`"), edit.into_iter().collect());
        }
    }
}
