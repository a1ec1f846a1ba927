//! Takes a credential out of a stream of bytes.
//!
//! Every byte of a match becomes `*`, so that lengths, and with them the framing, stay as they
//! are. Bytes are held back only while they are the beginning of a match.

use super::needles::{Needles, star};
use hyper::body::Bytes;
use std::sync::Arc;

/// Takes the credential out of bytes that come in chunks.
pub(crate) struct Redactor {
    needles: Arc<Needles>,
    /// The end of what came in that a match may begin in, as it came in.
    seen: Vec<u8>,
    /// The end of it that has not gone out, as it will: a match inside it may have ended already.
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
        debug_assert!(shown.len() <= self.seen.len());
        self.shown = shown;
    }

    /// Takes a chunk in and gives what may go out: nothing is copied unless there is a match.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        let step = self.step(&chunk);
        if step.before.is_empty() && step.chunk.is_none() {
            self.shown.extend_from_slice(&chunk[chunk.len() - step.held..]);
            return chunk.slice(..chunk.len() - step.held);
        }
        let mut out = step.before;
        out.extend_from_slice(step.chunk.as_deref().unwrap_or(&chunk));
        self.shown = out.split_off(out.len() - step.held);
        out.into()
    }

    /// What was held back; the stream has ended.
    pub(crate) fn finish(&mut self) -> Bytes {
        let seen = std::mem::take(&mut self.seen);
        let mut shown = std::mem::take(&mut self.shown);
        let sent = seen.len() - shown.len();
        // The end makes whole what could have gone on: `&#45` without a semicolon.
        self.needles.each(&seen, true, |place| {
            star(&mut shown[place.start.saturating_sub(sent)..place.end.saturating_sub(sent)]);
        });
        shown.into()
    }

    /// Looks at a chunk behind what is kept, and keeps the new unfinished end in `seen`.
    pub(crate) fn step(&mut self, chunk: &[u8]) -> Step {
        let mut before = std::mem::take(&mut self.shown);
        let mut window = std::mem::take(&mut self.seen);
        let (carried, waiting) = (window.len(), before.len());
        let mut starred: Option<Vec<u8>> = None;
        let found = |place: std::ops::Range<usize>| {
            if place.start < carried {
                let at = |n: usize| (n.min(carried) + waiting).saturating_sub(carried);
                star(&mut before[at(place.start)..at(place.end)]);
            }
            if place.end > carried {
                let out = starred.get_or_insert_with(|| chunk.to_vec());
                star(&mut out[place.start.saturating_sub(carried)..place.end - carried]);
            }
        };
        let tail = if carried == 0 {
            self.needles.each(chunk, false, found)
        } else {
            window.extend_from_slice(chunk);
            self.needles.each(&window, false, found)
        };
        self.seen = match carried {
            0 => chunk[chunk.len() - tail.context..].to_vec(),
            _ => window.split_off(window.len() - tail.context),
        };
        // What has gone out cannot wait any more.
        Step { before, chunk: starred, held: tail.held.min(waiting + chunk.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
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
        let url: String = secret.bytes().map(|b| format!("%{b:02x}")).collect();
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

    /// One character as some encoder writes it.
    fn spelled(c: char, how: usize) -> String {
        let n = u32::from(c);
        match how {
            0 if !matches!(c, '\\' | '%' | '&') => c.to_string(),
            1 => format!("\\u{n:04x}"),
            2 => format!("\\u{n:04X}"),
            3 => format!("\\x{n:02x}"),
            4 if c.is_ascii_punctuation() => format!("\\{c}"),
            5 => format!("%{n:02x}"),
            6 => format!("&#{n};"),
            7 => format!("&#x{n:x};"),
            8 => format!("&#X0{n:X};"),
            _ => format!("%{n:02X}"),
        }
    }

    fn cut(text: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let (mut chunks, mut rest) = (Vec::new(), text);
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                return chunks;
            }
            let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk.to_vec());
            rest = tail;
        }
        chunks
    }

    fn redacted(needles: &Arc<Needles>, text: &[u8], cuts: &[usize]) -> Vec<u8> {
        let chunks = cut(text, cuts);
        run(needles, &chunks.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn cuts() -> impl Strategy<Value = Vec<usize>> {
        proptest::collection::vec(1usize..9, 1..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_mixture_of_escapes_hides_a_secret(
            secret in "[!-~]{6,30}", how in proptest::collection::vec(0usize..10, 30), cuts in cuts()
        ) {
            let needles = Arc::new(Needles::new(&[&secret]));
            let written: String = secret.chars().zip(how).map(|(c, how)| spelled(c, how)).collect();
            let text = format!("{{\"k\": \"<{written}>\"}}\n");
            let wanted = text.replace(&written, &"*".repeat(written.len()));
            let out = redacted(&needles, text.as_bytes(), &cuts);
            prop_assert_eq!(String::from_utf8_lossy(&out), wanted);
        }

        #[test]
        fn no_encoding_of_the_whole_hides_a_secret(
            secret in "[!-~]{12,60}", before in "[!-~]{0,5}", width in 5usize..80, how in 0usize..9, cuts in cuts()
        ) {
            use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
            let needles = Arc::new(Needles::new(&[&secret]));
            let plain = format!("{before}{secret}:end");
            let encoded = match how % 3 {
                0 => STANDARD.encode(&plain),
                1 => URL_SAFE_NO_PAD.encode(&plain),
                _ => plain.bytes().map(|b| if how > 4 { format!("{b:02X}") } else { format!("{b:02x}") }).collect(),
            };
            let end = ["\n", "\r\n", "\\n"][how / 3];
            let lines: Vec<_> =
                encoded.as_bytes().chunks(width).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
            let out = redacted(&needles, lines.join(end).as_bytes(), &cuts);
            let joined = String::from_utf8_lossy(&out).replace(end, "");
            // Of the secret's digits no more is left than what neighbours share and what did not wait.
            let shown = joined.bytes().filter(|b| *b != b'*').count();
            let own = encoded.len() - secret.len() * 4 / 3;
            prop_assert!(shown <= own + 4 + 4, "{secret} in {encoded}: {joined}");
        }

        #[test]
        fn text_without_the_secret_passes_as_it_is(
            text in "([abcd0-9]|\\\\u|\\\\|%|&#|&amp|;|\r|\n){0,60}", cuts in cuts()
        ) {
            let needles = Arc::new(Needles::new(&[&["zz", "top", "secret"].join("-")]));
            prop_assert_eq!(redacted(&needles, text.as_bytes(), &cuts), text.as_bytes());
        }
    }

    #[test]
    fn an_entity_at_the_very_end_needs_no_semicolon() {
        let (secret, needles) = (secret(), Arc::new(Needles::new(&[&secret()])));
        let text = format!("{}&#57", &secret[..secret.len() - 1]);
        assert_eq!(run(&needles, &[text.as_bytes()]), vec![b'*'; text.len()]);
    }

    #[test]
    fn a_line_that_ends_like_the_beginning_does_not_wait() {
        let secret = secret();
        let mut redactor = Redactor::new(Arc::new(Needles::new(&[&secret])));
        assert_eq!(redactor.push(Bytes::from_static(b"data: it's\n")), "data: it's\n");
        assert_eq!(
            redactor.push(Bytes::copy_from_slice(&secret.as_bytes()[1..])),
            "*".repeat(secret.len() - 1)
        );
        assert_eq!(redactor.push(Bytes::from_static(b"data: sk-test\n\n")), "data: sk-test\n\n");
    }

    #[test]
    fn a_wide_spelling_and_a_headers_name_are_found() {
        let secret = secret().replace("sk", "Sk");
        let needles = Needles::new(&[&secret]);
        for wide in [u16::to_le_bytes, u16::to_be_bytes] {
            let text: Vec<u8> = format!("a {secret} b").encode_utf16().flat_map(wide).collect();
            assert!(needles.mask(&text).is_some());
        }
        assert!(needles.in_name(&format!("x-{}", secret.to_ascii_lowercase())) && !needles.in_name("x-sk"));
    }
}
