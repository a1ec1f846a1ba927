//! Code lenses and commands.

use crate::client::{Client, World, typed};
use serde_json::{Value, json};
use tower_lsp::ls_types::CodeLens;

#[test]
fn each_manifest_has_its_lenses_and_they_run() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "env: {}\n---\nname: other\nagent_provider: {template: codex}\n");
    let lenses = client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    let lenses = lenses.as_array().expect("a list");
    lenses.iter().for_each(|l| drop(typed::<CodeLens>(l)));
    let titles: Vec<_> = lenses.iter().map(|l| l["command"]["title"].as_str().expect("a title")).collect();
    assert_eq!(titles, ["Plan", "Dry run", "Plan", "Dry run"]);
    assert_eq!(lenses[2]["range"]["start"]["line"], 2);
    let mut run = |i: usize| {
        let command = &lenses[i]["command"];
        let params = json!({ "command": command["command"], "arguments": command["arguments"] });
        client.request("workspace/executeCommand", params).as_str().expect("text").to_owned()
    };
    assert!(run(0).contains("`bot-bottle-claude:latest`"));
    assert!(run(2).starts_with("**Plan of `other`**") && run(2).contains("`bot-bottle-codex:latest`"));
    let outline = run(3);
    assert!(
        outline.starts_with("bottle       other\nworkspace    ") && outline.contains("\nstages\n"),
        "{outline}"
    );
}

#[test]
fn a_command_takes_a_file_that_is_not_open_and_a_name() {
    let world = World::new(&[
        ("dev.bottle.yaml", "env: {A: b}\n"),
        ("~/.bot-bottle/bottles/own.md", "---\nenv: {}\n---\n"),
    ]);
    let mut client = Client::start(&world);
    for path in ["dev.bottle.yaml", "~/.bot-bottle/bottles/own.md"] {
        let params = json!({ "command": "bot-bottle.plan", "arguments": [world.uri(path)] });
        let plan = client.request("workspace/executeCommand", params);
        assert!(plan.as_str().expect("text").starts_with("**Plan of"));
    }
    for (command, arguments, said) in [
        ("bot-bottle.plan", json!([world.uri("dev.bottle.yaml"), "nope"]), "there is no manifest `nope`"),
        ("bot-bottle.plan", json!([world.uri("none.bottle.yaml")]), "not a manifest"),
        ("bot-bottle.plan", json!(["file:///etc/passwd"]), "not a manifest"),
        ("bot-bottle.plan", json!([]), "URI"),
        ("bot-bottle.dryRun", json!([3]), "URI"),
        ("bot-bottle.explain", json!(["nope"]), "rule"),
        (
            "bot-bottle.fly",
            json!([]),
            "bot-bottle.launch, bot-bottle.attach, bot-bottle.stop, bot-bottle.plan, bot-bottle.dryRun",
        ),
    ] {
        let error =
            client.refused("workspace/executeCommand", json!({ "command": command, "arguments": arguments }));
        assert!(error["message"].as_str().expect("text").contains(said), "{error}");
    }
}

#[test]
fn a_client_that_shows_no_answers_gets_a_message() {
    let world = World::new(&[("dev.bottle.yaml", "env: {}\n")]);
    let mut client = Client::with(&world, json!({}), Value::Null);
    let params = json!({ "command": "bot-bottle.dryRun", "arguments": [world.uri("dev.bottle.yaml")] });
    client.request("workspace/executeCommand", params);
    let shown = client.until(|c| c.others.iter().find(|m| m["method"] == "window/showMessage").cloned());
    assert!(shown["params"]["message"].as_str().expect("text").starts_with("bottle "));
}
