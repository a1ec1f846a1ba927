//! What a credential looks like. Used to warn, and to keep values out of everything that is shown.

mod known;
mod random;

use known::known;
use random::random_piece;
use std::ops::Range;

/// What kind of credential a text looks like or holds, or `None`.
pub fn looks_secret(text: &str) -> Option<&'static str> {
    // Most values are short words, and in those only a URL can hold something.
    if text.len() < LEAST && !holds(text, b"://") {
        return None;
    }
    secrets_in(text).first().map(|s| s.what).or_else(|| header(text))
}

/// The same for the value of a variable, whose name may speak of a credential: under such a name
/// a password and a row of hexadecimal digits are credentials too.
pub fn looks_secret_under(name: &str, value: &str) -> Option<&'static str> {
    looks_secret(value).or_else(|| {
        let last = words(name).last().unwrap_or_default();
        let by_name = ["password", "passwd", "passphrase"].iter().any(|w| w.eq_ignore_ascii_case(last));
        let hex = value.len() >= 32 && value.bytes().all(|b| b.is_ascii_hexdigit());
        if by_name && value.len() >= 4 && !placeholder(value) {
            Some("a password")
        } else {
            (hex && speaks_of_credential(name)).then_some("a random-looking value")
        }
    })
}

/// A part of a text that looks like a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSecret {
    /// Where, in bytes.
    pub range: Range<usize>,
    /// What it looks like.
    pub what: &'static str,
}

/// Every part of a text that looks like a credential, in order.
///
/// Known prefixes are the vendors' documented ones; randomness is the last resort, for runs of at
/// least 32 characters that mix letters and digits.
pub fn secrets_in(text: &str) -> Vec<FoundSecret> {
    let mut found = Vec::new();
    let keys = key_blocks(text);
    passwords(text, &mut found);
    for run in runs(text) {
        if keys.iter().all(|(block, _)| !block.contains(&run.start)) {
            in_run(text, run, &mut found);
        }
    }
    let private = keys.into_iter().filter(|(_, private)| *private);
    found.extend(private.map(|(range, _)| FoundSecret { range, what: "a private key" }));
    found.sort_by_key(|f| (f.range.start, f.range.end));
    found
}

/// Whether a text holds some bytes. For short ones: setting up the standard library's search takes
/// longer than looking through a value.
fn holds<const N: usize>(text: &str, bytes: &[u8; N]) -> bool {
    text.as_bytes().windows(N).any(|window| window == bytes)
}

/// PEM blocks, and whether each is a private key; certificates are nobody's secret.
fn key_blocks(text: &str) -> Vec<(Range<usize>, bool)> {
    let mut blocks = Vec::new();
    if !holds(text, b"-----") {
        return blocks;
    }
    let mut from = 0;
    while let Some(start) = text[from..].find("-----BEGIN ").map(|i| from + i) {
        let head = start + "-----BEGIN ".len();
        let label_end = text[head..].find("-----").map_or(text.len(), |i| head + i + 5);
        let end = text[label_end..].find("-----END ").map(|i| label_end + i);
        let end = end.map_or(text.len(), |e| {
            let tail = e + "-----END ".len();
            text[tail..].find("-----").map_or(text.len(), |i| tail + i + 5)
        });
        blocks.push((start..end, text[head..label_end].contains("PRIVATE KEY")));
        from = end;
    }
    blocks
}

/// `scheme://user:password@host`: the password.
fn passwords(text: &str, found: &mut Vec<FoundSecret>) {
    if !holds(text, b"://") {
        return;
    }
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'`/?#<>()[]".contains(c);
        let authority = &text[start..start + text[start..].find(ends).unwrap_or(text.len() - start)];
        let Some((user, host)) = authority.rsplit_once('@') else { continue };
        let Some((name, password)) = user.split_once(':') else { continue };
        if !host.is_empty() && !password.is_empty() && !placeholder(password) {
            let from = start + name.len() + 1;
            found.push(FoundSecret { range: from..from + password.len(), what: "a URL with a password" });
        }
    }
}

/// Whether a word stands for a value that is filled in elsewhere.
fn placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let stands_for = ["placeholder", "changeme", "dummy", "example", "redacted", "hidden", "none", "null"];
    text.starts_with(['$', '{', '<', '?', '%'])
        || text.bytes().all(|b| b"*x.".contains(&b))
        || stands_for.iter().any(|word| lower.contains(word))
}

/// No token is shorter.
const LEAST: usize = 14;

/// Runs of the characters that tokens are made of, long enough to be one.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"-_./+=".contains(&b);
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes[at..].iter().position(|b| token(*b))?;
            let end = bytes[start..].iter().position(|b| !token(*b)).map_or(bytes.len(), |n| start + n);
            at = end;
            if end - start >= LEAST {
                return Some(start..end);
            }
        }
    })
}

fn in_run(text: &str, run: Range<usize>, found: &mut Vec<FoundSecret>) {
    let before = found.len();
    let bytes = text.as_bytes();
    let mut at = run.start;
    while at + LEAST <= run.end {
        let boundary = at == run.start || !bytes[at - 1].is_ascii_alphanumeric();
        match boundary.then(|| known(&text[at..run.end])).flatten() {
            Some((length, what)) => {
                found.push(FoundSecret { range: at..at + length, what });
                at += length;
            }
            None => at += 1,
        }
    }
    if found.len() > before {
        return;
    }
    let behind_scheme = ["Bearer ", "bearer ", "Basic "].iter().any(|s| text[..run.start].ends_with(s));
    if behind_scheme && run.len() >= 16 && bytes[run.clone()].iter().any(u8::is_ascii_digit) {
        found.push(FoundSecret { range: run, what: "an Authorization header" });
        return;
    }
    let mut start = run.start;
    for piece in text[run.clone()].split_inclusive(['.', '=']) {
        let end = start + piece.len();
        if random_piece(piece.trim_end_matches(['.', '='])) && !labelled_digest(&text[..run.start]) {
            found.push(FoundSecret { range: start..end, what: "a random-looking value" });
        }
        start = end;
    }
}

/// Whether what stands before a run says that it is a digest, as in `sha256:…` and `h1:…`, which
/// everyone may know.
fn labelled_digest(before: &str) -> bool {
    const LABELS: [&str; 5] = ["sha1:", "sha256:", "sha384:", "sha512:", "h1:"];
    let label = before.rsplit(|c: char| c.is_whitespace() || c == '@' || c == '"').next().unwrap_or("");
    LABELS.iter().any(|l| l.eq_ignore_ascii_case(label))
}

/// The whole text is an `Authorization` header's value.
fn header(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let rest = ["Bearer ", "bearer ", "Basic ", "token "].iter().find_map(|s| text.strip_prefix(s))?;
    let token =
        rest.len() >= 16 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b));
    token.then_some("an Authorization header")
}

/// Whether a name or a question speaks of a credential.
pub fn speaks_of_credential(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "token",
        "tokens",
        "key",
        "apikey",
        "accesskey",
        "privatekey",
        "secret",
        "secrets",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "pat",
        "credential",
        "credentials",
        "oauth",
        "bearer",
        "cookie",
    ];
    words(text).any(|word| WORDS.iter().any(|w| w.eq_ignore_ascii_case(word)))
}

/// The words of a name: split where the alphabet ends and where a capital begins.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(u8::is_ascii_alphanumeric)?;
        let ends = |pair: &[u8]| {
            !pair[1].is_ascii_alphanumeric() || pair[1].is_ascii_uppercase() && pair[0].is_ascii_lowercase()
        };
        at = bytes[start..].windows(2).position(ends).map_or(bytes.len(), |n| start + n + 1);
        Some(&text[start..at])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "Zq7Rt2Kx9Lm4Wp8Vb3Nc6Yd1Fg5Hj0Sa2Ue7";

    /// Credentials of many kinds, put together here so that none stands in this file.
    fn secrets() -> Vec<String> {
        let a = RANDOM;
        vec![
            ["ghp", a].join("_"),
            ["sk", "ant", "api03", a].join("-"),
            ["sk", a].join("-"),
            ["AKIA", "IOSFODNN7EXAMPL0"].concat(),
            ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", "c2lnbmF0dXJl"].join("."),
            ["-----BEGIN OPENSSH", "PRIVATE KEY-----\nMIIE\n-----END OPENSSH", "PRIVATE KEY-----"].join(" "),
            ["https://ada", "hunter2@host.test/x"].join(":"),
            ["Bearer", "abcdef0123456789"].join(" "),
            ["wJalrXUtnFEMI", "K7MDENG", "bPxRfiCYzQ3mL9kT2vB"].join("/"),
            a.to_owned(),
        ]
    }

    #[test]
    fn credentials_are_seen_whole_and_inside_a_text() {
        for secret in secrets() {
            assert!(looks_secret(&secret).is_some(), "{secret}");
            let text = format!("see `{secret}` there");
            let found = secrets_in(&text);
            assert_eq!(found.len(), 1, "{text} {found:?}");
            assert!(secret.contains(&text[found[0].range.clone()]), "{found:?}");
        }
    }

    #[test]
    fn ordinary_values_are_no_credentials() {
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        for plain in [
            "debug",
            "https://example.com/a/b?c=d",
            "/usr/local/share/ca-certificates/extra.crt",
            "/usr/lib/x86_64-linux-gnu/internationalization1/libfoo.so.1.2.3",
            "4GiB",
            "BOT_BOTTLE_CLAUDE_OAUTH_TOKEN",
            "a-long-name-made-of-many-short-words-2026-01",
            "en_US.UTF-8",
            "Read and follow the instructions",
            "sk-short",
            "sk-learn-pipeline-for-production-use-2",
            "npm_config_registry_of_the_whole_team_1",
            "registry.example.com:5000/team/image",
            "123e4567-e89b-12d3-a456-426614174000",
            &digest[..40],
            digest,
            &format!("registry.example.com/team/image@sha256:{digest}"),
            "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "postgres://app:${PASSWORD}@db.example.com/app",
            "ssh://git@git.example.com/acme/project.git",
            "Basic authentication is off",
            "-----BEGIN CERTIFICATE-----\nMIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw\n-----END CERTIFICATE-----",
        ] {
            assert_eq!(secrets_in(plain), [], "{plain}");
            assert_eq!(looks_secret(plain), None, "{plain}");
        }
    }

    #[test]
    fn a_name_tells_what_a_value_is() {
        let hex = "0123456789abcdef".repeat(4);
        assert!(looks_secret_under("SESSION_SECRET", &hex).is_some());
        assert_eq!(looks_secret_under("BASE_COMMIT", &hex), None);
        assert!(looks_secret_under("DB_PASSWORD", "hunter2").is_some());
        for harmless in ["${DB_PASSWORD}", "?the password", "changeme", "xxxx", ""] {
            assert_eq!(looks_secret_under("DB_PASSWORD", harmless), None, "{harmless}");
        }
    }

    #[test]
    fn names_speak_of_credentials_by_whole_words() {
        for name in
            ["GITHUB_TOKEN", "API_KEY", "db-password", "paste your API token", "GH_PAT", "githubToken"]
        {
            assert!(speaks_of_credential(name), "{name}");
        }
        for name in ["AWS_REGION", "KEYBOARD", "TICKET", "MONKEY", "PATH", "which ticket"] {
            assert!(!speaks_of_credential(name), "{name}");
        }
    }
}
