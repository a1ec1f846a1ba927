//! A value and the place where a manifest writes it.

use crate::syntax::Span;
use std::path::Path;
use std::sync::Arc;

/// Where a value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The manifest's file.
    pub file: Arc<Path>,
    /// The value, or the alias that brings it.
    pub span: Span,
    /// Where an alias took it from, in the same file.
    pub origin: Option<Span>,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub place: Place,
}
