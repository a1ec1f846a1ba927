//! `.dockerignore`.

use super::pattern::Pattern;

/// What stays out of a context.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    /// In order: the last that matches decides. `true` puts back in.
    patterns: Vec<(Pattern, bool)>,
}

impl Ignore {
    /// Reads the file's text.
    pub(super) fn new(text: &str) -> Self {
        let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
        let pattern = |line: &str| {
            let (line, back) =
                line.trim().strip_prefix('!').map_or((line.trim(), false), |l| (l.trim(), true));
            let path = super::dockerfile::clean(line);
            (!path.is_empty()).then(|| (Pattern::new(&path), back))
        };
        Self { patterns: lines.filter(|l| !l.starts_with('#')).filter_map(pattern).collect() }
    }

    /// Whether a path stays out. Adds to `work` the steps that it took to find out.
    pub(super) fn ignores(&self, path: &[u8], work: &mut u64) -> bool {
        let last = self.patterns.iter().rev().find(|(pattern, _)| pattern.matches(path, work));
        last.is_some_and(|(_, back)| !back)
    }

    /// Whether nothing below a path that stays out can come back in.
    pub(super) fn is_final(&self) -> bool {
        !self.patterns.iter().any(|(_, back)| *back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_matches_decides() {
        let ignore = Ignore::new("# a comment\n\n/target\n*.log\n! keep.log \n**/secret\n./docs/../x\n");
        for (path, out) in [
            ("target", true),
            ("target/debug/a", true),
            ("src/target", false),
            ("a.log", true),
            ("keep.log", false),
            ("d/a.log", false),
            ("d/e/secret/key", true),
            ("x", true),
            ("docs", false),
        ] {
            assert_eq!(ignore.ignores(path.as_bytes(), &mut 0), out, "{path}");
        }
        assert!(!ignore.is_final());
        let all = Ignore::new("*\n!scripts/setup.sh\n");
        assert!(all.ignores(b"scripts", &mut 0) && !all.ignores(b"scripts/setup.sh", &mut 0));
    }
}
