//! What a Dockerfile may not ask for: the host's network, more rights than a build has, files of the
//! host, and addresses that an engine would fetch from where it stands.

use super::arguments::{is_remote, mount, sources};
use super::lines::Instruction;
use crate::egress::address::forbidden;
use std::net::{IpAddr, Ipv4Addr};

/// The part of an instruction that is refused.
pub(super) fn refused(instruction: &Instruction) -> Option<String> {
    let Instruction { name, flags, rest, on_build: _ } = instruction;
    let bad = |flag: &&String| {
        let (key, value) = flag.split_once('=').unwrap_or((flag, ""));
        match (name.as_str(), key.to_ascii_lowercase().as_str()) {
            ("RUN", "network") => !["none", "default"].contains(&value),
            ("RUN", "security") => value != "sandbox",
            ("RUN", "device") => true,
            ("COPY" | "ADD", "from") => is_of_host(value),
            ("RUN", "mount") => mount(value).iter().any(|(key, value)| key == "from" && is_of_host(value)),
            _ => false,
        }
    };
    if let Some(flag) = flags.iter().find(bad) {
        return Some(format!("{name} --{flag}"));
    }
    match name.as_str() {
        "FROM" => {
            let image = rest.split_whitespace().next().unwrap_or_default();
            is_of_host(image).then(|| format!("FROM {image}"))
        }
        "ADD" => {
            let near = |source: &String| is_remote(source) && is_near(source);
            sources(rest).unwrap_or_default().into_iter().find(near).map(|source| format!("ADD {source}"))
        }
        _ => None,
    }
}

/// Podman's names for images that lie on the host's disk or in another engine.
fn is_of_host(image: &str) -> bool {
    let kinds = ["oci", "dir", "oci-archive", "docker-archive", "docker-daemon", "containers-storage"];
    let kind = image.split_once(':').map_or("", |(kind, _)| kind);
    kinds.contains(&kind) || ["sif", "tarball", "ostree"].contains(&kind)
}

/// Whether an address leads to the host itself or its neighbours, or may: the engine fetches it, and
/// stands in the host's own network.
fn is_near(source: &str) -> bool {
    let rest = source.split_once("://").map_or(source, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        return forbidden(address).is_some();
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    // `127.1` and `0x7f000001` are loopback to some resolvers.
    let number = last.starts_with(|c: char| c.is_ascii_digit()) && host.parse::<Ipv4Addr>().is_err();
    let named = ["localhost", "internal", "local"].contains(&last) || !host.contains('.');
    number || named || host.contains('$')
}

#[cfg(test)]
mod tests {
    use crate::engine::build::dockerfile::facts;

    #[test]
    fn what_would_open_the_host_is_refused_however_it_is_read() {
        for (text, refused) in [
            ("RUN --network=host x\n", "RUN --network=host"),
            ("run --netw\\\nork=\"host\" x\n", "RUN --network=host"),
            ("RUN --security=insecure x\n", "RUN --security=insecure"),
            ("ONBUILD RUN --network=host x\n", "RUN --network=host"),
            ("FROM a\nRUN <<E\nRUN --network=host x\nE\n", "RUN --network=host"),
            (
                "# syntax=docker/dockerfile:1\n# escape=`\nENV A `\nRUN --network=host x\n",
                "RUN --network=host",
            ),
            ("FROM oci-archive:/home/x\n", "FROM oci-archive:/home/x"),
            ("RUN --mount=from=dir:/etc,target=/x y\n", "RUN --mount=from=dir:/etc,target=/x"),
            ("ADD http://127.0.0.1:8080/x /\n", "ADD http://127.0.0.1:8080/x"),
            ("ADD [\"https://a@[::1]/x\", \"/\"]\n", "ADD https://a@[::1]/x"),
        ] {
            assert_eq!(facts(text).refused, [refused], "{text}");
        }
        for text in
            ["RUN --network=none x\n", "RUN docker run --network=host\n", "FROM a/dir:1\n", "FROM oci/x:1\n"]
        {
            assert_eq!(facts(text).refused, [""; 0], "{text}");
        }
    }

    #[test]
    fn an_engine_fetches_nothing_from_beside_it() {
        let refused = |host: &str| !facts(&format!("ADD https://{host}/x /\n")).refused.is_empty();
        for host in [
            "localhost",
            "LOCALHOST.",
            "x.localhost:1",
            "10.0.0.1",
            "169.254.169.254",
            "127.1",
            "2130706433",
            "0x7f000001",
            "[fd00::1]",
            "[::ffff:127.0.0.1]:80",
            "u:p@127.0.0.1",
            "host.docker.internal",
            "metadata.google.internal",
            "printer",
            "$HOST",
            "a.${HOST}.example.com",
        ] {
            assert!(refused(host), "{host}");
        }
        for host in ["example.com", "93.184.215.14", "a.example.com:8443", "[2606:4700::1]"] {
            assert!(!refused(host), "{host}");
        }
    }
}
