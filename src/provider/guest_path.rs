//! The guest's own places: one list for whoever puts something into the guest.
//!
//! A mount, an agent's folder or a planned file that lies there would cover the guest's system or the
//! engine's own files, and with them the walls. The rules, the plan and the engine all ask here.

use super::{GUEST_HOME, WORKSPACE};
use std::path::Path;

/// The folder that holds the guest's program, its files and the egress socket.
pub const ENGINE: &str = "/run/bot-bottle";
/// The folder in which a bubblewrap guest finds programs from outside the system folders.
pub const PROGRAMS: &str = "/opt/bot-bottle";
/// What bot-bottle itself keeps in the guest's home.
pub const HOME_ENGINE: &str = "/home/node/.bot-bottle";

/// What the guest's system and the engine need, with all that lies in it.
const RESERVED: [&str; 18] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix",
    PROGRAMS,
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lock",
    "/var/run",
    HOME_ENGINE,
];

/// Whether a guest path is absolute and in one spelling: no `..`, no `//`, nothing at its end.
pub fn is_plain(path: &str) -> bool {
    let odd = |part: &str| part.is_empty() || part == "." || part == "..";
    path.strip_prefix('/').is_some_and(|rest| !rest.split('/').any(odd)) && !path.contains(char::is_control)
}

/// Why nothing may be put at a guest path, behind the path: «covers what the guest's system needs».
pub fn taken(path: &str) -> Option<&'static str> {
    let path = Path::new(path);
    if path.starts_with(WORKSPACE) {
        return Some("lies in `/workspace`, where the project itself is");
    }
    if Path::new(GUEST_HOME).starts_with(path) {
        return Some("covers the guest's home");
    }
    let reserved = |folder: &&str| path.starts_with(folder) || Path::new(folder).starts_with(path);
    RESERVED.iter().any(reserved).then_some("covers what the guest's system or bot-bottle needs")
}

/// A folder of the guest that can be an agent's own, without a slash at its end.
///
/// # Errors
/// Why it cannot, behind the folder's name: «is not an absolute path».
pub fn guest_folder(path: &str) -> Result<&str, &'static str> {
    let path = path.strip_suffix('/').filter(|p| !p.is_empty()).unwrap_or(path);
    if !path.starts_with('/') {
        return Err("is not an absolute path");
    }
    if path != "/" && !is_plain(path) {
        return Err("is not written in its shortest form");
    }
    taken(path).map_or(Ok(path), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_own_places_are_taken_and_so_is_what_holds_them() {
        for yes in
            ["/docs", "/home/node/docs", "/home/node/.claude/commands", "/tmp/x", "/var/codex", "/opt/x"]
        {
            assert_eq!(taken(yes), None, "{yes}");
        }
        for folder in RESERVED.into_iter().chain([WORKSPACE]) {
            assert!(taken(folder).is_some() && taken(&format!("{folder}/x")).is_some(), "{folder}");
        }
        for holder in ["/", "/home", "/home/node", "/opt", "/var"] {
            assert!(taken(holder).is_some(), "{holder}");
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        for no in ["", "relative", "/", "/home/node/../x", "/a//b", "/a/./b", "/a/", "/a\nb", "/a\u{85}b"] {
            assert!(!is_plain(no), "{no:?}");
        }
        assert!(is_plain("/home/node/.codex"));
    }

    #[test]
    fn an_agents_folder_is_its_own() {
        for yes in ["/home/node/.codex", "/home/node/a b", "/var/codex", "/opt/codex", "/workspaces"] {
            assert_eq!(guest_folder(yes), Ok(yes), "{yes}");
        }
        assert_eq!(guest_folder("/var/codex/"), Ok("/var/codex"));
        for no in
            ["", ".", "codex", "./x", "~/x", "/", "//", "/home", "/home/node", "/a/../b", "/a//b", "/a/./b"]
        {
            assert!(guest_folder(no).is_err(), "{no:?}");
        }
        for no in
            ["/workspace", "/workspace/x", "/etc/codex", "/usr", "/proc/1", "/opt/bot-bottle/x", "/a\nb"]
        {
            assert!(guest_folder(no).is_err(), "{no:?}");
        }
    }
}
