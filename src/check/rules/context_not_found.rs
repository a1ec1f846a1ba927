//! # context-not-found
//!
//! ## What it finds
//! An `agent_provider.context` that is not a folder, that leaves the project by `..`, by an absolute
//! path or through a link, or that stands beside no Dockerfile of the bottle's own. A bottle of the
//! user's own may name any folder.
//!
//! ## Why it matters
//! What the Dockerfile copies from this folder becomes part of the image, and the build may send it
//! anywhere. A bottle that comes with a project has no business with folders outside it. The
//! shipped Dockerfiles copy nothing, so a context beside one is not what its author meant.
//!
//! ## Bad
//! ```dockerfile docker/Dockerfile
//! FROM node:24
//! COPY scripts/setup.sh /
//! ```
//! ```yaml
//! agent_provider:
//!   dockerfile: ./docker/Dockerfile
//!   context: ./dokcer # <- context-not-found
//! ```
//!
//! ## Good
//! ```dockerfile docker/Dockerfile
//! FROM node:24
//! COPY scripts/setup.sh /
//! ```
//! ```yaml
//! agent_provider:
//!   dockerfile: ./docker/Dockerfile
//!   context: .
//! ```

use crate::check::{Context, Sink, paths, shown};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(provider) = ctx.bottle.as_ref().map(|b| &b.provider) else { return };
    let Some(context) = &provider.context else { return };
    // The file may be a parent's.
    let dockerfile = ctx.resolved().and_then(|r| r.bottle.provider.dockerfile.as_ref());
    if dockerfile.is_none_or(|d| d.value.is_empty()) {
        let message = "`context` has no effect: the shipped Dockerfiles copy nothing";
        out.at(&context.place, message.to_owned())
            .help("name the bottle's own `dockerfile`, or leave `context` out");
        return;
    }
    let path = context.resolve(ctx.catalog.layout);
    if let Some(why) = paths::folder_problem(ctx, &path) {
        out.at(&context.place, format!("`{}` cannot be a build context: {why}", shown(&context.value)))
            .help("name a folder of the project, or leave the field out for the Dockerfile's own");
    }
}
