//! # unknown-parent
//!
//! ## What it finds
//! A name in `extends` that is not a bottle's.
//!
//! ## Why it matters
//! The parent's part is missing: its provider, its limits, its routes. A bottle without what it
//! was meant to inherit is another bottle, so it is not launched.
//!
//! ## Bad
//! ```yaml base.bottle.yaml
//! resources: {memory: 4GiB}
//! ```
//! ```yaml
//! extends: bsae # <- unknown-parent
//! ```
//!
//! ## Good
//! ```yaml base.bottle.yaml
//! resources: {memory: 4GiB}
//! ```
//! ```yaml
//! extends: base
//! ```

use crate::check::{Context, Sink};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for name in ctx.bottle.iter().flat_map(|b| &b.extends) {
        super::missing_bottle(ctx, out, name);
    }
}
