//! The host folders that the manifest gives to the guest.

use super::error::Problem;
use super::guest::{Bind, pin};
use super::host::Host;
use super::looked::Looked;
use super::state::StateDir;
use super::tree::{self, Owner};
use crate::plan::{Plan, WorkspaceMode, sensitive_path};
use crate::provider::WORKSPACE;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// The workspace's host folder, in its real spelling.
///
/// A folder that no manifest states is judged as one that is stated would be, and no comment of a
/// manifest makes it acceptable: nobody wrote down that the guest shall have it.
///
/// # Errors
/// When it is not a folder, or one that no guest may have.
pub(crate) fn host_folder(
    plan: &Plan,
    looked: &Looked,
    host: &Host,
    state: &StateDir,
) -> Result<PathBuf, Problem> {
    let stated = plan.workspace.path.as_deref();
    let folder = looked.workspace_path(plan);
    let what = || format!("the workspace {} cannot be used", folder.display());
    let real = fs::canonicalize(&folder)
        .map_err(|e| Problem::new(what(), e, "make the folder, or set workspace.path"))?;
    if !real.is_dir() {
        return Err(Problem::new(what(), "it is not a folder", "set workspace.path to one"));
    }
    let help = "launch from a project's folder, or set workspace.path to one";
    let homes = [host.home().to_owned(), real_path(host.home())];
    let sensitive = || homes.iter().find_map(|home| sensitive_path(&real, Some(home)));
    // A stated absolute path is the checker's to judge, and a person's to defend.
    let why = if stated.is_some_and(Path::is_absolute) { None } else { sensitive() };
    let whole = (real == Path::new("/")).then_some("is the whole host");
    if let Some(why) = whole.or(why).or_else(|| launchers_own(&real, host, state)) {
        return Err(Problem::new(what(), format!("it {why}, and the guest would see it"), help));
    }
    Ok(real)
}

/// Refuses a mount that a guest could write and that holds what this launcher obeys.
pub(crate) fn check_mounts(plan: &Plan, host: &Host, state: &StateDir) -> Result<(), Problem> {
    for mount in plan.workspace.mounts.iter().filter(|m| !m.read_only) {
        if let Some(why) = launchers_own(&real_path(&mount.source), host, state) {
            let what = format!("{} cannot be mounted for writing", mount.source.display());
            return Err(Problem::new(
                what,
                format!("it {why}"),
                "mount it with `read_only: true`, or not at all",
            ));
        }
    }
    Ok(())
}

/// Refuses a manifest of the user's own that the guest could rewrite: it may be reached by a link from
/// the store, and what is obeyed is what lies where the link leads.
pub(crate) fn check_manifests(
    plan: &Plan,
    sources: &[PathBuf],
    workspace: &Path,
    host: &Host,
) -> Result<(), Problem> {
    let written = (plan.workspace.mode == WorkspaceMode::Bind).then(|| workspace.to_owned());
    let mounts = plan.workspace.mounts.iter().filter(|m| !m.read_only).map(|m| real_path(&m.source));
    let written: Vec<PathBuf> = written.into_iter().chain(mounts).collect();
    let store = host.home().join(".bot-bottle");
    for source in sources.iter().filter(|source| source.starts_with(&store)) {
        let real = real_path(source);
        if let Some(folder) = written.iter().find(|folder| real.starts_with(folder)) {
            return Err(Problem::new(
                format!("{} cannot be launched here", source.display()),
                format!("it is a link into {}, which the guest may write", folder.display()),
                "copy the manifest into the store, or launch from another folder",
            ));
        }
    }
    Ok(())
}

/// What of this launcher's own a folder holds or lies in: what a guest may never have.
fn launchers_own(real: &Path, host: &Host, state: &StateDir) -> Option<&'static str> {
    let config = host.var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let config = config.unwrap_or_else(|| host.home().join(".config")).join("bot-bottle");
    let places = [
        (state.path().to_owned(), "holds the state folder, or lies in it"),
        (host.home().join(".bot-bottle"), "holds your bottles, or lies among them"),
        (config, "holds the configuration of bot-bottle, or lies in it"),
    ];
    let meets = |place: &Path| real.starts_with(place) || place.starts_with(real);
    places.iter().find(|(place, _)| meets(place) || meets(&real_path(place))).map(|(_, why)| *why)
}

/// A path with its links followed as far as there is something.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real_path(parent).join(name),
        _ => path.to_owned(),
    }
}

/// The mounts of the workspace and of the manifest's further folders, pinned.
pub(crate) fn binds(
    plan: &Plan,
    looked: &Looked,
    workspace: &Path,
    copy: &Path,
    owner: Owner,
) -> Result<Vec<Bind>, Problem> {
    let mut binds = Vec::new();
    let (real, metadata) = pin(workspace, workspace)?;
    looked.same_place(&looked.workspace_path(plan), &real, &metadata)?;
    binds.push(match plan.workspace.mode {
        WorkspaceMode::Bind => Bind::of_manifest(real, WORKSPACE, true, Some(metadata)),
        WorkspaceMode::ReadOnly => Bind::of_manifest(real, WORKSPACE, false, Some(metadata)),
        WorkspaceMode::Copy => {
            make_copy(&real, copy, owner).map_err(|e| Problem::io("cannot copy the workspace", e))?;
            Bind::of_manifest(copy.to_owned(), WORKSPACE, true, None)
        }
    });
    for mount in &plan.workspace.mounts {
        let (real, metadata) = pin(&mount.source, workspace)?;
        looked.same_place(&mount.source, &real, &metadata)?;
        binds.push(Bind::of_manifest(real, &mount.target, !mount.read_only, Some(metadata)));
    }
    Ok(binds)
}

fn make_copy(from: &Path, to: &Path, owner: Owner) -> std::io::Result<()> {
    if to.exists() {
        // A resumed run goes on in its own copy.
        return Ok(());
    }
    super::state::make_dir(to)?;
    tree::copy(tree::open_root(from)?.as_fd(), tree::open_root(to)?.as_fd(), owner)?;
    owner.give_all(to)
}
