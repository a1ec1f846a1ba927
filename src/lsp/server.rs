//! The protocol's methods: each hands its work to the owner and waits for nothing else.

use super::capabilities::{Abilities, offer};
use super::lifetime;
use super::outbox::Outbox;
use super::owner::Owner;
use super::pull;
use super::session::Session;
use crate::manifest::Layout;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;
use tower_lsp::{Client, LanguageServer};

/// One conversation.
pub(super) struct Server {
    owner: Owner,
    gone: mpsc::Sender<()>,
    shut_down: AtomicBool,
}

impl Server {
    /// A server for a client; `gone` is told when the client's process has ended. Needs the runtime.
    pub(super) fn new(client: Client, layout: Layout, gone: mpsc::Sender<()>) -> Self {
        let outbox = Outbox::start(client);
        let owner = Owner::start(|_| Session::new(layout, outbox));
        Self { owner, gone, shut_down: AtomicBool::new(false) }
    }

    /// Whether `shutdown` was asked for.
    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        if let Some(process) = params.process_id {
            lifetime::watch(process, self.gone.clone());
        }
        let answer = self.owner.ask(move |session, _| {
            session.abilities = Abilities::of(&params.capabilities);
            session.folders(&roots(params), &[]);
            Ok(offer(session.abilities))
        });
        self.owner.tell(Session::warm);
        answer.await
    }

    async fn shutdown(&self) -> Result<()> {
        self.shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        self.owner.tell(|session| session.open(params.text_document));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        self.owner.tell(|session| session.change(params));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.owner.tell(move |session| session.close(&params.text_document.uri));
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        self.owner.ask(|session, _| Ok(pull::document(session, params))).await
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        self.owner.tell(move |session| session.folders(&params.event.added, &params.event.removed));
    }
}

/// The workspace's folders; older clients name one root.
fn roots(params: InitializeParams) -> Vec<WorkspaceFolder> {
    #[allow(deprecated)]
    let root = params.root_uri;
    let old = || root.map(|uri| WorkspaceFolder { uri, name: String::new() }).into_iter().collect();
    params.workspace_folders.filter(|f| !f.is_empty()).unwrap_or_else(old)
}
