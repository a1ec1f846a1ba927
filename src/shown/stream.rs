//! Output as it comes, in pieces: a sequence may be cut between two of them.

/// Takes what steers a terminal out of a guest's output: everything but text, line ends, tabs and
/// colours. For output of a task on a terminal, where an answer would be typed into the host's shell.
#[derive(Debug, Default)]
pub struct Plain {
    state: State,
    held: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Control,
    /// A string (OSC, DCS, APC, PM, SOS), up to BEL or ST.
    String,
    StringEscape,
    /// The first byte of a two-byte character.
    Lead,
}

impl Plain {
    /// The part of `bytes` that is safe to show; a sequence cut in two is held until its end.
    pub fn filter(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.state = self.step(byte, &mut out);
        }
        out
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match (self.state, byte) {
            (State::Text, 0x1b) => State::Escape,
            // The controls U+0080 to U+009F begin with this byte in UTF-8.
            (State::Text, 0xc2) => State::Lead,
            (State::Lead, 0x80..=0x9f) => State::Text,
            (State::Lead, _) => {
                out.extend_from_slice(&[0xc2, byte]);
                State::Text
            }
            (State::Text, b'\n' | b'\t' | b'\r' | 0x20..=0x7e | 0x80..) => {
                out.push(byte);
                State::Text
            }
            (State::Text, _) => State::Text,
            (State::Escape, b'[') => {
                self.held.clear();
                State::Control
            }
            (State::Escape, b']' | b'P' | b'_' | b'^' | b'X') => State::String,
            // `ESC ( B` and its kind: the byte after an intermediate belongs to it.
            (State::Escape, 0x20..=0x2f) => State::Escape,
            (State::Escape, 0x1b) => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Control, 0x40..=0x7e) => {
                let plain = self.held.iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b':'));
                if byte == b'm' && plain {
                    out.extend_from_slice(b"\x1b[");
                    out.append(&mut self.held);
                    out.push(b'm');
                }
                State::Text
            }
            (State::Control, 0x1b) => State::Escape,
            (State::Control, _) => {
                if self.held.len() < 64 {
                    self.held.push(byte);
                }
                State::Control
            }
            (State::String, 0x07) => State::Text,
            (State::String, 0x1b) => State::StringEscape,
            (State::String, _) => State::String,
            (State::StringEscape, b'\\') => State::Text,
            (State::StringEscape, 0x1b) => State::StringEscape,
            (State::StringEscape, _) => State::String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;

    #[test]
    fn colours_pass_and_everything_that_a_terminal_answers_does_not() {
        let mut plain = Plain::default();
        let text = b"a\x1b[31mred\x1b[0m\x1b[6n\x1b]52;c;cm0=\x07\x1b[21tb\x1bP$q\x1b\\c\x1b(Bd\x08\xc2\x9b\xc3\xa9\n";
        let shown: Vec<u8> = text.chunks(1).flat_map(|chunk| plain.filter(chunk)).collect();
        assert_eq!(String::from_utf8_lossy(&shown), "a\x1b[31mred\x1b[0mbcd\u{e9}\n");
    }
}
