//! Credentials of known forms: the vendors' documented prefixes, and JSON Web Tokens.

/// The characters that follow a prefix.
#[derive(Clone, Copy)]
enum Tail {
    /// Capitals and digits.
    Upper,
    /// Letters and digits.
    Alnum,
    /// Those, `-` and `_`.
    Word,
    /// Those and `.`.
    Dotted,
}

impl Tail {
    fn holds(self, b: u8) -> bool {
        match self {
            Self::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Self::Alnum => b.is_ascii_alphanumeric(),
            Self::Word => b.is_ascii_alphanumeric() || b"-_".contains(&b),
            Self::Dotted => b.is_ascii_alphanumeric() || b"-_.".contains(&b),
        }
    }
}

/// A prefix, what follows it, how many characters at the least, and whose it is.
const PREFIXES: &[(&str, Tail, usize, &str)] = &[
    ("sk-ant-", Tail::Word, 20, "an Anthropic key"),
    ("sk-proj-", Tail::Word, 20, "an OpenAI key"),
    ("sk-or-", Tail::Word, 20, "an OpenRouter key"),
    ("ghp_", Tail::Alnum, 30, "a GitHub token"),
    ("gho_", Tail::Alnum, 30, "a GitHub token"),
    ("ghu_", Tail::Alnum, 30, "a GitHub token"),
    ("ghs_", Tail::Alnum, 30, "a GitHub token"),
    ("ghr_", Tail::Alnum, 30, "a GitHub token"),
    ("github_pat_", Tail::Word, 20, "a GitHub token"),
    ("glpat-", Tail::Dotted, 16, "a GitLab token"),
    ("gldt-", Tail::Dotted, 16, "a GitLab token"),
    ("AKIA", Tail::Upper, 16, "an AWS access key"),
    ("ASIA", Tail::Upper, 16, "an AWS access key"),
    ("xoxb-", Tail::Word, 10, "a Slack token"),
    ("xoxp-", Tail::Word, 10, "a Slack token"),
    ("xoxa-", Tail::Word, 10, "a Slack token"),
    ("xapp-", Tail::Word, 10, "a Slack token"),
    ("AIza", Tail::Word, 30, "a Google API key"),
    ("ya29.", Tail::Dotted, 20, "a Google access token"),
    ("npm_", Tail::Alnum, 30, "an npm token"),
    ("pypi-", Tail::Word, 30, "a PyPI token"),
    ("hf_", Tail::Alnum, 30, "a Hugging Face token"),
    ("dop_v1_", Tail::Alnum, 30, "a DigitalOcean token"),
    ("dckr_pat_", Tail::Word, 20, "a Docker Hub token"),
    ("sk_live_", Tail::Alnum, 16, "a Stripe key"),
    ("sk_test_", Tail::Alnum, 16, "a Stripe key"),
    ("rk_live_", Tail::Alnum, 16, "a Stripe key"),
    ("whsec_", Tail::Alnum, 24, "a webhook secret"),
    ("SG.", Tail::Dotted, 30, "a SendGrid key"),
    ("hvs.", Tail::Dotted, 20, "a Vault token"),
    ("gsk_", Tail::Alnum, 30, "a Groq key"),
    ("xai-", Tail::Alnum, 30, "an xAI key"),
    ("lin_api_", Tail::Alnum, 30, "a Linear key"),
    ("shpat_", Tail::Alnum, 30, "a Shopify token"),
    ("tskey-", Tail::Word, 20, "a Tailscale key"),
    ("AGE-SECRET-KEY-", Tail::Upper, 40, "an age key"),
];

/// A credential of a known form at the start of a text, and its length.
pub(super) fn known(text: &str) -> Option<(usize, &'static str)> {
    let length = |from: usize, tail: Tail| from + text[from..].bytes().take_while(|b| tail.holds(*b)).count();
    // Most texts begin like none of them.
    let first = text.as_bytes().first();
    for (prefix, tail, least, what) in PREFIXES.iter().filter(|(p, ..)| p.as_bytes().first() == first) {
        if text.starts_with(prefix) && length(prefix.len(), *tail) >= prefix.len() + least {
            return Some((length(prefix.len(), *tail), what));
        }
    }
    if text.starts_with("eyJ") {
        let end = length(0, Tail::Dotted);
        return is_jwt(text[..end].trim_end_matches('.')).then_some((end, "a JSON Web Token"));
    }
    if text.starts_with("sk-") {
        let end = length(3, Tail::Word);
        let token = text[3..end].split(['-', '_']).any(|p| p.len() >= 16 && has_digit_and_letter(p));
        return (end >= 23 && token).then_some((end, "an API key"));
    }
    None
}

fn has_digit_and_letter(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_jwt(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    parts.len() == 3 && parts[..2].iter().all(|p| p.len() >= 8) && !parts[2].is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_known_form_is_shorter_than_the_shortest_run_that_is_looked_at() {
        let shortest = PREFIXES.iter().map(|(prefix, _, least, _)| prefix.len() + least).min();
        assert!(shortest >= Some(super::super::LEAST));
    }
}
