//! Keys that are not there yet, and whole entries.

use super::{Completion, CompletionKind, Spot};
use crate::check::Edit;
use crate::ide::Snapshot;
use crate::ide::field::{Field, Shape};
use crate::ide::query::Path;
use crate::manifest::{Body, Kind};
use crate::provider;
use crate::syntax::{Node, Span};

/// The keys of a mapping, required ones first.
pub(super) fn complete(
    spot: &Spot<'_>,
    field: Field,
    path: &Path<'_>,
    mapping: Option<&Node>,
) -> Vec<Completion> {
    let word = spot.at.entry.map(|e| e.key.span);
    let taken = |key: &str| {
        let entries = mapping.map(Node::entries).unwrap_or_default();
        entries.iter().any(|e| &*e.key.text == key && Some(e.key.span) != word)
    };
    let foreign = foreign_keys(path, mapping);
    let tcp = mapping.and_then(|m| m.get("protocol")).and_then(Node::text) == Some("tcp");
    let excluded = |key: &str| match key {
        "prompt" => taken("prompt_file"),
        "prompt_file" => taken("prompt"),
        "api_key" => taken("auth_token") || taken("forward_host_credentials"),
        "auth_token" | "forward_host_credentials" if taken("api_key") => true,
        // Nothing is looked at there.
        "auth" | "pass_headers" | "path_allowlist" | "matches" | "git" if tcp => true,
        // Of a route's `auth`.
        "header" => taken("scheme"),
        "scheme" | "user" => taken("header"),
        _ => foreign.contains(&key),
    };
    let required: Vec<_> = field.required().collect();
    let keys = field.keys().enumerate().filter(|(_, (key, _))| !taken(key) && !excluded(key));
    keys.map(|(index, (key, sub))| one(spot, key, sub, index, required.contains(&key), "")).collect()
}

/// The keys with which an item of a list may begin, and whole items.
pub(super) fn of_item(spot: &Spot<'_>, item: Field, path: &Path<'_>, before: &str) -> Vec<Completion> {
    let before = before.strip_prefix(spot.repaired.before).unwrap_or(before);
    let required: Vec<_> = item.required().collect();
    let keys = item.keys().enumerate();
    let mut all: Vec<_> =
        keys.map(|(index, (key, sub))| one(spot, key, sub, index, required.contains(&key), before)).collect();
    if spot.kind == Kind::Bottle && path.matches(&["egress", "routes", "[]"]) && !spot.repaired.flow {
        all.extend(routes(spot, before));
    }
    all
}

fn one(spot: &Spot<'_>, key: &str, field: Field, index: usize, required: bool, before: &str) -> Completion {
    let repaired = spot.repaired;
    let mut item = spot.offer(key, CompletionKind::Key, "");
    let whole = format!("{}{before}", repaired.before);
    let rank = match (required, field.description().starts_with("Accepted and ignored")) {
        (true, _) => '0',
        (false, false) => '1',
        (false, true) => '3',
    };
    item.sort = format!("{rank}{index:02}");
    item.detail = detail(field, required);
    item.documentation = field.documentation();
    if repaired.colon || repaired.quote.is_some() {
        item.edit.text = format!("{whole}{key}");
        return item;
    }
    let pad = " ".repeat(repaired.depth + before.len() + usize::from(repaired.before == "- ") * 2);
    let (snippet, text) = if repaired.flow { in_flow(field) } else { in_block(field, &pad) };
    item.edit.text = format!("{whole}{key}:{text}");
    item.snippet = Some(format!("{whole}{key}:{snippet}"));
    item.retrigger = true;
    item
}

fn detail(field: Field, required: bool) -> String {
    let values: Vec<_> = field.values().collect();
    let values = values.join(" or ");
    let shape = match field.shape() {
        _ if !values.is_empty() => &values,
        Shape::Mapping => "mapping",
        Shape::List => "list",
        Shape::Boolean => "true or false",
        Shape::Number => "number",
        Shape::Text => "text",
    };
    if required { format!("{shape}, required") } else { shape.to_owned() }
}

/// What follows a key's colon in block style: with tab stops, and without.
fn in_block(field: Field, pad: &str) -> (String, String) {
    let required: Vec<_> = field.required().collect();
    match field.shape() {
        Shape::Mapping if required.len() > 1 => {
            let snippet = in_flow(field).0;
            (snippet, format!("\n{pad}  {}: ", required[0]))
        }
        Shape::Mapping => {
            // A switch beside the one list of a mapping is not what anybody begins with.
            let is_list = |sub: &Field| {
                sub.shape() == Shape::List && sub.item().is_some_and(|i| i.shape() == Shape::Mapping)
            };
            let listed = field.keys().any(|(_, sub)| is_list(&sub));
            let mut keys = field.keys().filter(|(_, sub)| !listed || sub.shape() != Shape::Boolean);
            match (keys.next(), keys.next()) {
                (Some((key, sub)), None) => {
                    let (snippet, text) = in_block(sub, &format!("{pad}  "));
                    (format!("\n{pad}  {key}:{snippet}"), format!("\n{pad}  {key}:{text}"))
                }
                _ => (format!("\n{pad}  $1"), format!("\n{pad}  ")),
            }
        }
        Shape::List => match field.item().filter(|i| i.shape() == Shape::Mapping) {
            Some(item) => {
                let stops = item.required().enumerate();
                let lines: Vec<_> = stops.map(|(i, key)| format!("{key}: ${}", i + 1)).collect();
                let first = item.required().next().map(|k| format!("{k}: ")).unwrap_or_default();
                let inner = lines.join(&format!("\n{pad}    "));
                let inner = if inner.is_empty() { "$1".to_owned() } else { inner };
                (format!("\n{pad}  - {inner}"), format!("\n{pad}  - {first}"))
            }
            None => (" [$1]".to_owned(), format!("\n{pad}  - ")),
        },
        _ => (format!(" {}", stop(field, 1)), " ".to_owned()),
    }
}

/// The same inside brackets.
fn in_flow(field: Field) -> (String, String) {
    let snippet = match field.shape() {
        Shape::Mapping => {
            let required = field.required().enumerate();
            let parts =
                required.filter_map(|(i, key)| Some(format!("{key}: {}", stop(field.get(key)?, i + 1))));
            let parts: Vec<_> = parts.collect();
            let inner = if parts.is_empty() { "$1".to_owned() } else { parts.join(", ") };
            format!(" {{{inner}}}")
        }
        Shape::List => " [$1]".to_owned(),
        _ => format!(" {}", stop(field, 1)),
    };
    (snippet, " ".to_owned())
}

/// A tab stop with the field's values to choose from.
fn stop(field: Field, number: usize) -> String {
    let values: Vec<_> = match field.shape() {
        // Who writes the key wants the other value than the default.
        Shape::Boolean if field.default() == Some(&serde_json::Value::Bool(true)) => vec!["false", "true"],
        Shape::Boolean => vec!["true", "false"],
        _ => field.values().collect(),
    };
    if values.is_empty() { format!("${number}") } else { format!("${{{number}|{}|}}", values.join(",")) }
}

/// The keys of `agent_provider` that belong to another template than the one that is written.
fn foreign_keys(path: &Path<'_>, mapping: Option<&Node>) -> Vec<&'static str> {
    let template = mapping.filter(|_| path.matches(&["agent_provider"])).and_then(|m| m.get("template"));
    let Some(own) = template.and_then(Node::text).and_then(provider::get) else { return Vec::new() };
    let own: Vec<_> = own.own_fields().iter().map(|f| f.key).collect();
    let all = provider::all().iter().flat_map(|p| p.own_fields()).map(|f| f.key);
    all.filter(|key| !own.contains(key)).collect()
}

/// A mapping in braces behind its key.
pub(super) fn in_braces(spot: &Spot<'_>, field: Field) -> Vec<Completion> {
    if field.required().next().is_none() || spot.repaired.quote.is_some() {
        return Vec::new();
    }
    let (snippet, _) = in_flow(field);
    let keys: Vec<_> = field.required().collect();
    let text = format!("{{{}}}", keys.iter().map(|k| format!("{k}: ")).collect::<Vec<_>>().join(", "));
    let mut item = spot.offer(format!("{{{}}}", keys.join(", ")), CompletionKind::Snippet, text);
    item.snippet = Some(format!("{}{}", spot.repaired.before, snippet.trim_start()));
    item.documentation = field.documentation();
    item.filter = "{".to_owned();
    vec![item]
}

/// Whole routes.
fn routes(spot: &Spot<'_>, before: &str) -> Vec<Completion> {
    let pad = " ".repeat(spot.repaired.depth + before.len() + usize::from(spot.repaired.before == "- ") * 2);
    let all = [
        ("route", "a host", "The whole host.", "host: ${1:api.example.com}".to_owned()),
        (
            "route with token",
            "a host with a credential",
            "The egress adds the credential on the way; the guest never holds it.",
            format!(
                "host: ${{1:api.example.com}}\n{pad}auth: {{scheme: ${{2|Bearer,token,Basic|}}, token_ref: ${{3:API_TOKEN}}}}"
            ),
        ),
        (
            "route for git",
            "clone and fetch over HTTPS",
            "Git alone, and only reading. The credential goes as git expects it.",
            format!(
                "host: ${{1:github.com}}\n{pad}git: ${{2|read,write|}}\n{pad}path_allowlist: [/${{3:owner/repository}}]"
            ),
        ),
        (
            "route for tcp",
            "a database, mail, SSH",
            "Bytes as they are to the named ports: nothing is looked at.",
            format!("host: ${{1:db.example.com}}\n{pad}ports: [${{2:5432}}]\n{pad}protocol: tcp"),
        ),
    ];
    let item = |(index, (label, detail, documentation, snippet)): (usize, (&str, &str, &str, String))| {
        let mut item =
            spot.offer(label, CompletionKind::Snippet, format!("{before}{}", without_stops(&snippet)));
        item.snippet = Some(format!("{}{before}{snippet}", spot.repaired.before));
        item.sort = format!("2{index}");
        item.detail = detail.to_owned();
        item.documentation = documentation.to_owned();
        item
    };
    all.into_iter().enumerate().map(item).collect()
}

/// A snippet as plain text: each tab stop as its default or its first choice.
fn without_stops(snippet: &str) -> String {
    let mut out = String::with_capacity(snippet.len());
    let mut rest = snippet;
    while let Some((before, stop)) = rest.split_once("${") {
        out.push_str(before);
        let (stop, behind) = stop.split_once('}').unwrap_or((stop, ""));
        let inner = stop.trim_start_matches(|c: char| c.is_ascii_digit());
        let inner = inner.trim_start_matches([':', '|']);
        out.push_str(inner.split([',', '|']).next().unwrap_or_default());
        rest = behind;
    }
    out + rest
}

/// The frontmatter of a Markdown file that has none.
pub(super) fn frontmatter(snapshot: &Snapshot<'_>, offset: usize) -> Vec<Completion> {
    let source = snapshot.source;
    let Body::NoFrontmatter(first) = source.body else { return Vec::new() };
    let typed = source.text.get(..offset).unwrap_or_default();
    if !first.touches(offset) || !typed.trim_start_matches(['\u{feff}', '-']).is_empty() {
        return Vec::new();
    }
    let start = typed.len() - typed.trim_start_matches('\u{feff}').len();
    let key = match source.manifests.first().map(|m| m.kind) {
        Some(Kind::Agent) => "bottle: ",
        _ => "",
    };
    vec![Completion {
        label: "---".to_owned(),
        kind: CompletionKind::Snippet,
        detail: "frontmatter".to_owned(),
        documentation: "The manifest stands between two lines `---`.".to_owned(),
        edit: Edit { span: Span::new(start, offset), text: format!("---\n{key}\n---\n") },
        snippet: Some(format!("---\n{key}$1\n---\n$0")),
        sort: "0".to_owned(),
        filter: "---".to_owned(),
        retrigger: true,
    }]
}
