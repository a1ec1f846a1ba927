//! Attacks 16 and 54 by the thousand: every spelling of a way out of a prefix, judged by the most
//! lenient server that there could be.

use crate::client::{exchange_inside, get};
use crate::rig::{Setup, inspected, route, with_auth};
use crate::upstream::hello;
use bot_bottle::egress::policy::{Policy, Request, Scheme};
use bot_bottle::provider::{EgressRoute, GitAccess, Match, PathKind, PathPattern};
use std::collections::BTreeSet;

const HOST: &str = "api.example.test";

fn allows(route: &EgressRoute, target: &str) -> bool {
    let request = Request { scheme: Scheme::Https, host: HOST, port: 443, method: "GET", target };
    Policy::new(std::slice::from_ref(route)).request(&request).is_ok()
}

fn below(prefix: &str) -> EgressRoute {
    EgressRoute { path_allowlist: Some(vec![prefix.into()]), ..route(HOST) }
}

/// How a dot can be written.
const DOTS: [&str; 18] = [
    ".",
    "%2e",
    "%2E",
    "%252e",
    "%%32%65",
    "%25%32%65",
    "%25252e",
    "%c0%ae",
    "%C0%2e",
    "%e0%80%ae",
    "%f0%80%80%ae",
    "%ef%bc%8e",
    "%EF%BC%8E",
    "%e2%80%a4",
    "%u002e",
    "%uff0e",
    "%25c0%25ae",
    ".%00",
];

/// How a slash can be written.
const SLASHES: [&str; 19] = [
    "/",
    "//",
    "\\",
    "%2f",
    "%2F",
    "%5c",
    "%252f",
    "%%32%66",
    "%25%32%46",
    "%255c",
    "%c0%af",
    "%c1%9c",
    "%e0%80%af",
    "%ef%bc%8f",
    "%ef%bc%bc",
    "%e2%88%95",
    "%u2215",
    ";/",
    "/;x=1/",
];

/// What can stand beside a dot segment.
const BESIDE: [&str; 11] =
    ["", ";", ";a=1", "%3b", "%3Bx", "%253b", "%20", "%09", "%00", "%0d%0a", "%e2%80%8b"];

/// Decodes percent signs once, as leniently as a server does: what is not an escape stays.
fn percent(text: &[u8]) -> Vec<u8> {
    let hex = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let mut out = Vec::new();
    let mut i = 0;
    while i < text.len() {
        if text[i] == b'%'
            && text.get(i + 1).is_some_and(|b| b.eq_ignore_ascii_case(&b'u'))
            && let Some(c) = text.get(i + 2..i + 6).and_then(hex).and_then(char::from_u32)
        {
            out.extend_from_slice(c.to_string().as_bytes());
            i += 6;
        } else if text[i] == b'%'
            && let Some(byte) = text.get(i + 1..i + 3).and_then(hex).and_then(|b| u8::try_from(b).ok())
        {
            out.push(byte);
            i += 3;
        } else {
            out.push(text[i]);
            i += 1;
        }
    }
    out
}

/// Folds overlong UTF-8, full width and other similar characters to ASCII, and drops what is invisible.
fn folded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < text.len() {
        let length = match text[i] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        let Some(bytes) = text.get(i..i + length).filter(|_| length > 1) else {
            out.push(text[i]);
            i += 1;
            continue;
        };
        let first = u32::from(bytes[0]) & (0x7f >> length);
        let c = bytes[1..].iter().fold(first, |c, b| c << 6 | u32::from(b & 0x3f));
        match c {
            0..=0x7f => out.push(u8::try_from(c).expect("ASCII")),
            0xff01..=0xff5e => out.push(u8::try_from(c - 0xfee0).expect("ASCII")),
            0x2024 | 0xfe52 => out.push(b'.'),
            0x2044 | 0x2215 => out.push(b'/'),
            0x200b..=0x200f | 0xfeff => {}
            _ => out.extend_from_slice(bytes),
        }
        i += length;
    }
    out
}

/// Where a server ends up that decodes `rounds` times and takes every liberty given.
fn lenient(path: &str, rounds: usize, liberties: u8) -> String {
    let has = |bit: u8| liberties & 1 << bit != 0;
    let mut text = path.as_bytes().to_vec();
    for _ in 0..rounds {
        text = percent(&text);
        if has(0) {
            text = folded(&text);
        }
    }
    let text = String::from_utf8_lossy(&text);
    let text = if has(1) { text.replace('\\', "/") } else { text.into_owned() };
    let mut stack: Vec<&str> = Vec::new();
    for segment in text.split('/').skip(1) {
        let segment = if has(2) { segment.split(';').next().unwrap_or("") } else { segment };
        let segment = if has(3) { segment.split('\0').next().unwrap_or("") } else { segment };
        let segment = if has(4) { segment.trim() } else { segment };
        match segment {
            "" | "." => {}
            ".." => {
                stack.pop();
            }
            other => stack.push(other),
        }
    }
    format!("/{}", stack.join("/"))
}

/// Whether some such server leaves `/allowed`.
fn leaves(path: &str) -> bool {
    (0..=3).any(|rounds| {
        (0..32u8).any(|liberties| {
            let end = lenient(path, rounds, liberties);
            end != "/allowed" && !end.starts_with("/allowed/")
        })
    })
}

fn corpus() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for first in DOTS {
        for second in DOTS {
            for slash in SLASHES {
                // Below the prefix, at its end, deeper, at the end of the path.
                all.insert(format!("/allowed/{first}{second}{slash}secret"));
                all.insert(format!("/allowed{slash}{first}{second}{slash}secret"));
                all.insert(format!("/allowed/x{slash}{first}{second}{slash}{first}{second}/secret"));
                all.insert(format!("/allowed/x/../{first}{second}{slash}secret"));
                all.insert(format!("/allowed{slash}{first}{second}"));
            }
            for beside in BESIDE {
                all.insert(format!("/allowed/{first}{second}{beside}/secret"));
                all.insert(format!("/allowed/{beside}{first}{second}/secret"));
                all.insert(format!("/allowed/{first}{beside}{second}/secret"));
                all.insert(format!("/allowed/x/{first}{second}{beside}/{second}{first}{beside}/secret"));
            }
        }
        for slash in SLASHES {
            all.insert(format!("/allowed{first}{slash}secret"));
            all.insert(format!("{slash}allowed/{first}{slash}secret"));
        }
    }
    all
}

#[test]
fn a16_a54_no_spelling_leaves_a_prefix() {
    let route = below("/allowed/");
    let corpus = corpus();
    let out: Vec<_> = corpus.iter().filter(|path| leaves(path)).collect();
    assert!(out.len() > 30_000, "{} of {}", out.len(), corpus.len());
    let passed: Vec<_> = out.iter().filter(|path| allows(&route, path)).collect();
    assert!(passed.is_empty(), "{} of {}: {passed:#?}", passed.len(), out.len());
    // Or a rig that refuses everything would pass.
    for honest in
        ["/allowed/x", "/allowed/a%20b/%C3%A9t%c3%a9.txt", "/allowed/v1...v2", "/allowed/.git/config"]
    {
        assert!(!leaves(honest) && allows(&route, honest), "{honest}");
    }
}

/// Where a route allows every path, there is nothing to be mistaken about.
#[test]
fn a_route_to_every_path_takes_every_spelling() {
    let entry = |kind, value: &str| Match {
        paths: Some(vec![PathPattern { kind, value: value.into() }]),
        methods: Some(vec!["GET".into()]),
        headers: None,
    };
    let open = [
        route(HOST),
        with_auth(HOST),
        below("/"),
        EgressRoute {
            matches: Some(vec![Match { methods: Some(vec!["GET".into()]), ..Match::default() }]),
            ..route(HOST)
        },
        EgressRoute { matches: Some(vec![entry(PathKind::Glob, "/**")]), ..route(HOST) },
        EgressRoute {
            matches: Some(vec![entry(PathKind::Prefix, "/narrow/"), entry(PathKind::Prefix, "/")]),
            ..below("/")
        },
    ];
    let spellings = ["/@scope%2fname", "/api/v4/projects/a%2Fb/issues", "/a;v=1//b", "/a%00", "/a/../b"];
    for route in &open {
        for path in spellings {
            assert!(allows(route, path), "{path}: {route:?}");
        }
    }
    let closed = [
        below("/allowed/"),
        EgressRoute { matches: Some(vec![entry(PathKind::Prefix, "/allowed/")]), ..below("/") },
        EgressRoute { matches: Some(vec![entry(PathKind::Prefix, "/")]), ..below("/allowed/") },
        EgressRoute { matches: Some(vec![entry(PathKind::Glob, "/*")]), ..route(HOST) },
        EgressRoute { git: Some(GitAccess::Read), ..below("/") },
    ];
    for route in &closed {
        assert!(spellings.iter().all(|path| !allows(route, &format!("/allowed{path}"))), "{route:?}");
    }
}

/// What clients of registries and forges really send reaches their servers as it was sent.
#[tokio::test]
async fn registries_and_forges_get_their_paths_as_they_are() {
    let mut setup = Setup::new(vec![with_auth(HOST), inspected("open.test")]);
    let with_auth = setup.upstream(HOST, &["http/1.1"], hello).await;
    let open = setup.upstream("open.test", &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let targets = ["/@types%2fnode", "/api/v4/projects/acme%2Fsite?q=a|b", "/a//b;v=1", "/x?q={'a':1}"];
    for host in [HOST, "open.test"] {
        for target in targets {
            let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let answer = exchange_inside(&rig, host, head).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{host}{target}: {answer}");
        }
    }
    for upstream in [&with_auth, &open] {
        assert_eq!(upstream.seen().iter().map(|s| s.target.as_str()).collect::<Vec<_>>(), targets);
    }
    assert_eq!(get(&rig, "open.test", "/?q=../..", &[]).await.0, 200);
}
