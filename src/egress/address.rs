//! Which addresses a bottle must never reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is out of bounds, in a person's words; `None` for a public address.
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6),
    }
}

/// What no bottle reaches, the narrower before the wider. From the registries «IANA IPv4 Special-Purpose
/// Address Space» (RFC 6890 and its updates), «IPv4 Multicast Address Space» and what clouds say of their own
/// services; what these call globally reachable (AS112, AMT) is left out.
const V4: [([u8; 4], u8, &str); 19] = [
    ([169, 254, 169, 254], 32, METADATA),
    ([100, 100, 100, 200], 32, METADATA),
    // Azure's, a public address by its number.
    ([168, 63, 129, 16], 32, METADATA),
    // Oracle's.
    ([192, 0, 0, 192], 32, METADATA),
    ([0, 0, 0, 0], 8, "an unspecified address"),
    ([127, 0, 0, 0], 8, "a loopback address"),
    ([10, 0, 0, 0], 8, "a private address"),
    ([172, 16, 0, 0], 12, "a private address"),
    ([192, 168, 0, 0], 16, "a private address"),
    ([169, 254, 0, 0], 16, "a link-local address"),
    ([100, 64, 0, 0], 10, "a shared (carrier NAT) address"),
    ([192, 0, 0, 0], 24, RESERVED),
    ([192, 0, 2, 0], 24, RESERVED),
    ([192, 88, 99, 0], 24, RESERVED),
    ([198, 18, 0, 0], 15, RESERVED),
    ([198, 51, 100, 0], 24, RESERVED),
    ([203, 0, 113, 0], 24, RESERVED),
    ([224, 0, 0, 0], 4, "a multicast address"),
    ([240, 0, 0, 0], 4, RESERVED),
];

/// The same for IPv6, from «IANA IPv6 Special-Purpose Address Space» and «Internet Protocol Version 6 Address
/// Space»: what is not in 2000::/3 is not a global unicast address.
const V6: [([u16; 8], u8, &str); 13] = [
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, METADATA),
    ([0; 8], 128, "an unspecified address"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "a loopback address"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "a private address"),
    // Site-local, once.
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "a private address"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "a link-local address"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "a multicast address"),
    // Protocol assignments: Teredo, ORCHID, benchmarking.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, RESERVED),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, RESERVED),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, RESERVED),
    // The rest of the space, in the three parts that are not 2000::/3.
    ([0, 0, 0, 0, 0, 0, 0, 0], 3, RESERVED),
    ([0x4000, 0, 0, 0, 0, 0, 0, 0], 2, RESERVED),
    ([0x8000, 0, 0, 0, 0, 0, 0, 0], 1, RESERVED),
];

const METADATA: &str = "a cloud metadata address";
const RESERVED: &str = "a reserved address";

fn forbidden_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let within = |network: [u8; 4], length: u8| {
        (u32::from(ip) ^ u32::from_be_bytes(network)).leading_zeros() >= u32::from(length)
    };
    V4.iter().find(|(network, length, _)| within(*network, *length)).map(|(.., why)| *why)
}

fn forbidden_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if let Some(v4) = embedded_v4(ip) {
        return forbidden_v4(v4);
    }
    let within = |network: [u16; 8], length: u8| {
        (u128::from(ip) ^ u128::from(Ipv6Addr::from(network))).leading_zeros() >= u32::from(length)
    };
    V6.iter().find(|(network, length, _)| within(*network, *length)).map(|(.., why)| *why)
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

    /// The special-purpose registries, block by block: name, first and last address, and whether the registry
    /// calls it globally reachable.
    #[test]
    fn the_table_agrees_with_the_registries() {
        let registry = [
            ("This network", "0.0.0.0", "0.255.255.255", false),
            ("Private-Use", "10.0.0.0", "10.255.255.255", false),
            ("Shared Address Space", "100.64.0.0", "100.127.255.255", false),
            ("Loopback", "127.0.0.0", "127.255.255.255", false),
            ("Link Local", "169.254.0.0", "169.254.255.255", false),
            ("Private-Use", "172.16.0.0", "172.31.255.255", false),
            ("IETF Protocol Assignments", "192.0.0.0", "192.0.0.255", false),
            ("Documentation (TEST-NET-1)", "192.0.2.0", "192.0.2.255", false),
            ("AS112-v4", "192.31.196.0", "192.31.196.255", true),
            ("AMT", "192.52.193.0", "192.52.193.255", true),
            ("Deprecated (6to4 Relay Anycast)", "192.88.99.0", "192.88.99.255", false),
            ("Private-Use", "192.168.0.0", "192.168.255.255", false),
            ("Direct Delegation AS112", "192.175.48.0", "192.175.48.255", true),
            ("Benchmarking", "198.18.0.0", "198.19.255.255", false),
            ("Documentation (TEST-NET-2)", "198.51.100.0", "198.51.100.255", false),
            ("Documentation (TEST-NET-3)", "203.0.113.0", "203.0.113.255", false),
            ("Multicast", "224.0.0.0", "239.255.255.255", false),
            ("Reserved, Limited Broadcast", "240.0.0.0", "255.255.255.255", false),
            ("Unspecified, Loopback", "::", "::1", false),
            ("IPv4-IPv6 Translation", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", false),
            ("Discard-Only", "100::", "100::ffff:ffff:ffff:ffff", false),
            ("Dummy IPv6 Prefix", "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", false),
            ("IETF Protocol Assignments", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("Documentation", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("Direct Delegation AS112", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", true),
            ("Documentation", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("SRv6 SIDs", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("Unique-Local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("Link-Local Unicast", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("Site-Local (deprecated)", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
            ("Multicast", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
        ];
        for (name, first, last, reachable) in registry {
            for address in [first, last] {
                let why = forbidden(address.parse().expect("an address"));
                assert_eq!(why.is_none(), reachable, "{name} {address}: {why:?}");
            }
        }
        // What lies right beside a block is no part of it.
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "3ffe:ffff::",
            "3fff:1000::",
            "2000::",
            "2606:4700::1111",
        ] {
            assert_eq!(forbidden(address.parse().expect("an address")), None, "{address}");
        }
        for cloud in ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"] {
            assert_eq!(forbidden(cloud.parse().expect("an address")), Some(METADATA), "{cloud}");
        }
        assert_eq!(forbidden("::ffff:168.63.129.16".parse().expect("an address")), Some(METADATA));
    }

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
