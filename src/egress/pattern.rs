//! Path patterns: matching a request's path, and proving that one pattern lies within another.
//!
//! A path is compared segment by segment. Every kind of pattern becomes a list of segment
//! patterns, so that matching and containment are each written once.

use crate::provider::{PathKind, PathPattern};

/// A path pattern ready for use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Segment>,
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
        Self { segments: vec![Segment::Many] }
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
        Self { segments }
    }

    /// A pattern of any kind.
    pub fn new(pattern: &PathPattern) -> Self {
        match pattern.kind {
            PathKind::Prefix => Self::prefix(&pattern.value),
            PathKind::Exact => Self {
                segments: split(&normalise(&pattern.value)).map(|s| Segment::Text(s.to_owned())).collect(),
            },
            PathKind::Glob => Self {
                segments: split(&normalise(&pattern.value))
                    .map(|s| match s {
                        "**" => Segment::Many,
                        s if s.contains('*') => Segment::Wild(s.to_owned()),
                        s => Segment::Text(s.to_owned()),
                    })
                    .collect(),
            },
        }
    }

    /// Whether a canonical path (see [`canonical_path`]) matches.
    pub fn matches(&self, path: &str) -> bool {
        let path: Vec<Segment> = split(path).map(|s| Segment::Text(s.to_owned())).collect();
        covers(&self.segments, &path)
    }

    /// Whether every path of `other` is proven to be one of ours. `false` also means «not proven».
    pub fn contains(&self, other: &Self) -> bool {
        covers(&self.segments, &other.segments)
    }
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

/// The one spelling of a path that patterns are compared with, or why it has more than one reading.
///
/// Percent-encoded letters, digits and `-._~` are decoded, other escapes get upper-case digits.
/// A path that servers read differently (dot segments, `//`, an encoded slash, a backslash,
/// `;` parameters on dots, control characters) is refused rather than guessed.
///
/// # Errors
/// What makes the path ambiguous.
pub fn canonical_path(path: &str) -> Result<String, &'static str> {
    if !path.starts_with('/') {
        return Err("the path does not begin with `/`");
    }
    if path.bytes().any(|b| b <= b' ' || b >= 0x7f || b == b'\\') {
        return Err("the path holds a character that must be percent-encoded");
    }
    let path = normalise(path);
    let upper = path.to_ascii_uppercase();
    if ["%2F", "%5C", "%00", "%0A", "%0D", "%25"].iter().any(|bad| upper.contains(bad)) {
        return Err("the path holds an encoded slash, backslash, percent sign or control character");
    }
    if has_bad_escape(&path) {
        return Err("the path holds a broken percent-encoding");
    }
    let segments: Vec<_> = split(&path).collect();
    for (i, segment) in segments.iter().enumerate() {
        // Some servers cut a `;parameter` off before they resolve dots.
        let bare = segment.split(';').next().unwrap_or("");
        if bare == "." || bare == ".." {
            return Err("the path holds a dot segment");
        }
        if bare.is_empty() && (i + 1 != segments.len() || !segment.is_empty()) {
            return Err("the path holds an empty segment");
        }
    }
    Ok(path)
}

fn has_bad_escape(path: &str) -> bool {
    path.match_indices('%')
        .any(|(i, _)| !path.as_bytes().get(i + 1..i + 3).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)))
}

/// Decodes what needs no encoding and writes the rest in one spelling.
fn normalise(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let mut i = 0;
    while let Some(c) = path[i..].chars().next() {
        let escape = (c == '%')
            .then(|| bytes.get(i + 1..i + 3))
            .flatten()
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u8::from_str_radix(d, 16).ok());
        match escape {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
                i += 3;
            }
            Some(byte) => {
                out.push_str(&format!("%{byte:02X}"));
                i += 3;
            }
            None => {
                out.push(c);
                i += c.len_utf8();
            }
        }
    }
    out
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

    #[test]
    fn paths_with_two_readings_are_refused() {
        for path in [
            "/a/../b",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/a//b",
            "/a/..;/b",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a/./b",
            "/a%00b",
            "/a%zz",
            "a",
            "/a b",
            "/é",
            "/a/;x/b",
            "/%252e%252e/b",
        ] {
            assert!(canonical_path(path).is_err(), "{path}");
        }
        assert_eq!(canonical_path("/%61/b%2a/").as_deref(), Ok("/a/b%2A/"));
        assert_eq!(canonical_path("/").as_deref(), Ok("/"));
        assert_eq!(canonical_path("/a;v=1/b").as_deref(), Ok("/a;v=1/b"));
    }
}
