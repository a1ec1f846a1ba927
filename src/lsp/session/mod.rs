//! What the server knows: the client's abilities, the documents, what was found in them.

mod launch;
mod runs;
mod view;

use runs::Run;
pub(in crate::lsp) use view::View;

use crate::check::Denied;
use crate::lsp::analysis::Analysis;
use crate::lsp::client::{Abilities, roots};
use crate::lsp::document::Document;
use crate::lsp::launch::{Operator, Tasks};
use crate::lsp::outbox::Outbox;
use crate::lsp::owner::{Owned, Owner, Wanted};
use crate::lsp::progress::{Cancellations, Progress};
use crate::lsp::scan::{self, Workspace};
use crate::lsp::settings::{SECTION, Settings};
use crate::lsp::uri::file_path;
use crate::lsp::watch;
use crate::manifest::{self, Kind, Layout};
use crate::shown::lines;
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::ls_types::notification::{Notification, PublishDiagnostics, ShowMessage};
use tower_lsp::ls_types::request::{
    CodeLensRefresh, InlayHintRefreshRequest, WorkspaceConfiguration, WorkspaceDiagnosticRefresh,
};
use tower_lsp::ls_types::{
    ConfigurationItem, ConfigurationParams, Diagnostic, DidChangeTextDocumentParams, DocumentChanges,
    InitializeParams, MessageType, OneOf, OptionalVersionedTextDocumentIdentifier, ShowMessageParams,
    TextDocumentEdit, TextDocumentItem, TextEdit, Uri, WorkspaceEdit, WorkspaceFolder,
};

/// How long a reading of the workspace serves where the client does not tell of changes.
const FRESH: Duration = Duration::from_secs(30);

/// The state of one conversation.
pub(in crate::lsp) struct Session {
    /// What the client can do.
    pub abilities: Abilities,
    /// What a person has set.
    pub settings: Settings,
    /// The workspace's folders.
    pub roots: Vec<PathBuf>,
    /// The open documents.
    pub documents: HashMap<Uri, Document>,
    /// What was found in manifests that are not open, for a client that asks for them.
    pub closed: HashMap<PathBuf, Analysis>,
    layout: Layout,
    /// What launches are given; absent where it cannot be read.
    operator: Option<Operator>,
    /// The manifests about which a person is being asked.
    asking: HashSet<(PathBuf, String)>,
    /// The tasks that run without a terminal.
    tasks: Tasks,
    /// The runs that are under way.
    running: Vec<Run>,
    /// Whether somebody will come by in a minute to tell how long they have been running.
    ticking: bool,
    /// What the last runs were refused.
    denied: Vec<Denied>,
    outbox: Outbox,
    owner: Owner<Session>,
    cancellations: Cancellations,
    env_names: HashSet<String>,
    workspace: Option<Workspace>,
    /// Documents whose findings are out of date, the next one first.
    stale: VecDeque<Uri>,
    todo: Todo,
}

/// What is left to do when no message waits, beside stale documents.
#[derive(Default)]
struct Todo {
    warm: bool,
    scan: bool,
}

impl Session {
    /// A session that knows nothing of its client yet.
    pub(in crate::lsp) fn new(
        layout: Layout,
        operator: Option<Operator>,
        outbox: Outbox,
        owner: Owner<Session>,
        cancellations: Cancellations,
    ) -> Self {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self {
            abilities: Abilities::default(),
            settings: Settings::default(),
            roots: Vec::new(),
            documents: HashMap::new(),
            closed: HashMap::new(),
            layout,
            operator,
            asking: HashSet::new(),
            tasks: Tasks::default(),
            running: Vec::new(),
            ticking: false,
            denied: Vec::new(),
            outbox,
            owner,
            cancellations,
            env_names: names.collect(),
            workspace: None,
            stale: VecDeque::new(),
            todo: Todo::default(),
        }
    }

    /// The first message: who the client is and where it works.
    pub(in crate::lsp) fn initialize(&mut self, params: InitializeParams) {
        self.abilities = Abilities::of(&params.capabilities, params.client_info.as_ref());
        if let Some(options) = &params.initialization_options {
            self.settings = Settings::of_options(options);
        }
        self.folders(&roots(params), &[]);
        self.todo.warm = true;
    }

    /// The client is ready to be asked.
    pub(in crate::lsp) fn ready(&mut self) {
        watch::register(&self.outbox, self.abilities, &self.layout);
        self.ask_for_settings();
        self.watch_runs();
    }

    /// Takes in what a person has set.
    pub(in crate::lsp) fn configure(&mut self, said: &Value) {
        let before = self.settings.clone();
        self.settings.take(said);
        if self.settings != before {
            self.check_everything();
        }
    }

    /// Asks for the settings, if the client can be asked.
    pub(in crate::lsp) fn ask_for_settings(&self) {
        if !self.abilities.configures {
            return;
        }
        let owner = self.owner.clone();
        let item = ConfigurationItem { scope_uri: None, section: Some(SECTION.to_owned()) };
        self.outbox.request::<WorkspaceConfiguration>(
            ConfigurationParams { items: vec![item] },
            move |said| {
                if let Some(said) = said.ok().and_then(|all| all.into_iter().next()) {
                    owner.tell(move |session| session.configure(&said));
                }
            },
        );
    }

    /// Takes in the workspace's folders.
    pub(in crate::lsp) fn folders(&mut self, added: &[WorkspaceFolder], removed: &[WorkspaceFolder]) {
        let gone: Vec<_> = removed.iter().filter_map(|f| file_path(&f.uri)).collect();
        self.roots.retain(|root| !gone.contains(root));
        for root in added.iter().filter_map(|f| file_path(&f.uri)) {
            if !self.roots.contains(&root) {
                self.roots.push(root);
            }
        }
        self.workspace = None;
        self.check_everything();
    }

    /// A document was opened.
    pub(in crate::lsp) fn open(&mut self, item: TextDocumentItem) {
        let document = Document::open(item, self.roots.first().map(PathBuf::as_path));
        let (uri, path) = (document.uri.clone(), document.path.clone());
        self.documents.insert(uri.clone(), document);
        self.closed.remove(&*path);
        self.changed(&uri, &path);
    }

    /// A document was edited.
    pub(in crate::lsp) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let unit = self.abilities.unit;
        let id = params.text_document;
        let Some(document) = self.documents.get_mut(&id.uri) else { return };
        document.change(id.version, params.content_changes, unit);
        let path = document.path.clone();
        self.changed(&id.uri, &path);
    }

    /// A document was saved: what other files say may have changed without a word.
    pub(in crate::lsp) fn save(&mut self, uri: &Uri) {
        if let Some(path) = self.documents.get(uri).map(|d| d.path.clone()) {
            self.reread(&path);
        }
        self.check_everything();
    }

    /// A document was closed: what it said counts no more, what its file says does.
    pub(in crate::lsp) fn close(&mut self, uri: &Uri) {
        let Some(document) = self.documents.remove(uri) else { return };
        self.stale.retain(|stale| stale != uri);
        if !self.abilities.pulls {
            self.publish(uri, &[], None);
        }
        self.reread(&document.path);
        self.check_dependants(&document.path);
    }

    /// Files have changed on the disk.
    pub(in crate::lsp) fn changed_on_disk(&mut self, uris: &[Uri]) {
        for path in uris.iter().filter_map(file_path) {
            self.reread(&path);
            self.closed.remove(&path);
            self.check_dependants(&path);
        }
        self.refresh();
    }

    fn changed(&mut self, uri: &Uri, path: &Path) {
        self.stale.retain(|stale| stale != uri);
        self.stale.push_front(uri.clone());
        self.check_dependants(path);
    }

    /// Reads a manifest of the workspace again, if the workspace was read.
    fn reread(&mut self, path: &Path) {
        let Some(workspace) = &mut self.workspace else { return };
        match scan::read(path, &self.layout) {
            Some(source) => workspace.sources.insert(path.to_owned(), Arc::new(source)),
            None => workspace.sources.remove(path),
        };
    }

    /// Has the open documents checked again that depend on a file.
    fn check_dependants(&mut self, path: &Path) {
        self.closed.retain(|own, analysis| own != path && !analysis.asked_for.contains(path));
        let mut any = false;
        for document in self.documents.values_mut().filter(|d| *d.path != *path) {
            if document.analysis.as_ref().is_some_and(|a| a.asked_for.contains(path)) {
                document.analysis = None;
                self.stale.push_back(document.uri.clone());
                any = true;
            }
        }
        if any {
            self.refresh();
        }
    }

    fn check_everything(&mut self) {
        self.closed.clear();
        for document in self.documents.values_mut() {
            if document.analysis.take().is_some() {
                self.stale.push_back(document.uri.clone());
            }
        }
        self.refresh();
    }

    /// Has the client ask again for what it asks for itself.
    fn refresh(&self) {
        if self.abilities.pulls {
            self.outbox.request::<WorkspaceDiagnosticRefresh>((), drop);
        }
        if self.abilities.refreshes_hints {
            self.outbox.request::<InlayHintRefreshRequest>((), drop);
        }
    }

    /// Has the client ask again for lenses.
    fn refresh_lenses(&self) {
        if self.abilities.refreshes_lenses {
            self.outbox.request::<CodeLensRefresh>((), drop);
        }
    }

    /// Reads the workspace if that has not been done, and says whether all of it is known.
    pub(in crate::lsp) fn read_workspace(&mut self, wanted: &Wanted<'_>) -> bool {
        let fresh = |w: &&Workspace| self.abilities.watches || w.read.elapsed() < FRESH;
        if let Some(workspace) = self.workspace.as_ref().filter(fresh) {
            return workspace.complete;
        }
        let shown = self.abilities.shows_progress;
        let title = "Reading the workspace's manifests";
        let progress = shown.then(|| Progress::start(&self.outbox, &self.cancellations, title));
        let mut stopped = false;
        let workspace = scan::scan(&self.roots, &self.layout, |entries| {
            if let Some(progress) = progress.as_ref().filter(|_| entries % 1024 == 0) {
                progress.report(format!("{entries} files"));
            }
            stopped = !wanted.still() || progress.as_ref().is_some_and(Progress::is_cancelled);
            !stopped
        });
        let complete = workspace.complete;
        // What was stopped half-way is used once, and read again when next needed.
        self.workspace = Some(workspace).filter(|_| !stopped);
        complete
    }

    /// Has the workspace read when no message waits.
    pub(in crate::lsp) fn read_workspace_soon(&mut self) {
        self.todo.scan = self.workspace.is_none();
    }

    /// Makes the findings of a document, unless its version has them already.
    pub(in crate::lsp) fn analyse(&mut self, uri: &Uri) {
        let Some(document) = self.documents.get(uri).filter(|d| d.analysis.is_none()) else { return };
        let _span = tracing::debug_span!("analyse", uri = uri.as_str(), version = document.version).entered();
        let lines = document.lines(self.abilities.unit);
        let analysis = match document.source(&self.layout) {
            Some(source) => self.analysis(source, uri, lines),
            None => {
                let ours = document.is_ours(&self.layout);
                Analysis::of_no_manifest(document.problem().filter(|_| ours).map(|p| p.to_string()))
            }
        };
        if let Some(document) = self.documents.get_mut(uri) {
            document.analysis = Some(analysis);
        }
    }

    fn report(&self, uri: &Uri) {
        let Some(document) = self.documents.get(uri) else { return };
        let Some(analysis) = &document.analysis else { return };
        self.publish(uri, &analysis.reported, Some(document.version));
    }

    fn publish(&self, uri: &Uri, diagnostics: &[Diagnostic], version: Option<i32>) {
        /// `PublishDiagnosticsParams`, borrowed: there can be hundreds of findings at each keystroke.
        #[derive(serde::Serialize)]
        struct Params<'a> {
            uri: &'a Uri,
            diagnostics: &'a [Diagnostic],
            #[serde(skip_serializing_if = "Option::is_none")]
            version: Option<i32>,
        }
        self.outbox.write(<PublishDiagnostics as Notification>::METHOD, Params { uri, diagnostics, version });
    }

    /// Shows a person a message.
    pub(in crate::lsp) fn message(&self, typ: MessageType, message: String) {
        // It may name a file.
        let message = lines(&message);
        self.outbox.notify::<ShowMessage>(ShowMessageParams { typ, message });
    }

    /// Edits of one document in the form that the client takes.
    pub(in crate::lsp) fn workspace_edit(&self, document: &Document, edits: Vec<TextEdit>) -> WorkspaceEdit {
        let uri = document.uri.clone();
        if !self.abilities.versioned_edits {
            return WorkspaceEdit { changes: Some(HashMap::from([(uri, edits)])), ..Default::default() };
        }
        let id = OptionalVersionedTextDocumentIdentifier { uri, version: Some(document.version) };
        let edits = edits.into_iter().map(OneOf::Left).collect();
        let edits = vec![TextDocumentEdit { text_document: id, edits }];
        WorkspaceEdit { document_changes: Some(DocumentChanges::Edits(edits)), ..Default::default() }
    }
}

impl Owned for Session {
    fn has_work(&self) -> bool {
        !self.stale.is_empty() || self.todo.warm || self.todo.scan
    }

    fn work(&mut self) {
        if let Some(uri) = self.stale.pop_front() {
            // A client that pulls is answered when it asks.
            if !self.abilities.pulls {
                self.analyse(&uri);
                self.report(&uri);
            }
            if let Some(document) = self.documents.get_mut(&uri) {
                document.forget_the_past();
            }
        } else if std::mem::take(&mut self.todo.warm) {
            // Before the first finding has to wait for it.
            [Kind::Bottle, Kind::Agent].into_iter().for_each(manifest::prepare);
        } else if std::mem::take(&mut self.todo.scan) {
            self.read_workspace(&Wanted::always());
        }
    }
}
