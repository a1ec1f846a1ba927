//! Text of a manifest within Markdown: shown as it is, and never more than text.

use crate::check::masked;
use crate::shown::{self, printable};

/// Text as inline code. Nothing in it can end the code, begin a link or a tag, or move a terminal.
pub fn code(text: &str) -> String {
    let text = shown::code(&printable(text));
    // CommonMark has no empty code.
    if text.trim().is_empty() { "*empty*".to_owned() } else { format!("`{text}`") }
}

/// The same in a list or a table cell of other code.
pub fn codes<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// Markdown as it may be shown: whatever looks like a credential is overwritten.
pub fn safe(markdown: &str) -> String {
    masked(markdown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "a`[x](command:run)`<img src=x>\n\n# b\u{202e}\x1b[2J";
        let shown = code(hostile);
        assert_eq!(shown.matches('`').count(), 2);
        assert!(shown.starts_with('`') && shown.ends_with('`'));
        assert!(!shown.contains(['\n', '\x1b', '\u{202e}']));
        assert_eq!(code("  "), "*empty*");
    }
}
