//! Work that takes a while is shown, and can be ended.

use crate::client::{Client, World};
use serde_json::json;

/// Enough that reading it outlasts a message there and back.
fn large() -> World {
    let world = World::new(&[]);
    for i in 0..2_000 {
        world.write(&format!("{i}/a.bottle.yaml"), "env: {}\n");
        for j in 0..10 {
            world.write(&format!("{i}/{j}.txt"), "");
        }
    }
    world
}

fn kinds(client: &Client) -> Vec<&str> {
    let progress = client.others.iter().filter(|m| m["method"] == "$/progress");
    progress.filter_map(|m| m["params"]["value"]["kind"].as_str()).collect()
}

#[test]
fn reading_a_workspace_is_shown_from_begin_to_end() {
    let world = large();
    let mut client = Client::start(&world);
    let id = client.ask("workspace/symbol", json!({ "query": "" }));
    client.until(|c| kinds(c).contains(&"end").then_some(()));
    assert_eq!((kinds(&client)[0], kinds(&client).last().copied()), ("begin", Some("end")));
    assert!(client.answer(id)["result"].as_array().is_some_and(|all| !all.is_empty()));
    let begin = client.others.iter().find(|m| m["params"]["value"]["kind"] == "begin").expect("a begin");
    assert_eq!(begin["params"]["value"]["cancellable"], true);
}

#[test]
fn a_person_can_end_it_and_it_is_read_again_when_next_needed() {
    let world = large();
    let mut client = Client::start(&world);
    let uri = world.uri("0/a.bottle.yaml");
    client.open(&uri, "x-a: &anchor {}\nenv: *anchor\n");
    let rename = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 8 }, "newName": "other" });
    let id = client.ask("textDocument/rename", rename.clone());
    let begin = client.until(|c| c.others.iter().find(|m| m["params"]["value"]["kind"] == "begin").cloned());
    client.notify("window/workDoneProgress/cancel", json!({ "token": begin["params"]["token"] }));
    let answer = client.answer(id);
    // What was not read whole is not renamed in.
    assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains("not read whole")), "{answer}");
    client.until(|c| kinds(c).contains(&"end").then_some(()));
    assert!(client.request("textDocument/rename", rename).is_object());
}
