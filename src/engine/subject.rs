//! Whose a run is: what it leaves belongs to one manifest, by its real file and its name in there.
//!
//! Two projects may each have a bottle of one name. What one of them kept, logged and was refused is
//! nothing of the other's.

use crate::shown::hex;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// Its file, links followed where there is one.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
}

impl Subject {
    /// The manifest of this name in a file.
    pub fn of(file: &Path, name: &str) -> Self {
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        Self { file, name: name.to_owned() }
    }

    /// Whether a folder of this name holds its logs.
    pub fn is_logged_in(&self, folder: &str) -> bool {
        self.key() == folder
    }

    /// The name of its folder in the state folder: what a person reads, and what tells it from others.
    pub(crate) fn key(&self) -> String {
        self.keyed([])
    }

    /// The same for what belongs to it together with something else.
    pub(crate) fn keyed<const N: usize>(&self, more: [&Path; N]) -> String {
        let mut context = Context::new(&SHA256);
        for part in std::iter::once(self.file.as_path()).chain(more) {
            context.update(part.as_os_str().as_encoded_bytes());
            context.update(b"\0");
        }
        context.update(self.name.as_bytes());
        format!("{}-{}", folder_name(&self.name), hex(&context.finish().as_ref()[..6]))
    }
}

/// A name as a part of a folder's name, whatever a document was called.
fn folder_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = name.chars().filter(|c| plain(*c)).take(63).collect();
    if name.is_empty() { "bottle".to_owned() } else { name }
}
