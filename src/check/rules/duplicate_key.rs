//! # duplicate-key
//!
//! ## What it finds
//! A key that stands twice in one mapping.
//!
//! ## Why it matters
//! Readers of YAML disagree on which one counts. A reviewer may read the first `routes` while a
//! tool carries out the second.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes: []
//!   routes: # <- duplicate-key
//!     - host: api.github.com
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes:
//!     - host: api.github.com
//! ```

use crate::check::shown;
use crate::check::{Context, Sink};
use crate::syntax::Node;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if let Some(root) = ctx.root {
        visit(ctx, root, out);
    }
}

/// What came through an alias is reported where it is written.
fn visit(ctx: &Context<'_>, node: &Node, out: &mut Sink<'_>) {
    if node.origin.is_some() {
        return;
    }
    let entries = node.entries();
    for (i, entry) in entries.iter().enumerate().filter(|(_, e)| e.key.origin.is_none()) {
        if let Some(first) = entries[..i].iter().find(|e| e.key.text == entry.key.text) {
            let key = shown(&entry.key.text);
            out.span(
                entry.key.span,
                None,
                format!("the key `{key}` stands twice; only the first one counts"),
            )
            .help("keep one of them")
            .related(&ctx.place(first.key.span), "the first one");
        }
        visit(ctx, &entry.value, out);
    }
    for item in node.items() {
        visit(ctx, item, out);
    }
}
