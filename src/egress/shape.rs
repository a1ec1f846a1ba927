//! What a header of the guest's is by the shape of its name: a credential, a claim about where the
//! request came from, or another request than the one that was checked.
//!
//! Servers and gateways fold names (`X_API_KEY`, `x.api.key`), and each vendor has a name of its own.
//! So names are compared without their punctuation, capitals and leading `x-`, word by word.

/// What a header does besides describing its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It can carry a credential: the guest's own would make an allowed host a drop box.
    Credential,
    /// It claims who asks, or for which host, as a proxy in front of the server would.
    Claim,
    /// It makes some servers act on another method or path than the one checked.
    Override,
}

/// Words of credentials, wherever they stand.
const CREDENTIALS: [&str; 18] = [
    "assertion",
    "bearer",
    "cookie",
    "cookie2",
    "cookies",
    "credential",
    "credentials",
    "dpop",
    "jwt",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "saml",
    "signature",
    "totp",
    "wsse",
];

/// Names of credentials that have no shape, each from its vendor's documentation.
const NAMED: [&str; 3] = ["honeycomb-team", "ha-access", "jfrog-art-api"];

/// What a `key` is the key of where it opens nothing.
const HARMLESS_KEYS: [&str; 9] = [
    "cache",
    "dedup",
    "deduplication",
    "idempotency",
    "partition",
    "routing",
    "sort",
    "surrogate",
    "websocket",
];

/// Claims that have no word of their own.
const CLAIMS: [&str; 15] = [
    "accel-mapping",
    "appengine-user-ip",
    "azure-clientip",
    "azure-socketip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "cluster-client-ip",
    "envoy-external-address",
    "fastly-client-ip",
    "host",
    "proxyuser-ip",
    "real-ip",
    "sendfile-type",
    "true-client-ip",
];

/// The shape of a header by its name; `None` for one that only describes its request.
pub fn shape(name: &str) -> Option<Shape> {
    let plain = plain(name);
    let words: Vec<&str> = plain.split('-').collect();
    if is_override(&words) {
        Some(Shape::Override)
    } else if is_credential(&plain, &words) {
        Some(Shape::Credential)
    } else if is_claim(name, &plain, &words) {
        Some(Shape::Claim)
    } else {
        None
    }
}

/// Why no `pass_headers` can let a header through; `None` where it can.
pub fn never_passes(name: &str) -> Option<&'static str> {
    match plain(name).as_str() {
        "authorization" => Some("it is where a route's own credential goes"),
        "proxy-authorization" | "proxy-authenticate" => Some("it is meant for the egress"),
        "accept-encoding" | "sec-websocket-extensions" => {
            Some("an answer that comes compressed cannot be searched for the credential")
        }
        "content-length" | "expect" => Some("the egress writes it itself"),
        "host" if name.eq_ignore_ascii_case("host") => Some("the egress checks it against the connection"),
        "connection" | "http2-settings" | "keep-alive" | "proxy-connection" | "te" | "trailer"
        | "transfer-encoding" | "upgrade" => Some("it belongs to one connection alone"),
        _ => None,
    }
}

/// Why no credential of a route can be put into a header; `None` where it can.
pub fn never_carries(name: &str) -> Option<&'static str> {
    never_passes(name).filter(|_| plain(name) != "authorization")
}

/// Whether servers may take two names for one: letters and digits are the same but for capitals, and
/// whatever marks stand between them.
pub fn same_name(a: &str, b: &str) -> bool {
    let mut parts =
        [a, b].map(|name| name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()));
    loop {
        match (parts[0].next(), parts[1].next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
            _ => return false,
        }
    }
}

/// Whether a text is the name of a header (RFC 9110, section 5.1).
pub fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 256
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Small letters, one `-` for any punctuation, without `x-` before it.
fn plain(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let from = words.iter().position(|word| *word != "x").unwrap_or(0);
    words[from.min(words.len())..].join("-")
}

fn is_credential(plain: &str, words: &[&str]) -> bool {
    // `author` is somebody who writes.
    let auth = |word: &str| {
        word.replace("author", "").contains("auth") || word.contains("authoriz") || word.contains("authoris")
    };
    let token = |word: &str| word.ends_with("token");
    words.iter().any(|w| auth(w) || token(w) || w.contains("secret") || CREDENTIALS.contains(w))
        || is_key(words)
        || NAMED.contains(&plain)
}

/// `*-key`, `*-apikey`, `api-key-*`: unless the key is one of those that open nothing.
fn is_key(words: &[&str]) -> bool {
    let joined = |word: &str| {
        [
            "api",
            "access",
            "auth",
            "app",
            "application",
            "client",
            "private",
            "shared",
            "signing",
            "subscription",
        ]
        .iter()
        .any(|of| word.strip_suffix("key").or(word.strip_suffix("keys")) == Some(of))
    };
    if words.iter().any(|w| joined(w))
        || words.windows(2).any(|w| matches!(w, ["api" | "access", "key" | "keys"]))
    {
        return true;
    }
    // A key of storage encryption belongs to the object, and opens nothing else.
    let harmless = |of: &str| HARMLESS_KEYS.contains(&of) || of.starts_with("encrypt") || of == "customer";
    match words {
        [.., of, "key"] => !harmless(of),
        ["key"] => true,
        _ => false,
    }
}

fn is_claim(name: &str, plain: &str, words: &[&str]) -> bool {
    if name.eq_ignore_ascii_case("host") {
        return false;
    }
    matches!(
        words,
        ["client", "cert", ..]
            | ["forwarded" | "forward" | "original" | "originating" | "remote" | "ssl" | "rewrite", ..]
    ) || words
        .windows(2)
        .any(|w| matches!(w, ["forwarded", _] | ["host", "override"] | ["client", "principal"]))
        || CLAIMS.contains(&plain)
}

fn is_override(words: &[&str]) -> bool {
    let method = |word: &&str| matches!(*word, "method" | "verb" | "methodoverride");
    let place = |word: &&str| matches!(*word, "url" | "uri" | "path" | "method" | "query" | "request");
    let overrides = |word: &&str| matches!(*word, "override" | "overwrite" | "tunneling" | "tunnelling");
    matches!(
        words,
        ["http" | "original", "method" | "verb"]
            | ["method"]
            | ["methodoverride"]
            | ["http", "methodoverride"]
    ) || words.iter().any(method) && words.iter().any(overrides)
        || words.windows(2).any(|w| matches!(w[0], "original" | "rewrite" | "override") && place(&w[1]))
}
