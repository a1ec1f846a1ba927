//! # mount-not-found
//!
//! ## What it finds
//! A mount whose `source`, or a workspace whose `path`, is not there on this host.
//!
//! ## Why it matters
//! A launch stops at it: a mount that is silently left out would leave the agent without its
//! files.
//!
//! ## Bad
//! ```markdown docs/index.md
//! Hello.
//! ```
//! ```yaml
//! workspace:
//!   mounts:
//!     - {source: ./doc, target: /docs} # <- mount-not-found
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
use crate::manifest::{FileKind, HostPath, Location};

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    let Some(workspace) = ctx.bottle.as_ref().and_then(|b| b.workspace.as_ref()) else { return };
    for source in workspace.value.mounts.iter().filter_map(|m| m.source.as_ref()) {
        if let Some(kind) = looked_up(ctx, source)
            && kind.is_none()
        {
            out.at(&source.place, format!("there is nothing at `{}` to mount", shown(&source.value)))
                .help("make it, or correct the path; a relative one counts from this manifest");
        }
    }
    let Some(path) = &workspace.value.path else { return };
    // A user's own bottle names the folder of wherever it is launched.
    if ctx.source.location == Location::Home && !path.value.starts_with(['/', '~']) {
        return;
    }
    let message = match looked_up(ctx, path) {
        Some(None) => "there is no folder",
        Some(Some(FileKind::File)) => "there is a file and no folder",
        _ => return,
    };
    out.at(&path.place, format!("{message} at `{}` to work in", shown(&path.value)))
        .help("make it, or correct the path; a relative one counts from this manifest");
}

/// What stands at a path, unless another rule speaks of it.
fn looked_up(ctx: &Context<'_>, path: &HostPath) -> Option<Option<FileKind>> {
    let skip = path.value.is_empty() || super::sensitive_mount::sensitive(ctx, path).is_some();
    (!skip).then(|| ctx.catalog.files.kind(&path.resolve(ctx.catalog.layout)))
}
