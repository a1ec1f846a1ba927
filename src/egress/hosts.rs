//! Names of hosts, and the patterns that routes have for them.

use super::address::numeric_host;
use std::borrow::Cow;

/// Whether a route's host covers a name in lower case: exactly, or any subdomain for `*.name`.
pub fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|labels| !labels.is_empty()),
        None => pattern == host,
    }
}

/// Whether every name that `inner` covers is covered by `outer`.
pub fn host_covers(outer: &str, inner: &str) -> bool {
    covering(inner).any(|pattern| pattern == outer)
}

/// Every pattern that covers all that a host pattern covers, itself first.
pub fn covering(pattern: &str) -> impl Iterator<Item = String> {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    // A leading dot leaves no label for the star.
    let dots = name.match_indices('.').filter(|(i, _)| *i > 0);
    std::iter::once(pattern.to_owned()).chain(dots.map(|(i, _)| format!("*{}", &name[i..])))
}

/// A host name in lower case, without a copy where it is so already.
///
/// # Errors
/// Why the text is none. Never more lenient than a resolver.
pub(super) fn lower(host: &str) -> Result<Cow<'_, str>, &'static str> {
    if let Some(why) = host_problem(host) {
        return Err(why);
    }
    Ok(if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    })
}

fn host_problem(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("it is empty");
    }
    if host.len() > 253 {
        return Some("it is longer than 253 characters");
    }
    if !host.is_ascii() {
        return Some("it holds a character outside ASCII; write its punycode form");
    }
    if numeric_host(host) {
        return Some("it is an address, and routes are for names");
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Some("it holds a character that no host name has");
    }
    if host.split('.').any(|l| l.is_empty() || l.len() > 63 || l.starts_with('-') || l.ends_with('-')) {
        return Some("a part between its dots is empty, too long or begins or ends with `-`");
    }
    None
}
