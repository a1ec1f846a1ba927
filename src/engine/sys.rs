//! The one module with `unsafe`: what a child does between fork and exec.

#![allow(unsafe_code)]

use rustix::fs::{Gid, Uid};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::thread::{
    LinkNameSpaceType, UnshareFlags, move_into_link_name_space, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid, unshare_unsafe,
};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

/// What a child does before it becomes its program, beside taking its own limit of open files back.
#[derive(Default)]
pub(crate) struct Before {
    /// A session of its own, so that nothing it does reaches the host's terminal.
    pub session: bool,
    /// With `session`: standard input is a terminal and becomes the session's own.
    pub terminal: bool,
    /// `cgroup.procs` files, opened for writing, of the groups that it joins.
    pub cgroups: Vec<OwnedFd>,
    /// Descriptors that the program inherits under their own numbers.
    pub keep: Vec<OwnedFd>,
    /// A user namespace of its own, without a map.
    pub user_namespace: bool,
    /// Root becomes this user, after all that needs root.
    pub user: Option<AsUser>,
}

/// Another user than root, and the mount namespace in which that user reaches what it needs.
pub(crate) struct AsUser {
    pub mounts: Arc<OwnedFd>,
    pub uid: u32,
    pub gid: u32,
}

impl AsUser {
    /// For good: from root, setting all three numbers also drops every capability.
    fn become_it(&self) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        move_into_link_name_space(self.mounts.as_fd(), Some(LinkNameSpaceType::Mount))?;
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        Ok(set_thread_res_uid(uid, uid, uid)?)
    }
}

/// Gives this thread a mount namespace of its own, a copy of the one that it was in.
pub(crate) fn leave_mount_namespace() -> io::Result<()> {
    // SAFETY: only `FILES` takes descriptors from under other threads; this flag takes the working folder along,
    // which is this thread's own from then on.
    Ok(unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?)
}

/// Makes a mount that is not anywhere yet show each user's files as the namespace says who they are.
///
/// # Errors
/// Where the kernel (before 5.12) or the file system cannot.
pub(crate) fn map_mount(mount: BorrowedFd<'_>, users: BorrowedFd<'_>) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::from(users.as_raw_fd().unsigned_abs()),
    };
    // SAFETY: the call reads the attributes, whose size it is told, and the empty path; both outlive it.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

impl Before {
    /// Makes `command` do this.
    ///
    /// Of what else is open here, the program inherits its standard streams alone: a shell's `9<folder`
    /// would be a way from the guest to the host.
    ///
    /// # Errors
    ///
    /// Where the kernel does not say what is open.
    pub(crate) fn apply(self, command: &mut Command) -> io::Result<()> {
        // Told before the fork, since a list cannot be made behind it. What a thread opens meanwhile is
        // opened by the standard library or rustix, which close on exec from the start.
        let inherited = open_beside_the_standard_streams()?;
        let steps = move || -> io::Result<()> {
            super::open_files::restore()?;
            for fd in &inherited {
                // SAFETY: the number is used for this one call; where it is open no longer, the call says so.
                let fd = unsafe { BorrowedFd::borrow_raw(*fd) };
                let _ = rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC);
            }
            for group in &self.cgroups {
                rustix::io::write(group, b"0")?;
            }
            for fd in &self.keep {
                rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty())?;
            }
            if self.session {
                setsid()?;
                if self.terminal {
                    ioctl_tiocsctty(io::stdin().as_fd())?;
                }
            }
            if self.user_namespace {
                // SAFETY: the flag shares no descriptors, and this process has no other thread.
                unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }?;
            }
            if let Some(user) = &self.user {
                user.become_it()?;
            }
            Ok(())
        };
        // SAFETY: the closure makes system calls alone (setrlimit, write, fcntl, setsid, ioctl, unshare, setns, setgroups,
        // setresgid, setresuid): it allocates
        // nothing and takes no lock, which is all that is allowed between fork and exec.
        unsafe { command.pre_exec(steps) };
        Ok(())
    }
}

/// The descriptors of this process from 3 on.
fn open_beside_the_standard_streams() -> io::Result<Vec<RawFd>> {
    let numbers = std::fs::read_dir("/proc/self/fd")?;
    let numbers = numbers.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(numbers.filter(|fd| *fd > 2).collect())
}
