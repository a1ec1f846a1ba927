//! The one module with `unsafe`: what a child does between fork and exec.

#![allow(unsafe_code)]

use rustix::process::{ioctl_tiocsctty, setsid};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

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
            Ok(())
        };
        // SAFETY: the closure makes system calls alone (setrlimit, write, fcntl, setsid, ioctl): it allocates
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
