//! Where a mount can be put: the one judge for the checker and the launch.

use super::Plan;
use crate::provider::guest_path::{is_plain, taken};
use std::path::Path;

/// Why nothing can be mounted at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The place itself, behind the path: «covers the guest's home».
    Place(&'static str),
    /// An earlier mount, by its number, has the same target.
    Twice(usize),
    /// It lies in another mount, by its number. The engine would have to make a folder in a folder of
    /// the host, and a link in there decides where.
    Within(usize),
}

/// What is wrong with one of the targets of a manifest's mounts. `plan` has what the agent's provider
/// writes, where there is a plan.
pub fn mount_conflict(plan: Option<&Plan>, targets: &[&str], index: usize) -> Option<Conflict> {
    let text = *targets.get(index)?;
    if !is_plain(text) {
        return Some(Conflict::Place("is not an absolute path in its shortest form"));
    }
    if let Some(why) = taken(text) {
        return Some(Conflict::Place(why));
    }
    let target = Path::new(text);
    if let Some(earlier) = targets[..index].iter().position(|other| Path::new(other) == target) {
        return Some(Conflict::Twice(earlier));
    }
    let holds = |(at, other): &(usize, &&str)| {
        *at != index && Path::new(other) != target && target.starts_with(other)
    };
    if let Some((outer, _)) = targets.iter().enumerate().find(holds) {
        return Some(Conflict::Within(outer));
    }
    let plan = plan?;
    let mut dirs = plan.dirs.iter().map(|d| Path::new(&d.guest_path));
    let mut files = plan.files.iter().map(|f| Path::new(&f.guest_path));
    if dirs.any(|dir| dir.starts_with(target)) || files.clone().any(|file| file.starts_with(target)) {
        return Some(Conflict::Place("covers files that the agent's provider puts there"));
    }
    // A file holds nothing, and a skill's folder is made anew at each launch.
    files
        .any(|file| target.starts_with(file))
        .then_some(Conflict::Place("lies in what the launch puts there"))
}
