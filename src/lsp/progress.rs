//! Progress that the editor shows, with a button that ends the work.

use super::outbox::Outbox;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tower_lsp::ls_types::notification::Progress as Notification;
use tower_lsp::ls_types::request::WorkDoneProgressCreate;
use tower_lsp::ls_types::{
    NumberOrString, ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress,
    WorkDoneProgressBegin, WorkDoneProgressCreateParams, WorkDoneProgressEnd, WorkDoneProgressReport,
};

/// The work that is under way and can be ended from the editor.
#[derive(Clone, Default)]
pub(super) struct Cancellations {
    running: Arc<Mutex<HashMap<String, Arc<Ending>>>>,
}

/// Whether work is to end, and what ends it where it does not look by itself.
#[derive(Default)]
struct Ending {
    wanted: AtomicBool,
    end: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Cancellations {
    /// Ends the work with a token; an unknown token is of no work of ours.
    pub(super) fn cancel(&self, token: &ProgressToken) {
        let NumberOrString::String(token) = token else { return };
        let Some(ending) = self.lock().get(token).cloned() else { return };
        ending.wanted.store(true, Ordering::Relaxed);
        if let Some(end) = ending.end.lock().unwrap_or_else(PoisonError::into_inner).take() {
            end();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Ending>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One piece of work. The editor sees it once it has accepted the token: what is done sooner is
/// never shown.
pub(super) struct Progress {
    outbox: Outbox,
    token: String,
    stage: Arc<Mutex<Stage>>,
    ending: Arc<Ending>,
    cancellations: Cancellations,
}

#[derive(Clone, PartialEq, Eq)]
enum Stage {
    /// With what there is to tell once it is shown.
    Asked(Option<String>),
    Shown,
    Over,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

impl Progress {
    /// Asks the editor to show the work.
    pub(super) fn start(outbox: &Outbox, cancellations: &Cancellations, title: &str) -> Self {
        let token = format!("bot-bottle-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let progress = Self {
            outbox: outbox.clone(),
            token: token.clone(),
            stage: Arc::new(Mutex::new(Stage::Asked(None))),
            ending: Arc::default(),
            cancellations: cancellations.clone(),
        };
        cancellations.lock().insert(token.clone(), progress.ending.clone());
        let (stage, outbox, title) = (progress.stage.clone(), outbox.clone(), title.to_owned());
        let params = WorkDoneProgressCreateParams { token: NumberOrString::String(token.clone()) };
        progress.outbox.request::<WorkDoneProgressCreate>(params, move |accepted| {
            let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            if accepted.is_ok()
                && let Stage::Asked(message) = &mut *stage
            {
                let (message, cancellable) = (message.take(), Some(true));
                *stage = Stage::Shown;
                let begin = WorkDoneProgressBegin { title, cancellable, message, percentage: None };
                send(&outbox, &token, WorkDoneProgress::Begin(begin));
            }
        });
        progress
    }

    /// Tells how far the work is.
    pub(super) fn report(&self, message: String) {
        match &mut *self.stage() {
            Stage::Asked(last) => *last = Some(message),
            Stage::Shown => {
                let report = WorkDoneProgressReport { message: Some(message), ..Default::default() };
                send(&self.outbox, &self.token, WorkDoneProgress::Report(report));
            }
            Stage::Over => {}
        }
    }

    /// What ends the work when a person wants it ended; work that asks [`Self::is_cancelled`] needs none.
    pub(super) fn on_cancel(&self, end: impl FnOnce() + Send + 'static) {
        *self.ending.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(end));
    }

    /// Whether a person has ended the work.
    pub(super) fn is_cancelled(&self) -> bool {
        self.ending.wanted.load(Ordering::Relaxed)
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *self.stage(), Stage::Over);
        if before == Stage::Shown {
            send(&self.outbox, &self.token, WorkDoneProgress::End(WorkDoneProgressEnd { message: None }));
        }
        self.cancellations.lock().remove(&self.token);
    }
}

fn send(outbox: &Outbox, token: &str, value: WorkDoneProgress) {
    outbox.notify::<Notification>(ProgressParams {
        token: NumberOrString::String(token.to_owned()),
        value: ProgressParamsValue::WorkDone(value),
    });
}
