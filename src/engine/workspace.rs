//! The host folders that the manifest gives to the guest.

use super::error::Problem;
use super::guest::{Bind, pin};
use super::host::Host;
use super::looked::Looked;
use super::state::StateDir;
use super::tree::{self, Owner};
use crate::plan::{Dockerfile, Plan, WorkspaceMode, obeyed_path, sensitive_path};
use crate::provider::{Content, Derived, WORKSPACE};
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
    let obeyed = || {
        let written = plan.workspace.mode == WorkspaceMode::Bind;
        homes.iter().filter(|_| written).find_map(|home| obeyed_path(&real, Some(home)))
    };
    let why = if stated.is_some_and(Path::is_absolute) { None } else { sensitive().or_else(obeyed) };
    let whole = (real == Path::new("/")).then_some("is the whole host");
    if let Some(why) = whole.or(why).or_else(|| launchers_own(&real, host, state)) {
        return Err(Problem::new(what(), format!("it {why}, and the guest would see it"), help));
    }
    Ok(real)
}

/// Refuses what no comment of a manifest makes acceptable: anything of the state folder, where other
/// bottles' homes lie and the sockets of their egress; and a mount that a guest could write and that
/// holds what this launcher obeys.
pub(crate) fn check_sources(
    plan: &Plan,
    looked: &Looked,
    host: &Host,
    state: &StateDir,
) -> Result<(), Problem> {
    for (what, path) in taken(plan, looked) {
        let real = real_path(&path);
        if let Some(why) = OwnPlace::State.why(&real, host, state) {
            return Err(Problem::new(
                format!("{what} {} cannot be used", path.display()),
                format!("it {why}"),
                "name what was made for this bottle",
            ));
        }
    }
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

/// What of the host a guest may write, by real paths: the workspace's folder, and mounts.
pub(crate) fn writable(plan: &Plan, workspace: &Path) -> Vec<PathBuf> {
    let bound = (plan.workspace.mode == WorkspaceMode::Bind).then(|| workspace.to_owned());
    let mounts = plan.workspace.mounts.iter().filter(|m| !m.read_only).map(|m| real_path(&m.source));
    bound.into_iter().chain(mounts).collect()
}

/// Refuses a manifest of the user's own that the guest could rewrite: it may be reached by a link from
/// the store, and what is obeyed is what lies where the link leads.
pub(crate) fn check_manifests(
    plan: &Plan,
    sources: &[PathBuf],
    workspace: &Path,
    host: &Host,
) -> Result<(), Problem> {
    let written = writable(plan, workspace);
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

/// The files and folders of the host that a plan takes beside its workspace, and what each is.
fn taken(plan: &Plan, looked: &Looked) -> Vec<(&'static str, PathBuf)> {
    let mounts = plan.workspace.mounts.iter().map(|m| ("the mount", m.source.clone()));
    let build = match &plan.dockerfile {
        Dockerfile::Shipped(_) => Vec::new(),
        Dockerfile::Own { file, context } => {
            vec![("the Dockerfile", file.clone()), ("the build context", context.clone())]
        }
    };
    let files = plan.files.iter().filter_map(|file| match &file.content {
        Content::Derived(Derived::HostFile(path)) => Some(("the prompt's file", path.clone())),
        Content::Derived(Derived::Skill(name)) => Some(("the skill", looked.skill(name))),
        // The launcher's own text, and a login of which the guest gets an imitation.
        Content::Text(_) | Content::Derived(Derived::HostLogin { template: _ }) => None,
    });
    mounts.chain(build).chain(files).collect()
}

/// What a guest may never have to write.
#[derive(Clone, Copy)]
enum OwnPlace {
    State,
    Store,
    Config,
}

impl OwnPlace {
    /// Why a folder is, holds or lies in it.
    fn why(self, real: &Path, host: &Host, state: &StateDir) -> Option<&'static str> {
        let (place, why) = match self {
            Self::State => (state.path().to_owned(), "holds the state folder, or lies in it"),
            Self::Store => (host.home().join(".bot-bottle"), "holds your bottles, or lies among them"),
            Self::Config => {
                let base = host.var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
                let base = base.unwrap_or_else(|| host.home().join(".config"));
                (base.join("bot-bottle"), "holds the configuration of bot-bottle, or lies in it")
            }
        };
        let meets = |place: &Path| real.starts_with(place) || place.starts_with(real);
        (meets(&place) || meets(&real_path(&place))).then_some(why)
    }
}

/// What of this launcher's own a folder holds or lies in.
fn launchers_own(real: &Path, host: &Host, state: &StateDir) -> Option<&'static str> {
    let places = [OwnPlace::State, OwnPlace::Store, OwnPlace::Config];
    places.into_iter().find_map(|place| place.why(real, host, state))
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
