//! What mounts are mounted on, where they land in a folder of the run.
//!
//! bubblewrap and the container engines make a missing mount point themselves, and follow links on
//! the way. In a home that an agent left, such a link leads to wherever the agent wants: so each mount
//! point is made from outside first, through no link, and nothing is left to be made.

use super::error::{Problem, Why};
use super::tree::{self, Owner};
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// A place below a folder of the run.
#[derive(Debug)]
pub(crate) struct Point {
    /// The run's folder, as a host path.
    pub root: PathBuf,
    /// The place below it.
    pub rest: PathBuf,
    /// A folder, or else a file.
    pub is_dir: bool,
}

/// The places of all mounts of one guest.
#[derive(Debug, Default)]
pub(crate) struct MountPoints {
    pub points: Vec<Point>,
    pub owner: Owner,
}

impl MountPoints {
    /// Makes what is missing and sees that the rest is what it must be.
    ///
    /// # Errors
    /// When a link is on the way, or a file in a folder's place.
    pub(crate) fn make(&self) -> Result<(), Problem> {
        self.points.iter().try_for_each(|point| {
            tree::open_root(&point.root)
                .and_then(|root| tree::make_mount_point(root.as_fd(), &point.rest, point.is_dir, self.owner))
                .map_err(|error| refused(point, error))
        })
    }
}

fn refused(point: &Point, error: io::Error) -> Problem {
    let what = format!("nothing can be mounted at {} in the guest's home", point.rest.display());
    let why = match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => {
            Why::from("a symbolic link is on the way")
        }
        Some(code) if code == rustix::io::Errno::NOTDIR.raw_os_error() => {
            Why::from("a symbolic link or a file is on the way")
        }
        _ => error.into(),
    };
    Problem::new(what, why, "an earlier run left it there: launch without --resume, or choose another target")
}
