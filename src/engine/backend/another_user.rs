//! A launch by root on bubblewrap: outside its namespace the guest is another user, never root.
//!
//! That user is the workspace's owner. Where the workspace is root's, it is a number that nobody on this host has,
//! and root's files are mounted so that they appear as that number's (an idmapped mount, `mount_setattr(2)`). What
//! is mounted into the guest may lie below folders that the user cannot enter, such as `/root`; so it is gathered
//! first, in a mount namespace that nothing else sees, and the sandbox is started from there.

use crate::engine::child::Prepared;
use crate::engine::error::Problem;
use crate::engine::guest::{Bind, Part};
use crate::engine::sys::{self, AsUser, Before};
use crate::engine::tree::Owner;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_change, move_mount,
    open_tree,
};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Numbers from here on are far beyond what accounts and `subuid(5)` ranges are given.
const UNUSED: u32 = 1_879_048_192;

/// Folders that every host has and no sandbox needs: on one of them the gathered mounts lie, in their own namespace.
const PLACES: [&str; 3] = ["/mnt", "/media", "/srv"];

/// Who the guest is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnotherUser {
    uid: u32,
    gid: u32,
}

impl AnotherUser {
    /// `None` where an ordinary user launches, who the guest is then itself.
    pub(super) fn of(workspace: &Path) -> io::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let metadata = fs::metadata(workspace)?;
        Ok(Some(match metadata.uid() {
            0 => Self::nobody_has(),
            uid => Self { uid, gid: if metadata.gid() == 0 { uid } else { metadata.gid() } },
        }))
    }

    /// The first number that no account has. It is the same for every run, so that a kept home stays its own.
    fn nobody_has() -> Self {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let taken: Vec<u32> = users.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect();
        let uid = (UNUSED..).find(|uid| !taken.contains(uid)).unwrap_or(UNUSED);
        Self { uid, gid: uid }
    }

    /// Whose the files are that the launch makes for the guest.
    pub(super) fn owner(self) -> Owner {
        Owner(Some(self.numbers()))
    }

    /// The user and the group.
    pub(super) fn numbers(self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// Whether the workspace is root's, and so not this user's to write as it is.
    pub(super) fn is_nobodys(self) -> bool {
        self.uid >= UNUSED
    }

    /// A user namespace in which root is this user and everybody else is who they are.
    fn namespace(self) -> io::Result<OwnedFd> {
        // A namespace needs a process for as long as its maps are written: this one waits for its input's end.
        let mut command = Command::new("cat");
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let before = Before { user_namespace: true, ..Before::default() };
        let mut child = Prepared { command, before, input: None }.spawn()?;
        let made = (|| {
            let proc = PathBuf::from(format!("/proc/{}", child.id()));
            let map = |id: u32| format!("0 {id} 1\n1 1 {}\n", id - 1);
            fs::write(proc.join("uid_map"), map(self.uid))?;
            fs::write(proc.join("gid_map"), map(self.gid))?;
            Ok(OwnedFd::from(File::open(proc.join("ns/user"))?))
        })();
        drop(child.stdin.take());
        child.wait()?;
        made
    }
}

/// What the guest is mounted from, gathered where its user reaches it.
pub(super) struct Gathered {
    user: AnotherUser,
    namespace: Arc<OwnedFd>,
    place: &'static str,
}

impl Gathered {
    /// Gathers the sources in the order given; [`Gathered::source`] says where the n-th lies.
    ///
    /// # Errors
    /// When a folder that the guest shall write is root's and cannot be mounted as another user's, or the kernel
    /// refuses.
    pub(super) fn make<'b>(
        user: AnotherUser,
        binds: impl Iterator<Item = &'b Bind>,
    ) -> Result<Self, Problem> {
        let what = "the guest's folders cannot be gathered";
        let place = PLACES.into_iter().find(|place| Path::new(place).is_dir());
        let place =
            place.ok_or_else(|| Problem::io(what, format!("none of {} is there", PLACES.join(", "))))?;
        let namespace = user.namespace().map_err(|e| Problem::io(what, e))?;
        let trees = binds.map(|bind| opened(bind, namespace.as_fd())).collect::<Result<Vec<_>, _>>()?;
        // A thread of its own: it leaves the namespace of the others, and its last descriptor keeps the new one.
        let gathered = std::thread::scope(|scope| scope.spawn(|| gather(place, &trees)).join());
        let gathered = gathered.unwrap_or_else(|_| Err(io::Error::other("the thread ended early")));
        let namespace = Arc::new(gathered.map_err(|e| Problem::io(what, e))?);
        Ok(Self { user, namespace, place })
    }

    /// Where the n-th source lies in the namespace.
    pub(super) fn source(&self, number: usize) -> PathBuf {
        Path::new(self.place).join(number.to_string())
    }

    /// What a sandbox's process does before it becomes bubblewrap.
    pub(super) fn enter(&self) -> AsUser {
        AsUser { mounts: self.namespace.clone(), uid: self.user.uid, gid: self.user.gid }
    }
}

/// A source as a mount that is not anywhere yet, and whether it is a folder.
fn opened(bind: &Bind, root_is: std::os::fd::BorrowedFd<'_>) -> Result<(OwnedFd, bool), Problem> {
    let what = || format!("{} cannot be mounted", bind.source.display());
    let metadata = fs::metadata(&bind.source).map_err(|e| Problem::io(what(), e))?;
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, &bind.source, flags).map_err(|e| Problem::io(what(), e))?;
    if metadata.uid() == 0 && bind.part != Part::Run {
        let mapped = sys::map_mount(tree.as_fd(), root_is);
        if let (Err(error), true) = (mapped, bind.writable) {
            let why = format!(
                "it is root's, and this file system cannot show it to the guest as another user's ({error})"
            );
            let help = "use `workspace.mode: copy`, give the folder to a user, or launch as one";
            return Err(Problem::new(what(), why, help));
        }
    }
    Ok((tree, metadata.is_dir()))
}

/// Leaves this thread's mount namespace for a copy of it, and puts the mounts into one folder there.
fn gather(place: &str, trees: &[(OwnedFd, bool)]) -> io::Result<OwnedFd> {
    sys::leave_mount_namespace()?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount("bot-bottle", place, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=0755,size=1m"))?;
    for (number, (tree, is_folder)) in trees.iter().enumerate() {
        let path = Path::new(place).join(number.to_string());
        if *is_folder {
            DirBuilder::new().mode(0o755).create(&path)?;
        } else {
            File::create_new(&path)?;
        }
        move_mount(tree, "", CWD, &path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    }
    Ok(rustix::fs::open("/proc/thread-self/ns/mnt", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}
