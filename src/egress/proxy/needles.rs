//! The spellings of one credential, and where they are in bytes.
//!
//! Literals (base64, hexadecimal, UTF-16) are found by one automaton. Escapes of single characters can
//! be mixed in more ways than anyone could list, so the same automaton looks at the bytes as they are and
//! as they read without their escapes.

use super::escapes::Text;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind, packed};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::ops::Range;

/// A shorter value is no secret, and starring it would ruin every body.
const SHORTEST: usize = 4;
/// Base64 of less would match by chance.
const SHORTEST_ENCODED: usize = 8;
/// So much of a match before a line break does not wait for the next line: every line would.
const UNWAITED: usize = 4;

/// The spellings of one credential.
pub(crate) struct Needles {
    all: Vec<Vec<u8>>,
    /// Looks for the first bytes of all with vector instructions; `None` where there are none.
    packed: Option<packed::Searcher>,
    /// In its place; `None` where no value is long enough.
    finder: Option<AhoCorasick>,
    /// The length of the shortest, in bytes.
    shortest: usize,
}

/// The end of what was looked at, in bytes from there back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    /// What the next look needs to see again.
    pub(crate) context: usize,
    /// What must wait, of it.
    pub(crate) held: usize,
}

impl Needles {
    /// The spellings of `values`.
    pub(crate) fn new(values: &[&str]) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for value in values.iter().filter(|v| v.len() >= SHORTEST) {
            let bytes = value.as_bytes();
            all.push(bytes.to_vec());
            // A form writes a blank as `+`; and a value with an escape in it reads as another.
            all.push(value.replace(' ', "+").into_bytes());
            all.extend(Text::read(bytes, true).map(|t| t.bytes).filter(|t| t.len() >= SHORTEST));
            if bytes.len() >= SHORTEST_ENCODED {
                all.extend(inside_base64(bytes));
            }
            all.push(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into_bytes());
            all.push(bytes.iter().map(|b| format!("{b:02X}")).collect::<String>().into_bytes());
            all.push(utf16(value));
        }
        Self::spelled(all)
    }

    /// Those of several credentials together.
    pub(crate) fn of_all<'n>(sets: impl Iterator<Item = &'n Self>) -> Self {
        Self::spelled(sets.flat_map(|needles| needles.all.iter().cloned()).collect())
    }

    fn spelled(mut all: Vec<Vec<u8>>) -> Self {
        all.sort_unstable();
        all.dedup();
        // The smaller automaton: a login's token makes some ten thousand states.
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&all)
            .ok()
            .filter(|_| !all.is_empty());
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostLongest)
            .builder()
            .extend(&all)
            .build()
            .filter(|_| !all.is_empty());
        Self { packed, finder, shortest: all.iter().map(Vec::len).min().unwrap_or(usize::MAX), all }
    }

    /// Calls `found` with each place of a match in `window`; with `end` nothing follows it.
    pub(crate) fn each(&self, window: &[u8], end: bool, mut found: impl FnMut(Range<usize>)) -> Tail {
        self.search(window, &mut found);
        let unfinished = self.unfinished(window);
        let Some(text) = Text::read(window, end) else {
            return Tail { context: unfinished, held: unfinished };
        };
        self.search(&text.bytes, |place| found(text.raw(place)));
        let from = |at: usize| window.len() - at;
        let raw = from(text.boundary(window.len() - unfinished));
        let cut = text.cut.map_or(0, from);
        let read = self.unfinished(&text.bytes);
        let context = match read {
            0 => 0,
            n => from(text.start(text.bytes.len() - n)),
        };
        let waits = read >= UNWAITED || !text.broken;
        let held = if waits { context } else { 0 }.max(unfinished).max(cut);
        Tail { context: context.max(raw).max(cut), held }
    }

    fn search(&self, window: &[u8], mut found: impl FnMut(Range<usize>)) {
        let mut from = 0;
        let next = |from: usize| match &self.packed {
            Some(packed) => packed.find_in(window, (from..window.len()).into()),
            None => self.finder.as_ref()?.find(Input::new(window).range(from..)),
        };
        while let Some(at) = Some(from).filter(|f| window.len() - f >= self.shortest).and_then(next) {
            found(at.range());
            // One on, not one match on: matches of a repetitive value overlap.
            from = at.start() + 1;
        }
    }

    /// How many bytes at the end of `window` may be the beginning of a match.
    fn unfinished(&self, window: &[u8]) -> usize {
        let Some(last) = window.last() else { return 0 };
        let longest = |needle: &Vec<u8>| {
            let most = window.len().min(needle.len() - 1);
            let ends = memchr::memrchr_iter(*last, &needle[..most]);
            ends.map(|at| at + 1).find(|n| window.ends_with(&needle[..*n])).unwrap_or(0)
        };
        self.all.iter().map(longest).max().unwrap_or(0)
    }

    /// A copy with the matches starred; `None` when there are none.
    pub(crate) fn mask(&self, whole: &[u8]) -> Option<Vec<u8>> {
        let mut out: Option<Vec<u8>> = None;
        // An escape is longer than what it stands for.
        if whole.len() < self.shortest {
            return None;
        }
        let mut found = |place: Range<usize>| star(&mut out.get_or_insert_with(|| whole.to_vec())[place]);
        self.search(whole, &mut found);
        if let Some(text) = Text::read(whole, true) {
            self.search(&text.bytes, |place| found(text.raw(place)));
        }
        out
    }

    /// Whether a header's name holds it; names have no capitals any more.
    pub(crate) fn in_name(&self, name: &str) -> bool {
        let name = name.as_bytes();
        self.all.iter().any(|needle| name.windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle)))
    }
}

/// Line breaks stay: they may frame what stands around them.
pub(crate) fn star(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|b| !matches!(b, b'\r' | b'\n')).for_each(|b| *b = b'*');
}

/// UTF-16 of either order, without the zero that one begins and the other ends with.
fn utf16(value: &str) -> Vec<u8> {
    let bytes: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.strip_suffix(b"\0").map_or(bytes.clone(), <[u8]>::to_vec)
}

/// What base64 of any text with `value` in it must contain: one spelling for each place that the
/// value can begin at within three bytes, in both alphabets, without the digits that neighbours share.
fn inside_base64(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [&vec![0; before], value].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let mut text = engine.encode(&padded).into_bytes();
            if padded.len() % 3 != 0 {
                text.pop();
            }
            all.push(text.split_off(shared));
        }
    }
    all
}
