//! `--approved`: widenings that somebody has let through, on the record.
//!
//! A line a widening: its digest, the manifest from the repository's root, and behind `#` who and why. The
//! digest is over the manifest's path and each permission that moves, before and after; so it holds for
//! this one change, and a change of the change asks again. Whose yes it takes is the repository's to say, by
//! the owner of that file.

use super::Failure;
use crate::cli::terminal;
use crate::plan::Change;
use crate::shown::hex;
use ring::digest::{Context, SHA256};
use std::path::Path;

/// The lines of the file.
#[derive(Default)]
pub(super) struct Approved {
    lines: Vec<(String, String)>,
}

impl Approved {
    /// Reads the file; one that is not there approves nothing.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = terminal::shown(path);
        let text = match std::fs::read_to_string(terminal::absolute(path)) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Failure::usage(format!("cannot read {shown}: {e}"))),
        };
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            // A name may hold `#`: the comment has a blank in front.
            let line = line.split(" #").next().unwrap_or(line).trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(char::is_whitespace) {
                Some((digest, manifest))
                    if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) =>
                {
                    lines.push((digest.to_ascii_lowercase(), manifest.trim().to_owned()));
                }
                _ => {
                    let why = "is not a digest and a manifest, as `check --deny-widening` prints them";
                    return Err(Failure::usage(format!("{shown}:{}: the line {why}", number + 1)));
                }
            }
        }
        Ok(Self { lines })
    }

    /// Whether a manifest's widening of this digest was let through.
    pub(super) fn holds(&self, digest: &str, manifest: &str) -> bool {
        self.lines.iter().any(|(d, m)| d == digest && m == manifest)
    }
}

/// SHA-256 in hex of what a change widens in a manifest, which is named from the repository's root.
pub(super) fn digest(manifest: &str, changes: &[Change]) -> String {
    let mut context = Context::new(&SHA256);
    let mut part = |text: &str| {
        context.update(&(text.len() as u64).to_le_bytes());
        context.update(text.as_bytes());
    };
    part(manifest);
    for Change { direction, area, subject, before, after } in changes.iter().filter(|change| change.widens())
    {
        [direction.word(), area, subject, before, after].into_iter().for_each(&mut part);
    }
    hex(context.finish().as_ref())
}
