//! What the client says of itself: what it can do, and where it works.

use super::position::negotiate;
use crate::syntax::Unit;
use tower_lsp::ls_types::*;

/// What of the client's abilities makes a difference here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Abilities {
    /// What its columns count.
    pub unit: Unit,
    /// It asks for diagnostics, so they are not pushed; and it can be asked to ask again, without
    /// which it would never hear of another file's change or of what a run was refused.
    pub pulls: bool,
    /// It tells of changed files when asked to.
    pub watches: bool,
    /// It does so outside the workspace too.
    pub watches_elsewhere: bool,
    /// It can be asked for the settings.
    pub configures: bool,
    /// It tells of changed settings only when asked to.
    pub registers_configuration: bool,
    /// It shows progress.
    pub shows_progress: bool,
    /// It shows the answers of commands itself.
    pub shows_answers: bool,
    /// It takes code actions, and not only commands.
    pub action_literals: bool,
    /// Its edits name the version that they are made for.
    pub versioned_edits: bool,
    /// It asks what would be renamed before it asks for the new name.
    pub prepares_rename: bool,
    /// It renames files for a server.
    pub renames_files: bool,
    /// It takes tab stops in completions.
    pub snippets: bool,
    /// It says that it indents the further lines of a completion.
    pub indents: bool,
    /// It can be asked to offer completions again.
    pub suggests_again: bool,
    /// It takes definitions with the word that led there.
    pub definition_links: bool,
    /// It takes symbols within symbols.
    pub nested_symbols: bool,
    /// It can be asked to refresh inlay hints.
    pub refreshes_hints: bool,
    /// It can be asked to refresh lenses.
    pub refreshes_lenses: bool,
    /// It opens terminals for a server.
    pub terminal: bool,
    /// What of a finding it can show.
    pub reports: Reports,
}

/// What of a finding a client can show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reports {
    /// Other places.
    pub related: bool,
    /// Faded and struck-out text.
    pub tags: bool,
    /// A link to the rule's page.
    pub link: bool,
    /// Data that comes back with a request for actions.
    pub data: bool,
}

/// The names under which VS Code and its kin present themselves.
const VS_CODE: [&str; 4] = ["Visual Studio Code", "code-server", "VSCodium", "Cursor"];

impl Abilities {
    /// Reads the client's own words.
    pub(super) fn of(client: &ClientCapabilities, info: Option<&ClientInfo>) -> Self {
        let text = client.text_document.as_ref();
        let workspace = client.workspace.as_ref();
        let item = text.and_then(|t| t.completion.as_ref()?.completion_item.as_ref());
        let watched = workspace.and_then(|w| w.did_change_watched_files.as_ref());
        let yes = |said: Option<bool>| said.unwrap_or_default();
        Self {
            unit: negotiate(client.general.as_ref().and_then(|g| g.position_encodings.as_deref())),
            pulls: text.is_some_and(|t| t.diagnostic.is_some())
                && yes(workspace.and_then(|w| w.diagnostics.as_ref()?.refresh_support)),
            watches: yes(watched.and_then(|w| w.dynamic_registration)),
            watches_elsewhere: yes(watched.and_then(|w| w.relative_pattern_support)),
            configures: yes(workspace.and_then(|w| w.configuration)),
            registers_configuration: yes(
                workspace.and_then(|w| w.did_change_configuration.as_ref()?.dynamic_registration)
            ),
            shows_progress: yes(client.window.as_ref().and_then(|w| w.work_done_progress)),
            shows_answers: client.experimental.as_ref().is_some_and(|e| e.get("botBottle").is_some()),
            action_literals: text
                .and_then(|t| t.code_action.as_ref()?.code_action_literal_support.as_ref())
                .is_some(),
            versioned_edits: yes(workspace.and_then(|w| w.workspace_edit.as_ref()?.document_changes)),
            prepares_rename: yes(text.and_then(|t| t.rename.as_ref()?.prepare_support)),
            renames_files: workspace
                .and_then(|w| w.workspace_edit.as_ref()?.resource_operations.as_ref())
                .is_some_and(|all| all.contains(&ResourceOperationKind::Rename)),
            snippets: yes(item.and_then(|i| i.snippet_support)),
            indents: item
                .and_then(|i| i.insert_text_mode_support.as_ref())
                .is_some_and(|m| m.value_set.contains(&InsertTextMode::ADJUST_INDENTATION)),
            suggests_again: info.is_some_and(|i| VS_CODE.iter().any(|name| i.name.starts_with(name))),
            definition_links: yes(text.and_then(|t| t.definition.as_ref()?.link_support)),
            nested_symbols: yes(
                text.and_then(|t| t.document_symbol.as_ref()?.hierarchical_document_symbol_support)
            ),
            refreshes_hints: yes(workspace.and_then(|w| w.inlay_hint.as_ref()?.refresh_support)),
            refreshes_lenses: yes(workspace.and_then(|w| w.code_lens.as_ref()?.refresh_support)),
            terminal: client.experimental.as_ref().is_some_and(|e| e["botBottle"]["terminal"] == true),
            reports: text.map(Reports::of).unwrap_or_default(),
        }
    }
}

impl Reports {
    fn of(client: &TextDocumentClientCapabilities) -> Self {
        let push = client.publish_diagnostics.as_ref();
        // A client that pulls may say it in either place.
        let pull = client.diagnostic.as_ref();
        let any = |a: Option<bool>, b: Option<bool>| a.unwrap_or_default() || b.unwrap_or_default();
        Self {
            related: any(push.and_then(|p| p.related_information), pull.and_then(|p| p.related_information)),
            tags: push.is_some_and(|p| p.tag_support.is_some())
                || pull.is_some_and(|p| p.tag_support.is_some()),
            link: any(
                push.and_then(|p| p.code_description_support),
                pull.and_then(|p| p.code_description_support),
            ),
            data: any(push.and_then(|p| p.data_support), pull.and_then(|p| p.data_support)),
        }
    }
}

/// The workspace's folders; older clients name one root.
pub(super) fn roots(params: InitializeParams) -> Vec<WorkspaceFolder> {
    #[allow(deprecated)]
    let root = params.root_uri;
    let old = || root.map(|uri| WorkspaceFolder { uri, name: String::new() }).into_iter().collect();
    params.workspace_folders.filter(|f| !f.is_empty()).unwrap_or_else(old)
}
