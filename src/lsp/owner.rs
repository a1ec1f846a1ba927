//! The one owner of the documents: a thread that does what it is handed, in order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, Result};

/// What is owned: it has work of its own, which is done when nobody asks for anything.
pub(super) trait Owned: Send + 'static {
    /// Whether there is such work.
    fn has_work(&self) -> bool;

    /// Does one piece of it.
    fn work(&mut self);
}

/// What the owner is handed.
type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// How long diagnostics may wait while other messages keep coming.
const PATIENCE: Duration = Duration::from_millis(100);

/// Hands work to the owner.
pub(super) struct Owner<S> {
    jobs: Sender<Job<S>>,
}

impl<S> Clone for Owner<S> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone() }
    }
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

impl<S: Owned> Owner<S> {
    /// Starts the thread. It lasts as long as the process.
    pub(super) fn start(state: impl FnOnce(Self) -> S) -> Self {
        let (jobs, queue) = channel();
        let owner = Self { jobs };
        let state = state(owner.clone());
        // Without a thread there is no server, and every request is answered with an error.
        let started = std::thread::Builder::new().name("lsp-owner".to_owned()).spawn(|| run(queue, state));
        drop(started);
        owner
    }

    /// Has something done; what is handed in first is done first.
    pub(super) fn tell(&self, job: impl FnOnce(&mut S) + Send + 'static) {
        // A closed queue means that the process is ending.
        let _ = self.jobs.send(Box::new(job));
    }

    /// Asks for something. Work that was cancelled before its turn is not done.
    ///
    /// The question is handed in at the call, before the future is awaited.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut S, &Wanted<'_>) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let (answer, answered) = oneshot::channel();
        self.tell(move |state| {
            if answer.is_closed() {
                return;
            }
            let wanted = || !answer.is_closed();
            let result = guarded(|| question(state, &Wanted(&wanted)));
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
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    if done.is_none() {
        // What it says may quote a document.
        tracing::error!("internal error; standard error says more");
    }
    done
}

/// Does the jobs as they come. Diagnostics are made when nothing else waits, so that of ten quick
/// edits only the last is analysed.
fn run<S: Owned>(queue: Receiver<Job<S>>, mut state: S) {
    let mut worked = Instant::now();
    loop {
        let job = if state.has_work() {
            queue.try_recv()
        } else {
            let job = queue.recv().map_err(|_| TryRecvError::Disconnected);
            worked = Instant::now();
            job
        };
        match job {
            Ok(job) => {
                guarded(|| job(&mut state));
                if worked.elapsed() < PATIENCE {
                    continue;
                }
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return,
        }
        guarded(|| state.work());
        worked = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what is asked of it, and how often it came to its own work.
    #[derive(Default)]
    struct Counter {
        changes: usize,
        pending: bool,
        worked: Vec<usize>,
    }

    impl Owned for Counter {
        fn has_work(&self) -> bool {
            self.pending
        }

        fn work(&mut self) {
            self.pending = false;
            self.worked.push(self.changes);
            assert_ne!(self.changes, 13, "a defect in the work itself");
        }
    }

    fn change(counter: &mut Counter) {
        counter.changes += 1;
        counter.pending = true;
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_an_error_and_the_next_question_as_usual() {
        let owner = Owner::start(|_| Counter::default());
        let error = owner.ask(|_, _| -> Result<()> { panic!("a defect") }).await.expect_err("an error");
        assert_eq!(error.code, tower_lsp::jsonrpc::ErrorCode::InternalError);
        owner.tell(|_| panic!("a defect in a notification"));
        (0..13).for_each(|_| owner.tell(change));
        // Asked twice, so that the work lies between.
        let changes = || owner.ask(|c, _| Ok(c.changes));
        assert_eq!((changes().await, changes().await), (Ok(13), Ok(13)));
    }

    #[tokio::test]
    async fn many_changes_come_to_one_piece_of_work_and_order_holds() {
        let owner = Owner::start(|_| Counter::default());
        let (go, wait) = channel::<()>();
        owner.tell(move |_| assert!(wait.recv().is_err()));
        (0..100).for_each(|_| owner.tell(change));
        let fifty = owner.ask(|c, _| Ok((c.changes, c.worked.clone())));
        drop(go);
        let (changes, worked) = fifty.await.expect("an answer");
        assert_eq!((changes, worked), (100, vec![]));
        let worked = owner.ask(|c, _| Ok(c.worked.clone()));
        assert!(worked.await.expect("an answer").len() <= 1);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_done() {
        let owner = Owner::start(|_| Counter::default());
        let (go, wait) = channel::<()>();
        owner.tell(move |_| assert!(wait.recv().is_err()));
        drop(owner.ask(|c, _| {
            c.changes += 1;
            Ok(())
        }));
        drop(go);
        assert_eq!(owner.ask(|c, _| Ok(c.changes)).await, Ok(0));
    }
}
