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

    /// Whether it matches a path, or a folder that the path lies in. Adds to `work` the steps that
    /// it took to find out.
    pub(super) fn matches(&self, path: &[u8], work: &mut u64) -> bool {
        *work += 1;
        // Most patterns are settled by how they begin.
        let literal = self.steps.iter().map_while(|s| if let Step::Byte(b) = s { Some(b) } else { None });
        if !literal.zip(path).all(|(wanted, byte)| wanted == byte) {
            return false;
        }
        let (mut here, mut next) = (Reached::new(self.steps.len()), Reached::new(self.steps.len()));
        *work += self.steps.len() as u64;
        self.arrive(0, &mut here);
        for byte in path {
            if *byte == b'/' && here.has(self.steps.len()) {
                return true;
            }
            next.clear();
            *work += here.list.len() as u64;
            here.list.iter().for_each(|at| self.step(*at, *byte, &mut next));
            if next.list.is_empty() {
                return false;
            }
            std::mem::swap(&mut here, &mut next);
        }
        here.has(self.steps.len())
    }

    /// Marks a position, and those that need no character to be reached from it.
    fn arrive(&self, mut at: usize, reached: &mut Reached) {
        while reached.mark(at) && matches!(self.steps.get(at), Some(Step::Star | Step::Any | Step::Folders)) {
            at += 1;
        }
    }

    /// Where a byte leads from a position.
    fn step(&self, at: usize, byte: u8, next: &mut Reached) {
        let Some(step) = self.steps.get(at) else { return };
        match step {
            Step::Byte(wanted) if *wanted == byte => self.arrive(at + 1, next),
            Step::One if byte != b'/' => self.arrive(at + 1, next),
            Step::Class(ranges, negated) => {
                let within = ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte));
                if within != *negated && byte != b'/' {
                    self.arrive(at + 1, next);
                }
            }
            Step::Star if byte != b'/' => self.arrive(at, next),
            Step::Any => self.arrive(at, next),
            // Only behind a slash does the rest begin.
            Step::Folders if byte == b'/' => self.arrive(at, next),
            Step::Folders => next.inside(at),
            Step::Byte(_) | Step::One | Step::Star => {}
        }
    }
}

/// Positions of a pattern that a part of a path leads to.
struct Reached {
    list: Vec<usize>,
    /// What of each position is in the list: nothing, the position in the midst of a folder's name
    /// (`**/` alone), the position itself.
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    None,
    Inside,
    At,
}

impl Reached {
    fn new(last: usize) -> Self {
        Self { list: Vec::new(), marks: vec![Mark::None; last + 1] }
    }

    fn has(&self, at: usize) -> bool {
        self.marks[at] == Mark::At
    }

    fn mark(&mut self, at: usize) -> bool {
        let before = std::mem::replace(&mut self.marks[at], Mark::At);
        if before == Mark::None {
            self.list.push(at);
        }
        before != Mark::At
    }

    fn inside(&mut self, at: usize) {
        if self.marks[at] == Mark::None {
            self.marks[at] = Mark::Inside;
            self.list.push(at);
        }
    }

    fn clear(&mut self) {
        self.list.drain(..).for_each(|at| self.marks[at] = Mark::None);
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
            assert_eq!(Pattern::new(pattern).matches(path.as_bytes(), &mut 0), matches, "{pattern} {path}");
        }
    }

    /// The same by definition, without bounds.
    fn naive(steps: &[Step], path: &[u8]) -> bool {
        let Some((step, rest)) = steps.split_first() else { return path.is_empty() || path[0] == b'/' };
        let first = path.first().copied();
        let tail = || &path[1..];
        match step {
            Step::Byte(b) => first == Some(*b) && naive(rest, tail()),
            Step::One => first.is_some_and(|b| b != b'/') && naive(rest, tail()),
            Step::Class(ranges, negated) => {
                first.is_some_and(|b| {
                    b != b'/' && ranges.iter().any(|(l, h)| (*l..=*h).contains(&b)) != *negated
                }) && naive(rest, tail())
            }
            Step::Star => naive(rest, path) || first.is_some_and(|b| b != b'/') && naive(steps, tail()),
            Step::Any => naive(rest, path) || first.is_some() && naive(steps, tail()),
            Step::Folders => {
                let behind = (1..=path.len()).filter(|at| path[at - 1] == b'/');
                naive(rest, path) || behind.into_iter().any(|at| naive(rest, &path[at..]))
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn matching_is_what_it_is_defined_to_be(pattern in "(a|b|/|\\*|\\*\\*|\\*\\*/|\\?|\\[ab\\]|\\[\\^a\\]){1,6}", path in "[ab/]{0,8}") {
            let pattern = Pattern::new(&pattern);
            proptest::prop_assert_eq!(pattern.matches(path.as_bytes(), &mut 0), naive(&pattern.steps, path.as_bytes()));
        }

        #[test]
        fn no_pattern_is_too_strange(pattern: String, path: Vec<u8>) {
            let pattern = Pattern::new(&pattern);
            let _ = (pattern.matches(&path, &mut 0), pattern.depth(), pattern.literal_folder());
        }
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        let pattern = Pattern::new(&"*a**".repeat(200));
        assert!(!pattern.matches("a".repeat(150).as_bytes(), &mut 0));
    }

    #[test]
    fn a_pattern_says_where_to_look() {
        let of = |text: &str| (Pattern::new(text).literal_folder().to_owned(), Pattern::new(text).depth());
        assert_eq!(of("a/b/*.sh"), ("a/b".to_owned(), Some(3)));
        assert_eq!(of("*"), (String::new(), Some(1)));
        assert_eq!(of("a/**/x"), ("a".to_owned(), None));
    }
}
