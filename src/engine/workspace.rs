//! The host folders that the manifest gives to the guest.

use super::error::Problem;
use super::guest::{Bind, pin};
use super::tree::{self, Owner};
use crate::plan::{Plan, WorkspaceMode};
use crate::provider::WORKSPACE;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// The workspace's host folder, in its real spelling.
///
/// # Errors
/// When it is no folder.
pub(crate) fn host_folder(plan: &Plan, project: &Path) -> Result<PathBuf, Problem> {
    let folder = plan.workspace.path.as_deref().unwrap_or(project);
    let what = || format!("the workspace {} cannot be used", folder.display());
    let real = fs::canonicalize(folder)
        .map_err(|e| Problem::new(what(), e, "make the folder, or set workspace.path"))?;
    if !real.is_dir() {
        return Err(Problem::new(what(), "it is no folder", "set workspace.path to one"));
    }
    if real == Path::new("/") {
        return Err(Problem::new(what(), "it is the whole host", "set workspace.path to a project's folder"));
    }
    Ok(real)
}

/// The mounts of the workspace and of the manifest's further folders, pinned.
pub(crate) fn binds(plan: &Plan, workspace: &Path, copy: &Path, owner: Owner) -> Result<Vec<Bind>, Problem> {
    let mut binds = Vec::new();
    let (real, metadata) = pin(workspace, workspace)?;
    binds.push(match plan.workspace.mode {
        WorkspaceMode::Bind => pinned(real, WORKSPACE, true, metadata),
        WorkspaceMode::ReadOnly => pinned(real, WORKSPACE, false, metadata),
        WorkspaceMode::Copy => {
            make_copy(&real, copy, owner).map_err(|e| Problem::io("cannot copy the workspace", e))?;
            Bind::new(copy, WORKSPACE, true)
        }
    });
    for mount in &plan.workspace.mounts {
        let (real, metadata) = pin(&mount.source, workspace)?;
        binds.push(pinned(real, &mount.target, !mount.read_only, metadata));
    }
    Ok(binds)
}

fn pinned(source: PathBuf, target: &str, writable: bool, metadata: fs::Metadata) -> Bind {
    Bind { pinned: Some(metadata), ..Bind::new(source, target, writable) }
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
