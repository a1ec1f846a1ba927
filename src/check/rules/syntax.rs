//! # syntax
//!
//! ## What it finds
//! Text that is not YAML, or YAML that a manifest cannot use: an unclosed bracket, a tab as
//! indentation, an alias without an anchor, aliases that expand without bound, nesting without
//! end, Markdown without frontmatter.
//!
//! ## Why it matters
//! What stands behind the error is not read at all, so a route or a limit written there would
//! silently be missing. Everything before it is still checked.
//!
//! ## Bad
//! ```yaml
//! egress:
//!   routes: [{host: api.github.com}
//! env: {} # <- syntax
//! ```
//!
//! ## Good
//! ```yaml
//! egress:
//!   routes: [{host: api.github.com}]
//! env: {}
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::Body;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if !ctx.first {
        return;
    }
    for problem in &ctx.source.tree.problems {
        // The message may quote the name of a tag or an anchor.
        out.span(problem.span, None, shown(&problem.message));
    }
    if let Body::NoFrontmatter(span) = ctx.source.body {
        out.span(span, None, "the file has no frontmatter, so it says nothing")
            .help("put the manifest's YAML between two lines `---` at the top");
    }
}
