//! The arguments of an instruction, taken apart.

use super::lines;

/// The fields of a `--mount`.
pub(super) fn mount(value: &str) -> Vec<(String, String)> {
    let field = |field: &str| {
        let (key, value) = field.split_once('=').unwrap_or((field, ""));
        (key.trim().to_ascii_lowercase(), value.trim_matches('"').to_owned())
    };
    value.split(',').map(field).collect()
}

/// What `COPY` and `ADD` copy from: all but the last word. `None` for a list that cannot be read.
pub(super) fn sources(rest: &str) -> Option<Vec<String>> {
    let mut words = match lines::json(rest) {
        Some(words) => words,
        None if rest.trim_start().starts_with('[') => return None,
        None => rest.split_whitespace().map(str::to_owned).collect(),
    };
    words.pop();
    // The text of a here-document is a source of its own.
    words.retain(|w| !lines::is_heredoc(w));
    Some(words)
}

/// Whether a source of `ADD` is an address.
pub(super) fn is_remote(source: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@"].iter().any(|s| source.starts_with(s))
}
