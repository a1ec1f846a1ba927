//! # dockerfile-not-found
//!
//! ## What it finds
//! An `agent_provider.dockerfile` that is not a file, or that leaves the project by `..`, by an
//! absolute path or through a link. A bottle of the user's own may name any file.
//!
//! ## Why it matters
//! Without it there is no image. And a bottle that comes with a project has no business with files
//! outside it.
//!
//! ## Bad
//! ```dockerfile docker/Dockerfile
//! FROM node:24
//! ```
//! ```yaml
//! agent_provider:
//!   dockerfile: ./Dockerfile # <- dockerfile-not-found
//! ```
//!
//! ## Good
//! ```dockerfile docker/Dockerfile
//! FROM node:24
//! ```
//! ```yaml
//! agent_provider:
//!   dockerfile: ./docker/Dockerfile
//! ```

use crate::check::{Context, Sink, paths, shown};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let own = ctx.bottle.as_ref().and_then(|b| b.provider.dockerfile.as_ref());
    let Some(dockerfile) = own.filter(|d| !d.value.is_empty()) else { return };
    let path = dockerfile.resolve(ctx.catalog.layout);
    if let Some(why) = paths::file_problem(ctx, &path) {
        out.at(&dockerfile.place, format!("`{}` is no Dockerfile: {why}", shown(&dockerfile.value))).help(
            "name a file of the project, or leave the field out for the Dockerfile that bot-bottle ships",
        );
    }
}
