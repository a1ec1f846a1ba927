//! Running a program to its end: its output passed on as it comes, cancelled at any moment.

use super::sys::Before;
use super::ui::Cancel;
use crate::shown::output;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use tracing::debug;

/// A program ready to run in the guest (or beside it), and what its process does first.
pub(crate) struct Prepared {
    pub command: Command,
    pub before: Before,
    /// What [`run`] gives it to read; nothing where there is none.
    pub input: Option<File>,
}

impl Prepared {
    pub(crate) fn new(command: Command) -> Self {
        Self { command, before: Before::default(), input: None }
    }

    pub(crate) fn spawn(mut self) -> io::Result<Child> {
        self.before.apply(&mut self.command)?;
        let program = self.command.get_program().to_owned();
        let child = self.command.spawn();
        match &child {
            Ok(child) => debug!(program = name(Some(&program)), pid = child.id(), "the program begins"),
            Err(error) => {
                debug!(program = name(Some(&program)), why = %error.kind(), "the program does not start");
            }
        }
        child
    }
}

/// A program as it is logged: its name, and no argument, which may be a prompt or hold a secret.
pub(crate) fn name<T: AsRef<OsStr>>(program: Option<&T>) -> String {
    let path = program.map(|program| Path::new(program.as_ref()));
    path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Why a program did not run to its end.
#[derive(Debug)]
pub(crate) enum Stopped {
    Cancelled,
    Failed(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Bytes of a program's output that are kept for an error message.
const TAIL: usize = 4096;

/// Runs a program without a terminal; both its outputs go line by line to `on_line`.
/// Gives the exit code and the end of the output.
pub(crate) fn run(
    mut prepared: Prepared,
    cancel: &Cancel,
    mut on_line: impl FnMut(&str),
) -> Result<(u8, String), Stopped> {
    let (reader, writer) = io::pipe()?;
    let input = prepared.input.take().map_or_else(Stdio::null, Stdio::from);
    prepared.command.stdin(input).stdout(writer.try_clone()?).stderr(writer);
    prepared.before.session = true;
    // Our own ends of the pipe go with the command.
    let mut child = prepared.spawn()?;
    let (mut tail, mut line) = (Vec::new(), Vec::new());
    let mut sink = |bytes: &[u8]| {
        tail.extend_from_slice(bytes);
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
        for byte in bytes {
            if *byte == b'\n' || line.len() > TAIL {
                on_line(&output(&line));
                line.clear();
            } else {
                line.push(*byte);
            }
        }
    };
    let code = watch(&mut child, &mut [(reader, &mut sink)], cancel)?;
    Ok((code, output(&tail).trim().to_owned()))
}

/// One output of a program, and where what comes out of it goes.
pub(crate) type Output<'a> = (PipeReader, &'a mut dyn FnMut(&[u8]));

/// Passes output on until the program has ended; kills it when cancelled.
pub(crate) fn watch(child: &mut Child, outputs: &mut [Output<'_>], cancel: &Cancel) -> Result<u8, Stopped> {
    let pidfd = pidfd_open(pid(child), PidfdFlags::empty()).map_err(io::Error::from)?;
    for (reader, _) in outputs.iter() {
        nonblocking(reader)?;
    }
    let mut open = vec![true; outputs.len()];
    loop {
        let mut fds = vec![PollFd::new(&pidfd, PollFlags::IN)];
        let event = cancel.event();
        fds.extend(event.as_ref().map(|e| PollFd::new(e, PollFlags::IN)));
        fds.extend(
            outputs.iter().zip(&open).filter(|(_, o)| **o).map(|((r, _), _)| PollFd::new(r, PollFlags::IN)),
        );
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let ended = !fds[0].revents().is_empty();
        drop(fds);
        for ((reader, sink), open) in outputs.iter_mut().zip(&mut open).filter(|(_, o)| **o) {
            *open = drain(reader, sink)?;
        }
        if ended {
            let code = exit_code(child.wait()?);
            debug!(pid = child.id(), code, "the program ended");
            return Ok(code);
        }
        if cancel.is_cancelled() {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Stopped::Cancelled);
        }
    }
}

/// Reads what is there; whether more may come.
fn drain(reader: &mut PipeReader, sink: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(n) => sink(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

pub(crate) fn nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(&fd)?;
    Ok(rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK)?)
}

pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// The code that a shell would report: 128 and the signal's number for a killed program.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}
