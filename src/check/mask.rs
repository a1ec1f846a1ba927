//! Credentials overwritten before anything is shown, byte for byte, so that spans still fit.

use crate::manifest::{LOGIN_VARIABLES, secrets_in, speaks_of_credential};
use std::ops::Range;

/// A manifest's text as a report may draw it.
///
/// Overwritten are: whatever looks like a credential, the literal value of a key that speaks of
/// one (`DB_PASSWORD: hunter2`), what stands behind `Bearer`, and the marks with which a log's
/// reader would take a line for a command of the CI service.
pub(crate) fn masked(text: &str) -> String {
    let words = masked_words(text);
    let mut out = String::with_capacity(text.len());
    for line in words.split_inclusive('\n') {
        literal_values(line, &mut out);
    }
    out
}

/// The same for a sentence: the keys that it speaks of have no values to hide.
pub(crate) fn masked_words(text: &str) -> String {
    let secrets = secrets_in(text).into_iter().map(|s| s.range).chain(behind_schemes(text));
    without_commands(without_c1(mask(text, secrets)))
}

/// Overwrites ranges of a text, line breaks kept.
pub(crate) fn mask(text: &str, ranges: impl Iterator<Item = Range<usize>>) -> String {
    let mut out = text.to_owned();
    for range in ranges {
        if let Some(part) = out.get(range.clone()) {
            let stars: String = part.chars().map(star).collect();
            out.replace_range(range, &stars);
        }
    }
    out
}

/// A star of as many bytes as the character that it covers: neither offsets nor columns move.
fn star(c: char) -> char {
    if c == '\n' { c } else { ['*', '×', '∗', '🟉'][c.len_utf8() - 1] }
}

/// `Authorization: Bearer …`: what follows the scheme, if it is long enough for a credential.
fn behind_schemes(text: &str) -> impl Iterator<Item = Range<usize>> {
    let schemes = ["Bearer ", "bearer ", "Basic ", "basic "].into_iter();
    let places = schemes.flat_map(move |s| text.match_indices(s).map(move |(i, _)| i + s.len()));
    let token = |c: char| c.is_ascii_alphanumeric() || "-_./+=".contains(c);
    places
        .map(move |at| at..at + text[at..].find(|c| !token(c)).unwrap_or(text.len() - at))
        .filter(|range| range.len() >= 16)
}

/// The control characters of ISO 6429 (`\u{9b}` begins an escape sequence): two bytes each, and so is
/// what stands for them.
fn without_c1(text: String) -> String {
    let is_c1 = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    if text.contains(is_c1) { text.replace(is_c1, "¿") } else { text }
}

/// `##[command]` and `##vso[command]` are obeyed by CI services wherever they stand in a log.
fn without_commands(text: String) -> String {
    if text.contains("##") { text.replace("##[", "#-[").replace("##vso[", "#-vso[") } else { text }
}

/// Copies a line of YAML, overwriting literal values whose key speaks of a credential.
fn literal_values(line: &str, out: &mut String) {
    let mut rest = line;
    while let Some(colon) = rest.find(": ") {
        let (before, value) = rest.split_at(colon + 2);
        out.push_str(before);
        let key = before[..colon].trim_end_matches(['"', '\'']);
        let name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let key = &key[key.trim_end_matches(name).len()..];
        // These hold the name of a variable; a credential pasted there is seen by its look.
        let holds_name = key == "token_ref" || LOGIN_VARIABLES.contains(&key);
        let padding = value.len() - value.trim_start_matches(' ').len();
        let literal = literal_length(&value[padding..]);
        if !holds_name && speaks_of_credential(key) && literal > 0 {
            out.push_str(&value[..padding]);
            out.extend(value[padding..padding + literal].chars().map(star));
            rest = &value[padding + literal..];
        } else {
            rest = value;
        }
    }
    out.push_str(rest);
}

/// How long the scalar at the start of a text is; none for what holds no literal: a reference to
/// the host, a question, a collection, an alias, a boolean, a comment.
fn literal_length(value: &str) -> usize {
    let inside = value.trim_start_matches(['"', '\'']);
    if inside.starts_with("${") || inside.starts_with('?') {
        return 0;
    }
    let (length, text) = match value.chars().next() {
        None | Some('{' | '[' | '*' | '&' | '|' | '>' | '#' | '!' | '\n' | '\r') => return 0,
        Some(quote @ ('"' | '\'')) => {
            let end = value[1..].find(quote).map_or(value.trim_end().len(), |i| i + 2);
            (end, "")
        }
        Some(_) => {
            let plain = value.find([',', '}', ']', '\n', '\r']).unwrap_or(value.len());
            let plain = value[..plain].find(" #").unwrap_or(plain);
            let plain = value[..plain].trim_end();
            (plain.len(), plain)
        }
    };
    if ["true", "false", "null", "~"].contains(&text) { 0 } else { length }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_credential_is_overwritten_and_no_span_moves() {
        let token = ["ghp", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"].join("_");
        for (text, seen) in [
            (format!("a: {token}\n"), "a: ***"),
            (format!("# {token}, see\n"), "# ***"),
            ("h: \"Bearer abcdefghijklmnop\"".to_owned(), "Bearer ***"),
            ("env: {DB_PASSWORD: hunter2, A: b}".to_owned(), "{DB_PASSWORD: *******, A: b}"),
            ("  \"API_KEY\": 'it is open' # why".to_owned(), "\"API_KEY\": ************ # why"),
            ("  SECRET: pâté 漢🙂".to_owned(), "SECRET: *×*×*∗🟉"),
            ("é: 1, éKEY: x".to_owned(), "é: 1, éKEY: *"),
        ] {
            let shown = masked(&text);
            assert_eq!(shown.len(), text.len(), "{shown}");
            assert_eq!(shown.chars().count(), text.chars().count(), "{shown}");
            assert!(shown.contains(seen), "{shown}");
        }
    }

    #[test]
    fn names_references_and_questions_stay_readable() {
        for text in [
            "auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}",
            "  auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN",
            "  GH_TOKEN: \"${GH_TOKEN}\"",
            "  API_KEY: ?paste your key",
            "  forward_host_credentials: true",
            "  SECRETS: [a, b]",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn no_line_is_a_command_to_a_ci_service() {
        assert_eq!(masked("a: '##[add-path]x'"), "a: '#-[add-path]x'");
        assert_eq!(masked_words("##vso[task.setvariable]"), "#-vso[task.setvariable]");
        assert_eq!(masked("a \u{9b}31m é"), "a ¿31m é");
    }
}
