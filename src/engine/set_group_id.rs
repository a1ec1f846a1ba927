//! Set-group-id on what a guest left behind: kept on folders, where it shares files within a group, and taken off
//! programs, which would run with the launcher's group for whoever starts them on the host.

use super::tree::FOLDER;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fchmod, fstat, openat, statat};
use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Folders within folders that are entered.
const DEPTH: usize = 64;

/// Programs below a folder, or a file itself, that were changed since a moment and carry the bit, by their paths
/// below it; each has lost it, or stands in the second list. Links are not followed. The guest must be dead.
///
/// # Errors
/// Why a folder could not be read: what is in it is not known.
pub(crate) fn take_off(root: &OwnedFd, since: SystemTime) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut walk = Walk {
        since: (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), u64::from(since.subsec_nanos())),
        taken: Vec::new(),
        left: Vec::new(),
    };
    let stat = fstat(root)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        walk.folder(root, Path::new(""), 0)?;
    } else if walk.is_one(&stat) {
        walk.cleared(clear(root), PathBuf::new());
    }
    Ok((walk.taken, walk.left))
}

struct Walk {
    /// Seconds and nanoseconds.
    since: (i64, u64),
    taken: Vec<PathBuf>,
    left: Vec<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &OwnedFd, inside: &Path, depth: usize) -> io::Result<()> {
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if [c".", c".."].contains(&name) {
                continue;
            }
            let path = inside.join(OsStr::from_bytes(name.to_bytes()));
            match entry.file_type() {
                FileType::Directory if depth < DEPTH => {
                    if let Ok(below) = openat(folder, name, FOLDER, Mode::empty()) {
                        self.folder(&below, &path, depth + 1)?;
                    }
                }
                FileType::RegularFile | FileType::Unknown => self.file(folder, name, path),
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, folder: &OwnedFd, name: &CStr, path: PathBuf) {
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
        if found.is_ok_and(|stat| self.is_one(&stat)) {
            let file = openat(folder, name, FILE, Mode::empty()).map_err(io::Error::from);
            self.cleared(file.and_then(|file| clear(&file)), path);
        }
    }

    fn cleared(&mut self, result: io::Result<()>, path: PathBuf) {
        if result.is_ok() { self.taken.push(path) } else { self.left.push(path) }
    }

    /// A program with the bit, changed since. Nobody can set the time of such a change.
    fn is_one(&self, stat: &Stat) -> bool {
        let changed = (stat.st_ctime, stat.st_ctime_nsec);
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && stat.st_mode & libc::S_ISGID != 0
            && stat.st_mode & 0o111 != 0
            && changed >= self.since
    }
}

fn clear(file: &OwnedFd) -> io::Result<()> {
    let mode = fstat(file)?.st_mode;
    Ok(fchmod(file, Mode::from_raw_mode(mode & 0o1777))?)
}

/// Opens a folder or a file of the host for [`take_off`]; `None` where it is neither or cannot be read.
pub(crate) fn open(path: &Path) -> Option<OwnedFd> {
    let file = rustix::fs::open(path, FILE, Mode::empty()).ok()?;
    let kind = FileType::from_raw_mode(fstat(&file).ok()?.st_mode);
    [FileType::Directory, FileType::RegularFile].contains(&kind).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::Duration;

    #[test]
    fn programs_lose_it_folders_and_what_was_there_keep_it() {
        let temp = tempfile::tempdir().expect("temp");
        let root = temp.path();
        let made = |name: &str, mode: u32| {
            fs::write(root.join(name), "").expect("write");
            fs::set_permissions(root.join(name), Permissions::from_mode(mode)).expect("mode");
        };
        fs::create_dir_all(root.join("shared/below")).expect("dir");
        made("before", 0o2755);
        std::thread::sleep(Duration::from_millis(20));
        let since = SystemTime::now();
        std::thread::sleep(Duration::from_millis(20));
        made("shared/below/program", 0o2755);
        made("lock", 0o2644);
        fs::set_permissions(root.join("shared"), Permissions::from_mode(0o2775)).expect("mode");
        symlink("before", root.join("link")).expect("link");
        let (taken, left) = take_off(&open(root).expect("a folder"), since).expect("a look");
        assert_eq!((taken, left), (vec![PathBuf::from("shared/below/program")], Vec::new()));
        let mode = |name: &str| fs::metadata(root.join(name)).expect("there").permissions().mode() & 0o7777;
        let modes = ["shared/below/program", "before", "lock", "shared"].map(mode);
        assert_eq!(modes, [0o755, 0o2755, 0o2644, 0o2775]);
    }
}
