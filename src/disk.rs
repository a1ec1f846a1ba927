//! The real file system, as the pure layers see it.

mod remembered;
mod replace;

pub use remembered::Remembered;
pub use replace::replace;

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
        let file = open(path).inspect_err(|error| {
            tracing::debug!(file = %path.display(), why = %error.kind(), "not read");
        })?;
        // Looked at after opening, so that nothing can be put in its place between.
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file"));
        }
        let limit = MAX_BYTES as u64 + 1;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        tracing::debug!(file = %path.display(), bytes = bytes.len(), "read");
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

    fn target(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(path).ok()
    }

    fn is_executable(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o100 != 0)
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

/// The home folder of whoever runs this: `HOME`, or where that is not set the one of the user's entry,
/// so that an empty environment does not make what lies there look like any other place.
pub fn home_folder() -> Option<std::path::PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

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
