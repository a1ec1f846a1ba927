//! The name inside a TLS client hello, read before anything is passed on or answered.

/// What a client hello says about where it wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientHello {
    /// The server name, as sent.
    pub(crate) server_name: Option<String>,
    /// Whether an encrypted inner hello may name another server.
    pub(crate) encrypted: bool,
}

/// The bytes are no TLS client hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotTls;

/// The longest client hello that is read; real ones are below 4 KiB.
pub(crate) const MAX_HELLO: usize = 32 * 1024;

/// Reads a client hello from the first bytes of a connection; `None` when more are needed.
pub(crate) fn client_hello(bytes: &[u8]) -> Result<Option<ClientHello>, NotTls> {
    match handshake(bytes)? {
        Some(message) => body(&message).map(Some).ok_or(NotTls),
        None if bytes.len() >= MAX_HELLO => Err(NotTls),
        None => Ok(None),
    }
}

/// Joins the first handshake message out of its records.
fn handshake(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, NotTls> {
    let mut message = Vec::new();
    loop {
        // What is there of a record's head must already be right: an SSH banner or a plain
        // request is told apart by its first byte.
        let looks = |i: usize, ok: &dyn Fn(u8) -> bool| bytes.get(i).copied().is_none_or(ok);
        if !looks(0, &|b| b == 22) || !looks(1, &|b| b == 3) || !looks(2, &|b| b <= 4) {
            return Err(NotTls);
        }
        let Some((head, rest)) = bytes.split_at_checked(5) else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        if length == 0 || length > 16 * 1024 {
            return Err(NotTls);
        }
        let whole = rest.len() >= length;
        message.extend_from_slice(&rest[..length.min(rest.len())]);
        if message.first().is_some_and(|kind| *kind != 1) {
            return Err(NotTls);
        }
        if let [_, a, b, c, tail @ ..] = message.as_slice() {
            let wanted = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            if wanted > MAX_HELLO {
                return Err(NotTls);
            }
            if tail.len() >= wanted {
                return Ok(Some(tail[..wanted].to_vec()));
            }
        }
        if !whole {
            return Ok(None);
        }
        bytes = &rest[length..];
    }
}

/// A cursor that gives parts of known length.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(part)
    }

    fn u8(&mut self) -> Option<usize> {
        self.take(1).map(|b| usize::from(b[0]))
    }

    fn u16(&mut self) -> Option<usize> {
        self.take(2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])))
    }
}

const SERVER_NAME: usize = 0;
/// Encrypted client hello (RFC 9849), and its forerunner.
const ENCRYPTED: [usize; 2] = [0xfe0d, 0xffce];

/// RFC 8446, section 4.1.2.
fn body(message: &[u8]) -> Option<ClientHello> {
    let mut r = Reader(message);
    r.take(2 + 32)?;
    let session = r.u8()?;
    r.take(session)?;
    let ciphers = r.u16()?;
    r.take(ciphers)?;
    let compression = r.u8()?;
    r.take(compression)?;
    let mut hello = ClientHello { server_name: None, encrypted: false };
    if r.0.is_empty() {
        return Some(hello);
    }
    let length = r.u16()?;
    let mut extensions = Reader(r.take(length)?);
    if !r.0.is_empty() {
        return None;
    }
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let length = extensions.u16()?;
        let content = extensions.take(length)?;
        if kind == SERVER_NAME {
            // Two names, or the extension twice, could be read differently by the server.
            if hello.server_name.is_some() {
                return None;
            }
            hello.server_name = Some(server_name(content)?);
        }
        hello.encrypted |= ENCRYPTED.contains(&kind);
    }
    Some(hello)
}

/// RFC 6066, section 3: a list, here of exactly one host name.
fn server_name(content: &[u8]) -> Option<String> {
    let mut r = Reader(content);
    let length = r.u16()?;
    let mut list = Reader(r.take(length)?);
    let kind = list.u8()?;
    let length = list.u16()?;
    let name = list.take(length)?;
    if kind != 0 || !list.0.is_empty() || !r.0.is_empty() {
        return None;
    }
    String::from_utf8(name.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// A real client hello, from rustls.
    fn hello(name: &str) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let name = name.to_owned().try_into().expect("a name");
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut out = Vec::new();
        client.write_tls(&mut out).expect("bytes");
        out
    }

    #[test]
    fn the_name_is_found_in_any_cut_of_the_bytes() {
        let bytes = hello("api.example.com");
        for n in 0..bytes.len() {
            assert_eq!(client_hello(&bytes[..n]), Ok(None), "{n} bytes");
        }
        let found = client_hello(&bytes).expect("TLS").expect("whole");
        assert_eq!(found, ClientHello { server_name: Some("api.example.com".into()), encrypted: false });
    }

    #[test]
    fn a_hello_cut_into_small_records_is_joined() {
        let bytes = hello("api.example.com");
        let cut: Vec<u8> = bytes[5..]
            .chunks(7)
            .flat_map(|c| [&[22, 3, 1, 0, u8::try_from(c.len()).expect("short")], c].concat())
            .collect();
        let found = client_hello(&cut).expect("TLS").expect("whole");
        assert_eq!(found.server_name.as_deref(), Some("api.example.com"));
    }

    #[test]
    fn an_address_sends_no_name_and_an_encrypted_hello_is_seen() {
        let bare = client_hello(&hello("127.0.0.1")).expect("TLS").expect("whole");
        assert_eq!(bare.server_name, None);
        // The same hello with an empty extension 0xfe0d behind the others.
        let mut bytes = hello("api.example.com");
        bytes.extend([0xfe, 0x0d, 0, 0]);
        let grow = |bytes: &mut Vec<u8>, at: usize| {
            let n = u16::from_be_bytes([bytes[at], bytes[at + 1]]) + 4;
            bytes[at..at + 2].copy_from_slice(&n.to_be_bytes());
        };
        grow(&mut bytes, 3);
        grow(&mut bytes, 7);
        let session = usize::from(bytes[43]);
        let ciphers = usize::from(u16::from_be_bytes([bytes[44 + session], bytes[45 + session]]));
        let compression = usize::from(bytes[46 + session + ciphers]);
        grow(&mut bytes, 47 + session + ciphers + compression);
        assert!(client_hello(&bytes).expect("TLS").expect("whole").encrypted);
    }

    #[test]
    fn other_protocols_are_told_apart_at_once() {
        for bytes in
            [&b"SSH-2.0-x\r\n"[..], b"GET / HTTP/1.1\r\n", b"\x16\x04", b"\x17\x03\x03", b"\x16\x03\x01\0\0"]
        {
            assert_eq!(client_hello(bytes), Err(NotTls), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0usize..500, flip: u8) {
            let _ = client_hello(&bytes);
            let mut near = hello("api.example.com");
            let at = at % near.len();
            near[at] ^= flip;
            let _ = client_hello(&near);
        }
    }
}
