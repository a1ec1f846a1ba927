//! Names of things that there are: bottles, skills, variables of the host, hosts.

use super::{Completion, CompletionKind, Spot, escaped};
use crate::ide::workspace;
use crate::manifest::{FileKind, Kind, is_name, looks_secret, speaks_of_credential};
use crate::provider::{self, SKILLS};
use crate::syntax::Node;
use std::collections::BTreeMap;

/// How many names of one kind are offered.
const MOST: usize = 1_000;

/// Hosts that many bottles reach, and what for.
const WELL_KNOWN: [(&str, &str); 10] = [
    ("api.github.com", "GitHub's API"),
    ("github.com", "git over HTTPS"),
    ("raw.githubusercontent.com", "files of GitHub repositories"),
    ("codeload.github.com", "archives of GitHub repositories"),
    ("gitlab.com", "git over HTTPS, and GitLab's API"),
    ("codeberg.org", "git over HTTPS"),
    ("bitbucket.org", "git over HTTPS"),
    ("docs.python.org", "Python's documentation"),
    ("doc.rust-lang.org", "Rust's documentation"),
    ("developer.mozilla.org", "the web's documentation"),
];

/// The bottles that the manifest may name.
pub(super) fn bottles(spot: &Spot<'_>) -> Vec<Completion> {
    let source = spot.snapshot.source;
    let here = spot.at.container();
    let listed = |name: &str| {
        let items = here.map(Node::items).unwrap_or_default();
        items.iter().any(|n| n.text() == Some(name) && n.span != spot.at.span)
    };
    let itself = |name: &str| {
        spot.kind == Kind::Bottle && source.manifests.len() == 1 && source.manifests[0].name == name
    };
    let all = spot.snapshot.catalog.bottles(source).into_iter().take(MOST);
    let one = |(index, candidate): (usize, crate::manifest::Candidate)| {
        let mut item = spot.offer(candidate.name.clone(), CompletionKind::Bottle, candidate.name);
        item.detail = workspace::shown_path(&candidate.path, &source.path, spot.snapshot.catalog.layout);
        item.sort = format!("{index:04}");
        item
    };
    all.filter(|c| !itself(&c.name) && !listed(&c.name)).enumerate().map(one).collect()
}

/// The skills in the user's folder.
pub(super) fn skills(spot: &Spot<'_>) -> Vec<Completion> {
    let catalog = spot.snapshot.catalog;
    let Some(dir) = catalog.layout.home.as_ref().map(|h| h.join(SKILLS)) else { return Vec::new() };
    let here = spot.at.container();
    let listed = |name: &str| {
        let items = here.map(Node::items).unwrap_or_default();
        items.iter().any(|n| n.text() == Some(name) && n.span != spot.at.span)
    };
    let names = catalog.files.list(&dir).into_iter().take(MOST).filter(|n| is_name(n) && !listed(n));
    let folders = names.filter(|n| catalog.files.kind(&dir.join(n)) == Some(FileKind::Dir));
    folders
        .map(|name| {
            let mut item = spot.offer(name.clone(), CompletionKind::Skill, name.clone());
            item.detail = format!("~/{SKILLS}/{name}");
            item
        })
        .collect()
}

/// Names of host variables that may hold a credential: those of the workspace first, then those
/// that speak of one.
pub(super) fn token_refs(spot: &Spot<'_>) -> Vec<Completion> {
    let mut names: BTreeMap<&str, (char, &str)> = BTreeMap::new();
    for name in spot.snapshot.facts.env_names.into_iter().flatten().filter(|n| is_variable(n)).take(MOST) {
        let rank = if speaks_of_credential(name) { '1' } else { '2' };
        names.insert(name, (rank, "set on this host"));
    }
    for name in workspace::token_refs(spot.snapshot.workspace) {
        // A credential in the place of its name must not spread.
        let good = is_variable(name) && looks_secret(name).is_none();
        if good && name != spot.repaired.word.of(&spot.snapshot.source.text) {
            let set = names.contains_key(name);
            names.insert(name, ('0', if set { "used here, set on this host" } else { "used here" }));
        }
    }
    names
        .into_iter()
        .map(|(name, (rank, detail))| {
            let mut item = spot.offer(name, CompletionKind::Variable, name);
            item.sort = format!("{rank}{name}");
            item.detail = detail.to_owned();
            item
        })
        .collect()
}

/// `${NAME}` for each variable of the host, and `?question`. What speaks of a credential comes
/// last: it does not belong into the guest.
pub(super) fn env_values(spot: &Spot<'_>) -> Vec<Completion> {
    let quote = match spot.repaired.quote {
        Some((_, true)) => ("", String::new()),
        Some((quote, false)) => ("", quote.to_string()),
        None => ("\"", "\"".to_owned()),
    };
    let quoted = |inner: &str| format!("{}{inner}{}", quote.0, quote.1);
    let names = spot.snapshot.facts.env_names.into_iter().flatten().filter(|n| is_variable(n)).take(MOST);
    let mut all: Vec<_> = names
        .map(|name| {
            let text = quoted(&format!("${{{name}}}"));
            let mut item = spot.offer(format!("${{{name}}}"), CompletionKind::Variable, text);
            let credential = speaks_of_credential(name);
            item.sort = format!("{}{name}", if credential { '3' } else { '1' });
            item.detail =
                if credential { "a credential? use a route's `auth`" } else { "the host's value" }.to_owned();
            // Typed with or without `${`.
            if !spot.prefix.starts_with('$') {
                item.filter = name.clone();
            }
            item
        })
        .collect();
    let mut ask = spot.offer("?question", CompletionKind::Snippet, quoted("?"));
    ask.snippet =
        Some(format!("{}{}", spot.repaired.before, escaped(&quoted("?")).replacen('?', "?${1:question}", 1)));
    ask.detail = "asked at launch".to_owned();
    ask.sort = "2".to_owned();
    all.push(ask);
    all
}

/// Hosts of this workspace's routes, then well-known ones.
pub(super) fn hosts(spot: &Spot<'_>) -> Vec<Completion> {
    let word = spot.repaired.word.of(&spot.snapshot.source.text);
    let owned: Vec<_> = provider::all().iter().flat_map(|p| p.vendor_hosts()).collect();
    let mut hosts: BTreeMap<&str, String> = BTreeMap::new();
    for (host, what) in WELL_KNOWN {
        hosts.insert(host, format!("2{what}"));
    }
    let seen = workspace::hosts(spot.snapshot.workspace);
    let offered = |host: &str| host != word && !owned.contains(&&host) && looks_secret(host).is_none();
    let from = |path| workspace::shown_path(path, &spot.snapshot.source.path, spot.snapshot.catalog.layout);
    let mut file: Option<(&std::path::Path, String)> = None;
    for (host, path) in seen.into_iter().filter(|(host, _)| offered(host)).take(MOST) {
        // The hosts of a file come one after the other.
        if file.as_ref().is_none_or(|(known, _)| *known != path) {
            file = Some((path, format!("1{}", from(path))));
        }
        hosts.extend(file.iter().map(|(_, shown)| (host, shown.clone())));
    }
    let one = |(host, detail): (&str, String)| {
        // A star begins an alias in plain YAML.
        let quoted = host.starts_with('*') && spot.repaired.quote.is_none();
        let text = if quoted { format!("\"{host}\"") } else { host.to_owned() };
        let mut item = spot.offer(host, CompletionKind::Host, text);
        item.sort = format!("{}{host}", &detail[..1]);
        item.detail = detail[1..].to_owned();
        item
    };
    hosts.into_iter().map(one).collect()
}

/// Whether text is the name of a variable: `[A-Za-z_][A-Za-z0-9_]*`.
fn is_variable(text: &str) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.bytes().all(part) && !text.is_empty() && !text.as_bytes()[0].is_ascii_digit()
}
