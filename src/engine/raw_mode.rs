//! The host's terminal while an agent draws in it.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};
use std::io::{self, Write};

/// The host's terminal without line editing; its own settings come back when this is dropped.
pub(crate) struct Raw(Termios);

impl Raw {
    pub(crate) fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

/// Leaves what a full-screen program that died may have left on: the alternate screen, the hidden
/// cursor, mouse, focus and paste reports, the keyboard protocols. The cursor is saved first: outside
/// the alternate screen, leaving it puts the cursor where it was saved last, above what was printed.
const RESET: &[u8] =
    b"\x1b7\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[>4m\x1b[0m";
/// Every terminal answers this query; the answers come in order, so it is behind all others.
const QUERY: &[u8] = b"\x1b[c";
/// How long an answer may take over a slow line.
const ANSWER_MS: i64 = 500;

impl Drop for Raw {
    fn drop(&mut self) {
        let mut out = io::stdout();
        let _ = out.write_all(RESET).and_then(|()| out.write_all(QUERY)).and_then(|()| out.flush());
        read_answers();
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Reads away what the terminal answers, until it has answered our own query.
fn read_answers() {
    let stdin = io::stdin();
    let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: ANSWER_MS * 1_000_000 };
    let mut seen = Vec::new();
    while poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&wait)).is_ok_and(|n| n > 0) {
        let mut buffer = [0; 1024];
        match rustix::io::read(&stdin, &mut buffer) {
            Ok(n) if n > 0 => seen.extend_from_slice(&buffer[..n]),
            _ => return,
        }
        if seen.windows(3).any(|w| w == b"\x1b[?") && seen.last() == Some(&b'c') {
            return;
        }
    }
}
