//! Output as it comes, in pieces: a sequence may be cut between two of them.

use vte::{Params, Parser, Perform};

/// Takes what steers a terminal out of a guest's output: everything but text, line ends, tabs and
/// colours. For output of a task on a terminal, where an answer would be typed into the host's shell.
#[derive(Default)]
pub struct Plain {
    parser: Parser,
    /// The beginning of a character whose end has not come yet.
    held: Vec<u8>,
}

impl Plain {
    /// The part of `bytes` that is safe to show, as UTF-8; what is cut in two is held until its end.
    pub fn filter(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut safe = Safe { out: Vec::with_capacity(bytes.len()) };
        let bytes = [std::mem::take(&mut self.held), bytes.to_vec()].concat();
        // The parser loses the character behind one that was cut in two, so it gets whole ones alone.
        let mut rest = bytes.as_slice();
        while let Err(error) = str::from_utf8(rest) {
            let (text, other) = rest.split_at(error.valid_up_to());
            self.parser.advance(&mut safe, text);
            let Some(length) = error.error_len() else {
                self.held = other.to_vec();
                return safe.out;
            };
            self.parser.advance(&mut safe, "\u{fffd}".as_bytes());
            rest = &other[length..];
        }
        self.parser.advance(&mut safe, rest);
        safe.out
    }
}

/// Writes down what is safe of what the parser finds.
struct Safe {
    out: Vec<u8>,
}

impl Perform for Safe {
    fn print(&mut self, c: char) {
        // Among them the controls U+0080 to U+009F, which some terminals obey.
        if !c.is_control() {
            self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn execute(&mut self, byte: u8) {
        if matches!(byte, b'\n' | b'\t' | b'\r') {
            self.out.push(byte);
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        if action != 'm' || !intermediates.is_empty() || ignore {
            return;
        }
        let one = |param: &[u16]| param.iter().map(u16::to_string).collect::<Vec<_>>().join(":");
        let all: Vec<_> = params.iter().map(one).collect();
        self.out.extend_from_slice(format!("\x1b[{}m", all.join(";")).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;
    use proptest::prelude::*;

    fn shown(text: &[u8], size: usize) -> Vec<u8> {
        let mut plain = Plain::default();
        text.chunks(size).flat_map(|chunk| plain.filter(chunk)).collect()
    }

    #[test]
    fn colours_pass_and_everything_that_a_terminal_answers_does_not() {
        let text = b"a\x1b[31mred\x1b[0m\x1b[6n\x1b]52;c;cm0=\x07\x1b[21tb\x1bP$q\x1b\\c\x1b(Bd\x08\xc2\x9b\xc3\xa9\n\x1b[38:2::1:2:3mx";
        let wanted = "a\x1b[31mred\x1b[0mbcd\u{e9}\n\x1b[38:2:0:1:2:3mx";
        assert_eq!(String::from_utf8_lossy(&shown(text, 1)), wanted);
        assert_eq!(shown(b"\xc2\x1b[6n", 4), "\u{fffd}".as_bytes());
    }

    proptest! {
        /// However it is cut, what comes out is UTF-8 in which nothing but a colour begins with a control.
        #[test]
        fn no_bytes_steer_a_terminal(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        &b"\x1b"[..], b"[", b"]", b"P", b"\x9b", b"\xc2", b"\x9d", b"\x07", b"\\", b"6n", b"31m", b"?1m",
                        b";", b":", b"\x18", b"\x90", b"\xe2\x80", b"#8", b"c", b">m", b" m",
                    ]).prop_map(<[u8]>::to_vec),
                    prop::collection::vec(any::<u8>(), 0..4),
                ],
                0..24,
            ),
            size in 1usize..6,
        ) {
            let text = parts.concat();
            let out = String::from_utf8(shown(&text, size)).expect("UTF-8");
            for (at, c) in out.char_indices().filter(|(_, c)| c.is_control()) {
                let colour = || {
                    let rest = out[at + 1..].strip_prefix('[')?;
                    let end = rest.find(|c: char| !(c.is_ascii_digit() || ";:".contains(c)))?;
                    rest[end..].starts_with('m').then_some(())
                };
                prop_assert!("\n\t\r".contains(c) || c == '\x1b' && colour().is_some(), "{out:?}");
            }
            prop_assert_eq!(out.into_bytes(), shown(&text, text.len().max(1)));
        }

        /// Text and colours come through as they are, however they are cut.
        #[test]
        fn text_is_kept(text in "([a-zé漢🙂 \\n\\t]|\x1b\\[[1-9](;3[0-7])?m){0,30}", size in 1usize..6) {
            prop_assert_eq!(String::from_utf8(shown(text.as_bytes(), size)).expect("UTF-8"), text);
        }
    }
}
