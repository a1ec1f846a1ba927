//! # sensitive-mount
//!
//! ## What it finds
//! A mount, a workspace or a build context that shows what no agent should see: a container socket,
//! `~/.ssh`, cloud credentials, the agents' own logins, the home folder, `/` and the system's own
//! folders. Also a folder that holds one of these, and a link that leads there.
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
use crate::manifest::{FileKind, Located, Location};
use crate::plan::{host_path, sensitive_path};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if let Some(context) = ctx.bottle.as_ref().and_then(|b| b.provider.context.as_ref())
        && let Some(why) = sensitive(ctx, context)
    {
        out.at(&context.place, format!("the build context `{}` {why}, and the build would read it", shown(&context.value)))
            .help("name a folder that holds what the Dockerfile copies and nothing else");
    }
    let prompt = ctx.prompt().and_then(|p| p.prompt_file.as_ref()).map(|f| (f, "prompt", "the guest would see it"));
    let dockerfile = ctx.bottle.as_ref().and_then(|b| b.provider.dockerfile.as_ref());
    let dockerfile = dockerfile.map(|f| (f, "Dockerfile", "the build would read it"));
    for (file, what, who) in prompt.into_iter().chain(dockerfile).filter(|(file, ..)| !file.value.is_empty()) {
        if let Some(why) = sensitive_file(ctx, file) {
            out.at(&file.place, format!("the {what} `{}` {why}, and {who}", shown(&file.value)))
                .help("name a file that was written for it");
        }
    }
    let Some(workspace) = ctx.bottle.as_ref().and_then(|b| b.workspace.as_ref()) else { return };
    for (index, mount) in workspace.value.mounts.iter().enumerate() {
        let Some(source) = &mount.source else { continue };
        let Some(why) = sensitive(ctx, source) else { continue };
        let finding = out.at(&source.place, format!("`{}` {why}, and the guest would see it", shown(&source.value)));
        finding.help("mount only the folders that the work needs");
        if let Some(edit) = remove_mount(ctx, index) {
            finding.unsafe_fix("remove the mount", vec![edit]);
        }
    }
    // A relative workspace of the user's own bottle counts from the folder of the launch, which the
    // launch judges.
    let counts_from_here = |path: &str| ctx.source.location != Location::Home || path.starts_with(['/', '~']);
    if let Some(path) = workspace.value.path.as_ref().filter(|path| counts_from_here(&path.value))
        && let Some(why) = sensitive(ctx, path)
    {
        out.at(&path.place, format!("the workspace `{}` {why}, and the guest would see it", shown(&path.value)))
            .help("name the project's folder");
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
fn sensitive_file(ctx: &Context<'_>, file: &Located<String>) -> Option<&'static str> {
    let store = ctx.catalog.layout.store().and_then(|s| ctx.catalog.files.canonical(&s));
    let path = host_path(file, ctx.catalog.layout);
    let real = ctx.catalog.files.canonical(&path);
    let in_store = store.zip(real).is_some_and(|(store, real)| real.starts_with(store));
    // What may not be named at all is reported as that.
    if ctx.source.location == Location::Home && in_store || paths::file_problem(ctx, &path).is_some() {
        return None;
    }
    sensitive(ctx, file)
}

/// Why a host path is sensitive, by its text or by where its links lead.
pub(super) fn sensitive(ctx: &Context<'_>, path: &Located<String>) -> Option<&'static str> {
    // The relative paths of a user's own bottle count from wherever it is launched.
    if ctx.source.location == Location::Home && !path.value.starts_with(['/', '~', '.']) {
        return None;
    }
    let home = ctx.catalog.layout.home.as_deref();
    let path = host_path(path, ctx.catalog.layout);
    let files = ctx.catalog.files;
    let device = || (files.kind(&path) == Some(FileKind::Other)).then_some("is a socket, a pipe or a device");
    let real = || {
        let real = files.canonical(&path).filter(|real| real.as_os_str() != path.as_os_str())?;
        sensitive_path(&real, home)
    };
    sensitive_path(&path, home).or_else(device).or_else(real)
}
