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

use crate::check::{Context, Edit, Sink, edit, shown};
use crate::manifest::ViolationKind;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for violation in &ctx.violations {
        let ViolationKind::WrongType { expected, found } = &violation.kind else { continue };
        let place = match violation.path.as_str() {
            "" => format!("a {}", ctx.manifest.kind.word()),
            path => format!("`{}`", shown(path)),
        };
        let finding =
            out.span(violation.span, violation.origin, format!("{place} must be {expected}, not {found}"));
        let raw = violation.span.of(ctx.text());
        let one_line = !raw.is_empty() && !raw.contains('\n') && !raw.starts_with(['|', '>', '!', '&']);
        if expected == "a list" && *found == "text" && violation.origin.is_none() && one_line {
            // Text that needs no quotes alone may need them within brackets.
            let item = if raw.starts_with(['"', '\'']) { raw.to_owned() } else { edit::scalar(raw) };
            finding.help("put it in brackets");
            finding
                .safe_fix("make it a list", vec![Edit { span: violation.span, text: format!("[{item}]") }]);
        }
    }
}
