//! The audit as a file of JSON lines.

use super::{Audit, AuditLine};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A file of JSON lines that is only ever appended to, readable by its owner alone.
#[derive(Debug)]
pub struct FileAudit {
    path: PathBuf,
    /// Device and inode of the file: what lies at the path must still be it.
    identity: (u64, u64),
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// The last line was cut off by an error, so that the next one begins with a line break.
    torn: bool,
    /// Ends that go out with the next request's line: half the system calls on a busy egress.
    waiting: Vec<u8>,
    /// Requests that have not ended; while there are none, nothing waits.
    unended: usize,
}

/// More than this does not wait.
const MOST_WAITING: usize = 16 * 1024;

impl FileAudit {
    /// Opens or makes the file with mode 0600.
    ///
    /// # Errors
    /// When the file cannot be opened or its mode not set.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let metadata = file.metadata()?;
        // An older file may have another mode; a device's is not ours to change.
        if metadata.is_file() && metadata.mode() & 0o777 != 0o600 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        let identity = (metadata.dev(), metadata.ino());
        let open = Open { file, torn: false, waiting: Vec::new(), unended: 0 };
        Ok(Self { path: path.to_owned(), identity, open: Mutex::new(open) })
    }

    /// Whether what was written can be found: the file may have been deleted, or another put in its place.
    fn is_in_place(&self) -> io::Result<()> {
        let there = fs::metadata(&self.path).map(|m| (m.dev(), m.ino()));
        match there {
            Ok(there) if there == self.identity => Ok(()),
            Ok(_) => Err(io::Error::other("another file lies in its place")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(io::Error::new(error.kind(), "the file was deleted"))
            }
            Err(error) => Err(error),
        }
    }
}

impl Audit for FileAudit {
    fn write(&self, line: &AuditLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match line {
            AuditLine::Request(_) => {
                open.write(&text)?;
                self.is_in_place()?;
                open.unended += 1;
                Ok(())
            }
            AuditLine::End(_) => open.end(&text),
        }
    }

    fn flush(&self) {
        let _ = self.open.lock().unwrap_or_else(PoisonError::into_inner).write(b"");
    }
}

impl Open {
    /// One write for all of it: lines of several requests never mix, and a crash leaves whole ones.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let torn: &[u8] = if self.torn { b"\n" } else { b"" };
        let written = match (torn, &*self.waiting) {
            (b"", b"") => self.file.write_all(line),
            (torn, waiting) => self.file.write_all(&[torn, waiting, line].concat()),
        };
        self.torn = written.is_err();
        if written.is_ok() || self.waiting.len() > MOST_WAITING {
            self.waiting.clear();
        }
        written
    }

    fn end(&mut self, line: &[u8]) -> io::Result<()> {
        self.unended = self.unended.saturating_sub(1);
        self.waiting.extend_from_slice(line);
        if self.unended == 0 || self.waiting.len() > MOST_WAITING { self.write(b"") } else { Ok(()) }
    }
}

impl Drop for FileAudit {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EndLine, Recorded, RequestLine};
    use super::*;
    use crate::egress::code::Code;

    fn request(id: &str) -> AuditLine {
        AuditLine::Request(RequestLine::new(id, "2026-01-01T00:00:00.000Z", "GET", "a.test", "/"))
    }

    fn audit() -> (tempfile::TempDir, PathBuf, FileAudit) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("audit.jsonl");
        let audit = FileAudit::open(&path).expect("a file");
        (dir, path, audit)
    }

    #[test]
    fn a_line_is_one_line_whatever_it_holds_and_only_its_owner_reads_it() {
        let (_dir, path, audit) = audit();
        let path_sent = "/a\r\n{\"verdict\":\"allowed\"}\x1b[2J";
        let line = RequestLine::new("1", "", "GET", "evil.test", path_sent).refused(Code::Host);
        let lines = [AuditLine::Request(line), AuditLine::End(EndLine::new("1", 403))];
        for line in &lines {
            audit.write(line).expect("written");
        }
        let text = fs::read_to_string(&path).expect("text");
        assert_eq!(text.lines().count(), 2);
        assert!(text.bytes().all(|b| b == b'\n' || b >= b' '));
        for (read, line) in text.lines().zip(&lines) {
            assert_eq!(serde_json::from_str::<AuditLine>(read).expect("JSON"), *line);
        }
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let audit = FileAudit::open(Path::new("/dev/full")).expect("the device");
        let error = audit.write(&request("1")).expect_err("no room");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_deleted_a_replaced_and_a_moved_file_are_errors() {
        for change in [
            (|path| fs::remove_file(path).expect("removed")) as fn(&Path),
            |path| {
                fs::write(path.with_extension("new"), "").expect("written");
                fs::rename(path.with_extension("new"), path).expect("renamed");
            },
            |path| fs::rename(path, path.with_extension("old")).expect("renamed"),
        ] {
            let (_dir, path, audit) = audit();
            audit.write(&request("1")).expect("written");
            change(&path);
            assert!(audit.write(&request("2")).is_err());
        }
    }

    #[test]
    fn an_end_waits_for_the_next_line_while_others_go_on() {
        let (_dir, path, audit) = audit();
        let lines = || fs::read_to_string(&path).expect("text").lines().count();
        let end = |id: &str| AuditLine::End(EndLine::new(id, 200));
        for (line, there) in [(request("1"), 1), (request("2"), 2), (end("1"), 2), (request("3"), 4)] {
            audit.write(&line).expect("written");
            assert_eq!(lines(), there);
        }
        audit.write(&end("2")).expect("taken");
        audit.flush();
        assert_eq!(lines(), 5);
        audit.write(&end("3")).expect("written");
        assert_eq!(lines(), 6);
        audit.write(&request("4")).expect("written");
        audit.write(&request("5")).expect("written");
        audit.write(&end("4")).expect("taken");
        drop(audit);
        assert_eq!(lines(), 9);
    }

    #[test]
    fn a_line_after_a_torn_one_is_read() {
        let (_dir, path, audit) = audit();
        audit.write(&request("1")).expect("written");
        {
            let mut open = audit.open.lock().expect("open");
            open.file.write_all(b"{\"event\":\"requ").expect("written");
            open.torn = true;
        }
        audit.write(&request("2")).expect("written");
        let mut ids = Vec::new();
        Recorded::each(&fs::read(&path).expect("bytes")[..], |r| ids.push(r.request.id)).expect("read");
        assert_eq!(ids, ["1", "2"]);
    }
}
