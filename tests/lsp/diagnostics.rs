//! Findings, pushed.

use crate::client::{Client, World, able, at, codes};
use serde_json::{Value, json};

const ROLE: &str = "\
agent_provider:
  template: claude
egress:
  routes:
    - host: api.anthropic.com
      auth: {scheme: Bearer, token_ref: BOT_BOTTLE_TEST_NAME}
      role: claude_code_oauth
    - host: api.github.com
";

#[test]
fn both_carriers_are_checked_while_they_are_typed() {
    for (path, head, tail) in
        [("dev.bottle.yaml", "", ""), ("~/.bot-bottle/bottles/dev.md", "---\n", "---\n# About\n")]
    {
        let world = World::new(&[]);
        let mut client = Client::start(&world);
        let uri = world.uri(path);
        let text = format!("{head}{ROLE}{tail}");
        client.open(&uri, &text);
        let all = client.diagnostics(&uri);
        let role = all.iter().find(|d| d["code"] == "unknown-role").expect("a finding");
        assert_eq!(at(&text, &role["range"]), "role: claude_code_oauth");
        assert_eq!(role["severity"], 1);
        assert_eq!(role["source"], "bot-bottle");
        assert_eq!(role.get("tags"), None);
        assert_eq!(role["codeDescription"]["href"], "https://bot-bottle.example.com/rules/unknown-role");
        assert_eq!(role["data"]["applicability"], "safe");
        // The cure, typed: the route goes.
        let fixed = text.replace("    - host: api.anthropic.com\n      auth: {scheme: Bearer, token_ref: BOT_BOTTLE_TEST_NAME}\n      role: claude_code_oauth\n", "");
        client.replace(&uri, &fixed);
        assert_eq!(codes(&client.diagnostics(&uri)), Vec::<&str>::new());
        client.close(&uri);
        client.until(|c| {
            c.pushed
                .get(&uri)
                .filter(|(version, _)| version.is_none())
                .map(|(_, all)| assert!(all.is_empty()))
        });
    }
}

#[test]
fn the_language_decides_where_the_path_does_not() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let wrong = "envv: {}\n";
    let fenced = "---\nenvv: {}\n---\n";
    for (name, language, text, found) in [
        ("a.yaml", "yaml", wrong, false),
        ("notes.md", "markdown", fenced, false),
        ("a.yaml", "bottle", wrong, true),
        ("notes.md", "bottle-markdown", fenced, true),
        ("b.bottle.yml", "yaml", wrong, true),
        ("c.agent.yaml", "plaintext", wrong, true),
    ] {
        let uri = world.uri(name);
        client.open_as(&uri, language, text);
        let all = client.diagnostics(&uri);
        assert_eq!(codes(&all).contains(&"unknown-field"), found, "{name} as {language}: {all:?}");
        client.close(&uri);
        client.pushed.clear();
    }
    for (uri, language, text) in
        [("untitled:Untitled-1", "bottle", wrong), ("untitled:Untitled-2", "bottle-markdown", fenced)]
    {
        client.open_as(uri, language, text);
        assert_eq!(codes(&client.diagnostics(uri)), ["unknown-field"]);
    }
    client.open_as("untitled:Untitled-3", "yaml", wrong);
    assert!(client.diagnostics("untitled:Untitled-3").is_empty());
}

#[test]
fn a_child_follows_its_parent_open_or_on_the_disk() {
    let world = World::new(&[
        ("base.bottle.yaml", "agent_provider: {template: claude}\n"),
        ("dev.bottle.yaml", "extends: base\nagent_provider: {auth_token: BOT_BOTTLE_TEST_NAME}\n"),
    ]);
    let mut client = Client::start(&world);
    let (base, dev) = (world.uri("base.bottle.yaml"), world.uri("dev.bottle.yaml"));
    client.open(&dev, "extends: base\nagent_provider: {auth_token: BOT_BOTTLE_TEST_NAME}\n");
    client.wait_for(&dev, &[]);
    // The parent is edited, and not saved.
    client.open(&base, "agent_provider: {template: claude}\n");
    client.replace(&base, "agent_provider: {template: codex}\n");
    let all = client.wait_for(&dev, &["claude-only-field"]);
    assert!(all[0]["message"].as_str().expect("text").contains("`codex`"));
    // Closed without saving: the disk counts again.
    client.close(&base);
    client.wait_for(&dev, &[]);
    // Changed on the disk, and the client tells.
    world.write("base.bottle.yaml", "agent_provider: {template: codex}\n");
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": base, "type": 2 }] }));
    client.wait_for(&dev, &["claude-only-field"]);
    // Gone, and only a save of the child tells.
    std::fs::remove_file(world.path("base.bottle.yaml")).expect("removed");
    client.notify("textDocument/didSave", json!({ "textDocument": { "uri": dev } }));
    client.wait_for(&dev, &["unknown-parent"]);
    // A parent that comes.
    client.open(&base, "env: {}\n");
    client.wait_for(&dev, &[]);
}

#[test]
fn what_is_inherited_points_at_where_it_is_written() {
    let world = World::new(&[("base.bottle.yaml", "# é🙂\negress: {routes: [{host: chatgpt.com}]}\n")]);
    let mut client = Client::start(&world);
    let dev = world.uri("dev.bottle.yaml");
    client.open(&dev, "extends: base\nagent_provider: {template: codex}\n");
    let all = client.wait_for(&dev, &["provider-owned-route"]);
    let related = &all[0]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], world.uri("base.bottle.yaml"));
    let base = std::fs::read_to_string(world.path("base.bottle.yaml")).expect("text");
    assert_eq!(at(&base, &related["location"]["range"]), "chatgpt.com");
}

#[test]
fn a_client_is_told_no_more_than_it_can_show() {
    let world = World::new(&[]);
    let mut client = Client::with(&world, json!({}), Value::Null);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, ROLE);
    for finding in client.diagnostics(&uri) {
        let mut keys: Vec<_> = finding.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, ["code", "message", "range", "severity", "source"]);
    }
}

#[test]
fn a_name_that_the_host_lacks_is_a_hint_and_no_value_is_read() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "agent_provider: {auth_token: BOT_BOTTLE_TEST_MISSING}\n");
    let all = client.diagnostics(&uri);
    assert_eq!(codes(&all), ["token-unset"]);
    assert_eq!(all[0]["severity"], 4);
    client.replace(&uri, "agent_provider: {auth_token: BOT_BOTTLE_TEST_NAME}\n");
    assert!(client.diagnostics(&uri).is_empty());
}

#[test]
fn no_credential_leaves_the_server() {
    let world = World::new(&[]);
    let mut client = Client::with(&world, able(false), Value::Null);
    let uri = world.uri("dev.bottle.yaml");
    let secret = ["ghp", &"a1B2".repeat(9)].join("_");
    let text = format!("env: {{A: {secret}}}\n{secret}: 1\nagent_provider: {{template: {secret}}}\n");
    client.open(&uri, &text);
    let all = client.diagnostics(&uri);
    assert!(codes(&all).contains(&"secret-literal"), "{all:?}");
    assert!(!serde_json::to_string(&all).expect("JSON").contains(&secret), "{all:?}");
}
