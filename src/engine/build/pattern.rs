//! Path patterns of `COPY` and `.dockerignore`: `*`, `?`, `[a-z]`, `**`, `\`.

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Byte(u8),
    /// `?`
    One,
    /// `[…]`: ranges, and whether they are the ones that do not match.
    Class(Vec<(u8, u8)>, bool),
    /// `*`: anything but a slash.
    Star,
    /// `**`: anything.
    Any,
    /// `**/`: any folders, or none.
    Folders,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    steps: Vec<Step>,
    text: String,
}

impl Pattern {
    /// Compiles a path without a leading slash.
    pub(super) fn new(text: &str) -> Self {
        let (bytes, mut steps, mut at) = (text.as_bytes(), Vec::new(), 0);
        while let Some(&byte) = bytes.get(at) {
            let rest = &bytes[at..];
            let (step, length) = match byte {
                b'*' if rest.starts_with(b"**/") => (Step::Folders, 3),
                b'*' if rest.starts_with(b"**") => (Step::Any, 2),
                b'*' => (Step::Star, 1),
                b'?' => (Step::One, 1),
                b'[' => class(rest).unwrap_or((Step::Byte(b'['), 1)),
                b'\\' if rest.len() > 1 => (Step::Byte(rest[1]), 2),
                byte => (Step::Byte(byte), 1),
            };
            steps.push(step);
            at += length;
        }
        Self { steps, text: text.to_owned() }
    }

    /// The folder in front of the first special character.
    pub(super) fn literal_folder(&self) -> &str {
        let special = self.text.find(['*', '?', '[', '\\']).unwrap_or(self.text.len());
        self.text[..special].rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// How deep what matches lies; `None` where there is no end.
    pub(super) fn depth(&self) -> Option<usize> {
        let endless = self.steps.iter().any(|s| matches!(s, Step::Any | Step::Folders));
        (!endless).then(|| self.text.split('/').count())
    }

    /// Whether it matches a path, or a folder that the path lies in.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let mut here = vec![false; self.steps.len() + 1];
        self.arrive(0, &mut here);
        for byte in path {
            if *byte == b'/' && here[self.steps.len()] {
                return true;
            }
            here = self.after(*byte, &here);
            if !here.contains(&true) {
                return false;
            }
        }
        here[self.steps.len()]
    }

    /// Marks a position, and those that need no character to be reached from it.
    fn arrive(&self, at: usize, here: &mut [bool]) {
        if !here[at] {
            here[at] = true;
            if matches!(self.steps.get(at), Some(Step::Star | Step::Any | Step::Folders)) {
                self.arrive(at + 1, here);
            }
        }
    }

    fn after(&self, byte: u8, here: &[bool]) -> Vec<bool> {
        let mut next = vec![false; here.len()];
        for (at, step) in self.steps.iter().enumerate().filter(|(at, _)| here[*at]) {
            match step {
                Step::Byte(wanted) if *wanted == byte => self.arrive(at + 1, &mut next),
                Step::One if byte != b'/' => self.arrive(at + 1, &mut next),
                Step::Class(ranges, negated) => {
                    let within = ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte));
                    if within != *negated && byte != b'/' {
                        self.arrive(at + 1, &mut next);
                    }
                }
                Step::Star if byte != b'/' => self.arrive(at, &mut next),
                Step::Any => self.arrive(at, &mut next),
                // Only behind a slash does the rest begin.
                Step::Folders if byte == b'/' => self.arrive(at, &mut next),
                Step::Folders => next[at] = true,
                _ => {}
            }
        }
        next
    }
}

/// A character class and its length; `None` where it has no end.
fn class(text: &[u8]) -> Option<(Step, usize)> {
    let negated = text.get(1) == Some(&b'^');
    let mut at = 1 + usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        let mut one = || {
            let escaped = usize::from(text.get(at) == Some(&b'\\'));
            let byte = *text.get(at + escaped)?;
            at += escaped + 1;
            Some(byte)
        };
        let low = one()?;
        let high = if text.get(at) == Some(&b'-') && text.get(at + 1).is_some_and(|b| *b != b']') {
            at += 1;
            let escaped = usize::from(text.get(at) == Some(&b'\\'));
            at += escaped + 1;
            *text.get(at - 1)?
        } else {
            low
        };
        ranges.push((low, high));
        if text.get(at) == Some(&b']') {
            return Some((Step::Class(ranges, negated), at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_builders_do() {
        for (pattern, path, matches) in [
            ("a", "a", true),
            ("a", "a/b/c", true),
            ("a", "ab", false),
            ("*.sh", "x.sh", true),
            ("*.sh", "d/x.sh", false),
            ("*/*.sh", "d/x.sh", true),
            ("**/*.sh", "x.sh", true),
            ("**/*.sh", "d/e/x.sh", true),
            ("**/a", "ba", false),
            ("a/**", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/b/c", true),
            ("a**c", "a/b/c", true),
            ("?", "ab", false),
            ("x[a-c]", "xb", true),
            ("x[^a-c]", "xb", false),
            ("x[^a-c]", "x/", false),
            ("[", "[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(path.as_bytes()), matches, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        let pattern = Pattern::new(&"*a**".repeat(200));
        assert!(!pattern.matches("a".repeat(150).as_bytes()));
    }

    #[test]
    fn a_pattern_says_where_to_look() {
        let of = |text: &str| (Pattern::new(text).literal_folder().to_owned(), Pattern::new(text).depth());
        assert_eq!(of("a/b/*.sh"), ("a/b".to_owned(), Some(3)));
        assert_eq!(of("*"), (String::new(), Some(1)));
        assert_eq!(of("a/**/x"), ("a".to_owned(), None));
    }
}
