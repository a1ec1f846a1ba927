//! Blanks inside brackets.

/// One line of a flow collection, or what of it stands on the line, without its comment: no blank
/// inside the brackets' edges, none before a comma or a colon, one behind each.
pub(super) fn spaced(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            quote @ (b'"' | b'\'') if starts_token(&out) => {
                let end = closing(bytes, i + 1, quote);
                out.push_str(&text[i..end]);
                i = end;
                continue;
            }
            bracket @ (b'[' | b'{') => {
                out.push(char::from(bracket));
                i = skip(bytes, i + 1);
                continue;
            }
            mark @ (b']' | b'}' | b',') => {
                trim(&mut out);
                out.push(char::from(mark));
                let next = skip(bytes, i + 1);
                if mark != b',' {
                    i += 1;
                    continue;
                }
                if next < bytes.len() && !matches!(bytes[next], b']' | b'}') {
                    out.push(' ');
                }
                i = next;
                continue;
            }
            b':' if is_colon(bytes, i, &out) => {
                // `*a :` is an alias as a key, `*a:` an alias of another name.
                let alias = out.rsplit(['[', '{', ',', ' ']).find(|w| !w.is_empty());
                if !alias.is_some_and(|w| w.starts_with('*')) {
                    trim(&mut out);
                }
                out.push(':');
                i = skip(bytes, i + 1);
                if i < bytes.len() {
                    out.push(' ');
                }
                continue;
            }
            _ => {}
        }
        let end = (i + 1..=text.len()).find(|j| text.is_char_boundary(*j)).unwrap_or(text.len());
        out.push_str(&text[i..end]);
        i = end;
    }
    out.truncate(out.trim_end_matches([' ', '\t']).len());
    out
}

/// Removes blanks at the end, but not the one that a colon needs before what follows it.
fn trim(out: &mut String) {
    let end = out.trim_end_matches([' ', '\t']).len();
    if !out[..end].ends_with(':') {
        out.truncate(end);
    }
}

fn starts_token(out: &str) -> bool {
    out.is_empty() || out.ends_with(['[', '{', ',', ' ', '\t', ':'])
}

fn is_colon(bytes: &[u8], at: usize, out: &str) -> bool {
    let next = bytes.get(at + 1);
    next.is_none_or(|b| b" \t,]}".contains(b)) || out.ends_with(['"', '\'', ']', '}'])
}

fn skip(bytes: &[u8], start: usize) -> usize {
    (start..bytes.len()).find(|i| !matches!(bytes[*i], b' ' | b'\t')).unwrap_or(bytes.len())
}

/// Behind the closing quote, or the end.
fn closing(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut i = start;
    while i < bytes.len() {
        if bytes[i] == b'\\' && quote == b'"' {
            i += 1;
        } else if bytes[i] == quote {
            if quote == b'"' || bytes.get(i + 1) != Some(&quote) {
                return i + 1;
            }
            i += 1;
        }
        i += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::spaced;

    #[test]
    fn blanks_are_put_right_and_text_is_kept() {
        for (given, expected) in [
            ("{ a: b,c:  d }", "{a: b, c: d}"),
            ("[ 'a,b' ,\"c : d\"]", "['a,b', \"c : d\"]"),
            ("{\"a\":1, b: http://x:1/y}", "{\"a\": 1, b: http://x:1/y}"),
            ("[a  b, it's, é]", "[a  b, it's, é]"),
            ("{a: , b: }", "{a: , b: }"),
            ("[1,", "[1,"),
            ("{*a : b}", "{*a : b}"),
            ("['it''s' , x]", "['it''s', x]"),
        ] {
            assert_eq!(spaced(given), expected);
            assert_eq!(spaced(expected), expected);
        }
    }
}
