//! # wrong-type
//!
//! ## What it finds
//! A value of the wrong type: text where a list belongs, a number where text belongs.
//!
//! ## Why it matters
//! The value cannot be used, and guessing what it means is no way to build a wall. An empty value
//! never means «allow all».
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: /repos/acme/ # <- wrong-type
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! ```

use crate::check::{Context, Edit, Sink};
use crate::check::shown;
use crate::manifest::ViolationKind;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for violation in &ctx.violations {
        let ViolationKind::WrongType { expected, found } = &violation.kind else { continue };
        let place = match violation.path.as_str() {
            "" => format!("a {}", ctx.manifest.kind.word()),
            path => format!("`{}`", shown(path)),
        };
        let finding = out.span(violation.span, violation.origin, format!("{place} must be {expected}, not {found}"));
        if expected == "a list" && *found == "text" && violation.origin.is_none() {
            let text = format!("[{}]", violation.span.of(ctx.text()));
            finding.help("put it in brackets");
            finding.safe_fix("make it a list", vec![Edit { span: violation.span, text }]);
        }
    }
}
