//! # empty-manifest
//!
//! ## What it finds
//! A manifest that says nothing: an empty file, or one with comments only.
//!
//! ## Why it matters
//! An empty bottle is valid YAML and would be a sandbox without any way out or credential; hardly
//! ever what was meant. A bottle that is meant to be empty says so with `{}`.
//!
//! ## Bad
//! ```yaml
//! # TODO # <- empty-manifest
//! ```
//!
//! ## Good
//! ```yaml
//! agent_provider:
//!   template: claude
//! ```

use crate::check::{Context, Sink};
use crate::manifest::{Body, Kind};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let broken = !ctx.source.tree.problems.is_empty() || matches!(ctx.source.body, Body::NoFrontmatter(_));
    if ctx.root.is_some() || broken {
        return;
    }
    let help = match ctx.manifest.kind {
        Kind::Bottle => "start with `agent_provider:`, or write `{}` for a bottle without anything",
        Kind::Agent => "start with `bottle:`, the bottle that the agent runs in",
    };
    out.span(ctx.head(), None, format!("the {} says nothing", ctx.manifest.kind.word())).help(help);
}
