//! The protocol's methods: each hands its work to the owner and waits for nothing else.

use super::capabilities::offer;
use super::launch::Operator;
use super::lifetime;
use super::outbox::Outbox;
use super::owner::{Owner, Wanted};
use super::progress::Cancellations;
use super::requests::{
    code_action, code_lens, command, completion, diagnostic, format, hover, inlay, navigation, rename, save,
    structure, symbols, tokens,
};
use super::session::Session;
use crate::manifest::Layout;
use crate::shown::lines;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tower_lsp::LanguageServer;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::*;

/// One conversation.
pub(super) struct Server {
    owner: Owner<Session>,
    cancellations: Cancellations,
    gone: mpsc::Sender<()>,
    shut_down: AtomicBool,
}

impl Server {
    /// A server for the client behind an outbox; `gone` hears when its process has ended.
    pub(super) fn new(
        outbox: Outbox,
        layout: Layout,
        operator: Option<Operator>,
        gone: mpsc::Sender<()>,
    ) -> Self {
        let cancellations = Cancellations::default();
        let own = cancellations.clone();
        let owner = Owner::start(|owner| Session::new(layout, operator, outbox, owner, own));
        Self { owner, cancellations, gone, shut_down: AtomicBool::new(false) }
    }

    /// Whether `shutdown` was asked for.
    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }

    /// `window/workDoneProgress/cancel`. Not the owner's: it is busy with what is to end.
    pub(super) async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        self.cancellations.cancel(&params.token);
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        if let Some(process) = params.process_id {
            lifetime::watch(process, self.gone.clone());
        }
        let take = |session: &mut Session, _: &Wanted<'_>| {
            session.initialize(params);
            Ok(offer(session.abilities))
        };
        self.owner.ask(take).await
    }

    async fn initialized(&self, _: InitializedParams) {
        self.owner.tell(Session::ready);
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

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.owner.tell(move |session| session.save(&params.text_document.uri));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.owner.tell(move |session| session.close(&params.text_document.uri));
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        self.owner.tell(move |session| {
            session.configure(&params.settings);
            session.ask_for_settings();
        });
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        self.owner.tell(move |session| session.folders(&params.event.added, &params.event.removed));
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let uris: Vec<_> = params.changes.into_iter().map(|change| change.uri).collect();
        self.owner.tell(move |session| session.changed_on_disk(&uris));
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        self.owner.ask(|session, _| Ok(diagnostic::document(session, params))).await
    }

    async fn workspace_diagnostic(
        &self,
        params: WorkspaceDiagnosticParams,
    ) -> Result<WorkspaceDiagnosticReportResult> {
        self.owner.ask(|session, wanted| Ok(diagnostic::workspace(session, params, wanted))).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        self.owner.ask(|session, _| Ok(hover::hover(session, params))).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        self.owner.ask(|session, _| Ok(completion::completion(session, params))).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        self.owner.ask(|session, _| Ok(navigation::definition(session, params))).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        self.owner.ask(|session, wanted| Ok(navigation::references(session, params, wanted))).await
    }

    async fn prepare_rename(
        &self,
        params: TextDocumentPositionParams,
    ) -> Result<Option<PrepareRenameResponse>> {
        self.owner.ask(|session, _| Ok(rename::prepare(session, params))).await
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        self.owner.ask(|session, wanted| rename::rename(session, params, wanted)).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        self.owner.ask(|session, _| Ok(symbols::document(session, params))).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        self.owner.ask(|session, wanted| Ok(symbols::workspace(session, params, wanted))).await
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        self.owner.ask(|session, _| Ok(structure::document_links(session, params))).await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        self.owner.ask(|session, _| Ok(structure::folding(session, params))).await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        self.owner.ask(|session, _| Ok(structure::selections(session, params))).await
    }

    async fn semantic_tokens_full(
        &self,
        params: SemanticTokensParams,
    ) -> Result<Option<SemanticTokensResult>> {
        self.owner.ask(|session, _| Ok(tokens::full(session, params))).await
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> Result<Option<SemanticTokensRangeResult>> {
        self.owner.ask(|session, _| Ok(tokens::range(session, params))).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        self.owner.ask(|session, _| Ok(inlay::inlay_hints(session, params))).await
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        self.owner.ask(|session, _| Ok(format::document(session, params))).await
    }

    async fn range_formatting(&self, params: DocumentRangeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        self.owner.ask(|session, _| Ok(format::range(session, params))).await
    }

    async fn on_type_formatting(
        &self,
        params: DocumentOnTypeFormattingParams,
    ) -> Result<Option<Vec<TextEdit>>> {
        self.owner.ask(|session, _| Ok(format::on_type(session, params))).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        self.owner.ask(|session, _| Ok(code_action::code_action(session, params))).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        self.owner.ask(|session, _| Ok(code_lens::code_lens(session, params))).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        // An error may name a file.
        let shown = |mut error: Error| {
            error.message = lines(&error.message).into();
            error
        };
        let answer = self.owner.ask(|session, _| command::execute(session, params)).await.map_err(shown)?;
        let Some(text) = answer.text().await.map_err(shown)? else { return Ok(None) };
        let shown = text.clone();
        self.owner.tell(move |session| command::show(session, shown));
        Ok(Some(LSPAny::String(text)))
    }

    async fn will_save_wait_until(
        &self,
        params: WillSaveTextDocumentParams,
    ) -> Result<Option<Vec<TextEdit>>> {
        self.owner.ask(|session, _| Ok(save::will_save(session, params))).await
    }
}
