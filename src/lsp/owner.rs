//! The one owner of the documents: a thread that does what it is handed, in order.

use super::session::Session;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, Result};

/// What the owner is handed.
type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// How long diagnostics may wait while other messages keep coming.
const PATIENCE: Duration = Duration::from_millis(100);

/// Hands work to the owner.
#[derive(Clone)]
pub(super) struct Owner {
    jobs: Sender<Job>,
}

/// Whether somebody still waits for an answer.
pub(super) struct Wanted<'a>(&'a dyn Fn() -> bool);

impl Wanted<'_> {
    /// What nobody can cancel.
    pub(super) fn always() -> Self {
        Self(&|| true)
    }

    /// False once the client has cancelled the request.
    pub(super) fn still(&self) -> bool {
        (self.0)()
    }
}

impl Owner {
    /// Starts the thread. It lasts as long as the process.
    pub(super) fn start(session: impl FnOnce(Self) -> Session) -> Self {
        let (jobs, queue) = channel();
        let owner = Self { jobs };
        let session = session(owner.clone());
        // Without a thread there is no server, and every request is answered with an error.
        let started = std::thread::Builder::new().name("lsp-owner".to_owned()).spawn(|| run(queue, session));
        drop(started);
        owner
    }

    /// Has something done; what is handed in first is done first.
    pub(super) fn tell(&self, job: impl FnOnce(&mut Session) + Send + 'static) {
        // A closed queue means that the process is ending.
        let _ = self.jobs.send(Box::new(job));
    }

    /// Asks for something. Work that was cancelled before its turn is not done.
    ///
    /// The question is handed in at the call, before the future is awaited.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Session, &Wanted<'_>) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let (answer, answered) = oneshot::channel();
        self.tell(move |session| {
            if answer.is_closed() {
                return;
            }
            let wanted = || !answer.is_closed();
            let result = guarded(|| question(session, &Wanted(&wanted)));
            let _ = answer.send(result.unwrap_or_else(|| Err(panicked())));
        });
        async move { answered.await.unwrap_or_else(|_| Err(Error::internal_error())) }
    }
}

fn panicked() -> Error {
    Error { message: "internal error; the server's log says more".into(), ..Error::internal_error() }
}

/// Runs something that may panic; the panic's message goes to the log, which is standard error.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Does the jobs as they come. Diagnostics are made when nothing else waits, so that of ten quick
/// edits only the last is analysed.
fn run(queue: Receiver<Job>, mut session: Session) {
    let mut worked = Instant::now();
    loop {
        let job = if session.has_work() {
            queue.try_recv()
        } else {
            let job = queue.recv().map_err(|_| TryRecvError::Disconnected);
            worked = Instant::now();
            job
        };
        match job {
            Ok(job) => {
                guarded(|| job(&mut session));
                if worked.elapsed() < PATIENCE {
                    continue;
                }
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return,
        }
        guarded(|| session.work());
        worked = Instant::now();
    }
}
