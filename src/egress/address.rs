//! Which addresses a bottle must never reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is out of bounds, in a person's words; `None` for a public address.
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6),
    }
}

fn forbidden_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = ip.octets();
    match (a, b, c, d) {
        (169, 254, 169, 254) | (100, 100, 100, 200) => Some("a cloud metadata address"),
        (0, ..) => Some("an unspecified address"),
        (127, ..) => Some("a loopback address"),
        (10, ..) | (192, 168, ..) => Some("a private address"),
        (172, 16..=31, ..) => Some("a private address"),
        (169, 254, ..) => Some("a link-local address"),
        (100, 64..=127, ..) => Some("a shared (carrier NAT) address"),
        (192, 0, 0, _) | (192, 0, 2, _) | (198, 18..=19, ..) | (198, 51, 100, _) | (203, 0, 113, _) => {
            Some("a reserved address")
        }
        (224..=239, ..) => Some("a multicast address"),
        (240..=255, ..) => Some("a reserved address"),
        _ => None,
    }
}

fn forbidden_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if let Some(v4) = embedded_v4(ip) {
        return forbidden_v4(v4);
    }
    let s = ip.segments();
    if ip.is_unspecified() {
        Some("an unspecified address")
    } else if ip.is_loopback() {
        Some("a loopback address")
    } else if s == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] {
        Some("a cloud metadata address")
    } else if s[0] & 0xfe00 == 0xfc00 {
        Some("a private address")
    } else if s[0] & 0xffc0 == 0xfe80 {
        Some("a link-local address")
    } else if s[0] & 0xff00 == 0xff00 {
        Some("a multicast address")
    } else if s[0] & 0xe000 != 0x2000 || s[0] == 0x2001 && s[1] == 0xdb8 {
        // Global unicast is 2000::/3; the documentation range is not routed.
        Some("a reserved address")
    } else {
        None
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64, 6to4.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let from = |hi: u16, lo: u16| {
        let ([a, b], [c, d]) = (hi.to_be_bytes(), lo.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, hi, lo] => Some(from(hi, lo)),
        [0, 0, 0, 0, 0xffff, 0, hi, lo] => Some(from(hi, lo)),
        [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] => Some(from(hi, lo)),
        [0, 0, 0, 0, 0, 0, hi, lo] if hi != 0 => Some(from(hi, lo)),
        [0x2002, hi, lo, ..] => Some(from(hi, lo)),
        _ => None,
    }
}

/// A range of addresses: an address, or an address and a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    network: u128,
    mask: u128,
    v4: bool,
}

impl Range {
    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(width);
        if length > width {
            return None;
        }
        let host_bits = width - length;
        let mask = if host_bits >= 128 { 0 } else { u128::MAX << host_bits };
        Some(Self { network: bits(address) & mask, mask, v4: address.is_ipv4() })
    }

    /// Whether the address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.v4 && bits(address) & self.mask == self.network
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Reads what a C resolver would take for an IPv4 address: decimal, octal or hex, one to four parts.
///
/// A host name of this shape never names a host, so the policy refuses it.
pub fn numeric_host(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.starts_with('[') || host.contains(':') {
        return true;
    }
    let part = |p: &str| {
        let hex = p.strip_prefix("0x").or_else(|| p.strip_prefix("0X"));
        match hex {
            Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
            None => !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()),
        }
    };
    // The last label of a name is never a number (RFC 3696), so one look is enough.
    host.rsplit('.').next().is_some_and(part)
}

/// The address that a host text stands for as a C resolver reads it: with or without brackets,
/// in one to four parts, each decimal, octal or hexadecimal.
pub fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Some(address);
    }
    let number = |part: &str| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
        None => part.parse().ok(),
    };
    let parts: Vec<u32> = bare.trim_end_matches('.').split('.').map(number).collect::<Option<_>>()?;
    let (last, front) = parts.split_last().filter(|(_, front)| front.len() <= 3)?;
    let free_bits = 32 - 8 * u32::try_from(front.len()).ok()?;
    if front.iter().any(|p| *p > 255) || u64::from(*last) >= 1 << free_bits {
        return None;
    }
    let high = front.iter().fold(0u32, |all, part| (all << 8) | part);
    let high = if front.is_empty() { 0 } else { high << free_bits };
    Some(IpAddr::V4(Ipv4Addr::from(high | last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_reserved_and_metadata_addresses_are_forbidden_in_every_disguise() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "::127.0.0.1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(forbidden(text.parse().expect(text)).is_some(), "{text}");
        }
        for text in ["1.1.1.1", "140.82.112.3", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert_eq!(forbidden(text.parse().expect(text)), None, "{text}");
        }
    }

    #[test]
    fn a_range_holds_its_own_family_only() {
        let range = Range::parse("10.0.0.0/8").expect("range");
        assert!(range.contains("10.9.9.9".parse().expect("ip")));
        assert!(!range.contains("11.0.0.1".parse().expect("ip")));
        assert!(!range.contains("::10.0.0.1".parse().expect("ip")));
        assert!(Range::parse("::/0").expect("range").contains("fd00::1".parse().expect("ip")));
        assert_eq!(Range::parse("10.0.0.0/33"), None);
        assert_eq!(Range::parse("example.com"), None);
    }

    #[test]
    fn an_address_is_read_as_a_resolver_reads_it() {
        for text in ["127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.0.0.1."] {
            assert_eq!(literal(text), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), "{text}");
        }
        assert_eq!(literal("[::1]"), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        for text in ["256.1.1.1", "1.2.3.4.5", "example.com", "", "4294967296"] {
            assert_eq!(literal(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_no_host_names() {
        for host in ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "[::1]", "1.2.3.4."] {
            assert!(numeric_host(host), "{host}");
        }
        for host in ["example.com", "1.example", "0xyz.com", "a1"] {
            assert!(!numeric_host(host), "{host}");
        }
    }
}
