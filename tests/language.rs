//! Schema, model and rules state one language: what the schema leaves to a rule the rule reports,
//! and every field of the schema is read.

use bot_bottle::check::{Facts, check};
use bot_bottle::manifest::{Catalog, Found, Kind, Layout, MemoryFiles, schema_text};
use bot_bottle::plan::{self, Format};
use bot_bottle::provider::Start;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

fn schema(kind: Kind) -> Value {
    serde_json::from_str(schema_text(kind)).expect("a schema")
}

fn file(kind: Kind) -> &'static Path {
    Path::new(match kind {
        Kind::Bottle => "/project/dev.bottle.yaml",
        Kind::Agent => "/project/fix.agent.yaml",
    })
}

/// A project with everything that the schemas' examples name.
fn project() -> (MemoryFiles, Layout) {
    let mut files = MemoryFiles::default();
    for path in [
        "/home/ada/.claude/skills/review/SKILL.md",
        "/project/.git/HEAD",
        "/project/Dockerfile",
        "/project/prompt.md",
        "/docs/index.md",
        "/project/base.bottle.yaml",
        "/project/dev.bottle.yaml",
    ] {
        files.insert(path, "x: {}\n");
    }
    files.insert("/project/base.bottle.yaml", "egress: {routes: [{host: parent.example.com}]}");
    files.insert("/project/dev.bottle.yaml", "{}");
    (files, Layout { home: Some("/home/ada".into()) })
}

/// The rules that find something, and the plan as JSON.
fn seen(kind: Kind, text: &str) -> (BTreeSet<&'static str>, String) {
    let (mut files, layout) = project();
    files.insert(file(kind), text);
    let catalog = Catalog::new(&files, &layout);
    let source = catalog.source(file(kind)).expect("a manifest");
    let rules = check(&source, &catalog, &Facts::default()).iter().map(|f| f.rule.id).collect();
    let found = Found { manifest: source.manifests[0].clone(), source };
    let plan = plan::draft(&found, &catalog, &Start::default());
    (rules, plan.map(|p| plan::render(&p, Format::Json)).unwrap_or_default())
}

/// Every subschema with an `x-rule`: its place and the rules.
fn owned(schema: &Value, at: &str, out: &mut Vec<(String, Vec<String>)>) {
    match schema {
        Value::Object(map) => {
            match map.get("x-rule") {
                Some(Value::String(rule)) => out.push((at.to_owned(), vec![rule.clone()])),
                Some(Value::Object(by)) => {
                    let rules = by.values().filter_map(|v| Some(v.as_str()?.to_owned()));
                    out.push((at.to_owned(), rules.collect()));
                }
                _ => {}
            }
            map.iter().for_each(|(key, value)| owned(value, &format!("{at}/{key}"), out));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| owned(value, &format!("{at}/{i}"), out));
        }
        _ => {}
    }
}

const PROVIDER: &str = "/properties/agent_provider";
const ROUTE: &str = "/properties/egress/properties/routes/items";

/// Manifests that such a subschema refuses, by the subschema's place.
fn violating(kind: Kind, at: &str) -> Vec<String> {
    let route = |rest: &str| format!("egress: {{routes: [{{host: api.github.com, {rest}}}]}}");
    let agent = |rest: &str| format!("bottle: base\nprompt: Do it.\n{rest}");
    let all = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
    match (kind, at.strip_prefix(ROUTE).or(at.strip_prefix(PROVIDER)).unwrap_or(at)) {
        (Kind::Agent, "/properties/skills/items") => vec![agent("skills: [A]"), agent("skills: ['']")],
        (Kind::Agent, "/allOf/0") => vec![agent("prompt_file: ./prompt.md")],
        (_, "/properties/name") => all(&["name: Dev", "name: ''", "name: a/b", "name: -a"]),
        (_, "/properties/skills/items") => all(&["skills: [A]", "skills: ['']", "skills: [a_b]"]),
        (_, "/allOf/0") if !at.starts_with(PROVIDER) && !at.starts_with(ROUTE) => {
            all(&["prompt: Do it.\nprompt_file: ./prompt.md"])
        }
        (_, "/properties/template") => {
            all(&["agent_provider: {template: gemini}", "agent_provider: {template: ''}"])
        }
        (_, "/properties/auth_token") => all(&[
            "agent_provider: {auth_token: a-b}",
            "agent_provider: {auth_token: ' '}",
            "agent_provider: {auth_token: \"A\\n\"}",
        ]),
        (_, "/allOf/0/then/properties/auth_token") => {
            all(&["agent_provider: {template: codex, auth_token: T}"])
        }
        (_, "/allOf/1/else/properties/forward_host_credentials") => all(&[
            "agent_provider: {forward_host_credentials: true}",
            "agent_provider: {template: claude, forward_host_credentials: true}",
        ]),
        (_, "/properties/api_key") => {
            all(&["agent_provider: {api_key: a-b}", "agent_provider: {api_key: ' '}"])
        }
        (_, "/allOf/2/then/properties/auth_token") => all(&["agent_provider: {auth_token: T, api_key: K}"]),
        (_, "/allOf/2/then/properties/forward_host_credentials") => {
            all(&["agent_provider: {template: codex, forward_host_credentials: true, api_key: K}"])
        }
        (_, "/properties/env/propertyNames") => {
            all(&["env: {1A: x}", "env: {'': x}", "env: {A B: x}", "env: {é: x}"])
        }
        (_, "/properties/host") => [
            "''",
            "a..b",
            "a b",
            "-a.example.com",
            "https://api.example.com",
            "a.example.com:443",
            "a.*.com",
            "é.example.com",
        ]
        .iter()
        .map(|host| format!("egress: {{routes: [{{host: {host}}}]}}"))
        .chain([format!("egress: {{routes: [{{host: {}example.com}}]}}", "a.".repeat(130))])
        .collect(),
        (_, "/properties/auth") => {
            vec![route("auth: {}"), route("auth: {scheme: Bearer}"), route("auth: {header: x-api-key}")]
        }
        (_, "/properties/auth/allOf/0/then") => {
            ["scheme: Bearer, header: x-api-key", "header: x-api-key, user: me"]
                .map(|rest| route(&format!("auth: {{{rest}, token_ref: T}}")))
                .into()
        }
        (_, "/properties/auth/allOf/0/else") => {
            vec![route("auth: {token_ref: T}"), route("auth: {user: me, token_ref: T}")]
        }
        (_, "/properties/auth/allOf/1/then/properties/scheme") => {
            vec![route("auth: {scheme: Bearer, user: me, token_ref: T}")]
        }
        (_, "/properties/auth/properties/user") => ["''", "'a:b'", "\"a\\tb\""]
            .map(|user| route(&format!("auth: {{scheme: Basic, user: {user}, token_ref: T}}")))
            .into(),
        (_, "/properties/auth/properties/header") => {
            ["''", "a b", "'a:'"].map(|name| route(&format!("auth: {{header: {name}, token_ref: T}}"))).into()
        }
        (_, "/properties/auth/properties/token_ref") => ["''", "a b", "$T", "1T"]
            .iter()
            .map(|name| route(&format!("auth: {{scheme: Bearer, token_ref: {name}}}")))
            .collect(),
        (_, "/properties/pass_headers/items") => {
            ["''", "a b", "'a:'", "é"].map(|n| route(&format!("pass_headers: [{n}]"))).into()
        }
        (_, "/allOf/0/then") => vec![route("protocol: tcp")],
        (_, "/allOf/0/then/properties/host") => {
            vec!["egress: {routes: [{host: '*.example.com', protocol: tcp, ports: [22]}]}".to_owned()]
        }
        (_, "/allOf/0/then/properties/ports/items") => {
            vec![route("protocol: tcp, ports: [80]"), route("protocol: tcp, ports: [22, 443]")]
        }
        (_, "/allOf/0/then/properties/auth") => {
            vec![route("protocol: tcp, ports: [22], auth: {scheme: Bearer, token_ref: T}")]
        }
        (_, "/allOf/0/then/properties/pass_headers") => {
            vec![route("protocol: tcp, ports: [22], pass_headers: [x-csrf-token]")]
        }
        (_, "/allOf/0/then/properties/path_allowlist") => {
            vec![route("protocol: tcp, ports: [22], path_allowlist: [/a]")]
        }
        (_, "/allOf/0/then/properties/matches") => vec![route("protocol: tcp, ports: [22], matches: []")],
        (_, "/allOf/0/then/properties/git") => vec![route("protocol: tcp, ports: [22], git: read")],
        (_, "/properties/path_allowlist/items") => {
            vec![route("path_allowlist: [a]"), route("path_allowlist: ['']")]
        }
        (_, "/properties/matches/items/properties/paths/items/properties/value") => ["a", "''", "'*'"]
            .iter()
            .flat_map(|value| ["exact", "prefix", "glob"].map(|kind| (value, kind)))
            .map(|(value, kind)| route(&format!("matches: [{{paths: [{{type: {kind}, value: {value}}}]}}]")))
            .collect(),
        (_, "/properties/matches/items/properties/methods/items") => {
            ["get", "''", "TRACE", "CONNECT", "FETCH"]
                .map(|m| route(&format!("matches: [{{methods: [{m}]}}]")))
                .into()
        }
        (_, "/properties/matches/items/properties/headers/items/properties/name") => ["''", "a b", "'a:'"]
            .map(|name| route(&format!("matches: [{{headers: [{{name: {name}, value: x}}]}}]")))
            .into(),
        (_, "/properties/role") => {
            ["x", "''", "codex_auth", "1", "null", "[]"].map(|r| route(&format!("role: {r}"))).into()
        }
        _ => Vec::new(),
    }
}

#[test]
fn what_the_schema_leaves_to_a_rule_that_rule_alone_reports() {
    for kind in [Kind::Bottle, Kind::Agent] {
        let (schema, mut all) = (schema(kind), Vec::new());
        owned(&schema, "", &mut all);
        assert!(!all.is_empty());
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        for (at, rules) in all {
            let texts = violating(kind, &at);
            assert!(!texts.is_empty(), "no manifest here violates {at}");
            for text in texts {
                let value: Value = serde_yaml::from_str(&text).expect(&text);
                assert!(!validator.is_valid(&value), "the schema takes {text}");
                let expected: BTreeSet<_> = rules.iter().map(String::as_str).collect();
                assert_eq!(seen(kind, &text).0, expected, "{at}:\n{text}");
            }
        }
    }
}

/// A value that holds every field below a subschema, from the examples.
fn full(schema: &Value, skip: &[&str]) -> Value {
    let example = || schema["examples"][0].clone();
    if let Some(properties) = schema["properties"].as_object() {
        let fields = properties.iter().filter(|(key, _)| !skip.contains(&key.as_str()));
        return fields
            .map(|(key, sub)| (key.clone(), full(sub, skip)))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    if schema["additionalProperties"].is_object() {
        let empty = example().as_object().is_none_or(serde_json::Map::is_empty);
        return if empty {
            json!({"git.example.com": full(&schema["additionalProperties"], skip)})
        } else {
            example()
        };
    }
    if schema["items"].is_object() && schema["type"] == "array" {
        return json!([full(&schema["items"], skip)]);
    }
    example()
}

/// Every scalar of a value, by its JSON pointer.
fn leaves(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                leaves(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| leaves(v, &format!("{at}/{i}"), out))
        }
        _ => out.push(at.to_owned()),
    }
}

/// Another value that may stand in the same place.
fn another(leaf: &str, value: &Value) -> Value {
    let key = leaf.rsplit('/').next().unwrap_or_default();
    match (value, key) {
        (Value::Bool(b), _) => json!(!b),
        (Value::Number(n), _) => json!(n.as_u64().expect("a whole number") + 1),
        (_, "template") => json!(if value == "claude" { "codex" } else { "claude" }),
        (_, "scheme") => json!(if value == "Basic" { "Bearer" } else { "Basic" }),
        (_, "protocol") => json!("http"),
        (_, "type") => json!("exact"),
        (_, "mode") => json!("read_only"),
        (_, "memory") => json!("5GiB"),
        _ if leaf.contains("/methods/") => json!("PUT"),
        _ if leaf.ends_with("/git") => json!("write"),
        _ => json!(format!("{}x", value.as_str().expect("text"))),
    }
}

/// Fields that change no plan: recognised and carried nowhere, or a name that the file's wins over.
const IGNORED: [&str; 3] = ["/name", "/supervise", "/git/remotes"];

/// A Claude Code subagent's fields, which an agent may have.
fn of_a_subagent(leaf: &str) -> bool {
    let field = leaf.trim_start_matches('/').split('/').next().unwrap_or_default();
    let described =
        schema(Kind::Agent)["properties"][field]["description"].as_str().unwrap_or_default().to_owned();
    described.starts_with("Accepted and ignored")
}

#[test]
fn every_field_of_the_schemas_is_read() {
    // Fields that exclude one another need a manifest each; `role` allows nothing.
    let variants = [
        (
            Kind::Bottle,
            ["role", "prompt_file", "forward_host_credentials", "template", "header", "api_key", "protocol"]
                .as_slice(),
            None,
        ),
        (
            Kind::Bottle,
            &[
                "role",
                "prompt_file",
                "forward_host_credentials",
                "auth_token",
                "template",
                "header",
                "pass_headers",
                "auth",
                "path_allowlist",
                "matches",
            ],
            None,
        ),
        (
            Kind::Bottle,
            &["role", "prompt", "auth_token", "api_key", "scheme", "user", "protocol"],
            Some("codex"),
        ),
        (Kind::Agent, &["prompt_file"], None),
        (Kind::Agent, &["prompt"], None),
    ];
    let mut read = BTreeSet::new();
    for (kind, skip, template) in variants {
        let mut manifest = full(&schema(kind), skip);
        if let Some(template) = template {
            manifest["agent_provider"]["template"] = json!(template);
        }
        if let Some(auth) = manifest.pointer_mut("/egress/routes/0/auth").filter(|a| a["user"].is_string()) {
            auth["scheme"] = json!("Basic");
        }
        if let Some(route) = manifest.pointer_mut("/egress/routes/0").filter(|r| r["protocol"] == "tcp") {
            route["ports"] = json!([5432]);
            // Not the bottle's own, of the same name.
            route.as_object_mut().expect("a mapping").remove("git");
        }
        if kind == Kind::Bottle {
            manifest["extends"] = json!("base");
        } else {
            manifest["bottle"] = json!("base");
        }
        let text = |value: &Value| serde_json::to_string_pretty(value).expect("JSON");
        let (mut rules, plan) = seen(kind, &text(&manifest));
        // `git.remotes` is read, and refused because it is.
        assert_eq!(rules.remove("unsupported"), kind == Kind::Bottle);
        assert_eq!(rules, BTreeSet::new(), "{}", text(&manifest));
        let mut all = Vec::new();
        leaves(&manifest, "", &mut all);
        for leaf in all {
            let mut changed = manifest.clone();
            let place = changed.pointer_mut(&leaf).expect("a leaf");
            *place = another(&leaf, place);
            let same = seen(kind, &text(&changed)).1 == plan;
            let ignored =
                IGNORED.iter().any(|i| leaf.starts_with(i)) || (kind == Kind::Agent && of_a_subagent(&leaf));
            // An agent's bottle that is not there leaves no plan.
            assert_eq!(same, ignored, "{leaf} of {kind:?}");
            read.insert(leaf);
        }
    }
    assert!(read.len() > 40, "{read:?}");
}

/// Editors that know the schema alone offer the templates that there are.
#[test]
fn the_schema_names_every_provider() {
    let schema = schema(Kind::Bottle);
    let named = &schema["properties"]["agent_provider"]["properties"]["template"]["enum"];
    let named: BTreeSet<_> = named.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(named, bot_bottle::provider::all().iter().map(|p| p.template()).collect());
}
