//! A document with what it can reach, for the pure layer.

use super::Session;
use crate::check::Facts;
use crate::ide::Snapshot;
use crate::lsp::analysis::Analysis;
use crate::lsp::document::Document;
use crate::lsp::overlay::Overlay;
use crate::lsp::position::Lines;
use crate::lsp::uri::file_path;
use crate::manifest::{Catalog, Source};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use tower_lsp::ls_types::Uri;

/// A document in its surroundings.
pub(in crate::lsp) struct View<'a> {
    /// The document.
    pub document: &'a Document,
    /// Its text, to convert positions with.
    pub lines: Lines<'a>,
    /// The same for the pure layer.
    pub snapshot: Snapshot<'a>,
}

impl Session {
    /// A document in its surroundings; `None` for one that is not open or no manifest.
    pub(in crate::lsp) fn view<T>(&self, uri: &Uri, look: impl FnOnce(&View<'_>) -> T) -> Option<T> {
        let document = self.documents.get(uri)?;
        let source = document.source(&self.layout)?;
        let lines = document.lines(self.abilities.unit);
        Some(self.with(source, |snapshot| look(&View { document, lines, snapshot: *snapshot })))
    }

    /// A manifest in its surroundings, open or not; `None` where there is none that may be read.
    pub(in crate::lsp) fn look<T>(&self, uri: &Uri, look: impl FnOnce(&Snapshot<'_>) -> T) -> Option<T> {
        if self.documents.contains_key(uri) {
            return self.view(uri, |view| look(&view.snapshot));
        }
        let overlay = Overlay::new(&self.documents, &self.roots, &self.layout);
        let source = Catalog::new(&overlay, &self.layout).source(&file_path(uri)?)?;
        Some(self.with(&source, look))
    }

    /// A parsed manifest in its surroundings.
    pub(in crate::lsp) fn with<T>(&self, source: &Arc<Source>, look: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let overlay = Overlay::new(&self.documents, &self.roots, &self.layout);
        let catalog = Catalog::knowing(&overlay, &self.layout, self.open_sources().cloned());
        let facts = Facts { env_names: Some(&self.env_names), denied: &self.denied, ..Facts::default() };
        let workspace = self.known();
        look(&Snapshot { source, catalog: &catalog, facts, workspace: &workspace })
    }

    fn open_sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.documents.values().filter(|d| d.in_file).filter_map(|d| d.source(&self.layout))
    }

    /// Every manifest that is known: the open ones as they are now, the others as they were read.
    pub(in crate::lsp) fn known(&self) -> Vec<Arc<Source>> {
        let mut known: Vec<_> = self.open_sources().cloned().collect();
        let open: HashSet<&Path> = self.documents.values().map(|d| &*d.path).collect();
        let read = self.workspace.iter().flat_map(|w| &w.sources);
        known.extend(read.filter(|(path, _)| !open.contains(path.as_path())).map(|(_, s)| s.clone()));
        known
    }

    /// The findings of any manifest.
    pub(in crate::lsp) fn analysis(&self, source: &Arc<Source>, uri: &Uri, lines: Lines<'_>) -> Analysis {
        let overlay = Overlay::new(&self.documents, &self.roots, &self.layout);
        let catalog = Catalog::knowing(&overlay, &self.layout, self.open_sources().cloned());
        let facts = Facts { env_names: Some(&self.env_names), denied: &self.denied, ..Facts::default() };
        let shown = (self.settings.severity, self.abilities.reports);
        Analysis::of(source, &catalog, &facts, (uri, lines), shown)
    }
}
