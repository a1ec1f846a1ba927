//! Findings, for a client that asks.

use crate::client::{Client, World, able, typed};
use serde_json::{Value, json};
use tower_lsp::ls_types::{DocumentDiagnosticReportResult, WorkspaceDiagnosticReport};

#[test]
fn a_client_that_asks_is_answered_and_nothing_is_pushed() {
    let world = World::new(&[]);
    let mut client = Client::with(&world, able(true), Value::Null);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "envv: {}\n");
    let ask = |previous: &Value| json!({ "textDocument": { "uri": uri }, "previousResultId": previous });
    let first = client.request("textDocument/diagnostic", ask(&Value::Null));
    typed::<DocumentDiagnosticReportResult>(&first);
    assert_eq!(first["kind"], "full");
    assert_eq!(first["items"][0]["code"], "unknown-field");
    let again = client.request("textDocument/diagnostic", ask(&first["resultId"]));
    assert_eq!(again, json!({ "kind": "unchanged", "resultId": first["resultId"] }));
    client.replace(&uri, "env: {}\n");
    let clean = client.request("textDocument/diagnostic", ask(&first["resultId"]));
    assert_eq!((clean["kind"].as_str(), &clean["items"]), (Some("full"), &json!([])));
    client.close(&uri);
    client.settle();
    assert!(client.pushed.is_empty());
}

#[test]
fn a_changed_parent_has_the_client_ask_again() {
    let world = World::new(&[("base.bottle.yaml", "env: {}\n")]);
    let mut client = Client::with(&world, able(true), Value::Null);
    let (base, dev) = (world.uri("base.bottle.yaml"), world.uri("dev.bottle.yaml"));
    client.open(&dev, "extends: base\nagent_provider: {template: codex}\n");
    client.open(&base, "env: {}\n");
    let ask = json!({ "textDocument": { "uri": dev } });
    assert_eq!(client.request("textDocument/diagnostic", ask.clone())["items"], json!([]));
    client.settle();
    client.others.clear();
    client.replace(&base, "egress: {routes: [{host: chatgpt.com}]}\n");
    client.until(|c| c.others.iter().find(|m| m["method"] == "workspace/diagnostic/refresh").map(|_| ()));
    assert_eq!(client.request("textDocument/diagnostic", ask)["items"][0]["code"], "provider-owned-route");
}

#[test]
fn the_whole_workspace_can_be_asked_for() {
    let world = World::new(&[
        ("a.bottle.yaml", "envv: {}\n"),
        ("clean.bottle.yaml", "env: {}\n"),
        ("b.agent.yaml", "bottle: nope\nprompt: Do it.\n"),
        ("node_modules/x/c.bottle.yaml", "envv: {}\n"),
        ("~/.bot-bottle/bottles/own.md", "---\nenvv: {}\n---\n"),
    ]);
    let mut client = Client::with(&world, able(true), Value::Null);
    let (open, closed) = (world.uri("a.bottle.yaml"), world.uri("b.agent.yaml"));
    client.open(&open, "skills: [nope]\n");
    let first = client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
    typed::<WorkspaceDiagnosticReport>(&first);
    let items = first["items"].as_array().expect("a list").clone();
    let mut uris: Vec<_> = items.iter().map(|i| i["uri"].as_str().expect("a URI").to_owned()).collect();
    uris.sort();
    let mut wanted = vec![open.clone(), closed.clone(), world.uri("~/.bot-bottle/bottles/own.md")];
    wanted.sort();
    assert_eq!(uris, wanted);
    let of = |items: &[Value], uri: &str| items.iter().find(|i| i["uri"] == uri).expect("an item").clone();
    assert_eq!(of(&items, &open)["version"], 1);
    assert_eq!(of(&items, &closed)["version"], Value::Null);
    // The second time only what has changed comes whole.
    world.write("b.agent.yaml", "bottle: a\nprompt: Do it.\n");
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": closed, "type": 2 }] }));
    let previous: Vec<_> = items.iter().map(|i| json!({ "uri": i["uri"], "value": i["resultId"] })).collect();
    let second = client.request("workspace/diagnostic", json!({ "previousResultIds": previous }));
    let items = second["items"].as_array().expect("a list").clone();
    assert_eq!(of(&items, &open)["kind"], "unchanged");
    assert_eq!(
        (of(&items, &closed)["kind"].as_str(), &of(&items, &closed)["items"]),
        (Some("full"), &json!([]))
    );
}

#[test]
fn a_client_that_cannot_be_told_to_ask_again_is_told_the_findings() {
    let world = World::new(&[]);
    let mut abilities = able(true);
    abilities["workspace"].as_object_mut().expect("an object").remove("diagnostics");
    let mut client = Client::with(&world, abilities, Value::Null);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "egress: 3\n");
    client.wait_for(&uri, &["wrong-type"]);
}
