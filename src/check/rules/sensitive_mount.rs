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

use crate::check::{Context, Edit, Sink, edit, shown};
use crate::manifest::{FileKind, Located, Location};
use crate::plan::host_path;
use std::path::Path;

pub(super) fn check(ctx: &Context<'_>, out: &mut Sink<'_>) {
    if let Some(context) = ctx.bottle.as_ref().and_then(|b| b.provider.context.as_ref())
        && let Some(why) = sensitive(ctx, context)
    {
        out.at(&context.place, format!("the build context `{}` {why}, and the build would read it", shown(&context.value)))
            .help("name a folder that holds what the Dockerfile copies and nothing else");
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
    if let Some(path) = &workspace.value.path
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
        by_path(&real, home)
    };
    by_path(&path, home).or_else(device).or_else(real)
}

const SOCKETS: [&str; 5] = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"];

/// What lies in a home folder, and what it is.
const IN_HOME: [(&str, &str); 18] = [
    (".ssh", "holds SSH keys"),
    (".aws", "holds cloud credentials"),
    (".config/gcloud", "holds cloud credentials"),
    (".azure", "holds cloud credentials"),
    (".kube", "holds cluster credentials"),
    (".gnupg", "holds private keys"),
    (".docker", "holds registry credentials"),
    (".netrc", "holds passwords"),
    (".git-credentials", "holds passwords"),
    (".npmrc", "holds registry credentials"),
    (".pypirc", "holds registry credentials"),
    (".config/gh", "holds credentials"),
    (".password-store", "holds passwords"),
    (".local/share/keyrings", "holds passwords"),
    (".claude", "holds the agent's login"),
    (".claude.json", "holds the agent's login"),
    (".codex", "holds the agent's login"),
    (".bot-bottle", "holds your bottles"),
];

/// The system's folders, and whether what lies in them is sensitive too.
const SYSTEM: [(&str, bool, &str); 13] = [
    ("/proc", true, "is the kernel's view of every process"),
    ("/sys", true, "is the kernel's view of the machine"),
    ("/dev", true, "holds the machine's devices"),
    ("/run", true, "holds the sockets of the system"),
    ("/var/run", true, "holds the sockets of the system"),
    ("/boot", true, "holds the system's kernel"),
    ("/etc", false, "is the system's configuration"),
    ("/etc/shadow", true, "holds passwords"),
    ("/etc/ssh", true, "holds the host's keys"),
    ("/etc/kubernetes", true, "holds cluster credentials"),
    ("/var/lib/docker", true, "holds every container"),
    ("/var/lib/containerd", true, "holds every container"),
    ("/var/lib/kubelet", true, "holds every container"),
];

fn by_path(path: &Path, home: Option<&Path>) -> Option<&'static str> {
    if path.file_name().and_then(|n| n.to_str()).is_some_and(|n| SOCKETS.contains(&n)) {
        return Some("is a container socket, which makes its user root on the host");
    }
    if path == Path::new("/") {
        return Some("is the whole host");
    }
    let holds_home = |path: &Path| home.is_some_and(|home| home.starts_with(path));
    if holds_home(path) || ["/home", "/Users", "/root"].iter().any(|p| path == Path::new(p)) {
        return Some("is or holds a home folder");
    }
    if let Some(rest) = below_home(path, home) {
        if rest.as_os_str().is_empty() {
            return Some("is a home folder");
        }
        let hit = |item: &&(&str, &str)| rest.starts_with(item.0) || Path::new(item.0).starts_with(rest);
        return IN_HOME.iter().find(hit).map(|(_, why)| *why);
    }
    let path = path.as_os_str().as_encoded_bytes();
    let hit = |(folder, below, _): &&(&str, bool, &str)| {
        within(folder.as_bytes(), path) || *below && within(path, folder.as_bytes())
    };
    SYSTEM.iter().find(hit).map(|(.., why)| *why)
}

/// Whether a path is a folder or lies below it. Both are in normal form, so their bytes tell, and
/// taking them apart for each entry of a list would be a tenth of a check.
fn within(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.first().is_none_or(|b| *b == b'/'))
}

/// The part of a path below a home folder, the user's or another's.
fn below_home<'p>(path: &'p Path, home: Option<&Path>) -> Option<&'p Path> {
    if let Some(rest) = home.and_then(|home| path.strip_prefix(home).ok()) {
        return Some(rest);
    }
    if let Ok(rest) = path.strip_prefix("/root") {
        return Some(rest);
    }
    let users = path.strip_prefix("/home").or_else(|_| path.strip_prefix("/Users")).ok()?;
    let user = users.components().next()?;
    users.strip_prefix(user.as_os_str()).ok()
}
