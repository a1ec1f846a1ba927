//! Files in folders that an agent may have written: no symbolic link is ever followed.
//!
//! A resumed home, a workspace and a skill may hold links that lead anywhere on the host. All
//! writing and reading below such a root goes through folder descriptors, one step at a time.

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Timestamps, chmodat, chownat, fchown, fstat, mkdirat, openat,
    readlinkat, renameat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// How a folder below a root is opened.
pub(crate) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Whose files are written: another user's number where the guest's user is not the launcher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Owner(pub Option<(u32, u32)>);

impl Owner {
    fn give(self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
        Ok(fchown(fd, Some(uid), Some(gid))?)
    }

    /// Gives a whole tree of the launcher's own making.
    pub(crate) fn give_all(self, root: &Path) -> io::Result<()> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        std::os::unix::fs::lchown(root, Some(uid), Some(gid))?;
        if fs::symlink_metadata(root)?.is_dir() {
            for entry in fs::read_dir(root)? {
                self.give_all(&entry?.path())?;
            }
        }
        Ok(())
    }
}

/// Opens a root folder; links in its own path are the host's and are followed.
pub(crate) fn open_root(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// The folder `relative` below `root`, made where it is missing.
pub(crate) fn make_dirs(
    root: BorrowedFd<'_>,
    relative: &Path,
    mode: u32,
    owner: Owner,
) -> io::Result<OwnedFd> {
    let mut dir = openat(root, ".", FOLDER, Mode::empty())?;
    for part in relative.components() {
        let Component::Normal(name) = part else { continue };
        dir = match openat(&dir, name, FOLDER, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT) => {
                mkdirat(&dir, name, Mode::from_raw_mode(0o700))?;
                let next = openat(&dir, name, FOLDER, Mode::empty())?;
                owner.give(next.as_fd())?;
                next
            }
            Err(error) => return Err(error.into()),
        };
    }
    if relative.components().next().is_some() {
        rustix::fs::fchmod(&dir, Mode::from_raw_mode(mode))?;
    }
    Ok(dir)
}

/// Puts a file at `relative` below `root`; what was there, a link included, is replaced.
pub(crate) fn put(
    root: BorrowedFd<'_>,
    relative: &Path,
    content: &mut dyn Read,
    mode: u32,
    owner: Owner,
) -> io::Result<()> {
    let parent = match relative.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => make_dirs_keeping(root, parent, owner)?,
        None => openat(root, ".", FOLDER, Mode::empty())?,
    };
    let name = relative.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let next = format!(".{}.next", name.to_string_lossy());
    remove(parent.as_fd(), OsStr::new(&next))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(&parent, next.as_str(), flags, Mode::from_raw_mode(0o600))?);
    io::copy(content, &mut file)?;
    owner.give(file.as_fd())?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    if statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|s| is(s.st_mode, FileType::Directory)) {
        remove(parent.as_fd(), name)?;
    }
    Ok(renameat(&parent, next.as_str(), &parent, name)?)
}

/// As [`make_dirs`], leaving the mode of a folder that exists.
fn make_dirs_keeping(root: BorrowedFd<'_>, relative: &Path, owner: Owner) -> io::Result<OwnedFd> {
    let mut dir = openat(root, ".", FOLDER, Mode::empty())?;
    for part in relative.components() {
        dir = match openat(&dir, part.as_os_str(), FOLDER, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT) => make_dirs(dir.as_fd(), Path::new(part.as_os_str()), 0o700, owner)?,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(dir)
}

/// Makes the place that something is mounted on, where it is missing. What is there is left as it is,
/// and has to be of the right kind; no link is followed.
pub(crate) fn make_mount_point(
    root: BorrowedFd<'_>,
    relative: &Path,
    is_dir: bool,
    owner: Owner,
) -> io::Result<()> {
    if is_dir {
        return make_dirs_keeping(root, relative, owner).map(drop);
    }
    let parent = make_dirs_keeping(root, relative.parent().unwrap_or(Path::new("")), owner)?;
    let name = relative.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(&parent, name, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => owner.give(file.as_fd()),
        Err(Errno::EXIST) => regular(parent.as_fd(), name).map(drop),
        Err(error) => Err(error.into()),
    }
}

/// Opens a regular file below `root` for reading, through no link.
pub(crate) fn open_file(root: BorrowedFd<'_>, relative: &Path) -> io::Result<File> {
    let mut dir = openat(root, ".", FOLDER, Mode::empty())?;
    let name = relative.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    for part in relative.parent().into_iter().flat_map(Path::components) {
        if !matches!(part, Component::Normal(_)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        dir = openat(&dir, part.as_os_str(), FOLDER, Mode::empty())?;
    }
    regular(dir.as_fd(), name)
}

/// Opens a regular file by name; a link, a FIFO or a device is refused, and none is waited for.
pub(crate) fn regular(dir: BorrowedFd<'_>, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = openat(dir, name, flags, Mode::empty())?;
    if !is(fstat(&fd)?.st_mode, FileType::RegularFile) {
        return Err(io::Error::other("is not a regular file"));
    }
    Ok(File::from(fd))
}

fn is(mode: u32, kind: FileType) -> bool {
    FileType::from_raw_mode(mode) == kind
}

/// Copies what is in the folder `from` into the existing folder `to`. Links are copied as links;
/// sockets, FIFOs and devices are left out.
pub(crate) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, owner: Owner) -> io::Result<()> {
    copy_level(from, to, owner, 0)
}

/// Deeper than any project, and within the descriptors that a process has.
const DEEPEST_COPY: usize = 200;

fn copy_level(from: BorrowedFd<'_>, to: BorrowedFd<'_>, owner: Owner, depth: usize) -> io::Result<()> {
    if depth > DEEPEST_COPY {
        return Err(io::Error::other(format!("folders are nested more than {DEEPEST_COPY} deep")));
    }
    for entry in Dir::read_from(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let source = openat(from, name, FOLDER, Mode::empty())?;
                mkdirat(to, name, Mode::from_raw_mode(0o700))?;
                let target = openat(to, name, FOLDER, Mode::empty())?;
                copy_level(source.as_fd(), target.as_fd(), owner, depth + 1)?;
                owner.give(target.as_fd())?;
                rustix::fs::fchmod(&target, Mode::from_raw_mode(stat.st_mode & 0o777))?;
            }
            FileType::RegularFile => copy_file(from, to, name, stat.st_mode & 0o777, owner)?,
            FileType::Symlink => {
                symlinkat(readlinkat(from, name, Vec::new())?, to, name)?;
                if let Some((uid, gid)) = owner.0 {
                    let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
                    chownat(to, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn copy_file(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    name: &CStr,
    mode: u32,
    owner: Owner,
) -> io::Result<()> {
    let mut source = regular(from, OsStr::from_bytes(name.to_bytes()))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut target = File::from(openat(to, name, flags, Mode::from_raw_mode(0o600))?);
    io::copy(&mut source, &mut target)?;
    target.flush()?;
    owner.give(target.as_fd())?;
    rustix::fs::fchmod(&target, Mode::from_raw_mode(mode))?;
    // Build tools and git compare times.
    let stat = fstat(&source)?;
    let time = rustix::fs::Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as _ };
    Ok(rustix::fs::futimens(&target, &Timestamps { last_access: time, last_modification: time })?)
}

/// SHA-256 in hex over everything in a folder that [`copy`] takes (names, modes, links, bytes), and the
/// number of bytes in its files.
pub(crate) fn digest(dir: BorrowedFd<'_>) -> io::Result<(String, u64)> {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut bytes = 0;
    digest_level(dir, &mut context, &mut bytes, 0)?;
    Ok((crate::shown::hex(context.finish().as_ref()), bytes))
}

/// More than any skill has, and less than fills a memory or an evening.
const MAX_DIGESTED: u64 = 1 << 30;

fn digest_level(
    dir: BorrowedFd<'_>,
    context: &mut ring::digest::Context,
    total: &mut u64,
    depth: usize,
) -> io::Result<()> {
    if depth > DEEPEST_COPY {
        return Err(io::Error::other(format!("folders are nested more than {DEEPEST_COPY} deep")));
    }
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            names.push(name);
        }
    }
    names.sort_unstable();
    for name in names {
        let stat = statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        let mut head = |kind: &[u8]| {
            context.update(kind);
            context.update(&(stat.st_mode & 0o777).to_le_bytes());
            context.update(name.as_bytes_with_nul());
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                head(b"d");
                let below = openat(dir, &name, FOLDER, Mode::empty())?;
                digest_level(below.as_fd(), context, total, depth + 1)?;
                context.update(b".");
            }
            FileType::RegularFile => {
                head(b"f");
                let mut file = regular(dir, OsStr::from_bytes(name.to_bytes()))?;
                let mut buffer = vec![0; 64 * 1024];
                let mut length: u64 = 0;
                loop {
                    let count = file.read(&mut buffer)?;
                    if count == 0 {
                        break;
                    }
                    context.update(&buffer[..count]);
                    length += count as u64;
                    *total += count as u64;
                    if *total > MAX_DIGESTED {
                        return Err(io::Error::other(format!(
                            "it holds more than {} MiB",
                            MAX_DIGESTED >> 20
                        )));
                    }
                }
                context.update(&length.to_le_bytes());
            }
            FileType::Symlink => {
                head(b"l");
                context.update(readlinkat(dir, &name, Vec::new())?.as_bytes_with_nul());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes `name` in `dir` with all that is below it; nothing there is no error.
///
/// An agent can nest folders deeper than descriptors or the stack reach: what lies too deep is
/// moved up beside `name` first.
pub(crate) fn remove(dir: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let mut waiting = vec![name.to_owned()];
    let mut moved = 0;
    while let Some(next) = waiting.pop() {
        remove_level(dir, &next, 0, &mut |deep, below| {
            moved += 1;
            let up = OsString::from(format!(".{}.deep{moved}", name.to_string_lossy()));
            renameat(deep, below, dir, up.as_os_str())?;
            waiting.push(up);
            Ok(())
        })?;
    }
    Ok(())
}

/// Folders that are open at once while removing.
const DEEP: usize = 100;

type MoveUp<'a> = dyn FnMut(BorrowedFd<'_>, &OsStr) -> io::Result<()> + 'a;

fn remove_level(dir: BorrowedFd<'_>, name: &OsStr, depth: usize, move_up: &mut MoveUp<'_>) -> io::Result<()> {
    match remove_whole(dir, name, depth, move_up) {
        // Another launch removes the same.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn remove_whole(dir: BorrowedFd<'_>, name: &OsStr, depth: usize, move_up: &mut MoveUp<'_>) -> io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    // A folder that its owner may not write or enter (Go's module cache) is opened up first.
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if !is(stat.st_mode, FileType::Directory) {
        return Err(Errno::PERM.into());
    }
    if stat.st_mode & 0o700 != 0o700 {
        chmodat(dir, name, Mode::from_raw_mode(0o700), AtFlags::empty())?;
    }
    if depth == DEEP {
        return move_up(dir, name);
    }
    let folder = openat(dir, name, FOLDER, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            names.push(entry.file_name().to_owned());
        }
    }
    for below in names {
        remove_level(folder.as_fd(), OsStr::from_bytes(below.to_bytes()), depth + 1, move_up)?;
    }
    Ok(unlinkat(dir, name, AtFlags::REMOVEDIR)?)
}

/// Removes a path with all that is below it.
pub(crate) fn remove_path(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    match open_root(parent) {
        Ok(parent) => remove(parent.as_fd(), name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn launches_side_by_side_remove_the_same_old_home() {
        let temp = tempfile::tempdir().expect("temp");
        for round in 0..20 {
            let old = temp.path().join(format!("old{round}"));
            for number in 0..100 {
                let folder = old.join(format!("a/{}/{number}", number % 7));
                fs::create_dir_all(&folder).expect("dir");
                fs::write(folder.join("file"), "x").expect("write");
            }
            let gate = std::sync::Barrier::new(7);
            std::thread::scope(|scope| {
                for _ in 0..7 {
                    scope.spawn(|| {
                        gate.wait();
                        remove_path(&old).expect("removed");
                    });
                }
            });
            assert!(!old.exists());
        }
    }

    #[test]
    fn a_link_that_an_agent_left_is_replaced_or_refused_never_followed() {
        let temp = tempfile::tempdir().expect("temp");
        let (root, outside) = (temp.path().join("home"), temp.path().join("outside"));
        fs::create_dir_all(&root).expect("dir");
        fs::create_dir_all(&outside).expect("dir");
        fs::write(outside.join("file"), "host").expect("write");
        symlink(&outside, root.join("dir")).expect("link");
        symlink(outside.join("file"), root.join("file")).expect("link");
        let fd = open_root(&root).expect("root");
        put(fd.as_fd(), Path::new("file"), &mut &b"guest"[..], 0o600, Owner(None)).expect("replaced");
        put(fd.as_fd(), Path::new("dir/new"), &mut &b"guest"[..], 0o600, Owner(None)).expect_err("refused");
        make_dirs(fd.as_fd(), Path::new("dir/sub"), 0o700, Owner(None)).expect_err("refused");
        open_file(fd.as_fd(), Path::new("dir/file")).expect_err("refused");
        assert_eq!(fs::read_to_string(outside.join("file")).expect("read"), "host");
        assert_eq!(fs::read_to_string(root.join("file")).expect("read"), "guest");
        assert_eq!(fs::read_dir(&outside).expect("dir").count(), 1);
    }

    #[test]
    fn a_copy_keeps_links_as_links_and_leaves_fifos_out() {
        let temp = tempfile::tempdir().expect("temp");
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        fs::create_dir_all(from.join("a/b")).expect("dir");
        fs::create_dir(&to).expect("dir");
        fs::write(from.join("a/b/f"), "x").expect("write");
        fs::set_permissions(from.join("a/b/f"), fs::Permissions::from_mode(0o755)).expect("mode");
        symlink("/etc/shadow", from.join("a/link")).expect("link");
        rustix::fs::mknodat(rustix::fs::CWD, from.join("fifo"), FileType::Fifo, Mode::RUSR, 0).expect("fifo");
        copy(open_root(&from).expect("fd").as_fd(), open_root(&to).expect("fd").as_fd(), Owner(None))
            .expect("copy");
        assert_eq!(fs::read_link(to.join("a/link")).expect("link"), Path::new("/etc/shadow"));
        assert_eq!(fs::metadata(to.join("a/b/f")).expect("f").permissions().mode() & 0o777, 0o755);
        assert!(!to.join("fifo").exists());
    }

    #[test]
    fn a_tree_deeper_than_any_stack_is_removed_and_not_copied() {
        let temp = tempfile::tempdir().expect("temp");
        let root = temp.path().join("root");
        fs::create_dir(&root).expect("dir");
        let mut deep = open_root(&root).expect("root");
        for _ in 0..450 {
            mkdirat(&deep, "d", Mode::RWXU).expect("dir");
            deep = openat(&deep, "d", FOLDER, Mode::empty()).expect("open");
        }
        drop(deep);
        let to = temp.path().join("to");
        fs::create_dir(&to).expect("dir");
        let fds = [&root, &to].map(|path| open_root(path).expect("fd"));
        copy(fds[0].as_fd(), fds[1].as_fd(), Owner(None)).expect_err("too deep");
        remove_path(&root).expect("removed");
        remove_path(&to).expect("removed");
        assert_eq!(fs::read_dir(temp.path()).expect("dir").count(), 0);
    }

    #[test]
    fn a_folder_without_permissions_is_removed() {
        let temp = tempfile::tempdir().expect("temp");
        let dir = temp.path().join("d");
        fs::create_dir_all(dir.join("closed/x")).expect("dir");
        fs::set_permissions(dir.join("closed"), fs::Permissions::from_mode(0o000)).expect("mode");
        remove_path(&dir).expect("removed");
        assert!(!dir.exists());
    }
}
