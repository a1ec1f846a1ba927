//! Path patterns: matching a request's path, and proving that one pattern lies within another.
//!
//! A path is compared segment by segment. Every kind of pattern becomes a list of segment
//! patterns, so that matching and containment are each written once.

use super::path::normalise;
use crate::provider::{PathKind, PathPattern};
use regex::{Regex, RegexBuilder};

/// So many bytes a regular expression may have, and so many its program.
const LONGEST_REGEX: usize = 1_000;
const LARGEST_PROGRAM: usize = 256 * 1024;

/// A path pattern ready for use.
#[derive(Debug, Clone)]
pub struct Pattern(Form);

#[derive(Debug, Clone)]
enum Form {
    Segments(Vec<Segment>),
    /// As written, and its program; without one it takes nothing.
    Regex(String, Option<Regex>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// Exactly this text.
    Text(String),
    /// Text with `*`, each of which stands for any run of characters, the empty one included.
    Wild(String),
    /// Any number of segments, none included.
    Many,
}

impl Pattern {
    /// Every path.
    pub fn any() -> Self {
        Self(Form::Segments(vec![Segment::Many]))
    }

    /// A prefix, as `path_allowlist` and `type: prefix` mean it: `/a` is `/a` and what lies below
    /// it, never `/ab`; `/a/` is only what lies below.
    pub fn prefix(value: &str) -> Self {
        let mut segments: Vec<_> = split(&normalise(value)).map(|s| Segment::Text(s.to_owned())).collect();
        if segments.last() == Some(&Segment::Text(String::new())) {
            segments.pop();
            segments.push(Segment::Wild("*".to_owned()));
        }
        segments.push(Segment::Many);
        Self(Form::Segments(segments))
    }

    /// A pattern of any kind.
    pub fn new(pattern: &PathPattern) -> Self {
        let segments = match pattern.kind {
            PathKind::Prefix => return Self::prefix(&pattern.value),
            PathKind::Regex => return Self(Form::Regex(pattern.value.clone(), regex(&pattern.value).ok())),
            PathKind::Exact => {
                split(&normalise(&pattern.value)).map(|s| Segment::Text(s.to_owned())).collect()
            }
            PathKind::Glob => split(&normalise(&pattern.value))
                .map(|s| match s {
                    "**" => Segment::Many,
                    s if s.contains('*') => Segment::Wild(s.to_owned()),
                    s => Segment::Text(s.to_owned()),
                })
                .collect(),
        };
        Self(Form::Segments(segments))
    }

    /// Whether a canonical path (see [`super::path::canonical_path`]) matches.
    pub fn matches(&self, path: &str) -> bool {
        match &self.0 {
            Form::Segments(segments) => {
                let path: Vec<Segment> = split(path).map(|s| Segment::Text(s.to_owned())).collect();
                covers(segments, &path)
            }
            Form::Regex(_, regex) => regex.as_ref().is_some_and(|regex| regex.is_match(path)),
        }
    }

    /// Whether it takes every path, so that nothing depends on how a path is read.
    pub fn is_every(&self) -> bool {
        self.contains(&Self::prefix("/"))
    }

    /// Whether every path of `other` is proven to be one of ours. `false` also means «not proven».
    pub fn contains(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Segments(outer), Form::Segments(inner)) => covers(outer, inner),
            (Form::Segments(outer), Form::Regex(..)) => covers(outer, &[Segment::Many]),
            (Form::Regex(outer, _), Form::Regex(inner, _)) => outer == inner,
            // Of these the paths are known when they are one.
            (Form::Regex(..), Form::Segments(inner)) => exact(inner).is_some_and(|path| self.matches(&path)),
        }
    }
}

/// The only path of a list of segments.
fn exact(segments: &[Segment]) -> Option<String> {
    segments.iter().try_fold(String::new(), |path, segment| match segment {
        Segment::Text(text) => Some(format!("{path}/{text}")),
        _ => None,
    })
}

/// A regular expression that takes whole paths.
///
/// # Errors
/// Why it cannot be used.
pub fn regex(text: &str) -> Result<Regex, String> {
    if text.len() > LONGEST_REGEX {
        return Err(format!("it has {} bytes, and {LONGEST_REGEX} are the most", text.len()));
    }
    let build = |text: &str| RegexBuilder::new(text).size_limit(LARGEST_PROGRAM).build();
    let why = |error: regex::Error| match error {
        regex::Error::CompiledTooBig(_) => {
            "it stands for too much: count less, or write a shorter one".to_owned()
        }
        // The message draws the pattern; the last line says what is wrong.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    };
    // By itself first, so that it cannot end the group that it is put into.
    build(text).and_then(|_| build(&format!(r"\A(?:{text})\z"))).map_err(why)
}

/// Whether `outer` matches all that `inner` matches, by dynamic programming over both lists.
fn covers(outer: &[Segment], inner: &[Segment]) -> bool {
    // row[j]: whether the outer segments still to come cover inner[j..].
    let mut row = vec![false; inner.len() + 1];
    row[inner.len()] = true;
    for segment in outer.iter().rev() {
        let mut next = vec![false; inner.len() + 1];
        for j in (0..=inner.len()).rev() {
            next[j] = match segment {
                Segment::Many => row[j] || j < inner.len() && next[j + 1],
                _ => j < inner.len() && segment_covers(segment, &inner[j]) && row[j + 1],
            };
        }
        row = next;
    }
    row[0]
}

fn segment_covers(outer: &Segment, inner: &Segment) -> bool {
    match (outer, inner) {
        (Segment::Text(a), Segment::Text(b)) => a == b,
        (Segment::Wild(w), Segment::Text(t)) => wild_matches(w.as_bytes(), t.as_bytes()),
        // A `*` alone takes any one segment; other pairs of wildcards only when they are the same.
        (Segment::Wild(w), Segment::Wild(v)) => w == "*" || w == v,
        _ => false,
    }
}

/// `*` matching, linear in practice: backtracks to the last star alone.
fn wild_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((star_p, star_t)) = star {
            star = Some((star_p, star_t + 1));
            p = star_p + 1;
            t = star_t + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(kind: PathKind, value: &str) -> Pattern {
        Pattern::new(&PathPattern { kind, value: value.to_owned() })
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        let p = Pattern::prefix("/repos/acme");
        assert!(p.matches("/repos/acme") && p.matches("/repos/acme/x/y"));
        assert!(!p.matches("/repos/acme-evil") && !p.matches("/repos"));
        let below = Pattern::prefix("/repos/acme/");
        assert!(below.matches("/repos/acme/") && below.matches("/repos/acme/x"));
        assert!(!below.matches("/repos/acme"));
        assert!(Pattern::prefix("/").matches("/") && Pattern::prefix("/").matches("/a/b"));
    }

    #[test]
    fn what_takes_every_path_is_known() {
        for (kind, value, every) in [
            (PathKind::Prefix, "/", true),
            (PathKind::Glob, "/**", true),
            (PathKind::Glob, "/**/**", true),
            (PathKind::Glob, "/*/**", true),
            (PathKind::Glob, "/*", false),
            (PathKind::Glob, "/**/x", false),
            (PathKind::Exact, "/", false),
            (PathKind::Prefix, "/a", false),
        ] {
            assert_eq!(pattern(kind, value).is_every(), every, "{value}");
        }
    }

    #[test]
    fn a_regular_expression_takes_the_whole_path_in_linear_time() {
        let p = pattern(PathKind::Regex, "/repos/[a-z]+/pulls/[0-9]{1,9}");
        assert!(p.matches("/repos/acme/pulls/12"));
        for path in ["/repos/acme/pulls/12/files", "/x/repos/acme/pulls/12", "/repos/a/b/pulls/1"] {
            assert!(!p.matches(path), "{path}");
        }
        // An alternative is one of the group, and lines end where the path does.
        let either = pattern(PathKind::Regex, "/a|/b");
        assert!(either.matches("/b") && !either.matches("/ax") && !either.matches("/x/b"));
        assert!(!pattern(PathKind::Regex, "/a").matches("/a\n"));
        for wrong in
            ["/a)|(/b", "/(", "/a{2,1}", &format!("/{}", "a".repeat(100 * 1024)), "/((a{99}){99}){99}"]
        {
            assert!(regex(wrong).is_err(), "{}", &wrong[..wrong.len().min(20)]);
            assert!(!pattern(PathKind::Regex, wrong).matches("/a"));
        }
        let hostile = pattern(PathKind::Regex, "/(a*)*b");
        assert!(!hostile.matches(&format!("/{}", "a".repeat(100_000))));
    }

    #[test]
    fn what_a_regular_expression_contains_is_proven_or_denied() {
        let p = pattern(PathKind::Regex, "/a/[0-9]+");
        assert!(p.contains(&p) && p.contains(&pattern(PathKind::Exact, "/a/1")));
        assert!(!p.contains(&pattern(PathKind::Exact, "/a/x")) && !p.contains(&Pattern::prefix("/a/1")));
        assert!(!Pattern::prefix("/a").contains(&p) && Pattern::any().contains(&p) && !p.is_every());
        assert!(!p.contains(&pattern(PathKind::Regex, "/a/[0-9]")));
    }

    #[test]
    fn globs_stay_in_a_segment_unless_doubled() {
        let p = pattern(PathKind::Glob, "/repos/*/pulls/**");
        assert!(p.matches("/repos/a/pulls/1/files") && p.matches("/repos/a/pulls"));
        assert!(!p.matches("/repos/a/b/pulls/1"));
        assert!(pattern(PathKind::Glob, "/v*/x").matches("/v12/x"));
        assert!(!pattern(PathKind::Glob, "/v*/x").matches("/w/x"));
    }

    #[test]
    fn containment_is_proven_or_denied() {
        let (a, ab) = (Pattern::prefix("/a"), Pattern::prefix("/a/b"));
        assert!(a.contains(&ab) && !ab.contains(&a) && Pattern::any().contains(&a));
        let glob = pattern(PathKind::Glob, "/a/*/c");
        assert!(a.contains(&glob) && !glob.contains(&a));
        assert!(glob.contains(&pattern(PathKind::Exact, "/a/b/c")));
        assert!(!Pattern::prefix("/a/").contains(&a));
    }
}
