//! Writing a file so that it is whole or as it was.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Replaces what a file says, whole or not at all: a temporary file in the same folder takes its
/// place. Keeps the permissions, and the owner where that is allowed. Of a link, the file that it
/// leads to is replaced.
///
/// # Errors
/// As the file system says; also for a file that may not be written, and, with `expected`, for one
/// that says something else by now. The file is then as it was.
pub fn replace(path: &Path, bytes: &[u8], expected: Option<&[u8]>) -> io::Result<()> {
    let linked = fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink());
    let target = if linked { fs::canonicalize(path).ok().filter(|p| p.is_file()) } else { None };
    let path = target.as_deref().unwrap_or(path);
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
}
