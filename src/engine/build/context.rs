//! The files of a build's context, found without following a link out of it.

use super::dockerfile::Wanted;
use super::ignore::Ignore;
use super::pattern::Pattern;
use super::tar::Tar;
use super::{LeftOut, MAX_BYTES, MAX_NAMES};
use crate::engine::tree;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Links on the way to one path, as the kernel bounds them.
const MAX_LINKS: usize = 40;
/// Steps of patterns: some seconds at the worst.
const MAX_WORK: u64 = if cfg!(test) { 10_000_000 } else { 500_000_000 };
/// Folders in folders.
const MAX_DEPTH: usize = 100;

/// What stands at a path of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Folder(u32),
    File,
    Link(Vec<u8>),
}

/// The context as it was found: what goes into the archive, in order.
pub(super) struct Context {
    root: OwnedFd,
    ignore: Ignore,
    entries: BTreeMap<Vec<u8>, Entry>,
    left_out: Vec<LeftOut>,
    looked_at: usize,
    work: u64,
}

impl Context {
    /// Finds what a build wants.
    ///
    /// # Errors
    /// When the folder cannot be read, or holds more than a build may take.
    pub(super) fn find(folder: &Path, wanted: &Wanted, ignore: Ignore) -> io::Result<Self> {
        let root = tree::open_root(folder)?;
        let (entries, left_out) = (BTreeMap::new(), Vec::new());
        let mut context = Self { root, ignore, entries, left_out, looked_at: 0, work: 0 };
        match wanted {
            Wanted::Whole { because: _ } => context.named("")?,
            Wanted::Named(names) => {
                for name in names {
                    if name.contains(['*', '?', '[']) {
                        context.matching(name)?;
                    }
                    // A name may hold such characters itself.
                    context.named(name)?;
                }
            }
        }
        Ok(context)
    }

    /// Takes one path; a link on the way is followed within the context.
    fn named(&mut self, name: &str) -> io::Result<()> {
        let mut rest: VecDeque<Vec<u8>> = parts(name.as_bytes());
        let (mut here, mut links) = (Vec::new(), 0);
        while let Some(part) = rest.pop_front() {
            if part == b".." {
                if here.is_empty() {
                    return self.leave_out(name.as_bytes(), "a link that leads out of the context");
                }
                here.truncate(here.iter().rposition(|b| *b == b'/').unwrap_or(0));
                continue;
            }
            let path = joined(&here, &part);
            match self.look(&path)? {
                None => return Ok(()),
                Some(Entry::Folder(_)) => here = path,
                Some(Entry::File) => {
                    // More of a path behind a file leads nowhere, and the builder says so.
                    if rest.is_empty() {
                        self.add(path, Entry::File)?;
                    }
                    return Ok(());
                }
                Some(Entry::Link(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return self.leave_out(name.as_bytes(), "a link in a circle");
                    }
                    if target.starts_with(b"/") {
                        return self.leave_out(name.as_bytes(), "a link that leads out of the context");
                    }
                    parts(&target).into_iter().rev().for_each(|part| rest.push_front(part));
                    self.add(path, Entry::Link(target))?;
                }
            }
        }
        if let Some(entry @ Entry::Folder(_)) = self.look(&here)? {
            if !here.is_empty() {
                self.add(here.clone(), entry)?;
            }
            self.below(&here, None, 0)?;
        }
        Ok(())
    }

    /// Takes what a pattern matches.
    fn matching(&mut self, text: &str) -> io::Result<()> {
        let pattern = Pattern::new(text);
        let folder = pattern.literal_folder().as_bytes().to_vec();
        match self.look(&folder)? {
            Some(Entry::Folder(_)) => self.below(&folder, Some(&pattern), parts(&folder).len()),
            // A link in front of a pattern: what it leads to is taken whole.
            Some(Entry::Link(_)) => self.named(&String::from_utf8_lossy(&folder)),
            _ => Ok(()),
        }
    }

    /// Takes what lies below a folder: all of it, or what matches.
    fn below(&mut self, folder: &[u8], pattern: Option<&Pattern>, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other(format!("its folders are nested more than {MAX_DEPTH} deep")));
        }
        let fd = self.open_folder(folder)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&fd)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                self.count()?;
                names.push(name);
            }
        }
        drop(fd);
        for name in names {
            let path = joined(folder, &name);
            let wanted = pattern.is_none_or(|p| p.matches(&path, &mut self.work));
            let ignored = self.ignores(&path)?;
            let Some(entry) = self.look(&path)? else { continue };
            if let Entry::Folder(_) = entry {
                let deep_enough = pattern.and_then(Pattern::depth).is_some_and(|most| depth + 1 >= most);
                if !(ignored && self.ignore.is_final()) && (wanted || !deep_enough) {
                    self.below(&path, pattern.filter(|_| !wanted), depth + 1)?;
                }
            }
            if wanted {
                match (&entry, pattern) {
                    // What a pattern names is followed as a name is.
                    (Entry::Link(_), Some(_)) => self.named(&String::from_utf8_lossy(&path))?,
                    _ => self.add(path, entry)?,
                }
            }
        }
        Ok(())
    }

    fn count(&mut self) -> io::Result<()> {
        self.looked_at += 1;
        if self.looked_at > MAX_NAMES {
            return Err(io::Error::other(format!("it holds more than {MAX_NAMES} names")));
        }
        Ok(())
    }

    /// Whether a path is ignored. Patterns are the project's own, and many names against many of
    /// them would go on for hours.
    fn ignores(&mut self, path: &[u8]) -> io::Result<bool> {
        let ignored = self.ignore.ignores(path, &mut self.work);
        if self.work > MAX_WORK {
            return Err(io::Error::other(
                "its names and the patterns of .dockerignore and COPY are too many",
            ));
        }
        Ok(ignored)
    }

    fn add(&mut self, path: Vec<u8>, entry: Entry) -> io::Result<()> {
        if !self.ignores(&path)? && path != super::FILE.as_bytes() {
            self.entries.insert(path, entry);
        }
        Ok(())
    }

    fn leave_out(&mut self, path: &[u8], why: &str) -> io::Result<()> {
        let path = String::from_utf8_lossy(path).into_owned();
        let left_out = LeftOut { path, why: why.to_owned() };
        if !self.left_out.contains(&left_out) {
            self.left_out.push(left_out);
        }
        Ok(())
    }

    /// What stands at a path that goes through no link; what is none of the three is left out.
    fn look(&mut self, path: &[u8]) -> io::Result<Option<Entry>> {
        let Some((parent, name)) = self.open_parent(path)? else { return Ok(None) };
        let stat = match statat(&parent, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Some(Entry::Folder(stat.st_mode & 0o7777)),
            FileType::RegularFile => Some(Entry::File),
            FileType::Symlink => {
                let target = readlinkat(&parent, OsStr::from_bytes(name), Vec::new())?;
                Some(Entry::Link(target.into_bytes()))
            }
            _ => {
                if !self.ignores(path)? {
                    self.leave_out(path, "a socket, a pipe or a device")?;
                }
                None
            }
        })
    }

    /// The folder that a path lies in; `None` where a part of the way is not a folder.
    fn open_parent<'p>(&self, path: &'p [u8]) -> io::Result<Option<(OwnedFd, &'p [u8])>> {
        let (folder, name) = match path.iter().rposition(|b| *b == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&path[..0], path),
        };
        let name = if name.is_empty() { b".".as_slice() } else { name };
        match self.open_folder(folder) {
            Ok(fd) => Ok(Some((fd, name))),
            Err(e)
                if matches!(Errno::from_io_error(&e), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) =>
            {
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    fn open_folder(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let mut fd = openat(&self.root, ".", FOLDER, Mode::empty())?;
        for part in parts(path) {
            fd = openat(&fd, OsStr::from_bytes(&part), FOLDER, Mode::empty())?;
        }
        Ok(fd)
    }

    /// Writes all of it, each file as it is now, and says of each what was written.
    pub(super) fn write(
        &self,
        tar: &mut Tar<impl Write>,
        mut written: impl FnMut(&[u8], u64, &[u8]),
    ) -> io::Result<()> {
        let mut left = MAX_BYTES;
        for (path, entry) in &self.entries {
            let at =
                |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", String::from_utf8_lossy(path)));
            match entry {
                Entry::Folder(mode) => tar.folder(path, mode & 0o777).map_err(at)?,
                Entry::Link(target) => {
                    tar.link(path, target).map_err(at)?;
                    written(path, 0, target);
                }
                Entry::File => {
                    let (size, digest) = self.file(tar, path, left).map_err(at)?;
                    left -= size;
                    written(path, size, digest.as_ref());
                }
            }
        }
        Ok(())
    }

    fn file(
        &self,
        tar: &mut Tar<impl Write>,
        path: &[u8],
        left: u64,
    ) -> io::Result<(u64, ring::digest::Digest)> {
        let Some((parent, name)) = self.open_parent(path)? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let file = tree::regular(parent.as_fd(), OsStr::from_bytes(name))?;
        let stat = fstat(&file)?;
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > left {
            return Err(io::Error::other(format!("with it the files are more than {} MiB", MAX_BYTES >> 20)));
        }
        let mut hashed = Hashed { from: file, digest: ring::digest::Context::new(&ring::digest::SHA256) };
        tar.file(path, stat.st_mode & 0o777, size, &mut hashed)?;
        Ok((size, hashed.digest.finish()))
    }

    pub(super) fn left_out(self) -> Vec<LeftOut> {
        self.left_out
    }
}

/// Digests what is read through it.
struct Hashed<R> {
    from: R,
    digest: ring::digest::Context,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

fn parts(path: &[u8]) -> VecDeque<Vec<u8>> {
    let parts = path.split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".");
    parts.map(<[u8]>::to_vec).collect()
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}
