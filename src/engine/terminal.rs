//! The agent's terminal: a pair of our own between the guest and the host's.
//!
//! The guest never holds the host's terminal, so what it pushes into its own input (TIOCSTI)
//! comes back to itself. What the host's terminal answers to the guest's queries is read away
//! before the shell behind us can see it.

use super::attach::Hub;
use super::child::{Prepared, Stopped, exit_code, nonblocking, pid};
use super::raw_mode::Raw;
use super::ui::Cancel;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{PidfdFlags, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{tcgetwinsize, tcsetwinsize};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Stdio};
use std::sync::Arc;

/// The two ends of a terminal of our own.
pub(crate) struct Pty {
    master: Arc<OwnedFd>,
    slave: OwnedFd,
}

impl Pty {
    pub(crate) fn open() -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { master: Arc::new(master), slave })
    }

    /// Where what is typed goes in.
    pub(crate) fn keyboard(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.master)
    }

    /// Gives our terminal the size of the host's; also what a change of size calls.
    pub(crate) fn sizer(&self) -> impl Fn() + Send + 'static {
        let master = Arc::clone(&self.master);
        move || {
            if let Ok(size) = tcgetwinsize(io::stdin()) {
                let _ = tcsetwinsize(&*master, size);
            }
        }
    }
}

/// Runs a program in the terminal until it ends, the host's terminal relayed to it.
pub(crate) fn run(
    mut prepared: Prepared,
    pty: Pty,
    hub: Option<&Hub>,
    cancel: &Cancel,
) -> Result<u8, Stopped> {
    let Pty { master, slave } = pty;
    prepared.command.stdin(Stdio::from(slave.try_clone()?));
    prepared.command.stdout(Stdio::from(slave.try_clone()?)).stderr(Stdio::from(slave));
    prepared.before.session = true;
    prepared.before.terminal = true;
    let raw = Raw::enter()?;
    let mut child = prepared.spawn()?;
    let result = relay(&mut child, &master, hub, cancel);
    if result.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    drop(raw);
    result
}

/// Input that the guest has not taken yet; above this the host's terminal waits.
const PENDING: usize = 64 * 1024;

fn relay(child: &mut Child, master: &OwnedFd, hub: Option<&Hub>, cancel: &Cancel) -> Result<u8, Stopped> {
    let pidfd = pidfd_open(pid(child), PidfdFlags::empty()).map_err(io::Error::from)?;
    nonblocking(master)?;
    let stdin = io::stdin();
    let (mut pending, mut reading) = (Vec::new(), true);
    loop {
        let mut wanted = PollFlags::IN;
        if !pending.is_empty() {
            wanted |= PollFlags::OUT;
        }
        let event = cancel.event();
        let mut fds = vec![PollFd::new(&pidfd, PollFlags::IN), PollFd::new(master, wanted)];
        fds.extend(event.as_ref().map(|e| PollFd::new(e, PollFlags::IN)));
        if reading && pending.len() < PENDING {
            fds.push(PollFd::new(&stdin, PollFlags::IN));
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let ended = !fds[0].revents().is_empty();
        let typed = fds.get(2 + usize::from(event.is_some())).is_some_and(|fd| !fd.revents().is_empty());
        drop(fds);
        if typed {
            reading = read_input(stdin.as_fd(), &mut pending)?;
        }
        write_input(master, &mut pending)?;
        show_output(master, hub)?;
        if ended {
            let code = exit_code(child.wait()?);
            tracing::debug!(pid = child.id(), code, "the program ended");
            return Ok(code);
        }
        if cancel.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
    }
}

fn read_input(stdin: BorrowedFd<'_>, pending: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    match rustix::io::read(stdin, &mut buffer) {
        Ok(n) => {
            pending.extend_from_slice(&buffer[..n]);
            Ok(n > 0)
        }
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(true),
        // The host's terminal is gone; the hang-up signal cancels.
        Err(rustix::io::Errno::IO) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn write_input(master: &OwnedFd, pending: &mut Vec<u8>) -> io::Result<()> {
    while !pending.is_empty() {
        match rustix::io::write(master, pending) {
            Ok(n) => drop(pending.drain(..n)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(()),
            Err(rustix::io::Errno::IO) => pending.clear(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn show_output(master: &OwnedFd, hub: Option<&Hub>) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let mut out = io::stdout();
    loop {
        match rustix::io::read(master, &mut buffer) {
            Ok(n) if n > 0 => {
                out.write_all(&buffer[..n])?;
                out.flush()?;
                hub.inspect(|hub| hub.show(&buffer[..n]));
            }
            Err(rustix::io::Errno::INTR) => {}
            // Nothing now; or no program holds the other end.
            Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::IO) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
