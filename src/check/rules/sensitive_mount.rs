//! # sensitive-mount
//!
//! ## What it finds
//! A mount, a workspace or a build context that shows what no agent should see: a container socket,
//! `~/.ssh`, cloud credentials, the agents' own logins, the home folder, `/` and the system's own
//! folders. Also a folder that holds one of these, and a link that leads there; and, where the guest may
//! write, what is run as you on the host: shell files, `~/.local/bin`, autostart.
//!
//! ## Why it matters
//! Such a mount is a door in the wall. Whoever reaches the container socket is root on the host;
//! the rest is credentials that the egress was meant to keep away from the agent. Without writing is
//! no help: reading is enough.
//!
//! ## Bad
//! ```yaml
//! workspace:
//!   mounts:
//!     - {source: /var/run/docker.sock, target: /docker.sock} # <- sensitive-mount
//!     - {source: ~/.ssh, target: /keys} # <- sensitive-mount
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

use crate::check::{Context, Edit, Sink, edit, paths, shown};
use crate::manifest::named_paths::{self, Purpose};
use crate::manifest::{FileKind, HostPath, Location};
use crate::plan::{obeyed_path, sensitive_path};
use std::path::Path;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let bottle = ctx.bottle.iter().flat_map(named_paths::of_bottle);
    for (purpose, path) in bottle.chain(ctx.agent.iter().flat_map(named_paths::of_agent)) {
        let Some(why) = why(ctx, purpose, path) else { continue };
        let text = shown(&path.value);
        let (what, who, help) = match purpose {
            Purpose::Dockerfile => ("the Dockerfile ", "the build would read it", OWN_FILE),
            Purpose::Prompt => ("the prompt ", "the guest would see it", OWN_FILE),
            Purpose::Context => (
                "the build context ",
                "the build would read it",
                "name a folder that holds what the Dockerfile copies and nothing else",
            ),
            Purpose::Workspace => ("the workspace ", "the guest would see it", "name the project's folder"),
            Purpose::Mount(_) => ("", "the guest would see it", "mount only the folders that the work needs"),
        };
        let finding = out.at(&path.place, format!("{what}`{text}` {why}, and {who}"));
        finding.help(help);
        if let Purpose::Mount(index) = purpose
            && let Some(edit) = remove_mount(ctx, index)
        {
            finding.unsafe_fix("remove the mount", vec![edit]);
        }
    }
}

const OWN_FILE: &str = "name a file that was written for it";

/// Why a path may not be named for this.
fn why(ctx: &Context<'_>, purpose: Purpose, path: &HostPath) -> Option<&'static str> {
    match purpose {
        Purpose::Dockerfile | Purpose::Prompt => sensitive_file(ctx, path),
        // A relative workspace of the user's own bottle counts from the folder of the launch, which the
        // launch judges.
        Purpose::Workspace
            if ctx.source.location == Location::Home && !path.value.starts_with(['/', '~']) =>
        {
            None
        }
        Purpose::Context => sensitive(ctx, path),
        Purpose::Workspace | Purpose::Mount(_) => {
            sensitive(ctx, path).or_else(|| is_written(ctx, purpose).then(|| obeyed(ctx, path)).flatten())
        }
    }
}

fn remove_mount(ctx: &Context<'_>, index: usize) -> Option<Edit> {
    let mounts = ctx.root?.get("workspace")?.entry("mounts")?;
    match mounts.value.items().len() {
        1 => edit::empty(ctx.text(), mounts, "[]"),
        _ => edit::remove_item(ctx.text(), &mounts.value, index),
    }
}

/// Why a file is sensitive. What the user keeps in the store beside the bottles is meant for them.
fn sensitive_file(ctx: &Context<'_>, file: &HostPath) -> Option<&'static str> {
    let store = ctx.catalog.layout.store().and_then(|s| ctx.catalog.files.canonical(&s));
    let path = file.resolve(ctx.catalog.layout);
    let real = ctx.catalog.files.canonical(&path);
    let in_store = store.zip(real).is_some_and(|(store, real)| real.starts_with(store));
    // What may not be named at all is reported as that.
    if ctx.source.location == Location::Home && in_store || paths::file_problem(ctx, &path).is_some() {
        return None;
    }
    sensitive(ctx, file)
}

/// Whether the guest may write what is named for this.
fn is_written(ctx: &Context<'_>, purpose: Purpose) -> bool {
    let Some(workspace) = ctx.bottle.as_ref().and_then(|b| b.workspace.as_ref()) else { return false };
    match purpose {
        Purpose::Mount(index) => {
            workspace.value.mounts.get(index).and_then(|m| m.read_only.as_ref()).is_some_and(|r| !r.value)
        }
        Purpose::Workspace => workspace.value.mode.as_ref().is_none_or(|mode| mode.value == "bind"),
        Purpose::Dockerfile | Purpose::Context | Purpose::Prompt => false,
    }
}

/// Why a host path is no guest's to write.
fn obeyed(ctx: &Context<'_>, path: &HostPath) -> Option<&'static str> {
    judged(ctx, path, obeyed_path)
}

/// Why a host path is sensitive.
pub(super) fn sensitive(ctx: &Context<'_>, path: &HostPath) -> Option<&'static str> {
    let files = ctx.catalog.files;
    judged(ctx, path, |path, home| {
        let device =
            || (files.kind(path) == Some(FileKind::Other)).then_some("is a socket, a pipe or a device");
        sensitive_path(path, home).or_else(device)
    })
}

/// Why a host path is not to be named, by its text or by where its links lead.
fn judged(
    ctx: &Context<'_>,
    path: &HostPath,
    judge: impl Fn(&Path, Option<&Path>) -> Option<&'static str>,
) -> Option<&'static str> {
    // The relative paths of a user's own bottle count from wherever it is launched.
    if ctx.source.location == Location::Home && !path.value.starts_with(['/', '~', '.']) {
        return None;
    }
    let home = ctx.catalog.layout.home.as_deref();
    let path = path.resolve(ctx.catalog.layout);
    let real = || {
        let real = ctx.catalog.files.canonical(&path).filter(|real| real.as_os_str() != path.as_os_str())?;
        judge(&real, home)
    };
    judge(&path, home).or_else(real)
}
