//! What must hold for any bytes of a guest or an upstream: the bodies of the fuzz targets, which tests run
//! too.

use super::frames::{Frames, Masker};
use super::headers;
use super::needles::Needles;
use super::redact::Redactor;
use crate::egress::audit::Recorded;
use crate::egress::path::canonical_path;
use crate::egress::shape::{Shape, shape};
use crate::egress::sni::client_hello;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// What is looked for; nothing that looks like a credential.
const NEEDLE: &str = "needle-in-the-hay";

/// Cuts data into pieces whose lengths its first byte decides.
fn pieces(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (size, rest) = data.split_first().map_or((1, data), |(first, rest)| (usize::from(*first) + 1, rest));
    rest.chunks(size)
}

/// A client hello says the same however much of what follows is there already.
///
/// # Panics
/// When that is not so.
pub fn hello(data: &[u8]) {
    let whole = client_hello(data);
    if let Ok(Some(hello)) = &whole {
        let more = [data, b"more"].concat();
        assert_eq!(client_hello(&more).as_ref(), Ok(&Some(hello.clone())));
    }
    if whole.is_ok() {
        assert!(client_hello(&data[..data.len() / 2]).is_ok(), "a beginning is refused, the whole is not");
    }
}

/// A path that can be read in one way reads as itself, and leads nowhere else.
///
/// # Panics
/// When that is not so.
pub fn path(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(path) = canonical_path(&text) else { return };
    assert_eq!(canonical_path(&path).as_deref(), Ok(&*path), "read twice it is another");
    assert!(!path.split('/').any(|part| part == ".."), "it leads upwards");
}

/// After the header rules no credential, no claim and nothing of one hop is left.
///
/// # Panics
/// When that is not so.
pub fn header_rules(data: &[u8]) {
    let mut map = HeaderMap::new();
    for line in data.split(|b| *b == b'\n') {
        let (name, value) = line.split_at(line.iter().position(|b| *b == b':').unwrap_or(line.len()));
        let value = HeaderValue::from_bytes(value.strip_prefix(b":").unwrap_or(value));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            map.append(name, value);
        }
    }
    headers::strip_hop_by_hop(&mut map);
    headers::strip(&mut map, Shape::Claim, &[]);
    headers::strip_credentials(&mut map, &[]);
    for name in map.keys() {
        assert!(!matches!(shape(name.as_str()), Some(Shape::Claim | Shape::Credential)), "{name} is left");
        assert!(!["connection", "te", "upgrade", "proxy-authorization"].contains(&name.as_str()), "{name}");
    }
}

/// However a body is cut, it comes out as it does in one piece, as long as it was, without the needle.
///
/// # Panics
/// When that is not so.
pub fn redaction(data: &[u8]) {
    let needles = Arc::new(Needles::new(&[NEEDLE]));
    let run = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut redactor = Redactor::new(needles.clone());
        let mut out = Vec::new();
        chunks.for_each(|chunk| out.extend_from_slice(&redactor.push(Bytes::copy_from_slice(chunk))));
        out.extend_from_slice(&redactor.finish());
        out
    };
    let cut = run(&mut pieces(data));
    let whole = data.get(1..).unwrap_or(data);
    assert_eq!(cut.len(), whole.len());
    assert!(!cut.windows(NEEDLE.len()).any(|w| w == NEEDLE.as_bytes()), "the needle is left");
}

/// Frames are frames however they are cut, from either side.
///
/// # Panics
/// When that is not so.
pub fn websocket(data: &[u8]) {
    let body = data.get(1..).unwrap_or(data);
    let whole = Frames::of_client(false).check(body).is_ok();
    let mut frames = Frames::of_client(false);
    assert_eq!(pieces(data).all(|piece| frames.check(piece).is_ok()), whole);
    let mut masker = Masker::new(Arc::new(Needles::new(&[NEEDLE])));
    let mut out = 0;
    for piece in pieces(data) {
        match masker.push(piece) {
            Ok(bytes) => out += bytes.len(),
            Err(_) => return,
        }
    }
    assert!(out <= body.len(), "more came out than went in");
}

/// An audit of any bytes is read to its end, and what is read is written as it can be read again.
///
/// # Panics
/// When that is not so.
pub fn audit(data: &[u8]) {
    use crate::egress::audit::AuditLine;
    let mut told = Vec::new();
    let read = Recorded::each(data, |recorded| told.push(recorded));
    assert!(read.is_ok());
    assert!(told.len() <= data.split(|b| *b == b'\n').count());
    for recorded in told {
        let line = AuditLine::Request(recorded.request);
        let text = serde_json::to_string(&line).unwrap_or_default();
        assert_eq!(serde_json::from_str::<AuditLine>(&text).ok(), Some(line));
    }
}
