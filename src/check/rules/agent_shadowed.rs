//! # agent-shadowed
//!
//! ## What it finds
//! An agent of a project that has the name of one of the user's own.
//!
//! ## Why it matters
//! The bare name means the user's own agent, so this one is not launched by it: a clone must not be
//! able to put its agent in the place of yours.
//!
//! ## Bad
//! ```markdown ~/.bot-bottle/bottles/dev.md
//! ---
//! agent_provider: {template: claude}
//! ---
//! ```
//! ```markdown ~/.bot-bottle/agents/review.md
//! ---
//! bottle: dev
//! ---
//! Review the last commit.
//! ```
//! ```markdown .bot-bottle/agents/review.md
//! ---
//! bottle: dev # <- agent-shadowed
//! ---
//! Review the last commit as this project wants it.
//! ```
//!
//! ## Good
//! ```markdown ~/.bot-bottle/bottles/dev.md
//! ---
//! agent_provider: {template: claude}
//! ---
//! ```
//! ```markdown ~/.bot-bottle/agents/review.md
//! ---
//! bottle: dev
//! ---
//! Review the last commit.
//! ```
//! ```markdown .bot-bottle/agents/review-here.md
//! ---
//! bottle: dev
//! ---
//! Review the last commit as this project wants it.
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::{FileKind, Kind, Location};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let in_project =
        ctx.source.location == Location::Project && ctx.source.path.extension().is_some_and(|e| e == "md");
    if !ctx.first || ctx.manifest.kind != Kind::Agent || !in_project {
        return;
    }
    let name = &ctx.manifest.name;
    let own = ctx.catalog.layout.store().map(|store| store.join("agents").join(format!("{name}.md")));
    if own.is_some_and(|own| ctx.catalog.files.kind(&own) == Some(FileKind::File)) {
        let name = shown(name);
        out.span(
            ctx.head(),
            None,
            format!("`{name}` is also the name of an agent of your own, which the bare name means"),
        )
        .help(format!("rename one of the two, or launch this one as `./{name}`"));
    }
}
