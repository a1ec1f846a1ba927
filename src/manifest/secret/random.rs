//! Values that look as if dice had made them, and digests, which are nobody's secret.

/// Whether a run without dots looks as if dice had made it.
pub(super) fn random_piece(piece: &str) -> bool {
    const PUBLIC: [&str; 9] = [
        "sha1-",
        "sha256-",
        "sha384-",
        "sha512-",
        "AAAAB3NzaC1",
        "AAAAC3NzaC1",
        "AAAAE2VjZHNh",
        "AAAAGnNr",
        "age1",
    ];
    if !(32..=4096).contains(&piece.len()) || PUBLIC.iter().any(|p| piece.starts_with(p)) {
        return false;
    }
    // Paths and dashed words are made of short parts.
    if piece.split(['/', '-', '_']).any(|part| part.len() >= 20 && !is_digest(part) && random(part, 30, 3.3))
    {
        return true;
    }
    // Base64 has slashes too, but few.
    let upper_and_lower =
        piece.bytes().any(|b| b.is_ascii_uppercase()) && piece.bytes().any(|b| b.is_ascii_lowercase());
    let few_slashes = piece.bytes().filter(|b| *b == b'/').count() * 10 <= piece.len();
    upper_and_lower && few_slashes && !piece.starts_with('/') && random(piece, 45, 4.4)
}

/// Whether a part changes between capitals, small letters and digits at least so many times in a
/// hundred characters, and has so many bits of entropy a character.
fn random(part: &str, changes: usize, bits: f64) -> bool {
    let class = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let bytes = part.as_bytes();
    let changed = bytes.windows(2).filter(|w| class(w[0]) != class(w[1])).count();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    digits >= 2 && digits < bytes.len() && changed * 100 >= changes * bytes.len() && entropy(part) >= bits
}

/// MD5, SHA-1 (a git commit), SHA-256 and longer ones, in hexadecimal.
fn is_digest(part: &str) -> bool {
    let one_case =
        !part.bytes().any(|b| b.is_ascii_uppercase()) || !part.bytes().any(|b| b.is_ascii_lowercase());
    one_case && [32, 40, 64, 96, 128].contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Shannon entropy in bits a byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len() as f64;
    counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / length).map(|share| -share * share.log2()).sum()
}
