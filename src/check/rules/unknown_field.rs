//! # unknown-field
//!
//! ## What it finds
//! A key that the language does not have. Top-level keys that begin with `x-` are left alone.
//!
//! ## Why it matters
//! A misspelt key does nothing: `path_allowlst` would open every path of the host.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlst: [/repos/acme/] # <- unknown-field
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       path_allowlist: [/repos/acme/]
//! ```

use crate::check::shown;
use crate::check::{Context, Edit, Sink};
use crate::manifest::ViolationKind;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for violation in &ctx.violations {
        let ViolationKind::UnknownField { key, known } = &violation.kind else { continue };
        let place = if violation.path.is_empty() {
            format!("a {}", ctx.manifest.kind.word())
        } else {
            format!("`{}`", shown(&violation.path))
        };
        let message = format!("{place} has no field `{}`", shown(key));
        let found = out.span(violation.span, violation.origin, message);
        match super::nearest(key, known.iter().map(String::as_str)) {
            Some(meant) => {
                found.help(format!("did you mean `{meant}`?"));
                if violation.origin.is_none() {
                    let edit = Edit { span: violation.span, text: meant.to_owned() };
                    found.unsafe_fix(format!("rename it to `{meant}`"), vec![edit]);
                }
            }
            None => {
                found.help(format!("the fields are {}", known.join(", ")));
            }
        }
    }
}
