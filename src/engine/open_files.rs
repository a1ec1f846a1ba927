//! How many files this process may have open.
//!
//! A connection through the egress takes two, and shells grant 1,024: too few for a guest with
//! hundreds of event streams. What the launch starts gets what it would have had without us, since
//! some programs walk through every number below the limit, and `select` knows none above 1,023.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::sync::OnceLock;

static BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Raises the limit of this process to what it may have.
pub fn raise_open_files() {
    let before = BEFORE.get_or_init(|| getrlimit(Resource::Nofile));
    // Where it is refused, the egress takes fewer connections at once.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum });
}

/// Sets the limit of a child as it was here before; one system call.
pub(crate) fn restore() -> io::Result<()> {
    match BEFORE.get() {
        Some(before) => Ok(setrlimit(Resource::Nofile, *before)?),
        None => Ok(()),
    }
}
