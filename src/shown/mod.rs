//! Text from elsewhere, made fit to be shown: the one home of it.
//!
//! Whatever comes from a manifest, a file's name, a guest, a server or the environment goes through
//! here before it reaches a terminal, a log, a report or a page. What could move a terminal, change
//! the order of what a person reads, or be a command to whoever reads the log, is made visible.

mod stream;

pub use stream::Plain;

use ring::digest::{SHA256, digest};

/// The longest piece of foreign text in a line, in characters.
const LONGEST: usize = 200;

/// One line of text: what is invisible, or moves a terminal or the text around it, is replaced.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_invisible(c) { '\u{fffd}' } else { c }).collect()
}

/// The same for text of several lines, tabs kept.
pub fn lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    text.split('\n').map(|l| line(l.strip_suffix('\r').unwrap_or(l))).collect::<Vec<_>>().join("\n")
}

/// One line of text, cut where it is long.
pub fn printable(text: &str) -> String {
    let cut = text.char_indices().nth(LONGEST).map_or(text.len(), |(i, _)| i);
    let mut out = visible(&text[..cut]);
    if cut < text.len() {
        out.push('…');
    }
    out
}

/// One line of text that a person decides on: where it is cut, or had several lines, its length and its
/// SHA-256 stand behind it, so that no two texts look alike. The whole of it: two texts with the same 16 digits
/// are found in an hour, and a yes to one would be a yes to the other.
pub fn decided_on(text: &str) -> String {
    let shown = printable(text);
    if shown == text {
        return shown;
    }
    let whole = hex(digest(&SHA256, text.as_bytes()).as_ref());
    format!("{shown} ({} characters, SHA-256 {whole})", text.chars().count())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first 16 digits of a text's SHA-256: to tell two texts apart, not to hold one to it.
pub fn short_digest(bytes: &[u8]) -> String {
    hex(&digest(&SHA256, bytes).as_ref()[..8])
}

/// What a program wrote, whose bytes may be anything.
pub fn output(bytes: &[u8]) -> String {
    lines(&String::from_utf8_lossy(bytes))
}

/// Text within backticks: nothing in it ends the code.
pub fn code(text: &str) -> String {
    visible(&text.replace(['\n', '\r'], " ")).replace('`', "ˋ")
}

/// The same in a cell of a table.
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// How a text is written that may end in a log of a CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// As it is.
    Plain,
    /// As JSON.
    Json,
    /// As XML.
    Xml,
}

/// What CI systems take for a command wherever it stands in a line: GitHub and Azure the one, Azure the
/// other.
const COMMANDS: [&str; 2] = ["##[", "##vso["];

/// A text in which no character is invisible, and no line a command to a CI system that reads it in a log.
/// What is broken up or replaced stays visible; JSON and XML mean the same.
///
/// GitHub takes `::` at the beginning of a line, behind blanks too.
pub fn no_commands(text: &str, written: Written) -> std::borrow::Cow<'_, str> {
    let begins = |line: &str| line.trim_start().starts_with("::");
    let hidden = !text.is_ascii() && text.contains(is_invisible);
    let suspect = hidden || COMMANDS.iter().any(|c| text.contains(c));
    if !suspect && (written != Written::Plain || !text.split('\n').any(begins)) {
        return text.into();
    }
    let hash = match written {
        Written::Plain => "#\u{fffd}",
        Written::Json => "\\u0023",
        Written::Xml => "&#35;",
    };
    let mut text = text.to_owned();
    for command in COMMANDS {
        text = text.replace(command, &format!("{hash}{}", &command[1..]));
    }
    match written {
        Written::Plain => text = text.replace(is_invisible, "\u{fffd}"),
        // A program reads the same character, and a person sees that there is one.
        Written::Json => {
            let mut pair = [0; 2];
            let units = |c: char, pair: &mut [u16; 2]| {
                c.encode_utf16(pair).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
            };
            let one = |c: char| if is_invisible(c) { units(c, &mut pair) } else { c.to_string() };
            return text.chars().map(one).collect::<String>().into();
        }
        Written::Xml => {
            let one =
                |c: char| if is_invisible(c) { format!("&#x{:x};", u32::from(c)) } else { c.to_string() };
            return text.chars().map(one).collect::<String>().into();
        }
    }
    let line = |line: &str| {
        if begins(line) { line.replacen("::", ":\u{fffd}:", 1) } else { line.to_owned() }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n").into()
}

/// Characters that nobody sees, or that change the order or the look of their neighbours.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_cut_is_told_apart() {
        let long = |end: &str| "a".repeat(300) + end;
        assert_ne!(decided_on(&long("x")), decided_on(&long("y")));
        assert_ne!(decided_on("a\u{200b}b"), decided_on("a\u{200c}b"));
        assert_eq!(decided_on("plain"), "plain");
    }

    #[test]
    fn no_line_is_a_command_to_a_runner() {
        let hostile = [
            "::error::x",
            "  \t::set-output name=a::b",
            "a ##[error]x",
            "x##vso[task.x]y",
            "a\n::x",
            "###[x",
        ];
        for text in hostile {
            let shown = no_commands(text, Written::Plain);
            for line in shown.lines() {
                let command =
                    line.trim_start().starts_with("::") || COMMANDS.iter().any(|c| line.contains(c));
                assert!(!command, "{line:?}");
            }
        }
        assert_eq!(no_commands("std::fmt::Write\n## [x]", Written::Plain), "std::fmt::Write\n## [x]");
        let json = serde_json::json!({ "a": "##[x] ##vso[y]" });
        let text = json.to_string();
        let shown = no_commands(&text, Written::Json);
        assert!(!shown.contains("##"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), json);
        assert_eq!(no_commands("<a>##[x]</a>", Written::Xml), "<a>&#35;#[x]</a>");
        let json = serde_json::json!({ "a": "x\u{202e}y\u{e0041}é" });
        let text = json.to_string();
        let shown = no_commands(&text, Written::Json);
        assert!(!shown.contains(is_invisible) && shown.contains('é'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), json);
    }

    proptest! {
        #[test]
        fn nothing_shown_moves_a_terminal_or_ends_its_code(text in ".{0,300}") {
            for shown in [visible(&text), printable(&text), decided_on(&text), code(&text), cell(&text)] {
                prop_assert!(!shown.contains(|c: char| c.is_control() || is_invisible(c)), "{shown:?}");
            }
            prop_assert!(!code(&text).contains('`'));
            prop_assert!(!lines(&text).contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
