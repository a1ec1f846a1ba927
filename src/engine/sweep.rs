//! Taking away what a run made: at its end, and for runs whose launcher is gone.

use super::backend::{container_left_behind, limits};
use super::host::Host;
use super::kept;
use super::state::{self, FoundRun, Record, StateDir};
use super::tree;
use std::path::Path;

/// Removes what dead runs left in this state folder; returns what could not be removed.
///
/// Every command that launches or looks at runs calls it first.
pub fn sweep(state: &StateDir, host: &Host) -> Vec<String> {
    let mut left = Vec::new();
    for found in state::runs(state) {
        let FoundRun::Dead(dir, record, lock) = found else { continue };
        let result = match &record {
            Some(record) => {
                container_left_behind(record, &dir, host).and_then(|()| clear(state, &dir, record))
            }
            None => tree::remove_path(&dir).map_err(|e| e.to_string()),
        };
        if let Err(why) = result {
            left.push(format!("{}: {why}", dir.display()));
        }
        drop(lock);
    }
    left
}

/// Takes away the rest of a run once its guest is gone: the groups, the socket, the folder. The
/// guest's home (and the workspace's copy) are kept for `--resume`.
pub(crate) fn clear(state: &StateDir, dir: &Path, record: &Record) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    for group in &record.cgroups {
        limits::remove(group);
    }
    if dir.join("started").exists() {
        kept::keep(state, dir, record).map_err(text)?;
    }
    tree::remove_path(dir).map_err(text)
}
