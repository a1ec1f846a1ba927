//! What left and what was refused: one JSON line a request.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;

/// Whether a request was let out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was; `code` tells when it failed on its way.
    Allowed,
    /// It was not.
    Denied,
}

impl Verdict {
    /// Its word, as in the audit.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

/// One request. No field ever holds a credential, a query or a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// When it came in: RFC 3339 with milliseconds, UTC.
    pub time: String,
    /// The host pattern of the route that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The method; `CONNECT` for a tunnel.
    pub method: String,
    /// The host that was asked for.
    pub host: String,
    /// The path without its query; empty for a tunnel.
    pub path: String,
    /// Whether it was let out.
    pub verdict: Verdict,
    /// `Denial::code`, or the name of a fault; absent when all went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The status that the guest got; 0 when it got none.
    pub status: u16,
    /// Body bytes from the guest.
    pub bytes_in: u64,
    /// Body bytes to the guest.
    pub bytes_out: u64,
}

/// Takes audit lines.
pub trait Audit: Send + Sync {
    /// Records a line. A failure to record must not fail the request, so there is no error.
    fn write(&self, line: &AuditLine);
}

/// A file of JSON lines that is only ever appended to, readable by its owner alone.
#[derive(Debug)]
pub struct FileAudit(Mutex<File>);

impl FileAudit {
    /// Opens or makes the file with mode 0600.
    ///
    /// # Errors
    /// When the file cannot be opened or its mode not set.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        // An older file may have another mode.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(Self(Mutex::new(file)))
    }
}

impl Audit for FileAudit {
    fn write(&self, line: &AuditLine) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        // One write a line: lines of several requests never mix, and a crash leaves whole ones.
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = file.write_all(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_it_holds_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("audit.jsonl");
        let audit = FileAudit::open(&path).expect("a file");
        let line = AuditLine {
            time: "2026-01-01T00:00:00.000Z".into(),
            route: None,
            method: "GET".into(),
            host: "evil.test".into(),
            path: "/a\r\n{\"verdict\":\"allowed\"}\x1b[2J".into(),
            verdict: Verdict::Denied,
            code: Some("host".into()),
            status: 403,
            bytes_in: 0,
            bytes_out: 10,
        };
        audit.write(&line);
        audit.write(&line);
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text.lines().count(), 2);
        assert!(text.bytes().all(|b| b == b'\n' || b >= b' '));
        for read in text.lines() {
            assert_eq!(serde_json::from_str::<AuditLine>(read).expect("JSON"), line);
        }
        let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
