//! What left and what was refused: two JSON lines for each request, one before anything of it leaves and
//! one when it is over. `docs/audit.md` and `schema/audit.schema.json` describe them.

mod file;
mod read;

pub use file::FileAudit;
pub use read::Recorded;

use super::code::{Code, Decider};
use super::policy::Scheme;
use crate::provider::GitAccess;
use serde::{Deserialize, Serialize};
use std::io;

/// The form of the lines that are written here.
pub(super) const VERSION: u32 = 1;

/// Whether a request was let out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was; its `end` tells when it failed on its way.
    Allowed,
    /// It was not.
    Denied,
}

/// What a request is spoken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// A WebSocket: the request that opens it, and all that follows.
    Websocket,
    /// A CONNECT whose bytes nobody looks into.
    Tunnel,
}

/// A term of the route on one header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderTerm {
    /// The header's name.
    pub name: String,
    /// Whether it held what the term asks for.
    pub matched: bool,
}

/// What is written before anything of a request leaves, or when it is refused. No field ever holds a
/// credential, a query or a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLine {
    /// The form of the line: 1.
    pub version: u32,
    /// Its `end` has the same.
    pub id: String,
    /// When it came in: RFC 3339 with milliseconds, UTC.
    pub time: String,
    /// Whether TLS was asked for.
    pub scheme: Scheme,
    /// The host that was asked for; empty where none could be read.
    pub host: String,
    /// The port that was asked for; absent where none could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What it is spoken in.
    pub protocol: Protocol,
    /// The method; `CONNECT` for a tunnel, empty where none could be read.
    pub method: String,
    /// The path without its query, this egress's credentials starred; empty for a tunnel.
    pub path: String,
    /// The route's terms on headers.
    #[serde(default)]
    pub headers: Vec<HeaderTerm>,
    /// On a route for git: which way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitAccess>,
    /// The host pattern of the route that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The name of the credential that is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Who decided.
    pub decided_by: Decider,
    /// Whether it is let out.
    pub verdict: Verdict,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

impl RequestLine {
    /// A request over HTTPS and HTTP/1.1 that a route allowed; its other fields are the caller's to set.
    pub fn new(id: &str, time: &str, method: &str, host: &str, path: &str) -> Self {
        Self {
            version: VERSION,
            id: id.to_owned(),
            time: time.to_owned(),
            scheme: Scheme::Https,
            host: host.to_owned(),
            port: Some(Scheme::Https.port()),
            protocol: Protocol::Http1,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            git: None,
            route: None,
            credential: None,
            decided_by: Decider::Policy,
            verdict: Verdict::Allowed,
            code: None,
        }
    }

    /// The same, refused.
    #[must_use]
    pub fn refused(mut self, code: Code) -> Self {
        self.verdict = Verdict::Denied;
        self.decided_by = code.refused_by().unwrap_or(Decider::Egress);
        self.code = Some(code);
        self
    }
}

/// What is written when a request is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndLine {
    /// The form of the line: 1.
    pub version: u32,
    /// That of its `request`.
    pub id: String,
    /// The status that the guest got; 0 when it got none.
    pub status: u16,
    /// What went wrong, or was refused, after the request's line was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Body bytes from the guest.
    pub bytes_in: u64,
    /// Body bytes to the guest.
    pub bytes_out: u64,
    /// Milliseconds from its arrival.
    pub duration_ms: u64,
}

impl EndLine {
    /// The end of a request whose answer was the egress's own.
    pub fn new(id: &str, status: u16) -> Self {
        let id = id.to_owned();
        Self { version: VERSION, id, status, code: None, bytes_in: 0, bytes_out: 0, duration_ms: 0 }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum AuditLine {
    /// Before anything of a request leaves.
    Request(RequestLine),
    /// When it is over.
    End(EndLine),
}

/// Takes audit lines.
pub trait Audit: Send + Sync {
    /// Records a line.
    ///
    /// # Errors
    /// When it is not certain that the line was taken: what it speaks of must then not go out.
    fn write(&self, line: &AuditLine) -> io::Result<()>;

    /// Hands on what was taken and waits; called every few seconds.
    fn flush(&self) {}
}
