//! What runs say: requests that were refused become findings while the editor is open.

use super::Session;
use crate::check::Denied;
use crate::engine;
use crate::manifest::Source;
use tower_lsp::ls_types::notification::LogMessage;
use tower_lsp::ls_types::{LogMessageParams, MessageType};

impl Session {
    /// Follows the state folder from now on.
    pub(super) fn watch_runs(&self) {
        let Some(state) = self.state.clone() else { return };
        let owner = self.owner.clone();
        let watched = engine::watch(&state.clone(), move |change| {
            // Read here, so that the owner does not wait for a long audit.
            for name in change.logs {
                let denied = engine::refusals(&state, &name);
                owner.tell(move |session| session.refused(&name, denied));
            }
        });
        if let Err(why) = watched {
            let message = format!("runs are not followed: {why}");
            self.outbox.notify::<LogMessage>(LogMessageParams { typ: MessageType::WARNING, message });
        }
    }

    /// Takes in what the last runs of a bottle or agent were refused.
    fn refused(&mut self, name: &str, denied: Vec<Denied>) {
        if self.denied.iter().filter(|d| d.bottle == name).eq(&denied) {
            return;
        }
        self.denied.retain(|d| d.bottle != name);
        self.denied.extend(denied);
        let has = |source: &Source| source.manifests.iter().any(|m| m.name == name);
        let sources = self.workspace.as_ref().map(|w| &w.sources);
        self.closed.retain(|path, _| sources.and_then(|s| s.get(path)).is_some_and(|s| !has(s)));
        let mut any = false;
        for document in self.documents.values_mut() {
            if document.analysis.is_some() && document.source(&self.layout).is_some_and(|s| has(s)) {
                document.analysis = None;
                self.stale.push_back(document.uri.clone());
                any = true;
            }
        }
        if any || self.abilities.pulls {
            self.refresh();
        }
    }
}
