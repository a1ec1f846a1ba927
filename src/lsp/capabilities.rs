//! What the client can do, and what it is offered for it.

use super::position::{encoding, negotiate};
use crate::syntax::Unit;
use tower_lsp::ls_types::{
    ClientCapabilities, DiagnosticOptions, DiagnosticServerCapabilities, InitializeResult, OneOf,
    SaveOptions, ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

/// What of the client's abilities makes a difference here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Abilities {
    /// What its columns count.
    pub unit: Unit,
    /// It asks for diagnostics, so they are not pushed.
    pub pulls: bool,
    /// It can be told to ask again.
    pub refreshes: bool,
}

impl Abilities {
    /// Reads the client's own words.
    pub(super) fn of(client: &ClientCapabilities) -> Self {
        let encodings = client.general.as_ref().and_then(|g| g.position_encodings.as_deref());
        let text = client.text_document.as_ref();
        let workspace = client.workspace.as_ref();
        Self {
            unit: negotiate(encodings),
            pulls: text.is_some_and(|t| t.diagnostic.is_some()),
            refreshes: workspace.and_then(|w| w.diagnostics.as_ref()?.refresh_support).unwrap_or_default(),
        }
    }
}

/// The answer to `initialize`.
pub(super) fn offer(abilities: Abilities) -> InitializeResult {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        will_save: None,
        will_save_wait_until: None,
        save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
    };
    let pull = DiagnosticOptions {
        identifier: Some(super::convert::SOURCE.to_owned()),
        inter_file_dependencies: true,
        workspace_diagnostics: false,
        work_done_progress_options: WorkDoneProgressOptions::default(),
    };
    InitializeResult {
        capabilities: ServerCapabilities {
            position_encoding: Some(encoding(abilities.unit)),
            text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
            diagnostic_provider: abilities.pulls.then_some(DiagnosticServerCapabilities::Options(pull)),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(OneOf::Left(true)),
                }),
                file_operations: None,
            }),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        offset_encoding: None,
    }
}
