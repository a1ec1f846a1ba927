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

/// One line of text that a person decides on: where it is cut, or had several lines, its length and the
/// beginning of its SHA-256 stand behind it, so that no two texts look alike.
pub fn decided_on(text: &str) -> String {
    let shown = printable(text);
    if shown == text {
        return shown;
    }
    format!("{shown} ({} characters, SHA-256 {})", text.chars().count(), short_digest(text.as_bytes()))
}

/// The first 16 digits of a text's SHA-256: to tell two texts apart, not to hold one to it.
pub fn short_digest(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref()[..8].iter().map(|b| format!("{b:02x}")).collect()
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

/// Text for a log that a CI system reads line by line: nothing in it is a command to the system.
///
/// GitHub takes `::` after blanks and `##[` anywhere in a line, Azure `##vso[` and `##[`; GitLab takes
/// `section_start:` behind a carriage return, which is no visible text. A word joiner's place is taken by
/// a visible character, so that a reader sees what was done.
pub fn for_ci(text: &str) -> String {
    let line = |line: &str| {
        let inner = line.replace("##[", "#\u{fffd}#[").replace("##vso[", "#\u{fffd}#vso[");
        let trimmed = inner.trim_start();
        match trimmed.strip_prefix("::") {
            Some(rest) => format!("{}:\u{fffd}:{rest}", &inner[..inner.len() - trimmed.len()]),
            None => inner,
        }
    };
    lines(text).split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Characters that nobody sees, or that change the order or the look of their neighbours.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
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
        for hostile in [
            "::error::x",
            "  \t::set-output name=a::b",
            "a ##[error]x",
            "x##vso[task.x]y",
            "a\n::x",
            "\r::x",
            "a\u{2028}::b",
        ] {
            let shown = for_ci(hostile);
            for line in shown.lines() {
                assert!(
                    !line.trim_start().starts_with("::") && !line.contains("##[") && !line.contains("##vso["),
                    "{line:?}"
                );
            }
        }
        assert_eq!(for_ci("std::fmt::Write"), "std::fmt::Write");
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
