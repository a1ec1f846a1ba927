//! How files of the state folder are read: below it, over no link, and only what is this user's own.
//!
//! What lies there decides what is removed, resumed and shown. A file that somebody else put there, a link to
//! another file, or a device in a file's place is an error, and never what it pretends to be.

use super::state::StateDir;
use super::tree::{open_file, open_root};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Nothing of ours but logs is larger.
const MOST: u64 = 16 << 20;
/// Written by the group or by everybody.
const OTHERS_WRITE: u32 = 0o022;

impl StateDir {
    /// Opens a regular file below the state folder, to be read.
    ///
    /// # Errors
    /// When it lies elsewhere, is reached over a link, is no regular file, is another user's, or could be written
    /// by others.
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        let below = path.strip_prefix(self.path());
        let below = below.map_err(|_| io::Error::other("it does not lie in the state folder"))?;
        let file = open_file(open_root(self.path())?.as_fd(), below)?;
        let metadata = file.metadata()?;
        if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & OTHERS_WRITE != 0 {
            return Err(io::Error::other("it is not this user's own, or others can write it"));
        }
        Ok(file)
    }

    /// The whole of a small one.
    ///
    /// # Errors
    /// As [`StateDir::open`], and when it is larger than anything that is written there.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.open(path)?.take(MOST + 1).read_to_end(&mut bytes)? as u64 > MOST {
            return Err(io::Error::other("it is too large"));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    #[test]
    fn what_is_not_a_file_of_ones_own_below_it_is_not_read() {
        let temp = tempfile::tempdir().expect("a folder");
        let state = StateDir::new(temp.path().join("state"));
        let at = |name: &str| state.path().join(name);
        fs::create_dir_all(at("runs/1")).expect("a folder");
        fs::write(at("runs/1/record.json"), "ours").expect("written");
        fs::write(temp.path().join("secret"), "secret").expect("written");
        assert_eq!(state.read(&at("runs/1/record.json")).expect("ours"), b"ours");

        symlink(temp.path().join("secret"), at("runs/1/link")).expect("a link");
        symlink(temp.path(), at("runs/2")).expect("a link");
        rustix::fs::mknodat(rustix::fs::CWD, at("runs/1/fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("a FIFO");
        fs::write(at("runs/1/open"), "anybody's").expect("written");
        fs::set_permissions(at("runs/1/open"), fs::Permissions::from_mode(0o666)).expect("mode");
        let elsewhere: [PathBuf; 7] = [
            at("runs/1/link"),
            at("runs/2/secret"),
            at("runs/1/fifo"),
            at("runs/1/open"),
            at("runs/1"),
            at("runs/../../secret"),
            temp.path().join("secret"),
        ];
        for path in elsewhere {
            assert!(state.read(&path).is_err(), "{}", path.display());
        }
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(at("runs/1/record.json"), Some(4321), None).expect("root");
            assert!(state.read(&at("runs/1/record.json")).is_err());
        }
    }

    /// The state folder itself may be reached over a link: that is its owner's to arrange.
    #[test]
    fn the_way_to_it_may_hold_links() {
        let temp = tempfile::tempdir().expect("a folder");
        fs::create_dir(temp.path().join("real")).expect("a folder");
        fs::write(temp.path().join("real/file"), "x").expect("written");
        symlink(temp.path().join("real"), temp.path().join("state")).expect("a link");
        let state = StateDir::new(temp.path().join("state"));
        assert_eq!(state.read(&temp.path().join("state/file")).expect("read"), b"x");
    }
}
