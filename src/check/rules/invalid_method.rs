//! # invalid-method
//!
//! ## What it finds
//! A method in `matches` that no route can allow: small letters, a word that is not a method,
//! `CONNECT` and `TRACE`.
//!
//! ## Why it matters
//! Methods are compared as they are sent, in capitals. `CONNECT` would open a tunnel inside the
//! tunnel, and `TRACE` would hand the credential back to the guest.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       matches:
//!         - methods:
//!             - get # <- invalid-method
//!             - TRACE # <- invalid-method
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//!       matches:
//!         - methods: [GET]
//! ```

use crate::check::{Context, Sink, shown};

/// The methods that a route can allow.
pub(super) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let entries = super::routes(ctx).iter().filter_map(|r| r.matches.as_ref()).flat_map(|m| &m.value);
    for method in entries.filter_map(|e| e.methods.as_ref()).flatten() {
        let name = method.value.as_str();
        if METHODS.contains(&name) {
            continue;
        }
        let upper = name.trim().to_ascii_uppercase();
        if ["CONNECT", "TRACE"].contains(&upper.as_str()) {
            out.at(&method.place, format!("no route can allow {upper}")).help("remove it");
            continue;
        }
        let finding =
            out.at(&method.place, format!("`{}` is not a method that a route can allow", shown(name)));
        let exact = METHODS.iter().find(|m| **m == upper).copied();
        match exact.or_else(|| super::nearest(&upper, METHODS)) {
            Some(meant) => {
                finding.help(format!("write `{meant}`"));
                let (title, edits) = (format!("write `{meant}`"), super::replaced(&method.place, meant));
                match exact {
                    Some(_) => finding.safe_fix(title, edits),
                    None => finding.unsafe_fix(title, edits),
                };
            }
            None => {
                finding.help(format!("the methods are {}", METHODS.join(", ")));
            }
        }
    }
}
