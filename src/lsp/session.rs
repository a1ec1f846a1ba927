//! What the server knows: the client's abilities, the documents, what was found in them.

use super::capabilities::Abilities;
use super::convert;
use super::document::{Analysis, Document, file_path};
use super::outbox::Outbox;
use super::overlay::Overlay;
use super::position::Lines;
use crate::check::{Facts, Severity, check};
use crate::ide::Snapshot;
use crate::manifest::{Catalog, Kind, Layout};
use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use tower_lsp::ls_types::notification::PublishDiagnostics;
use tower_lsp::ls_types::request::WorkspaceDiagnosticRefresh;
use tower_lsp::ls_types::{
    DidChangeTextDocumentParams, PublishDiagnosticsParams, TextDocumentItem, Uri, WorkspaceFolder,
};

/// The state of one conversation.
pub(super) struct Session {
    /// What the client can do.
    pub abilities: Abilities,
    /// Where the user's own manifests lie.
    pub layout: Layout,
    /// The workspace's folders.
    pub roots: Vec<PathBuf>,
    /// The open documents.
    pub documents: HashMap<Uri, Document>,
    outbox: Outbox,
    env_names: HashSet<String>,
    least: Severity,
    /// Documents whose findings are out of date, the next one first.
    stale: VecDeque<Uri>,
    cold: bool,
}

/// A document in its surroundings.
pub(super) struct View<'a> {
    /// The document.
    pub document: &'a Document,
    /// Its text, to convert positions with.
    pub lines: Lines<'a>,
    /// The same for the pure layer.
    pub snapshot: Snapshot<'a>,
}

impl Session {
    /// A session that knows nothing of its client yet.
    pub(super) fn new(layout: Layout, outbox: Outbox) -> Self {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self {
            abilities: Abilities::default(),
            layout,
            roots: Vec::new(),
            documents: HashMap::new(),
            outbox,
            env_names: names.collect(),
            least: Severity::Hint,
            stale: VecDeque::new(),
            cold: true,
        }
    }

    /// Takes in the workspace's folders.
    pub(super) fn folders(&mut self, added: &[WorkspaceFolder], removed: &[WorkspaceFolder]) {
        let gone: Vec<_> = removed.iter().filter_map(|f| file_path(&f.uri)).collect();
        self.roots.retain(|root| !gone.contains(root));
        for root in added.iter().filter_map(|f| file_path(&f.uri)) {
            if !self.roots.contains(&root) {
                self.roots.push(root);
            }
        }
    }

    /// A document was opened.
    pub(super) fn open(&mut self, item: TextDocumentItem) {
        let document = Document::open(item, self.roots.first().map(PathBuf::as_path));
        let (uri, path) = (document.uri.clone(), document.path.clone());
        self.documents.insert(uri.clone(), document);
        self.changed(&uri, &path);
    }

    /// A document was edited.
    pub(super) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let unit = self.abilities.unit;
        let id = params.text_document;
        let Some(document) = self.documents.get_mut(&id.uri) else { return };
        document.change(id.version, params.content_changes, unit);
        let path = document.path.clone();
        self.changed(&id.uri, &path);
    }

    /// A document was closed: what it said counts no more, what its file says does.
    pub(super) fn close(&mut self, uri: &Uri) {
        let Some(document) = self.documents.remove(uri) else { return };
        self.stale.retain(|stale| stale != uri);
        if !self.abilities.pulls {
            self.publish(uri.clone(), Vec::new(), None);
        }
        self.check_dependants(&document.path);
    }

    fn changed(&mut self, uri: &Uri, path: &Path) {
        self.stale.retain(|stale| stale != uri);
        self.stale.push_front(uri.clone());
        self.check_dependants(path);
    }

    /// Has the open documents checked again that depend on a file.
    fn check_dependants(&mut self, path: &Path) {
        let mut any = false;
        for document in self.documents.values_mut().filter(|d| *d.path != *path) {
            if document.analysis.as_ref().is_some_and(|a| a.asked_for.contains(path)) {
                document.analysis = None;
                self.stale.push_back(document.uri.clone());
                any = true;
            }
        }
        if any && self.abilities.pulls && self.abilities.refreshes {
            self.outbox.request::<WorkspaceDiagnosticRefresh>((), drop);
        }
    }

    /// A document in its surroundings; `None` for one that is not open or no manifest.
    pub(super) fn view<T>(&self, uri: &Uri, look: impl FnOnce(&View<'_>) -> T) -> Option<T> {
        let document = self.documents.get(uri)?;
        let source = document.source(&self.layout)?;
        let overlay = Overlay::new(&self.documents, &self.roots, &self.layout);
        let open = self.documents.values().filter(|d| d.in_file).filter_map(|d| d.source(&self.layout));
        let catalog = Catalog::knowing(&overlay, &self.layout, open.cloned());
        let facts = Facts { env_names: Some(&self.env_names), denied: &[] };
        let snapshot = Snapshot { source, catalog: &catalog, facts, workspace: &[] };
        let lines = document.lines(self.abilities.unit);
        Some(look(&View { document, lines, snapshot }))
    }

    /// Makes the findings of a document, unless its version has them already.
    pub(super) fn analyse(&mut self, uri: &Uri) {
        if self.documents.get(uri).is_none_or(|d| d.analysis.is_some()) {
            return;
        }
        let analysis = self.view(uri, |view| analysis(view, self.least)).unwrap_or_else(|| {
            let document = self.documents.get(uri).filter(|d| d.is_ours(&self.layout));
            let problem = document.and_then(Document::problem);
            let reported = problem.map(|p| convert::unreadable(p.to_string()));
            finished(Vec::new(), reported.into_iter().collect(), HashSet::new())
        });
        if let Some(document) = self.documents.get_mut(uri) {
            document.analysis = Some(analysis);
        }
    }

    /// Whether something is left to do when no message waits.
    pub(super) fn has_work(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Does one piece of what is left to do.
    pub(super) fn work(&mut self) {
        let Some(uri) = self.stale.pop_front() else { return };
        // A client that pulls is answered when it asks.
        if self.abilities.pulls {
            return;
        }
        self.analyse(&uri);
        let Some(document) = self.documents.get(&uri) else { return };
        let reported = document.analysis.as_ref().map(|a| a.reported.clone());
        self.publish(uri, reported.unwrap_or_default(), Some(document.version));
    }

    /// Prepares what costs milliseconds once, so that the first finding does not wait for it.
    pub(super) fn warm(&mut self) {
        if std::mem::take(&mut self.cold) {
            let empty = crate::syntax::parse("{}", crate::syntax::Span::new(0, 2));
            for root in empty.documents.iter().filter_map(|d| d.root.as_ref()) {
                for kind in [Kind::Bottle, Kind::Agent] {
                    crate::manifest::violations(kind, root);
                }
            }
        }
    }

    fn publish(&self, uri: Uri, diagnostics: Vec<tower_lsp::ls_types::Diagnostic>, version: Option<i32>) {
        self.outbox.notify::<PublishDiagnostics>(PublishDiagnosticsParams { uri, diagnostics, version });
    }
}

fn analysis(view: &View<'_>, least: Severity) -> Analysis {
    let Snapshot { source, catalog, facts, .. } = &view.snapshot;
    let mut findings = check(source, catalog, facts);
    findings.retain(|f| f.severity >= least);
    let convert = |f| convert::diagnostic(f, view.lines, &view.document.uri, catalog);
    let reported = findings.iter().map(convert).collect();
    finished(findings, reported, catalog.asked_for())
}

fn finished(
    findings: Vec<crate::check::Diagnostic>,
    reported: Vec<tower_lsp::ls_types::Diagnostic>,
    asked_for: HashSet<PathBuf>,
) -> Analysis {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(&reported).unwrap_or_default().hash(&mut hasher);
    Analysis { findings, reported, result_id: format!("{:016x}", hasher.finish()), asked_for }
}
