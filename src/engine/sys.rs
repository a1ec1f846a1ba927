//! The one module with `unsafe`: what a child does between fork and exec.

#![allow(unsafe_code)]

use rustix::process::{ioctl_tiocsctty, setsid};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
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
    pub(crate) fn apply(self, command: &mut Command) {
        let steps = move || -> io::Result<()> {
            super::open_files::restore()?;
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
    }
}
