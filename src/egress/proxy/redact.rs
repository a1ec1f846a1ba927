//! Takes a credential out of a stream of bytes.
//!
//! Every byte of a match becomes `*`, so that lengths, and with them the framing, stay as they
//! are. Bytes are held back only while they are the beginning of a match.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hyper::body::Bytes;
use memchr::memmem::Finder;
use std::sync::Arc;

/// A shorter value is no secret, and starring it would ruin every body.
const SHORTEST: usize = 4;
/// Base64 of less would match by chance.
const SHORTEST_ENCODED: usize = 8;

/// The spellings of one credential.
pub(crate) struct Needles(Vec<Finder<'static>>);

impl Needles {
    /// Spellings of `values`: as they are, as JSON and URLs escape them, and inside base64.
    pub(crate) fn new(values: &[&str]) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for value in values.iter().filter(|v| v.len() >= SHORTEST) {
            all.push(value.as_bytes().to_vec());
            let json = serde_json::Value::from(*value).to_string();
            all.push(json.trim_matches('"').as_bytes().to_vec());
            all.push(percent_encoded(value).into_bytes());
            if value.len() >= SHORTEST_ENCODED {
                all.extend(inside_base64(value.as_bytes()));
            }
        }
        all.sort_unstable();
        all.dedup();
        Self(all.iter().map(|n| Finder::new(n).into_owned()).collect())
    }

    /// Calls `found` with each place of a match in `window`.
    fn each(&self, window: &[u8], mut found: impl FnMut(std::ops::Range<usize>)) {
        for finder in &self.0 {
            let length = finder.needle().len();
            let mut from = 0;
            while let Some(at) = window.get(from..).and_then(|w| finder.find(w)) {
                found(from + at..from + at + length);
                // One on, not one match on: matches of a repetitive value overlap.
                from += at + 1;
            }
        }
    }

    /// How many bytes at the end of `window` may be the beginning of a match.
    fn unfinished(&self, window: &[u8]) -> usize {
        let longest = |needle: &[u8]| {
            let most = window.len().min(needle.len() - 1);
            (1..=most).rev().find(|n| window.ends_with(&needle[..*n])).unwrap_or(0)
        };
        self.0.iter().map(|f| longest(f.needle())).max().unwrap_or(0)
    }

    /// A copy with the matches starred; `None` when there are none.
    pub(crate) fn mask(&self, whole: &[u8]) -> Option<Vec<u8>> {
        let mut out: Option<Vec<u8>> = None;
        self.each(whole, |range| out.get_or_insert_with(|| whole.to_vec())[range].fill(b'*'));
        out
    }
}

/// Takes the credential out of bytes that come in chunks.
pub(crate) struct Redactor {
    needles: Arc<Needles>,
    /// The end of what came in and has not gone out, as it came in.
    seen: Vec<u8>,
    /// The same bytes as they will go out: a match inside them may have ended already.
    shown: Vec<u8>,
}

/// What [`Redactor::step`] says about a chunk.
pub(crate) struct Step {
    /// Bytes held before this chunk, as they may go out now or later.
    pub(crate) before: Vec<u8>,
    /// The chunk, starred in place.
    pub(crate) chunk: Option<Vec<u8>>,
    /// How many bytes at the end of `before` and the chunk together must wait.
    pub(crate) held: usize,
}

impl Redactor {
    pub(crate) fn new(needles: Arc<Needles>) -> Self {
        Self { needles, seen: Vec::new(), shown: Vec::new() }
    }

    pub(crate) fn needles(&self) -> &Needles {
        &self.needles
    }

    /// How many bytes are held back.
    pub(crate) fn held(&self) -> usize {
        self.shown.len()
    }

    /// Says how the held bytes look by now; for callers of [`Redactor::step`].
    pub(crate) fn hold(&mut self, shown: Vec<u8>) {
        debug_assert_eq!(shown.len(), self.seen.len());
        self.shown = shown;
    }

    /// Takes a chunk in and gives what may go out: nothing is copied unless there is a match.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        let step = self.step(&chunk);
        if step.before.is_empty() && step.chunk.is_none() {
            self.shown = self.seen.clone();
            return chunk.slice(..chunk.len() - step.held);
        }
        let mut out = step.before;
        out.extend_from_slice(step.chunk.as_deref().unwrap_or(&chunk));
        self.shown = out.split_off(out.len() - step.held);
        out.into()
    }

    /// What was held back; the stream has ended.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.seen.clear();
        std::mem::take(&mut self.shown).into()
    }

    /// Looks at a chunk behind what is held, and keeps the new unfinished end in `seen`.
    pub(crate) fn step(&mut self, chunk: &[u8]) -> Step {
        let mut before = std::mem::take(&mut self.shown);
        if self.seen.is_empty() {
            let starred = self.needles.mask(chunk);
            let held = self.needles.unfinished(chunk);
            self.seen.extend_from_slice(&chunk[chunk.len() - held..]);
            return Step { before, chunk: starred, held };
        }
        let carried = self.seen.len();
        let mut window = std::mem::take(&mut self.seen);
        window.extend_from_slice(chunk);
        let mut starred: Option<Vec<u8>> = None;
        self.needles.each(&window, |range| {
            if range.start < carried {
                before[range.start..range.end.min(carried)].fill(b'*');
            }
            if range.end > carried {
                let out = starred.get_or_insert_with(|| chunk.to_vec());
                out[range.start.saturating_sub(carried)..range.end - carried].fill(b'*');
            }
        });
        let held = self.needles.unfinished(&window);
        self.seen = window.split_off(window.len() - held);
        Step { before, chunk: starred, held }
    }
}

fn percent_encoded(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret() -> String {
        ["sk", "test", "0123456789"].join("-")
    }

    fn run(needles: &Arc<Needles>, chunks: &[&[u8]]) -> Vec<u8> {
        let mut redactor = Redactor::new(needles.clone());
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend_from_slice(&redactor.push(Bytes::copy_from_slice(chunk)));
        }
        out.extend_from_slice(&redactor.finish());
        out
    }

    #[test]
    fn a_secret_is_starred_however_it_is_cut() {
        let secret = secret();
        let needles = Arc::new(Needles::new(&[&secret]));
        let text = format!("a {secret} b {secret}{secret}");
        let stars = "*".repeat(secret.len());
        let wanted = format!("a {stars} b {stars}{stars}");
        for size in 1..text.len() {
            let chunks: Vec<_> = text.as_bytes().chunks(size).collect();
            assert_eq!(String::from_utf8(run(&needles, &chunks)).expect("text"), wanted, "{size}");
        }
    }

    #[test]
    fn bytes_that_begin_no_match_are_never_held() {
        let secret = secret();
        let mut redactor = Redactor::new(Arc::new(Needles::new(&[&secret])));
        assert_eq!(redactor.push(Bytes::from_static(b"data: 1\n\n")), "data: 1\n\n");
        assert_eq!(redactor.push(Bytes::from_static(b"data: sk-te")), "data: ");
        assert_eq!(redactor.push(Bytes::from_static(b"x\n\n")), "sk-tex\n\n");
    }

    #[test]
    fn a_chunk_without_a_match_is_not_copied() {
        let mut redactor = Redactor::new(Arc::new(Needles::new(&[&secret()])));
        let chunk = Bytes::from(vec![b'.'; 4096]);
        assert_eq!(redactor.push(chunk.clone()).as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn other_spellings_are_starred_too() {
        let secret = format!("{}\"/+=é", secret());
        let needles = Needles::new(&[&secret]);
        let json = serde_json::json!({ "authorization": secret }).to_string();
        let url = format!("https://a.test/?key={}", percent_encoded(&secret));
        for text in [secret.clone(), json, url] {
            assert!(needles.mask(text.as_bytes()).is_some(), "not found");
        }
        for prefix in ["", "B", "Be", "Bearer ", "x-access-token:"] {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{prefix}{secret} and more"));
            assert!(needles.mask(text.as_bytes()).is_some(), "{prefix}");
        }
    }

    #[test]
    fn a_trifle_is_no_secret() {
        assert_eq!(Needles::new(&["", "abc"]).mask(b"abc abc"), None);
    }

    proptest! {
        #[test]
        fn the_cut_never_matters_and_nothing_else_changes(
            text in "[ab]{0,60}", needle in "[ab]{4,9}", cuts in proptest::collection::vec(1usize..7, 1..40)
        ) {
            let needles = Arc::new(Needles::new(&[&needle]));
            let whole = needles.mask(text.as_bytes()).unwrap_or(text.clone().into_bytes());
            let (mut chunks, mut rest) = (Vec::new(), text.as_bytes());
            for cut in cuts {
                let (chunk, tail) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = tail;
            }
            chunks.push(rest);
            prop_assert_eq!(run(&needles, &chunks), whole);
        }
    }
}
