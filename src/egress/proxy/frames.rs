//! WebSocket frames (RFC 6455, section 5.2), as far as a relay needs to know them.

use super::needles::Needles;
use super::redact::Redactor;
use std::io;
use std::sync::Arc;

/// Output that may wait behind the unfinished beginning of a match.
const WAITING: usize = 64 * 1024;

/// Reads the frames of one direction.
pub(crate) struct Frames {
    /// A client's frames are masked, a server's are not.
    client: bool,
    /// The reserved bit that compression uses may be set.
    compressed: bool,
    head: Vec<u8>,
    /// Payload bytes still to come of the frame whose head was read.
    left: u64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a message, and whether it is the last part.
    Data { last: bool },
    /// A ping, a pong or a close: at most 125 bytes, between the parts of a message.
    Control,
}

/// A piece of the stream.
enum Part<'a> {
    Head(Vec<u8>),
    Payload { bytes: &'a [u8], ends: bool, kind: Kind },
}

impl Frames {
    /// Frames from a client; `compressed` when an extension was agreed on.
    pub(crate) fn of_client(compressed: bool) -> Self {
        Self { client: true, compressed, head: Vec::new(), left: 0, kind: Kind::Control }
    }

    fn of_server() -> Self {
        Self { client: false, ..Self::of_client(false) }
    }

    /// Reads on.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when the bytes are no frames.
    pub(crate) fn check(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while self.next(&mut bytes)?.is_some() {}
        Ok(())
    }

    /// The next piece, or `None` when the bytes are used up.
    fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> io::Result<Option<Part<'a>>> {
        if self.left > 0 {
            if bytes.is_empty() {
                return Ok(None);
            }
            let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            let (payload, rest) = bytes.split_at(n);
            *bytes = rest;
            self.left -= n as u64;
            return Ok(Some(Part::Payload { bytes: payload, ends: self.left == 0, kind: self.kind }));
        }
        while let Some((byte, rest)) = bytes.split_first() {
            *bytes = rest;
            self.head.push(*byte);
            if self.finish_head()? {
                return Ok(Some(Part::Head(std::mem::take(&mut self.head))));
            }
        }
        Ok(None)
    }

    /// Whether the head is whole; then `left` and `kind` are set.
    fn finish_head(&mut self) -> io::Result<bool> {
        let first = self.head[0];
        let (last, reserved, opcode) = (first & 0x80 != 0, first & 0x70, first & 0x0f);
        let control = opcode & 0x08 != 0;
        let allowed = if self.compressed { 0x40 } else { 0 };
        if reserved & !allowed != 0 || !matches!(opcode, 0..=2 | 8..=10) || control && !last {
            return Err(invalid());
        }
        let Some(second) = self.head.get(1) else { return Ok(false) };
        let (masked, short) = (second & 0x80 != 0, second & 0x7f);
        if masked != self.client || control && short > 125 {
            return Err(invalid());
        }
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if self.head.len() < 2 + extended + if masked { 4 } else { 0 } {
            return Ok(false);
        }
        let wide = self.head[2..2 + extended].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        self.left = if extended == 0 { u64::from(short) } else { wide };
        self.kind = if control { Kind::Control } else { Kind::Data { last } };
        if self.left >> 63 != 0 {
            return Err(invalid());
        }
        Ok(true)
    }
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a WebSocket frame")
}

/// Stars a credential in a server's frames, also where a message's parts cut it.
///
/// The end of a part waits for the next part while it may be the beginning of a match; the end of
/// a message never waits.
pub(crate) struct Masker {
    frames: Frames,
    redactor: Redactor,
    /// What cannot go out yet; begins with the first held payload byte.
    waiting: Vec<u8>,
    /// Where in `waiting` the held payload bytes are.
    held: Vec<usize>,
    control: Vec<u8>,
}

impl Masker {
    pub(crate) fn new(needles: Arc<Needles>) -> Self {
        Self {
            frames: Frames::of_server(),
            redactor: Redactor::new(needles),
            waiting: Vec::new(),
            held: Vec::new(),
            control: Vec::new(),
        }
    }

    /// Takes bytes in and gives what may go out.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when the bytes are no frames.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len());
        while let Some(part) = self.frames.next(&mut bytes)? {
            match part {
                Part::Head(head) => {
                    self.waiting.extend_from_slice(&head);
                    // A frame without a payload has no other piece to end with.
                    if self.frames.left == 0 && self.frames.kind == (Kind::Data { last: true }) {
                        self.end_message();
                    }
                }
                Part::Payload { bytes, ends, kind: Kind::Control } => {
                    self.control.extend_from_slice(bytes);
                    if ends {
                        let whole = std::mem::take(&mut self.control);
                        let masked = self.redactor.needles().mask(&whole);
                        self.waiting.extend(masked.unwrap_or(whole));
                    }
                }
                Part::Payload { bytes, ends, kind: Kind::Data { last } } => {
                    self.data(bytes);
                    if ends && last {
                        self.end_message();
                    }
                }
            }
            self.release(&mut out);
        }
        Ok(out)
    }

    fn data(&mut self, bytes: &[u8]) {
        let step = self.redactor.step(bytes);
        for (at, byte) in self.held.iter().zip(&step.before) {
            self.waiting[*at] = *byte;
        }
        let start = self.waiting.len();
        self.waiting.extend_from_slice(step.chunk.as_deref().unwrap_or(bytes));
        let fresh = step.held.min(bytes.len());
        let older = self.held.len() - (step.held - fresh).min(self.held.len());
        self.held.drain(..older);
        self.held.extend(start + bytes.len() - fresh..start + bytes.len());
        self.redactor.hold(self.held.iter().map(|at| self.waiting[*at]).collect());
    }

    fn end_message(&mut self) {
        // What could have gone on does not: it looks as it will now.
        let held = self.redactor.finish();
        for (at, byte) in self.held.drain(..).zip(held) {
            self.waiting[at] = byte;
        }
    }

    /// Moves out what waits for nothing.
    fn release(&mut self, out: &mut Vec<u8>) {
        if self.waiting.len() > WAITING {
            self.end_message();
        }
        let free = self.held.first().copied().unwrap_or(self.waiting.len());
        out.extend(self.waiting.drain(..free));
        for at in &mut self.held {
            *at -= free;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        [&[first, length], payload].concat()
    }

    fn secret() -> String {
        ["sk", "test", "0123456789"].join("-")
    }

    fn run(stream: &[u8], size: usize) -> Vec<u8> {
        let mut masker = Masker::new(Arc::new(Needles::new(&[&secret()])));
        stream.chunks(size).flat_map(|c| masker.push(c).expect("frames")).collect()
    }

    #[test]
    fn a_secret_is_starred_within_and_across_frames_and_in_control_frames() {
        let secret = secret();
        let (a, b) = secret.split_at(5);
        let stars = "*".repeat(secret.len());
        let stream = [
            frame(0x81, format!("x {secret} y").as_bytes()),
            frame(0x01, format!("x {a}").as_bytes()),
            frame(0x89, secret.as_bytes()),
            frame(0x80, format!("{b} y").as_bytes()),
        ]
        .concat();
        let wanted = [
            frame(0x81, format!("x {stars} y").as_bytes()),
            frame(0x01, format!("x {}", &stars[..5]).as_bytes()),
            frame(0x89, stars.as_bytes()),
            frame(0x80, format!("{} y", &stars[5..]).as_bytes()),
        ]
        .concat();
        for size in 1..stream.len() {
            assert_eq!(run(&stream, size), wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn an_escaped_secret_is_starred_across_frames_and_at_the_end_of_a_message() {
        let secret = secret();
        let written: String = secret.chars().map(|c| format!("&#{}", u32::from(c))).collect();
        let (a, b) = written.split_at(6);
        let stars = "*".repeat(written.len());
        let stream = [frame(0x01, a.as_bytes()), frame(0x80, b.as_bytes())].concat();
        let wanted = [frame(0x01, &stars.as_bytes()[..6]), frame(0x80, &stars.as_bytes()[6..])].concat();
        for size in 1..stream.len() {
            assert_eq!(run(&stream, size), wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn the_end_of_a_message_never_waits() {
        let mut masker = Masker::new(Arc::new(Needles::new(&[&secret()])));
        let whole = frame(0x81, b"ends like sk-te");
        assert_eq!(masker.push(&whole).expect("frames"), whole);
        let part = frame(0x01, b"ends like sk-te");
        assert_eq!(masker.push(&part).expect("frames"), part[..part.len() - 5]);
        let end = frame(0x80, b"");
        assert_eq!(masker.push(&end).expect("frames"), [b"sk-te", end.as_slice()].concat());
    }

    #[test]
    fn what_is_no_frame_of_a_client_is_told_apart() {
        for bytes in
            [&b"GET / HTTP/1.1"[..], b"SSH-2.0", &[0x81, 0x05], &[0x83, 0x80], &[0xc1, 0x80], &[0x09, 0x80]]
        {
            assert!(Frames::of_client(false).check(bytes).is_err(), "{bytes:?}");
        }
        let ok = [0x81, 0x82, 1, 2, 3, 4, 9, 9, 0x88, 0x80, 1, 2, 3, 4];
        assert!(Frames::of_client(false).check(&ok).is_ok());
        assert!(Frames::of_client(true).check(&[0xc1, 0x80, 1, 2, 3, 4]).is_ok());
    }

    proptest! {
        #[test]
        fn frames_without_the_secret_pass_unchanged(
            payloads in proptest::collection::vec(("[skte-]{0,40}", any::<bool>()), 1..12), size in 1usize..30
        ) {
            let stream: Vec<u8> = payloads
                .iter()
                .flat_map(|(text, last)| frame(if *last { 0x80 } else { 0 }, text.as_bytes()))
                .chain(frame(0x80, b""))
                .collect();
            prop_assert_eq!(run(&stream, size), stream);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1usize..30) {
            let mut masker = Masker::new(Arc::new(Needles::new(&[&secret()])));
            for chunk in bytes.chunks(size) {
                if masker.push(chunk).is_err() {
                    break;
                }
            }
        }
    }
}
