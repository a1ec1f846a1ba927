//! # mount-conflict
//!
//! ## What it finds
//! Two mounts with one target, a target inside another mount or inside `/workspace`, and one over what
//! the guest's own system and bot-bottle need. Also, as a warning, a `workspace` that takes the place of a parent's and
//! drops its `mode`.
//!
//! ## Why it matters
//! One of two mounts hides the other. A mount inside another one, or inside `/workspace`, needs a folder
//! there: the launch would make it in a folder of the host, wherever a link in it leads. A bottle's `workspace` replaces its parent's as a whole: where the parent gave a copy or
//! allowed no writing, a child without `mode` gives the folder itself.
//!
//! ## Bad
//! ```markdown docs/index.md
//! Hello.
//! ```
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! workspace: {mode: read_only}
//! ---
//! ```
//! ```yaml
//! extends: base
//! workspace: # <- mount-conflict
//!   mounts:
//!     - {source: ./docs, target: /docs}
//!     - {source: ./docs, target: /docs/} # <- mount-conflict
//!     - {source: ./docs, target: /docs/more} # <- mount-conflict
//!     - {source: ./docs, target: /workspace/docs} # <- mount-conflict
//!     - {source: ./docs, target: /etc} # <- mount-conflict
//! ```
//!
//! ## Good
//! ```markdown docs/index.md
//! Hello.
//! ```
//! ```yaml ~/.bot-bottle/bottles/base.md
//! ---
//! workspace: {mode: read_only}
//! ---
//! ```
//! ```yaml
//! extends: base
//! workspace:
//!   mode: read_only
//!   mounts:
//!     - {source: ./docs, target: /docs}
//! ```

use crate::check::{Context, Severity, Sink, shown};
use crate::plan::{Conflict, build, guest_target, mount_conflict};
use crate::provider::Start;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(workspace) = ctx.bottle.as_ref().and_then(|b| b.workspace.as_ref()) else { return };
    let written: Vec<_> = workspace.value.mounts.iter().filter_map(|m| m.target.as_ref()).collect();
    let targets: Vec<_> = written.iter().map(|t| guest_target(&t.value)).collect();
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let plan = if targets.is_empty() { None } else { ctx.resolved() };
    let plan = plan.and_then(|r| build(&r.bottle, None, &Start::default(), ctx.catalog.layout).ok());
    for (index, target) in written.iter().enumerate().filter(|(_, t)| t.value.starts_with('/')) {
        let shown = shown(&target.value);
        match mount_conflict(plan.as_ref(), &targets, index) {
            None => {}
            Some(Conflict::Place(why)) => {
                out.at(&target.place, format!("`{shown}` {why}"))
                    .help("mount it elsewhere, such as `/docs` or `/home/node/docs`");
            }
            Some(Conflict::Twice(earlier)) => {
                out.at(&target.place, format!("two mounts have the target `{shown}`"))
                    .help("give each mount a target of its own")
                    .related(&written[earlier].place, "the other one");
            }
            Some(Conflict::Within(outer)) => {
                out.at(&target.place, format!("`{shown}` lies in another mount"))
                    .help("give each mount a place of its own, beside the other")
                    .related(&written[outer].place, "the other one");
            }
        }
    }
    dropped_mode(ctx, out);
}

fn dropped_mode(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(entry) = ctx.root.and_then(|r| r.entry("workspace")) else { return };
    if entry.value.entry("mode").is_some() || entry.value.entries().is_empty() {
        return;
    }
    let Some(base) = ctx.parents().into_iter().rev().find_map(|p| p.bottle.workspace) else { return };
    let Some(mode) = base.value.mode.filter(|m| ["copy", "read_only"].contains(&m.value.as_str())) else { return };
    let message = format!(
        "the parent's workspace has `mode: {}`, and this one, which replaces it as a whole, mounts the folder itself",
        mode.value
    );
    let finding = out.span(entry.key.span, entry.key.origin, message);
    finding.severity(Severity::Warning).related(&mode.place, "the parent's mode");
    finding.help(format!("repeat `mode: {}`, or write `mode: bind` where it is meant", mode.value));
    if entry.key.origin.is_none() && entry.value.origin.is_none() {
        let edit = crate::check::edit::add_entry(ctx.text(), &entry.value, "mode", &mode.value);
        finding.unsafe_fix(format!("add `mode: {}`", mode.value), edit.into_iter().collect());
    }
}
