//! What a checkout makes of a file that a revision has: other line ends, or a large file in place of its pointer.

/// Bytes without the carriage returns at the ends of lines; `None` where there are none.
pub(super) fn without_carriage_returns(bytes: &[u8]) -> Option<Vec<u8>> {
    let ends = |i: usize| bytes[i] == b'\r' && bytes.get(i + 1) == Some(&b'\n');
    let some = (0..bytes.len()).any(ends);
    some.then(|| (0..bytes.len()).filter(|i| !ends(*i)).map(|i| bytes[i]).collect())
}

/// The SHA-256 in hex of the file that a pointer of Git LFS stands for.
pub(super) fn stored(pointer: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(pointer.get(..1024).map_or(pointer, |_| &[])).ok()?;
    let mut lines = text.lines();
    if lines.next() != Some("version https://git-lfs.github.com/spec/v1") {
        return None;
    }
    let digest = lines.find_map(|line| line.strip_prefix("oid sha256:"))?;
    (digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit())).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_known_by_its_first_line() {
        let oid = "a".repeat(64);
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5\n");
        assert_eq!(stored(pointer.as_bytes()), Some(oid.as_str()));
        for other in ["", "version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "oid sha256:a\n"] {
            assert_eq!(stored(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(without_carriage_returns(b"a\r\nb\rc\n").as_deref(), Some(&b"a\nb\rc\n"[..]));
        assert_eq!(without_carriage_returns(b"a\n"), None);
    }
}
