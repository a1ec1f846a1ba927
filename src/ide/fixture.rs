//! Manifests with a mark in their text, for the tests of this folder.

use super::Snapshot;
use crate::check::Facts;
use crate::manifest::{Catalog, Layout, MemoryFiles, Source};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// The home folder of these tests.
pub(super) const HOME: &str = "/h";

/// Files, one of them with the cursor in it.
pub(super) struct Marked {
    pub(super) files: MemoryFiles,
    pub(super) path: String,
    pub(super) offset: usize,
    /// The manifests among the files, in the order of the fixture.
    pub(super) manifests: Vec<String>,
    pub(super) layout: Layout,
    pub(super) env_names: HashSet<String>,
}

/// Reads a fixture: one manifest, or several files each behind a line `//- PATH`. `$0` is the
/// cursor. A single manifest is `/p/dev.bottle.yaml`, or has its path and a `|` before it.
pub(super) fn marked(fixture: &str) -> Marked {
    let mut files = Vec::new();
    if fixture.starts_with("//- ") {
        for part in fixture.split("//- ").skip(1) {
            let (path, text) = part.split_once('\n').expect("a path and a text");
            files.push((path.trim().to_owned(), text.to_owned()));
        }
    } else {
        let own = fixture.split_once('|').filter(|(p, _)| p.starts_with('/') && !p.contains('\n'));
        let (path, text) = own.unwrap_or(("/p/dev.bottle.yaml", fixture));
        files.push((path.to_owned(), text.to_owned()));
    }
    of_files(files)
}

fn of_files(files: Vec<(String, String)>) -> Marked {
    let mut marked = Marked {
        files: MemoryFiles::default(),
        path: files[0].0.clone(),
        offset: 0,
        manifests: Vec::new(),
        layout: Layout { home: Some(HOME.into()) },
        env_names: HashSet::new(),
    };
    for (path, mut text) in files {
        if let Some(at) = text.find("$0") {
            text.replace_range(at..at + 2, "");
            marked.path = path.clone();
            marked.offset = at;
        }
        if marked.layout.identify(Path::new(&path)).is_some() {
            marked.manifests.push(path.clone());
        }
        marked.files.insert(path, text);
    }
    marked
}

impl Marked {
    /// The manifest that holds the cursor.
    pub(super) fn source(&self) -> Arc<Source> {
        self.load(&self.path).expect("a manifest")
    }

    fn load(&self, path: &str) -> Option<Arc<Source>> {
        Catalog::new(&self.files, &self.layout).source(Path::new(path))
    }

    /// Asks something of the snapshot at the cursor.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Snapshot<'_>, usize) -> T) -> T {
        let workspace: Vec<_> = self.manifests.iter().filter_map(|p| self.load(p)).collect();
        let here = workspace.iter().find(|s| s.path.to_str() == Some(&self.path)).cloned();
        let source = here.unwrap_or_else(|| self.source());
        let catalog = Catalog::new(&self.files, &self.layout);
        let facts = Facts { env_names: Some(&self.env_names), ..Facts::default() };
        let snapshot = Snapshot { source: &source, catalog: &catalog, facts, workspace: &workspace };
        question(&snapshot, self.offset)
    }
}
