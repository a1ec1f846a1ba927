//! # suppression-without-reason
//!
//! ## What it finds
//! A comment `bot-bottle: ignore[…]` with nothing behind it.
//!
//! ## Why it matters
//! The next reader cannot tell a considered exception from a silenced alarm.
//!
//! ## Bad
//! ```yaml
//! env:
//!   # bot-bottle: ignore[credential-in-env] # <- suppression-without-reason
//!   API_TOKEN: "?the token of the staging server"
//! ```
//!
//! ## Good
//! ```yaml
//! env:
//!   # bot-bottle: ignore[credential-in-env] a throw-away account on staging
//!   API_TOKEN: "?the token of the staging server"
//! ```

use crate::check::{Context, Sink, suppression};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if !ctx.first {
        return;
    }
    for comment in suppression::parse(ctx.source).iter().filter(|s| !s.has_reason) {
        out.span(comment.comment.span, None, "this comment silences a finding and does not say why")
            .help("write the reason behind the bracket");
    }
}
