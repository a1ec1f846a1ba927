//! What runs say: which there are, and the requests that they were refused, which become findings
//! while the editor is open.

use super::Session;
use crate::check::Denied;
use crate::disk::Disk;
use crate::engine::{self, StateDir, Subject};
use crate::ide::commands::Running;
use crate::manifest::{Files, Source};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tower_lsp::ls_types::notification::LogMessage;
use tower_lsp::ls_types::{LogMessageParams, MessageType};

/// How often the age of a run is reported.
const TICK: Duration = Duration::from_secs(60);

/// A run that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    id: String,
    name: String,
    /// Its manifest's file, links followed.
    file: PathBuf,
    started: SystemTime,
    refusals: usize,
}

/// The runs that are under way. Reads their audits, so not for the owner to wait for.
fn runs(state: &StateDir) -> Vec<Run> {
    let of = |record: engine::Record| {
        let file = record.manifest.as_ref()?;
        Some(Run {
            file: Disk.canonical(file)?,
            started: humantime::parse_rfc3339(&record.started).ok()?,
            refusals: engine::refusal_count(state, &record),
            id: record.id,
            name: record.name,
        })
    };
    engine::live(state).into_iter().filter_map(of).collect()
}

impl Session {
    /// The runs of a file that are under way.
    pub(in crate::lsp) fn runs_of(&self, file: &Path) -> Vec<Running> {
        if self.running.is_empty() {
            return Vec::new();
        }
        let file = Disk.canonical(file).unwrap_or_else(|| file.to_owned());
        let of = |run: &Run| Running {
            id: run.id.clone(),
            name: run.name.clone(),
            minutes: run.started.elapsed().unwrap_or_default().as_secs() / 60,
            refusals: run.refusals,
        };
        self.running.iter().filter(|run| run.file == file).map(of).collect()
    }

    /// Takes in which runs are under way.
    fn running(&mut self, running: Vec<Run>) {
        if self.running != running {
            self.running = running;
            self.refresh_lenses();
        }
        if !self.ticking && !self.running.is_empty() {
            self.ticking = self.come_back();
        }
    }

    /// Has somebody come by in a minute: a launch that was killed says nothing of its end.
    fn come_back(&self) -> bool {
        let Some(state) = self.operator.as_ref().map(|o| o.state.clone()) else { return false };
        let owner = self.owner.clone();
        let tick = move || {
            std::thread::sleep(TICK);
            let running = runs(&state);
            owner.tell(move |session| {
                session.ticking = false;
                session.refresh_lenses();
                session.running(running);
            });
        };
        std::thread::Builder::new().name("lsp-tick".to_owned()).spawn(tick).is_ok()
    }

    /// Follows the state folder from now on.
    pub(super) fn watch_runs(&self) {
        let Some(state) = self.operator.as_ref().map(|o| o.state.clone()) else { return };
        let owner = self.owner.clone();
        let watched = engine::watch(&state.clone(), move |change| {
            // Read here, so that the owner does not wait for a long audit.
            let running = runs(&state);
            owner.tell(move |session| session.running(running));
            for folder in change.logs {
                let Some(subject) = engine::logged_in(&state, &folder) else {
                    owner.tell(move |session| session.forgotten(&folder));
                    continue;
                };
                let denied = engine::refusals(&state, &subject);
                owner.tell(move |session| session.refused(&subject, denied));
            }
        });
        if let Err(why) = watched {
            let message = format!("runs are not followed: {why}");
            self.outbox.notify::<LogMessage>(LogMessageParams { typ: MessageType::WARNING, message });
        }
    }

    /// A folder of logs is gone, and with it what its manifest was refused.
    fn forgotten(&mut self, folder: &str) {
        let of = |d: &Denied| Subject { file: d.file.clone(), name: d.bottle.clone() };
        let gone = self.denied.iter().map(of).find(|subject| subject.is_logged_in(folder));
        if let Some(subject) = gone {
            self.refused(&subject, Vec::new());
        }
    }

    /// Takes in what the last runs of a manifest were refused.
    fn refused(&mut self, subject: &Subject, denied: Vec<Denied>) {
        let of = |d: &&Denied| d.bottle == subject.name && d.file == subject.file;
        if self.denied.iter().filter(of).eq(&denied) {
            return;
        }
        self.denied.retain(|d| !of(&d));
        self.denied.extend(denied);
        let has = |source: &Source| source.manifests.iter().any(|m| m.name == subject.name);
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
