//! # prompt-file-not-found
//!
//! ## What it finds
//! A `prompt_file` that is not a file, or that leaves the project by `..`, by an absolute path or
//! through a link. A manifest of the user's own may name any file.
//!
//! ## Why it matters
//! Without it the agent does not know its task. And the file's text goes to the agent and to its
//! vendor: a project must not pick it from the rest of the disk.
//!
//! ## Bad
//! ```markdown prompts/review.md
//! Review the last commit.
//! ```
//! ```yaml
//! prompt_file: ./review.md # <- prompt-file-not-found
//! ```
//!
//! ## Good
//! ```markdown prompts/review.md
//! Review the last commit.
//! ```
//! ```yaml
//! prompt_file: ./prompts/review.md
//! ```

use crate::check::{Context, Sink, paths, shown};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(file) = ctx.prompt().and_then(|p| p.prompt_file.as_ref()).filter(|f| !f.value.is_empty()) else {
        return;
    };
    if let Some(why) = paths::file_problem(ctx, &file.resolve(ctx.catalog.layout)) {
        out.at(&file.place, format!("`{}` is not a prompt: {why}", shown(&file.value)))
            .help("name a file of the project, relative to this manifest");
    }
}
