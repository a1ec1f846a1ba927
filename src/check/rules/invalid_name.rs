//! # invalid-name
//!
//! ## What it finds
//! A bottle, an agent or a skill whose name is none: other than small letters, digits and `-`,
//! longer than 63 characters, beginning with `-`; and two documents of one file with one name. A
//! manifest's name is its file's name without the suffix.
//!
//! ## Why it matters
//! Names become folders, host names and container names. And a name that two documents share leads
//! to one of them only.
//!
//! ## Bad
//! ```yaml
//! skills: [Code_Review] # <- invalid-name
//! ---
//! name: dev # <- invalid-name
//! ```
//!
//! ## Good
//! ```yaml ~/.claude/skills/code-review/SKILL.md
//! Review as we do.
//! ```
//! ```yaml
//! skills: [code-review]
//! ---
//! name: second
//! ```

use crate::check::{Context, Sink, shown};
use crate::manifest::{Kind, is_name, name_problem};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    for skill in ctx.skills() {
        if let Some(why) = name_problem(&skill.value) {
            let finding =
                out.at(&skill.place, format!("`{}` is not a valid skill name: {why}", shown(&skill.value)));
            rename(finding, &skill.value, |name| super::replaced(&skill.place, name));
        }
    }
    document_name(ctx, out);
    same_name(ctx, out);
}

/// The name that a document gives itself, or that its file gives it.
fn document_name(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let several = ctx.source.manifests.len() > 1;
    let own = ctx.root.and_then(|r| r.get("name")).filter(|n| n.text().is_some());
    // An agent's `name` alone in its file is a Claude Code subagent's, and ignored.
    let counts = several || ctx.manifest.kind == Kind::Bottle;
    if let Some(node) = own.filter(|_| counts)
        && let Some((text, why)) = node.text().and_then(|t| Some((t, name_problem(t)?)))
    {
        let message = format!("`{}` is no {}'s name: {why}", shown(text), ctx.manifest.kind.word());
        let finding = out.span(node.span, node.origin, message);
        let place = crate::manifest::Place { origin: node.origin, ..ctx.place(node.span) };
        rename(finding, text, |name| super::replaced(&place, name));
    }
    let named_by_file = ctx.first && !(several && own.is_some());
    if let Some(why) = name_problem(&ctx.manifest.name).filter(|_| named_by_file) {
        let name = shown(&ctx.manifest.name);
        out.span(
            ctx.head(),
            None,
            format!("the file's name gives the name `{name}`, which is not a valid one: {why}"),
        )
        .help("rename the file: small letters, digits and `-`");
    }
}

/// Two documents with one name.
fn same_name(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let earlier = ctx.source.manifests.iter().take_while(|m| m.document < ctx.manifest.document);
    let Some(first) = earlier.into_iter().find(|m| m.name == ctx.manifest.name) else { return };
    let name_span = |root: Option<&crate::syntax::Node>| root?.get("name").map(|n| n.span);
    let span = name_span(ctx.root).unwrap_or_else(|| ctx.head());
    let name = shown(&ctx.manifest.name);
    let finding = out.span(span, None, format!("two documents of this file have the name `{name}`"));
    finding.help("give each document a `name` of its own");
    let root = ctx.source.root(first);
    if let Some(span) = name_span(root).or_else(|| root.map(|r| super::first_line(ctx, r.span))) {
        finding.related(&ctx.place(span), "the first one");
    }
}

fn rename(
    finding: &mut crate::check::Diagnostic,
    text: &str,
    edits: impl Fn(&str) -> Vec<crate::check::Edit>,
) {
    let mended = text.trim().to_ascii_lowercase().replace(['_', ' ', '.'], "-");
    if is_name(&mended) {
        finding.help(format!("write `{mended}`")).unsafe_fix(format!("write `{mended}`"), edits(&mended));
    } else {
        finding.help("write small letters, digits and `-`");
    }
}
