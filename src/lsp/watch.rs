//! What the client is asked to tell, once it is ready.

use super::client::Abilities;
use super::outbox::Outbox;
use super::settings::SECTION;
use super::uri::file_uri;
use crate::manifest::Layout;
use serde_json::json;
use tower_lsp::ls_types::request::RegisterCapability;
use tower_lsp::ls_types::{
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern, OneOf, Registration,
    RegistrationParams, RelativePattern,
};

/// The names of manifests anywhere.
const MANIFESTS: [&str; 2] =
    ["**/{bottle.yaml,*.bottle.yaml,*.bottle.yml,*.agent.yaml,*.agent.yml}", "**/{bottles,agents}/*.md"];

/// Registers for changes of manifests on the disk and of the configuration, as far as the client can.
pub(super) fn register(outbox: &Outbox, abilities: Abilities, layout: &Layout) {
    let mut registrations = Vec::new();
    if abilities.watches {
        let mut watchers: Vec<_> = MANIFESTS
            .map(|glob| FileSystemWatcher { glob_pattern: GlobPattern::String(glob.to_owned()), kind: None })
            .into();
        // The user's own folder is in no workspace.
        let store = layout.store().filter(|_| abilities.watches_elsewhere);
        if let Some(base) = store.as_deref().and_then(file_uri) {
            let pattern =
                RelativePattern { base_uri: OneOf::Right(base), pattern: "{bottles,agents}/*".to_owned() };
            watchers.push(FileSystemWatcher { glob_pattern: GlobPattern::Relative(pattern), kind: None });
        }
        let options = DidChangeWatchedFilesRegistrationOptions { watchers };
        registrations.push(Registration {
            id: "bot-bottle-files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: serde_json::to_value(options).ok(),
        });
    }
    if abilities.registers_configuration {
        registrations.push(Registration {
            id: "bot-bottle-configuration".to_owned(),
            method: "workspace/didChangeConfiguration".to_owned(),
            register_options: Some(json!({ "section": SECTION })),
        });
    }
    if !registrations.is_empty() {
        outbox.request::<RegisterCapability>(RegistrationParams { registrations }, drop);
    }
}
