//! # mount-conflict
//!
//! ## What it finds
//! Two mounts with one target, a target inside another mount or inside `/workspace`, and one over what
//! the guest's own system and bot-bottle need.
//!
//! ## Why it matters
//! One of two mounts hides the other. A mount inside another one, or inside `/workspace`, needs a folder
//! there: the launch would make it in a folder of the host, wherever a link in it leads.
//!
//! ## Bad
//! ```markdown docs/index.md
//! Hello.
//! ```
//! ```yaml
//! workspace:
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
//! ```yaml
//! workspace:
//!   mounts:
//!     - {source: ./docs, target: /docs}
//! ```

use crate::check::{Context, Sink, shown};
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
}
