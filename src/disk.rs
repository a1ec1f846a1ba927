//! The real file system, as the pure layers see it.

use crate::manifest::{FileKind, Files};
use crate::syntax::MAX_BYTES;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Reads from the disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = open(path)?;
        // Looked at after opening, so that nothing can be put in its place between.
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file"));
        }
        let limit = MAX_BYTES as u64 + 1;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let kind = fs::metadata(path).ok()?.file_type();
        Some(if kind.is_file() {
            FileKind::File
        } else if kind.is_dir() {
            FileKind::Dir
        } else {
            FileKind::Other
        })
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<_> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        fs::canonicalize(path).ok()
    }
}

/// Opens without waiting: a FIFO without a writer would hold the whole program.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0));
    }
    options.open(path)
}

/// Replaces what a file says, whole or not at all: a temporary file in the same folder takes its
/// place. Keeps the permissions, and the owner where that is allowed. Links are not followed: a
/// path that is one is replaced by a file.
///
/// # Errors
/// As the file system says; also for a file that may not be written, and, with `expected`, for one
/// that says something else by now. The file is then as it was.
pub fn replace(path: &Path, bytes: &[u8], expected: Option<&[u8]>) -> io::Result<()> {
    let old = match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => return write_through(path, bytes),
        Ok(metadata) => {
            // A rename asks the folder alone; that a file is read-only is somebody's wish.
            rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?;
            Some(metadata)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let temporary = Temporary::create(path)?;
    temporary.fill(bytes, old.as_ref())?;
    if expected.is_some_and(|expected| fs::read(path).ok().as_deref() != Some(expected)) {
        return Err(io::Error::other("it has changed in the meantime"));
    }
    temporary.rename(path)
}

/// A device such as `/dev/stdout` has no content to lose.
fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)
}

/// A file that is removed unless it took its place.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn create(beside: &Path) -> io::Result<Self> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = beside.with_file_name(format!(".bot-bottle-{}-{count}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, file }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn fill(&self, bytes: &[u8], old: Option<&fs::Metadata>) -> io::Result<()> {
        use std::io::Write;
        if let Some(old) = old {
            use std::os::unix::fs::{MetadataExt, fchown};
            // Only root may give a file away; for anybody else it is theirs already.
            let _ = fchown(&self.file, Some(old.uid()), Some(old.gid()));
            self.file.set_permissions(old.permissions())?;
        }
        (&self.file).write_all(bytes)?;
        self.file.sync_data()
    }

    fn rename(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.path = PathBuf::new();
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        let left = || fs::read_dir(dir.path()).expect("a folder").count();
        replace(&path, b"new", None).expect("a new file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("permissions");
        replace(&path, b"newer", Some(b"new")).expect("replaced");
        assert_eq!(fs::read(&path).expect("bytes"), b"newer");
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o640);
        let changed = replace(&path, b"newest", Some(b"new")).expect_err("changed");
        assert!(changed.to_string().contains("changed in the meantime"));
        assert_eq!((fs::read(&path).expect("bytes"), left()), (b"newer".to_vec(), 1));
        assert!(replace(&dir.path().join("no/a"), b"x", None).is_err());
    }

    #[test]
    fn only_ordinary_files_are_read_and_none_without_end() {
        let dir = tempfile::tempdir().expect("a folder");
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("a FIFO");
        assert_eq!(Disk.kind(&fifo), Some(FileKind::Other));
        assert!(Disk.read(&fifo).is_err());
        assert!(Disk.read(dir.path()).is_err());
        assert!(Disk.read(Path::new("/dev/zero")).is_err());
        let large = dir.path().join("large");
        File::create(&large).and_then(|f| f.set_len(100 << 20)).expect("a large file");
        assert_eq!(Disk.read(&large).expect("bytes").len(), MAX_BYTES + 1);
    }
}
