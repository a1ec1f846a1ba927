//! A log in a file: its owner's alone, and bounded.

use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Above this many bytes a new file begins. The last one stays beside it.
const MOST: u64 = 4 << 20;

/// A file of lines, mode 0600. Several processes may write into one; no line is torn.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    most: u64,
    file: Mutex<File>,
}

impl LogFile {
    /// Opens or makes the file. When it is full it becomes `FILE.old`, in place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be opened, or is a link or not an ordinary file.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), most: MOST, file: Mutex::new(open(path)?) })
    }

    /// Appends a line. A full disk stops nobody, so there is no error.
    pub(super) fn write(&self, line: &str) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let length = file.metadata().map_or(u64::MAX, |m| m.len());
        if length.saturating_add(line.len() as u64) > self.most {
            match self.next(&file) {
                Ok(next) => *file = next,
                // Better no line than a file without end.
                Err(_) => return,
            }
        }
        let _ = file.write_all(line.as_bytes());
    }

    fn next(&self, full: &File) -> io::Result<File> {
        let full = full.metadata()?;
        let same = |there: fs::Metadata| (there.dev(), there.ino()) == (full.dev(), full.ino());
        // Another process may have begun a new one already.
        if fs::symlink_metadata(&self.path).is_ok_and(same) {
            let mut old = self.path.clone().into_os_string();
            old.push(".old");
            fs::rename(&self.path, old)?;
        }
        open(&self.path)
    }
}

fn open(path: &Path) -> io::Result<File> {
    // A FIFO without a reader would be waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(i32::try_from(flags).unwrap_or(0));
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file"));
    }
    // An older file may have another mode.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_never_longer_than_it_may_be() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("server.log");
        fs::write(&path, "before\n").expect("a file");
        let mut log = LogFile::open(&path).expect("a log");
        log.most = 100;
        let other = LogFile { path: path.clone(), most: 100, file: Mutex::new(open(&path).expect("a file")) };
        for n in 0..50 {
            log.write(&format!("one {n}\n"));
            other.write(&format!("two {n}\n"));
        }
        let old = dir.path().join("server.log.old");
        for file in [&path, &old] {
            let metadata = fs::metadata(file).expect("there");
            assert!(metadata.len() <= 100 && metadata.permissions().mode() & 0o777 == 0o600, "{metadata:?}");
            let text = fs::read_to_string(file).expect("text");
            assert!(text.lines().all(|l| l.starts_with("one ") || l.starts_with("two ") || l == "before"));
        }
        assert!(fs::read_to_string(&path).expect("text").ends_with("two 49\n"));
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 2);
    }

    #[test]
    fn a_link_and_what_is_no_file_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).expect("a link");
        LogFile::open(&link).expect_err("a link");
        LogFile::open(dir.path()).expect_err("a folder");
        LogFile::open(Path::new("/dev/null")).expect_err("a device");
        assert!(!dir.path().join("elsewhere").exists());
    }
}
