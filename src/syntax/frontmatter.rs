//! The YAML at the head of a Markdown file.

use super::Span;

/// How a Markdown text is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frontmatter {
    /// YAML between two `---` lines, and what follows.
    Found {
        /// The YAML, without its fences.
        yaml: Span,
        /// The Markdown after the closing fence's line.
        body: Span,
    },
    /// The text does not begin with a `---` line.
    Missing,
    /// There is no closing fence; `open` is the opening one.
    Unclosed {
        /// The opening fence.
        open: Span,
    },
}

/// Divides a Markdown text. A byte order mark before the first fence is passed over.
pub fn split_frontmatter(text: &str) -> Frontmatter {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = lines_from(text, start);
    let Some((open, first_end)) = lines.next() else { return Frontmatter::Missing };
    if !is_fence(open.of(text), &["---"]) {
        return Frontmatter::Missing;
    }
    for (line, next) in lines {
        if is_fence(line.of(text), &["---", "..."]) {
            let yaml = Span::new(first_end, line.start as usize);
            return Frontmatter::Found { yaml, body: Span::new(next, text.len()) };
        }
    }
    Frontmatter::Unclosed { open }
}

fn is_fence(line: &str, fences: &[&str]) -> bool {
    fences.contains(&line.trim_end())
}

/// Each line without its break, and the offset of the next one.
fn lines_from(text: &str, start: usize) -> impl Iterator<Item = (Span, usize)> {
    let mut offset = start;
    text[start..].split_inclusive('\n').map(move |line| {
        let here = offset;
        offset += line.len();
        (Span::new(here, here + line.trim_end_matches(['\n', '\r']).len()), offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fences_are_found_with_lf_crlf_and_bom() {
        for text in ["---\na: 1\n---\nbody", "---\r\na: 1\r\n---\r\nbody", "\u{feff}---\na: 1\n--- \nbody"] {
            let Frontmatter::Found { yaml, body } = split_frontmatter(text) else { panic!("{text:?}") };
            assert_eq!(yaml.of(text).trim_end(), "a: 1");
            assert_eq!(body.of(text), "body");
        }
        assert_eq!(split_frontmatter("# title"), Frontmatter::Missing);
        assert_eq!(split_frontmatter(""), Frontmatter::Missing);
        assert_eq!(split_frontmatter("---\na: 1"), Frontmatter::Unclosed { open: Span::new(0, 3) });
    }
}
