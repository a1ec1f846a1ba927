//! A second look at a running agent: its output from now on (and the last of it), and, where it
//! has a terminal, its keyboard.
//!
//! The launcher listens on a socket in the run's own folder, which no guest and no other user sees.
//! Both ways speak frames: one byte of kind, four of length (big-endian), the bytes.

use super::error::Problem;
use super::raw_mode::Raw;
use super::state::{Record, StateDir};
use super::tree::open_root;
use crate::shown::Plain;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const OUTPUT: u8 = b'o';
const INPUT: u8 = b'i';
const SIZE: u8 = b's';
const EXIT: u8 = b'x';
/// Of the output so far, as much is shown to whoever attaches.
const SCROLLBACK: usize = 64 * 1024;
const LONGEST_FRAME: usize = 64 * 1024;
/// Ctrl-], as in telnet.
const DETACH: u8 = 0x1d;

/// The launcher's side.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Where the agent has no terminal, nobody answers for it: what would make a terminal answer is
    /// taken out.
    plain: Option<Plain>,
    scrollback: VecDeque<u8>,
    clients: Vec<UnixStream>,
    /// Shut down at the end, so that the thread that waits on it ends too.
    listener: Option<UnixListener>,
}

impl Hub {
    /// Listens in the run's folder; `terminal` takes what an attached person types.
    pub(crate) fn open(run: &Path, terminal: Option<Arc<OwnedFd>>) -> io::Result<Self> {
        let plain = terminal.is_none().then(Plain::default);
        let hub = Self(Arc::new(Mutex::new(State { plain, ..State::default() })));
        let dir = open_root(run)?;
        let listener = UnixListener::bind(short(&dir))?;
        hub.0.lock().unwrap_or_else(PoisonError::into_inner).listener = Some(listener.try_clone()?);
        let shared = hub.clone();
        thread::Builder::new().name("attach".into()).spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let _ = shared.welcome(client, terminal.clone());
            }
        })?;
        Ok(hub)
    }

    fn welcome(&self, client: UnixStream, terminal: Option<Arc<OwnedFd>>) -> io::Result<()> {
        // A client that does not read must not hold the agent up.
        client.set_write_timeout(Some(Duration::from_millis(200)))?;
        let mut reader = client.try_clone()?;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut client = client;
        let so_far: Vec<u8> = state.scrollback.iter().copied().collect();
        so_far.chunks(LONGEST_FRAME).try_for_each(|part| send(&mut client, OUTPUT, part))?;
        state.clients.push(client);
        thread::Builder::new().spawn(move || {
            while let Ok((kind, bytes)) = receive(&mut reader) {
                let Some(terminal) = &terminal else { continue };
                match kind {
                    INPUT => type_in(terminal, &bytes),
                    SIZE => set_size(terminal, &bytes),
                    _ => {}
                }
            }
        })?;
        Ok(())
    }

    /// Shows a piece of the agent's output to all who are attached.
    pub(crate) fn show(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let filtered = state.plain.as_mut().map(|plain| plain.filter(bytes));
        let bytes = filtered.as_deref().unwrap_or(bytes);
        state.scrollback.extend(bytes);
        let excess = state.scrollback.len().saturating_sub(SCROLLBACK);
        state.scrollback.drain(..excess);
        state.clients.retain_mut(|client| send(client, OUTPUT, bytes).is_ok());
    }

    /// Tells all who are attached that the agent has ended.
    pub(crate) fn end(&self, code: u8) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = state.listener.take() {
            let _ = rustix::net::shutdown(&listener, rustix::net::Shutdown::Both);
        }
        for mut client in state.clients.drain(..) {
            let _ = send(&mut client, EXIT, &[code]);
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// The socket by way of its open folder: a state folder's path may be too long for a socket's.
fn short(dir: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/attach.sock", dir.as_raw_fd()))
}

fn type_in(terminal: &OwnedFd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::write(terminal, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {
                let _ = poll(&mut [PollFd::new(terminal, PollFlags::OUT)], None);
            }
            Err(_) => return,
        }
    }
}

fn set_size(terminal: &OwnedFd, bytes: &[u8]) {
    if let [r1, r2, c1, c2] = *bytes {
        let (rows, columns) = (u16::from_be_bytes([r1, r2]), u16::from_be_bytes([c1, c2]));
        let _ = tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 });
    }
}

fn send(to: &mut UnixStream, kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = vec![kind];
    frame.extend(length.to_be_bytes());
    frame.extend(bytes);
    to.write_all(&frame)
}

fn receive(from: &mut UnixStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > LONGEST_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok((head[0], bytes))
}

/// How a look at a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// The agent ended with this code.
    Ended(u8),
    /// The person left (Ctrl-]); the agent goes on.
    Detached,
}

/// Shows a run's output in `out`; with `keyboard`, this process's terminal is the agent's too.
///
/// # Errors
/// When the run cannot be reached.
pub fn attach(
    state: &StateDir,
    record: &Record,
    keyboard: bool,
    out: &mut dyn Write,
) -> Result<Attached, Problem> {
    let failed = |e: io::Error| Problem::io(format!("the run {} cannot be joined", record.id), e);
    let dir = open_root(&state.runs().join(&record.id)).map_err(failed)?;
    let mut agent = UnixStream::connect(short(&dir)).map_err(failed)?;
    let stdin = io::stdin();
    // Without this terminal's keyboard, what it answers would be typed into the shell.
    let mut plain = (!keyboard).then(Plain::default);
    let raw = keyboard.then(Raw::enter).transpose().map_err(failed)?;
    if let (Some(_), Ok(size)) = (&raw, tcgetwinsize(&stdin)) {
        let [rows, columns] = [size.ws_row.to_be_bytes(), size.ws_col.to_be_bytes()];
        send(&mut agent, SIZE, &[rows, columns].concat()).map_err(failed)?;
    }
    loop {
        let mut fds = vec![PollFd::new(&agent, PollFlags::IN)];
        if raw.is_some() {
            fds.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
        let (shown, typed) =
            (!fds[0].revents().is_empty(), fds.get(1).is_some_and(|fd| !fd.revents().is_empty()));
        drop(fds);
        if shown {
            match receive(&mut agent) {
                Ok((OUTPUT, bytes)) => {
                    let filtered = plain.as_mut().map(|plain| plain.filter(&bytes));
                    let bytes = filtered.as_deref().unwrap_or(&bytes);
                    out.write_all(bytes).and_then(|()| out.flush()).map_err(failed)?;
                }
                Ok((EXIT, code)) => return Ok(Attached::Ended(code.first().copied().unwrap_or(1))),
                Ok(_) => {}
                // The launcher was killed.
                Err(_) => return Ok(Attached::Ended(137)),
            }
        }
        if typed {
            let mut buffer = [0; 4096];
            let n = rustix::io::read(&stdin, &mut buffer).map_err(|e| failed(e.into()))?;
            if n == 0 || buffer[..n].contains(&DETACH) {
                return Ok(Attached::Detached);
            }
            send(&mut agent, INPUT, &buffer[..n]).map_err(failed)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_without_a_terminal_makes_nobodys_answer() {
        let dir = tempfile::tempdir().expect("a folder");
        let hub = Hub::open(dir.path(), None).expect("a hub");
        hub.show(b"before\x1b[6n");
        let root = open_root(dir.path()).expect("opened");
        let mut client = UnixStream::connect(short(&root)).expect("joined");
        let (_, so_far) = receive(&mut client).expect("the scrollback");
        // A sequence may come in two pieces.
        hub.show(b"\x1b]52;c;");
        hub.show(b"eA==\x07after\x1b[31mred");
        let mut seen = so_far;
        while !seen.ends_with(b"red") {
            seen.extend(receive(&mut client).expect("output").1);
        }
        assert_eq!(String::from_utf8_lossy(&seen), "beforeafter\u{1b}[31mred");
        hub.end(0);
    }
}
