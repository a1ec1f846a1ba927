//! Who hears of what a launch does, and who may stop it.

use super::backend::BackendKind;
use super::error::Stage;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the agent's output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The face of a launch: a terminal, an editor, or nobody.
pub trait Ui: Send + Sync {
    /// A stage begins.
    fn stage(&self, stage: Stage);

    /// What carries the guest, once it was found; nothing has been made yet.
    fn backend(&self, _kind: BackendKind, _workspace: &Path) {}

    /// Something a person should know; not an error.
    fn note(&self, text: &str);

    /// A line of a long piece of work, such as an image build.
    fn progress(&self, line: &str);

    /// Asks for a value; `None` where there is nobody to ask.
    fn ask(&self, question: &str) -> Option<String>;

    /// Output of an agent that runs without a terminal. The bytes are the guest's own: whoever
    /// shows them on a terminal takes control sequences out first (see [`crate::shown::Plain`]).
    fn output(&self, stream: Stream, bytes: &[u8]);
}

/// Shows nothing and answers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Ui for Silent {
    fn stage(&self, _: Stage) {}
    fn note(&self, _: &str) {}
    fn progress(&self, _: &str) {}
    fn ask(&self, _: &str) -> Option<String> {
        None
    }
    fn output(&self, _: Stream, _: &[u8]) {}
}

/// Stops a launch from outside. Clones share one state; once cancelled it stays so.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cancelled: AtomicBool,
    /// Readable once cancelled, so that a wait on processes can wait on this too.
    event: Option<OwnedFd>,
}

impl Default for Cancel {
    fn default() -> Self {
        // Without a descriptor left the launch fails soon anyway; the flag alone still works.
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok();
        Self(Arc::new(Inner { cancelled: AtomicBool::new(false), event }))
    }
}

impl Cancel {
    /// Asks the launch to stop, from any thread.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        if let Some(event) = &self.0.event {
            let _ = write(event, &1u64.to_ne_bytes());
        }
    }

    /// Whether it was asked to.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn event(&self) -> Option<BorrowedFd<'_>> {
        self.0.event.as_ref().map(AsFd::as_fd)
    }
}
