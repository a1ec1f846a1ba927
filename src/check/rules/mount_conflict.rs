//! # mount-conflict
//!
//! ## What it finds
//! Two mounts with one target, and a target inside `/workspace` or over what the guest's own system
//! and bot-bottle need. Also, as a warning, a `workspace` that takes the place of a parent's and
//! drops its `mode`.
//!
//! ## Why it matters
//! One of two mounts hides the other, and a mount inside `/workspace` makes folders in the project
//! itself. A bottle's `workspace` replaces its parent's as a whole: where the parent gave a copy or
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
use crate::manifest::{Located, join};
use crate::plan::build;
use crate::provider::{GUEST_HOME, Start, WORKSPACE};
use std::path::{Path, PathBuf};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(workspace) = ctx.bottle.as_ref().and_then(|b| b.workspace.as_ref()) else { return };
    let targets: Vec<(PathBuf, &Located<String>)> = workspace
        .value
        .mounts
        .iter()
        .filter_map(|m| m.target.as_ref())
        .filter(|t| t.value.starts_with('/'))
        .map(|t| (join(Path::new("/"), &t.value), t))
        .collect();
    let own_files = if targets.is_empty() { Vec::new() } else { planned(ctx) };
    for (index, (path, target)) in targets.iter().enumerate() {
        let shown = shown(&target.value);
        if let Some((_, earlier)) = targets[..index].iter().find(|(p, _)| p == path) {
            out.at(&target.place, format!("two mounts have the target `{shown}`"))
                .help("give each mount a target of its own")
                .related(&earlier.place, "the other one");
        } else if let Some(why) = taken(path, &own_files) {
            out.at(&target.place, format!("`{shown}` {why}"))
                .help("mount it elsewhere, such as `/docs` or `/home/node/docs`");
        }
    }
    dropped_mode(ctx, out);
}

/// Guest folders that the system, the engine and bot-bottle need; `true`: with all that is in them.
const RESERVED: [(&str, bool); 14] = [
    ("/proc", true),
    ("/sys", true),
    ("/dev", true),
    ("/run", true),
    ("/var/run", true),
    ("/etc", true),
    ("/usr", false),
    ("/usr/bin", true),
    ("/usr/sbin", true),
    ("/usr/lib", true),
    ("/bin", true),
    ("/sbin", true),
    ("/lib", true),
    ("/lib64", true),
];

fn taken(target: &Path, own_files: &[PathBuf]) -> Option<&'static str> {
    if target.starts_with(WORKSPACE) {
        return Some("lies in `/workspace`, where the project itself is");
    }
    let reserved = |(folder, below): &(&str, bool)| {
        let folder = Path::new(folder);
        folder.starts_with(target) || *below && target.starts_with(folder)
    };
    if RESERVED.iter().any(reserved) {
        return Some("covers what the guest's system needs");
    }
    let own = Path::new(GUEST_HOME).join(".bot-bottle");
    if target.starts_with(&own) || Path::new(GUEST_HOME).starts_with(target) {
        return Some("covers the guest's home or bot-bottle's own folder in it");
    }
    own_files.iter().any(|f| f.starts_with(target)).then_some("covers files that the agent's provider puts there")
}

/// The guest paths that the plan writes to.
fn planned(ctx: &Context<'_>) -> Vec<PathBuf> {
    let plan = ctx.resolved().and_then(|r| build(&r.bottle, None, &Start::default(), ctx.catalog.layout).ok());
    let paths = |plan: crate::plan::Plan| {
        let dirs = plan.dirs.into_iter().map(|d| d.guest_path);
        dirs.chain(plan.files.into_iter().map(|f| f.guest_path)).map(PathBuf::from).collect()
    };
    plan.map(paths).unwrap_or_default()
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
