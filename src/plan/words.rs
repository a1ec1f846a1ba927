//! The words for a plan's parts that its rendering and its grants share.

use super::{Mount, Resources, WorkspaceMode};
use crate::provider::{GitAccess, RouteOwner};
use crate::shown::printable;

/// As a manifest writes it.
pub(super) fn mode(mode: WorkspaceMode) -> &'static str {
    match mode {
        WorkspaceMode::Bind => "bind",
        WorkspaceMode::Copy => "copy",
        WorkspaceMode::ReadOnly => "read_only",
    }
}

/// A mount in one line.
pub(super) fn mount_line(mount: &Mount) -> String {
    let Mount { source, target, read_only } = mount;
    let mode = if *read_only { "read only" } else { "writable" };
    printable(&format!("{} → {target} ({mode})", source.display()))
}

/// The limits that are set, in one line.
pub(super) fn limits(resources: &Resources) -> String {
    let Resources { cpus, memory, pids } = resources;
    let parts = [
        cpus.map(|c| format!("{c} cpus")),
        memory.map(|m| format!("{} MiB", m >> 20)),
        pids.map(|p| format!("{p} processes")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// As a manifest writes it.
pub(super) fn git_access(access: GitAccess) -> &'static str {
    match access {
        GitAccess::Read => "read",
        GitAccess::Write => "write",
    }
}

/// As the plan's JSON has it.
pub(super) fn owner(owner: RouteOwner) -> &'static str {
    match owner {
        RouteOwner::Provider => "provider",
        RouteOwner::Manifest => "manifest",
    }
}

/// A command line that a shell would read back as the same words; for showing only.
pub fn shell_words(argv: &[String]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&b);
    let word = |w: &String| {
        if !w.is_empty() && w.bytes().all(plain) {
            w.clone()
        } else {
            format!("'{}'", w.replace('\'', "'\\''"))
        }
    };
    printable_long(&argv.iter().map(word).collect::<Vec<_>>().join(" "))
}

/// As [`printable`], without its limit on length.
fn printable_long(text: &str) -> String {
    text.split_inclusive(' ').map(printable).collect()
}
