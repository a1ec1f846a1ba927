//! Signals of the launching process: a request to stop, and a terminal that changed its size.

use super::ui::Cancel;
use std::thread;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Watches signals on a thread of its own until it is dropped.
pub(crate) struct Watch {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watch {
    /// `on_resize` is called when the terminal has another size. Ctrl-C, a polite kill and a lost
    /// terminal cancel. Where signals cannot be watched the launch goes on without.
    pub(crate) fn start(cancel: Cancel, on_resize: impl Fn() + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(watch(cancel, on_resize, stopped, ready));
            }
        };
        let thread = thread::Builder::new().name("signals".into()).spawn(work).ok();
        // The handlers stand before the launch goes on; a closed channel says that they never will.
        let _ = is_ready.recv();
        Self { stop: Some(stop), thread }
    }
}

async fn watch(
    cancel: Cancel,
    on_resize: impl Fn(),
    mut stopped: oneshot::Receiver<()>,
    ready: std::sync::mpsc::Sender<()>,
) {
    let kinds =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::window_change()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup), Ok(mut resize)] = kinds.map(signal) else {
        return;
    };
    let _ = ready.send(());
    loop {
        tokio::select! {
            _ = interrupt.recv() => cancel.cancel(),
            _ = terminate.recv() => cancel.cancel(),
            _ = hangup.recv() => cancel.cancel(),
            _ = resize.recv() => on_resize(),
            _ = &mut stopped => return,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
