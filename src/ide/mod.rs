//! Editor answers over byte offsets: plain data in, plain data out, no LSP types.

pub mod actions;
pub mod commands;
pub mod completion;
pub mod definition;
pub mod field;
#[cfg(test)]
mod fixture;
pub mod folding;
pub mod format;
#[cfg(test)]
mod hostile;
pub mod hover;
pub mod inlay;
pub mod links;
pub mod markdown;
pub mod on_type;
pub mod query;
pub mod references;
pub mod rename;
pub mod selection;
pub mod symbols;
mod target;
pub mod tokens;
mod workspace;
mod yaml_part;

pub use target::Location;

use crate::check::Facts;
use crate::manifest::{Catalog, Source};
use std::sync::Arc;

/// A document at one version, with what it can reach.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// The document.
    pub source: &'a Arc<Source>,
    /// The bottles that it can name, and the files behind them.
    pub catalog: &'a Catalog<'a>,
    /// What is known beyond the files.
    pub facts: Facts<'a>,
    /// Every manifest of the workspace and of the user's own folder that is known, the document
    /// itself included: for references, rename and workspace symbols.
    pub workspace: &'a [Arc<Source>],
}
