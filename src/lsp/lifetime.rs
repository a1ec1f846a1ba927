//! The server does not outlive its editor.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open, test_kill_process};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the process is looked for where the kernel does not tell of its end.
const INTERVAL: Duration = Duration::from_secs(5);

/// Tells when the process with an id has ended.
pub(super) fn watch(process: u32, gone: mpsc::Sender<()>) {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return };
    // A thread that sleeps in the kernel: it costs nothing until the process ends. Without it the
    // end of standard input still ends the server.
    let watcher = std::thread::Builder::new().name("lsp-parent".to_owned()).spawn(move || {
        wait_for(pid);
        let _ = gone.blocking_send(());
    });
    drop(watcher);
}

fn wait_for(pid: Pid) {
    // The descriptor becomes readable when the process ends.
    if let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty())
        && poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None).is_ok()
    {
        return;
    }
    // A process of another user answers with a refusal, and is alive all the same.
    while test_kill_process(pid) != Err(rustix::io::Errno::SRCH) {
        std::thread::sleep(INTERVAL);
    }
}
