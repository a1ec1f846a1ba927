//! The one spelling of a request's path, and what makes a path one that servers read in two ways.
//!
//! A path term is only as good as the agreement with the server on what the path is. Servers and
//! the programs before them decode once or twice, cut parameters off, fold similar characters and resolve
//! dots, in any order. So a path that some of them would read as another is refused, not guessed.

/// The one spelling of a path that patterns are compared with, or why it has more than one reading.
///
/// Percent-encoded letters, digits and `-._~` are decoded, other escapes get upper-case digits.
///
/// # Errors
/// What makes the path ambiguous.
pub fn canonical_path(path: &str) -> Result<String, &'static str> {
    if !path.starts_with('/') {
        return Err("the path does not begin with `/`");
    }
    if path.bytes().any(|b| b <= b' ' || b >= 0x7f || b == b'\\') {
        return Err("the path holds a character that must be percent-encoded");
    }
    // Before anything is decoded: what is left of a broken escape can form one with what follows.
    if has_bad_escape(path) {
        return Err("the path holds a broken percent-encoding");
    }
    let text = decoded(path).ok_or("the path holds an encoding of something that is not UTF-8")?;
    // Every `/` that is not in the path itself was encoded.
    if text.matches(['/', '\\', '%']).count() != path.matches('/').count() {
        return Err("the path holds an encoded slash, backslash or percent sign");
    }
    if text.contains(';') {
        return Err("the path holds a `;`, and some servers cut off what follows it");
    }
    if text.chars().any(|c| c.is_control() || is_look_alike(c)) {
        return Err("the path holds an encoded control character, or one that some servers read as another");
    }
    let segments: Vec<_> = text[1..].split('/').collect();
    for (i, segment) in segments.iter().enumerate() {
        // Some file systems ignore blanks and dots at a name's end, so that `.. ` is `..`.
        if segment.contains('.') && segment.trim_matches(['.', ' ']).is_empty() {
            return Err("the path holds a dot segment");
        }
        if segment.trim_matches(' ').is_empty() && (i + 1 != segments.len() || !segment.is_empty()) {
            return Err("the path holds an empty segment");
        }
    }
    Ok(normalise(path))
}

/// Whether a character is, to a server that folds or drops characters, one that parts a path, a dot
/// or nothing: full width and small forms, other full stops and slashes, blanks and format characters.
fn is_look_alike(c: char) -> bool {
    matches!(
        u32::from(c),
        0xa0 | 0xad
            | 0x34f
            | 0x37e
            | 0x600..=0x605
            | 0x61c
            | 0x6dd
            | 0x70f
            | 0x890..=0x891
            | 0x8e2
            | 0x115f..=0x1160
            | 0x1680
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x2000..=0x200f
            | 0x2024..=0x202f
            | 0x2044
            | 0x205f..=0x206f
            | 0x2100..=0x214f
            | 0x2215..=0x2216
            | 0x2488..=0x249b
            | 0x29f5..=0x29f9
            | 0x3000..=0x3002
            | 0x3164
            | 0x33c2
            | 0x33c7
            | 0x33d8
            | 0xfe00..=0xfe6f
            | 0xfeff
            | 0xff00..=0xffff
            | 0x110bd
            | 0x110cd
            | 0x13430..=0x1343f
            | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a
            | 0x1f100
            | 0xe0000..=0xe0fff
    )
}

/// The path with every escape decoded once; `None` where that is not UTF-8 (RFC 3629: no overlong form).
fn decoded(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut out = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

fn has_bad_escape(path: &str) -> bool {
    path.match_indices('%')
        .any(|(i, _)| !path.as_bytes().get(i + 1..i + 3).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)))
}

/// Decodes what needs no encoding and writes the rest in one spelling. What is not an escape stays.
pub(super) fn normalise(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = match after.as_bytes() {
            [high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        rest = match byte {
            Some(byte) => {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    out.push(char::from(byte));
                } else {
                    out.push_str(&format!("%{byte:02X}"));
                }
                &after[2..]
            }
            None => {
                out.push('%');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_two_readings_are_refused() {
        for path in [
            "a",
            "/a b",
            "/é",
            "/a\\b",
            "/a%zz",
            "/a%+2",
            "/a%2",
            "/.%%32%65/b",
            "/%25%32%65/b",
            "/%252e%252e/b",
            "/%u002e/b",
            "/a/../b",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/a/...",
            "/a/..%20/b",
            "/a//b",
            "/a/%20/b",
            "/a/..;/b",
            "/a/..%3B/b",
            "/a/;x/b",
            "/a;v=1/b",
            "/a%2fb",
            "/a%5cb",
            "/a%00b",
            "/a%09b",
            "/a%7fb",
            "/a/%c0%ae%c0%ae/b",
            "/a/%e0%80%ae/b",
            "/a%c1%9cb",
            "/a/%ff/b",
            "/a/%c2%85/b",
            "/a/%ef%bc%8e%ef%bc%8e/b",
            "/a%ef%bc%8fb",
            "/a%e2%88%95b",
            "/a/.%e2%80%8b./b",
        ] {
            assert!(canonical_path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn an_honest_path_has_one_spelling() {
        for (path, wanted) in [
            ("/", "/"),
            ("/%61/b%2a/", "/a/b%2A/"),
            ("/a/%63af%c3%a9.txt", "/a/caf%C3%A9.txt"),
            ("/a/%e6%97%a5%e6%9c%ac", "/a/%E6%97%A5%E6%9C%AC"),
            ("/a/b%20c/compare/v1...v2", "/a/b%20c/compare/v1...v2"),
            ("/.git/..x/@scope/a:b,c(1)|\"", "/.git/..x/@scope/a:b,c(1)|\""),
        ] {
            assert_eq!(canonical_path(path).as_deref(), Ok(wanted));
        }
    }
}
