//! The guest before it is started: which host folder is seen where.
//!
//! Both backends carry out the same list of mounts. The guest's home and every further place that
//! the plan writes to lie in the run's folder, so that folders and files are put in place from the
//! host, and the workspace and the manifest's mounts are pinned: opened once, compared inside.

use super::error::Problem;
use super::mount_points::{MountPoints, Point};
use super::relay;
use super::state::Run;
use super::tree::Owner;
use crate::plan::{Conflict, Plan, Resources, mount_conflict};
use crate::provider::GUEST_HOME;
use crate::provider::guest_path::{HOME_ENGINE, is_plain, taken};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One host folder or file in the guest.
#[derive(Debug)]
pub(crate) struct Bind {
    pub source: PathBuf,
    pub target: String,
    pub writable: bool,
    /// What the source was when it was checked.
    pub pinned: Option<Metadata>,
    /// Whose it is.
    pub part: Part,
}

/// Whose a bind is, in the order of mounting: what comes later cannot be covered by what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The guest's home and the other folders of the run.
    Run,
    /// The workspace and what else the manifest names.
    Manifest,
    /// The guest's program, its files, the trust store.
    Engine,
}

impl Bind {
    pub(crate) fn new(source: impl Into<PathBuf>, target: impl Into<String>, writable: bool) -> Self {
        Self { source: source.into(), target: target.into(), writable, pinned: None, part: Part::Engine }
    }

    /// A folder or file of the run's own.
    fn of_run(source: impl Into<PathBuf>, target: impl Into<String>) -> Self {
        Self { part: Part::Run, ..Self::new(source, target, true) }
    }

    /// A folder or file that the manifest names, as it was when it was checked.
    pub(crate) fn of_manifest(
        source: PathBuf,
        target: &str,
        writable: bool,
        pinned: Option<Metadata>,
    ) -> Self {
        Self { pinned, part: Part::Manifest, ..Self::new(source, target, writable) }
    }

    /// A file of the launch's own making that the guest reads; `path` is where it is written.
    pub(crate) fn file(
        path: PathBuf,
        bytes: &[u8],
        target: impl Into<String>,
        owner: Owner,
    ) -> io::Result<Self> {
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
        owner.give_all(&path)?;
        Ok(Self::new(path, target, false))
    }
}

/// All that a backend needs to start the guest.
#[derive(Debug)]
pub(crate) struct Guest {
    pub hostname: String,
    /// In the order of mounting.
    pub binds: Vec<Bind>,
    pub resources: Resources,
    /// The host folder of the guest's home.
    pub home: PathBuf,
    /// Further places that the plan writes to: guest path and host path.
    places: Vec<(PathBuf, PathBuf)>,
}

impl Guest {
    /// Lays out the run's own folders; `kept` is what an earlier run kept, where this one goes on.
    pub(crate) fn lay_out(
        plan: &Plan,
        run: &Run,
        home: PathBuf,
        kept: Option<&Path>,
        owner: Owner,
    ) -> io::Result<Self> {
        let program = run.dir.join("guest");
        tree_dir(&program, owner)?;
        tree_dir(&program.join(relay::NET), owner)?;
        let mut guest = Self {
            hostname: hostname(&plan.name),
            binds: vec![
                Bind::of_run(&home, GUEST_HOME),
                Bind::new(&program, relay::DIR, false),
                Bind::new(run.net_dir(), format!("{}/{}", relay::DIR, relay::NET), false),
            ],
            resources: plan.resources,
            home,
            places: Vec::new(),
        };
        guest.add_places(plan, run, kept, owner)?;
        Ok(guest)
    }

    /// A place of its own for each folder and file of the plan outside the home. A folder is kept like
    /// the home, by the guest path that it stands for.
    fn add_places(&mut self, plan: &Plan, run: &Run, kept: Option<&Path>, owner: Owner) -> io::Result<()> {
        let dirs = plan.dirs.iter().map(|d| (d.guest_path.as_str(), true));
        let files = plan.files.iter().map(|f| (f.guest_path.as_str(), false));
        for (path, is_dir) in dirs.chain(files) {
            if self.place(path).is_some() {
                continue;
            }
            let name = if is_dir { kept_place(path) } else { format!("file{}", self.places.len()) };
            let source = run.dir.join(&name);
            if is_dir {
                // Without one of an earlier run a new one is made.
                if kept.is_none_or(|kept| fs::rename(kept.join(&name), &source).is_err()) {
                    tree_dir(&source, owner)?;
                }
            } else {
                drop(super::state::private_file(&source)?);
                owner.give_all(&source)?;
            }
            self.binds.push(Bind::of_run(&source, path));
            self.places.push((PathBuf::from(path), source));
        }
        Ok(())
    }

    /// The host root and the path below it of a guest path that the plan writes; `None` where no
    /// such place is. A place that is a single file has an empty rest.
    pub(crate) fn place(&self, guest_path: &str) -> Option<(&Path, PathBuf)> {
        let path = Path::new(guest_path);
        let home = [(PathBuf::from(GUEST_HOME), self.home.clone())];
        let all = home.iter().chain(&self.places);
        let (guest, _) =
            all.filter(|(guest, _)| path.starts_with(guest)).max_by_key(|(g, _)| g.as_os_str().len())?;
        let rest = path.strip_prefix(guest).ok()?.to_path_buf();
        let host = self.places.iter().find(|(g, _)| g == guest).map_or(self.home.as_path(), |(_, host)| host);
        Some((host, rest))
    }

    /// Parents first, so that no mount hides an earlier one, and the engine's own behind all others.
    pub(crate) fn sort(&mut self) {
        let depth = |bind: &Bind| Path::new(&bind.target).components().count();
        self.binds.sort_by_key(|bind| (bind.part == Part::Engine, depth(bind)));
    }

    /// Where a mount lands in a folder of the run: what it is mounted on is made there from outside,
    /// since the sandbox's own maker of folders would follow a link that an agent left.
    pub(crate) fn mount_points(&self, owner: Owner) -> MountPoints {
        let lands = |bind: &Bind| {
            let holds = |outer: &&Bind| {
                outer.target != bind.target && Path::new(&bind.target).starts_with(&outer.target)
            };
            let outer = self.binds.iter().filter(holds).max_by_key(|outer| outer.target.len())?;
            // Nothing is put into a folder of the manifest: `mount_conflict` refused it.
            let rest = Path::new(&bind.target).strip_prefix(&outer.target).ok()?;
            (outer.part == Part::Run).then(|| Point {
                root: outer.source.clone(),
                rest: rest.to_owned(),
                is_dir: bind.source.is_dir(),
            })
        };
        MountPoints { points: self.binds.iter().filter_map(lands).collect(), owner }
    }
}

/// What a kept folder outside the home begins with.
pub(crate) const PLACE: &str = "place-";

fn kept_place(guest_path: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, guest_path.as_bytes());
    format!("{PLACE}{}", crate::shown::hex(&digest.as_ref()[..8]))
}

fn tree_dir(path: &Path, owner: Owner) -> io::Result<()> {
    super::state::make_dir(path)?;
    owner.give_all(path)
}

/// A bottle's name as a host name.
fn hostname(name: &str) -> String {
    let clean: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
    if clean.is_empty() { "bottle".to_owned() } else { clean }
}

/// Refuses guest paths that no launch can serve; part of the check stage.
pub(crate) fn check_paths(plan: &Plan) -> Result<(), Problem> {
    let written = plan.dirs.iter().map(|d| (&d.guest_path, d.owner));
    let written = written.chain(plan.files.iter().map(|f| (&f.guest_path, f.owner)));
    let ours = |path: &str| taken(path).is_some() && !Path::new(path).starts_with(HOME_ENGINE);
    for (path, owner) in written {
        let what = || format!("the guest path {path:?} cannot be written");
        if !is_plain(path) {
            return Err(Problem::io(what(), "it is not absolute, or holds `..`, `//` or a line break"));
        }
        if ours(path) {
            return Err(Problem::io(what(), "it lies in a folder that is not the plan's to write"));
        }
        if owner != "node:node" {
            return Err(Problem::io(
                what(),
                format!("its owner is {owner}, and a bottle has node:node alone"),
            ));
        }
    }
    let targets: Vec<_> = plan.workspace.mounts.iter().map(|m| m.target.as_str()).collect();
    for (index, target) in targets.iter().enumerate() {
        let why = match mount_conflict(Some(plan), &targets, index) {
            None => continue,
            Some(Conflict::Place(why)) => format!("it {why}"),
            Some(Conflict::Twice(_)) => "another mount has the same target".to_owned(),
            Some(Conflict::Within(outer)) => format!("it lies in the mount at {}", targets[outer]),
        };
        let what = format!("nothing can be mounted at {target:?}");
        return Err(Problem::new(what, why, "choose another target, such as /docs"));
    }
    Ok(())
}

/// Opens a mount's source once and pins what it is.
///
/// Below `workspace`, which an agent may write, no symbolic link is followed at all; elsewhere the
/// source itself may be none.
pub(crate) fn pin(source: &Path, workspace: &Path) -> Result<(PathBuf, Metadata), Problem> {
    let what = || format!("cannot mount {}", source.display());
    let metadata = fs::symlink_metadata(source)
        .map_err(|e| Problem::new(what(), e, "make it, or take the mount out"))?;
    let real = fs::canonicalize(source).map_err(|e| Problem::io(what(), e))?;
    let linked = match source.strip_prefix(workspace) {
        Ok(inside) => real != workspace.join(inside),
        Err(_) => metadata.is_symlink(),
    };
    if linked {
        let why = "it is reached through a symbolic link, which an agent may have put there";
        return Err(Problem::new(what(), why, format!("name the target itself ({})", real.display())));
    }
    if !(metadata.is_dir() || metadata.is_file()) {
        return Err(Problem::new(
            what(),
            "it is a socket, a FIFO or a device",
            "mount folders and files alone",
        ));
    }
    Ok((real, metadata))
}

/// The host home of the guest: empty, or the one that an earlier run left in `kept`.
pub(crate) fn make_home(run: &Run, kept: Option<&Path>, owner: Owner) -> Result<PathBuf, Problem> {
    let home = run.dir.join("home");
    let what = "cannot make the guest's home";
    let Some(kept) = kept else {
        tree_dir(&home, owner).map_err(|e| Problem::io(what, e))?;
        return Ok(home);
    };
    if let (Some((uid, _)), Ok(metadata)) = (owner.0, fs::symlink_metadata(kept.join("home")))
        && metadata.uid() != uid
    {
        let why = format!(
            "it is the user {}'s, and the guest is {uid} now, as the workspace's owner",
            metadata.uid()
        );
        return Err(Problem::new("the home cannot be resumed", why, "launch without --resume"));
    }
    // The rename is the lock: of two launches that resume, one finds it.
    match fs::rename(kept.join("home"), &home) {
        Ok(()) => Ok(home),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Problem::new(
            "there is nothing to resume",
            "another launch goes on with it",
            "launch without --resume",
        )),
        Err(e) => Err(Problem::io(what, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing;
    use crate::plan::Mount;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_mount_over_the_engines_own_is_refused() {
        let mut plan = testing::plan(&["true"]);
        plan.workspace.mounts =
            vec![Mount { source: "/tmp".into(), target: "/run/bot-bottle/net".into(), read_only: false }];
        check_paths(&plan).expect_err("the relay's folder");
        for target in [crate::plan::GUEST_POLICY, "/etc/bot-bottle"] {
            plan.workspace.mounts[0].target = target.to_owned();
            check_paths(&plan).expect_err(target);
        }
    }

    #[test]
    fn a_link_inside_the_workspace_is_never_mounted() {
        let temp = tempfile::tempdir().expect("temp");
        let workspace = fs::canonicalize(temp.path()).expect("path");
        fs::create_dir_all(workspace.join("docs/sub")).expect("dir");
        symlink("/etc", workspace.join("link")).expect("link");
        symlink(workspace.join("docs"), workspace.join("inner")).expect("link");
        pin(&workspace.join("docs/sub"), &workspace).expect("a folder");
        for bad in ["link", "inner/sub", "gone"] {
            pin(&workspace.join(bad), &workspace).expect_err(bad);
        }
    }
}
