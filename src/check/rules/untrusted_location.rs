//! # untrusted-location
//!
//! ## What it finds
//! A bottle in a project's `.bot-bottle/bottles/`.
//!
//! ## Why it matters
//! A bottle decides which host variable goes to which host, so a cloned repository must not bring
//! one unasked. Such a bottle contributes nothing: no agent and no other bottle can name it.
//!
//! ## Bad
//! ```yaml .bot-bottle/bottles/dev.md
//! --- # <- untrusted-location
//! resources: {memory: 4GiB}
//! ---
//! ```
//!
//! ## Good
//! ```yaml ~/.bot-bottle/bottles/dev.md
//! ---
//! resources: {memory: 4GiB}
//! ---
//! ```

use crate::check::{Context, Sink};
use crate::manifest::{Kind, Location};
use crate::syntax::Span;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let path = &ctx.source.path;
    let in_bottles = path.parent().is_some_and(|dir| dir.ends_with(".bot-bottle/bottles"));
    let project = ctx.source.location == Location::Project && ctx.manifest.kind == Kind::Bottle;
    if !(ctx.first && in_bottles && project) {
        return;
    }
    let span = super::first_line(ctx, Span::new(0, ctx.text().len()));
    out.span(span, None, "a bottle in a project's `.bot-bottle` contributes nothing: a clone must not bring walls")
        .help("move it to `~/.bot-bottle/bottles`, or make it a `NAME.bottle.yaml` that is launched by its file after `bot-bottle trust`");
}
