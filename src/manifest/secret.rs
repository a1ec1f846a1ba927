//! What a credential looks like. Used to warn, and to keep values out of everything that is shown.

/// What kind of credential a text looks like, or `None`.
///
/// Known prefixes are the vendors' documented ones; high entropy is the last resort, for texts of
/// at least 32 characters that mix letters and digits.
pub fn looks_secret(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    let known = PREFIXES.iter().find(|(prefix, length, _)| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= *length && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./+=".contains(&b))
        })
    });
    if let Some((_, _, what)) = known {
        return Some(what);
    }
    if is_jwt(text) {
        return Some("a JSON Web Token");
    }
    if let Some((_, rest)) = text.split_once("://")
        && let Some((user, host)) = rest.split_once('@')
        && user.contains(':')
        && !host.is_empty()
        && !user.contains('/')
    {
        return Some("a URL with a password");
    }
    let scheme = ["Bearer ", "bearer ", "Basic ", "token "].iter().find_map(|s| text.strip_prefix(s));
    if scheme.is_some_and(|rest| rest.len() >= 16 && !rest.contains(' ')) {
        return Some("an Authorization header");
    }
    high_entropy(text).then_some("a random-looking value")
}

/// A prefix, how many characters follow at the least, and whose it is.
const PREFIXES: &[(&str, usize, &str)] = &[
    ("sk-ant-", 20, "an Anthropic key"),
    ("sk-proj-", 20, "an OpenAI key"),
    ("sk-", 20, "an API key"),
    ("ghp_", 30, "a GitHub token"),
    ("gho_", 30, "a GitHub token"),
    ("ghu_", 30, "a GitHub token"),
    ("ghs_", 30, "a GitHub token"),
    ("ghr_", 30, "a GitHub token"),
    ("github_pat_", 20, "a GitHub token"),
    ("glpat-", 16, "a GitLab token"),
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("xoxb-", 10, "a Slack token"),
    ("xoxp-", 10, "a Slack token"),
    ("xapp-", 10, "a Slack token"),
    ("AIza", 30, "a Google API key"),
    ("ya29.", 20, "a Google access token"),
    ("npm_", 30, "an npm token"),
    ("pypi-", 30, "a PyPI token"),
    ("hf_", 30, "a Hugging Face token"),
    ("dop_v1_", 30, "a DigitalOcean token"),
    ("sk_live_", 16, "a Stripe key"),
    ("rk_live_", 16, "a Stripe key"),
    ("SG.", 30, "a SendGrid key"),
];

fn is_jwt(text: &str) -> bool {
    let base64url =
        |p: &str| p.len() >= 8 && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b));
    let parts: Vec<_> = text.split('.').collect();
    parts.len() == 3 && parts[0].starts_with("eyJ") && parts[..2].iter().all(|p| base64url(p))
}

fn high_entropy(text: &str) -> bool {
    let plausible = (32..=512).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_+/=.".contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        // Paths, host names and dashed words are made of short parts.
        && text.split(['/', '.', '-', '_']).any(|part| part.len() >= 20);
    plausible && entropy(text) >= 3.5
}

/// Shannon entropy in bits a byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len() as f64;
    counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / length).map(|share| -share * share.log2()).sum()
}

/// Whether a name or a question speaks of a credential.
pub fn speaks_of_credential(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    const WORDS: [&str; 16] = [
        "token",
        "tokens",
        "key",
        "apikey",
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
    words.any(|w| WORDS.contains(&w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_seen_and_ordinary_values_are_not() {
        let a = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8";
        for secret in [
            ["ghp", a].join("_"),
            ["sk", "ant", "api03", a].join("-"),
            ["AKIA", "IOSFODNN7EXAMPLE"].concat(),
            ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", "c2lnbmF0dXJl"].join("."),
            ["-----BEGIN OPENSSH", "PRIVATE KEY-----"].join(" "),
            ["https://ada", "hunter2@example.com/x"].join(":"),
            a.to_owned(),
        ] {
            assert!(looks_secret(&secret).is_some(), "{secret}");
        }
        for plain in [
            "debug",
            "https://example.com/a/b?c=d",
            "/usr/local/share/ca-certificates/extra.crt",
            "4GiB",
            "BOT_BOTTLE_CLAUDE_OAUTH_TOKEN",
            "a-long-name-made-of-many-short-words-2026-01",
            "en_US.UTF-8",
            "Read and follow the instructions",
            "sk-short",
            "registry.example.com:5000/team/image",
        ] {
            assert_eq!(looks_secret(plain), None, "{plain}");
        }
    }

    #[test]
    fn names_speak_of_credentials_by_whole_words() {
        for name in ["GITHUB_TOKEN", "API_KEY", "db-password", "paste your API token", "GH_PAT"] {
            assert!(speaks_of_credential(name), "{name}");
        }
        for name in ["AWS_REGION", "KEYBOARD", "TICKET", "MONKEY", "PATH", "which ticket"] {
            assert!(!speaks_of_credential(name), "{name}");
        }
    }
}
