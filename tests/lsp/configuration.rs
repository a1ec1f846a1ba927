//! Settings, folders.

use crate::client::{Client, World, able};
use serde_json::{Value, json};

const BOTH: &str = "agent_provider: {auth_token: BOT_BOTTLE_TEST_MISSING}\nenvv: {}\n";

#[test]
fn mild_findings_can_be_left_out_from_the_start_or_later() {
    let world = World::new(&[]);
    let uri = world.uri("dev.bottle.yaml");
    let mut client = Client::with(&world, able(false), json!({ "severity": "warning" }));
    client.open(&uri, BOTH);
    client.wait_for(&uri, &["unknown-field"]);
    client.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "bot-bottle": { "severity": "hint" } } }),
    );
    client.wait_for(&uri, &["unknown-field", "token-unset"]);
}

/// Both the options and the configuration can come with a cloned repository.
#[test]
fn no_setting_says_where_the_home_is() {
    let world = World::new(&[("~/other/.bot-bottle/bottles/theirs.md", "---\nenv: {}\n---\n")]);
    let uri = world.uri("dev.bottle.yaml");
    for home in ["home", "HOME", "stateDir", "state_dir", "operator", "path"] {
        let settings = json!({ home: world.home().join("other") });
        let both = json!({ home: world.home().join("other"), "bot-bottle": settings });
        let mut client = Client::with(&world, able(false), both.clone());
        client.notify("workspace/didChangeConfiguration", json!({ "settings": both }));
        client.open(&uri, "extends: theirs\n");
        client.wait_for(&uri, &["unknown-parent"]);
    }
}

#[test]
fn the_client_is_asked_for_its_settings_when_it_says_that_they_changed() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    client.settle();
    let asked = |c: &Client| c.others.iter().filter(|m| m["method"] == "workspace/configuration").count();
    client.until(|c| (asked(c) == 1).then_some(()));
    client.notify("workspace/didChangeConfiguration", json!({ "settings": Value::Null }));
    client.until(|c| (asked(c) == 2).then_some(()));
}

#[test]
fn folders_come_and_go() {
    let world = World::new(&[("a/x.bottle.yaml", "env: {}\n"), ("b/y.bottle.yaml", "envv: {}\n")]);
    let mut client = Client::with(&world, able(true), Value::Null);
    let folder = |name: &str| json!({ "uri": world.uri(name), "name": name });
    let event = json!({ "added": [folder("a")], "removed": [{ "uri": world.uri(""), "name": "ws" }] });
    client.notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    let ask = json!({ "previousResultIds": [] });
    assert_eq!(client.request("workspace/diagnostic", ask.clone())["items"], json!([]));
    let event = json!({ "added": [folder("b")], "removed": [] });
    client.notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    let items = client.request("workspace/diagnostic", ask)["items"].clone();
    assert_eq!(items[0]["uri"], world.uri("b/y.bottle.yaml"));
}
