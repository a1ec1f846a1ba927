//! From bytes to text.

/// The largest text that is read, in bytes. A manifest of 2,000 lines has about 80 KiB.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Why bytes are no manifest text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More than [`MAX_BYTES`].
    #[error("the file is larger than {} MiB, which no manifest is", MAX_BYTES / (1024 * 1024))]
    TooLarge,
    /// A byte order mark of UTF-16 or UTF-32.
    #[error("the file is {0}; save it as UTF-8")]
    WrongEncoding(&'static str),
    /// A NUL byte.
    #[error("the file is binary (a NUL byte at offset {0})")]
    Binary(usize),
    /// A byte that UTF-8 does not allow there.
    #[error("the file is not UTF-8 (at byte {0}); save it as UTF-8")]
    NotUtf8(usize),
}

/// Reads bytes as UTF-8, with or without a byte order mark (which stays in the text).
///
/// # Errors
/// When the bytes are no text that a manifest could be.
pub fn decode(bytes: Vec<u8>) -> Result<String, DecodeError> {
    if bytes.len() > MAX_BYTES {
        return Err(DecodeError::TooLarge);
    }
    let wrong = match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ => None,
    };
    if let Some(encoding) = wrong {
        return Err(DecodeError::WrongEncoding(encoding));
    }
    if let Some(offset) = bytes.iter().position(|b| *b == 0) {
        return Err(DecodeError::Binary(offset));
    }
    String::from_utf8(bytes).map_err(|e| DecodeError::NotUtf8(e.utf8_error().valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_text_is_read() {
        assert_eq!(decode(b"\xef\xbb\xbfa: 1".to_vec()).as_deref(), Ok("\u{feff}a: 1"));
        assert_eq!(decode(b"\xff\xfea\0".to_vec()), Err(DecodeError::WrongEncoding("UTF-16")));
        assert_eq!(decode(b"ab\0".to_vec()), Err(DecodeError::Binary(2)));
        assert_eq!(decode(b"ab\xff".to_vec()), Err(DecodeError::NotUtf8(2)));
        assert_eq!(decode(vec![b'a'; MAX_BYTES + 1]), Err(DecodeError::TooLarge));
    }
}
