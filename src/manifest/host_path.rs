//! A path of the host that a manifest names.
//!
//! It is the one kind of value by which a manifest reaches for something of the host's disk, so it has a
//! type of its own: text becomes a path by [`HostPath::resolve`] alone. [`super::named_paths`] lists the
//! fields that hold one.

use super::Layout;
use super::files::join;
use super::place::Located;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// A path of the host as a manifest writes it, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPath(Located<String>);

impl HostPath {
    pub(crate) fn new(written: Located<String>) -> Self {
        Self(written)
    }

    /// The absolute path: `~` is the user's home, a relative one counts from the manifest's folder.
    pub fn resolve(&self, layout: &Layout) -> PathBuf {
        let text = &self.0.value;
        let rest = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (rest, &layout.home) {
            (Some(rest), Some(home)) => join(home, rest.trim_start_matches('/')),
            _ => join(self.0.place.file.parent().unwrap_or(Path::new("/")), text),
        }
    }
}

impl Deref for HostPath {
    type Target = Located<String>;

    fn deref(&self) -> &Located<String> {
        &self.0
    }
}
