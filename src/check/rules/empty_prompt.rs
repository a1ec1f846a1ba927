//! # empty-prompt
//!
//! ## What it finds
//! A `prompt` or a prompt file without a word, and an agent that has no prompt at all, neither of
//! its own nor its bottle's.
//!
//! ## Why it matters
//! An agent is its prompt: without one the bottle alone would do. Mostly the text below the
//! frontmatter was forgotten.
//!
//! ## Bad
//! ```yaml dev.bottle.yaml
//! agent_provider: {template: claude}
//! ```
//! ```yaml review.agent.yaml
//! bottle: dev # <- empty-prompt
//! ```
//!
//! ## Good
//! ```yaml dev.bottle.yaml
//! agent_provider: {template: claude}
//! ```
//! ```yaml review.agent.yaml
//! bottle: dev
//! prompt: Review the last commit.
//! ```

use crate::check::{Context, Sink, paths};
use crate::manifest::{Carrier, PromptSource};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let (Some(root), Some(own)) = (ctx.root, ctx.prompt()) else { return };
    if let Some(prompt) = own.prompt.as_ref().filter(|p| p.value.trim().is_empty()) {
        out.at(&prompt.place, "the prompt is empty").help("write it, or remove the field");
    }
    if let Some(file) = own.prompt_file.as_ref().filter(|f| !f.value.is_empty()) {
        let path = file.resolve(ctx.catalog.layout);
        let may_be_read = paths::file_problem(ctx, &path).is_none();
        let text = may_be_read.then(|| ctx.catalog.files.read(&path).ok()).flatten();
        if text.is_some_and(|t| t.trim_ascii().is_empty()) {
            out.at(&file.place, "the prompt file is empty").help("write the prompt into it");
        }
    }
    let Some(agent) = &ctx.agent else { return };
    let has_field = root.entry("prompt").or(root.entry("prompt_file")).is_some();
    let inherits = ctx.resolved().is_some_and(|r| r.bottle.prompt != PromptSource::default());
    if has_field || inherits || !agent.body.is_empty() {
        return;
    }
    out.span(ctx.head(), None, "the agent has no prompt").help(match ctx.source.carrier {
        Carrier::Markdown => "write it below the frontmatter",
        Carrier::Yaml => "add `prompt:` or `prompt_file:`",
    });
}
