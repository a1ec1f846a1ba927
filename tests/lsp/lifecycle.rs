//! Coming and going.

use crate::client::{Client, World, able};
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn it_says_what_it_is_and_leaves_when_asked() {
    let world = World::new(&[]);
    let client = Client::start(&world);
    assert_eq!(client.leave().code(), Some(0));
}

#[test]
fn exit_without_shutdown_is_a_failure() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended().code(), Some(1));
}

#[test]
fn it_ends_when_its_input_does() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    client.hang_up();
    assert_eq!(client.ended().code(), Some(0));
    // Even before the first message.
    let mut silent = Client::spawn(&world);
    silent.hang_up();
    assert_eq!(silent.ended().code(), Some(0));
}

#[test]
fn it_ends_with_its_editor_even_if_the_input_stays_open() {
    let world = World::new(&[]);
    let mut editor = Command::new("sleep").arg("600").spawn().expect("a process");
    let mut client = Client::spawn(&world);
    let params = json!({ "processId": editor.id(), "rootUri": null, "capabilities": {} });
    client.request("initialize", params);
    editor.kill().expect("killed");
    editor.wait().expect("waited");
    assert_eq!(client.ended().code(), Some(0));
}

#[test]
fn nothing_is_answered_before_initialize_and_after_shutdown() {
    let world = World::new(&[]);
    let mut client = Client::spawn(&world);
    let hover = json!({ "textDocument": { "uri": "file:///x" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(client.refused("textDocument/hover", hover.clone())["code"], -32002);
    client.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} }));
    assert_eq!(
        client.refused("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} }))["code"],
        -32600
    );
    client.request("shutdown", Value::Null);
    assert_eq!(client.refused("textDocument/hover", hover)["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended().code(), Some(0));
}

#[test]
fn nonsense_is_answered_and_survived() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    for body in ["{", "[]", "{\"jsonrpc\":\"2.0\"}", "\"x\"", &"[".repeat(200_000)] {
        client.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }
    client.send_raw(b"Content-Length: 3\r\n\r\n\xff\xfe\xfd");
    client.send_raw(b"rubbish\r\n\r\nContent-Type: x\r\n\r\n");
    assert_eq!(client.refused("textDocument/hover", json!({ "textDocument": 3 }))["code"], -32602);
    assert_eq!(client.refused("textDocument/hover", Value::Null)["code"], -32602);
    assert_eq!(client.refused("no/such", json!({}))["code"], -32601);
    client.notify("$/unknown", json!({}));
    client.notify("textDocument/didChange", json!({ "textDocument": {}, "contentChanges": 3 }));
    client.settle();
    let malformed = client.others.iter().filter(|m| m["id"].is_null() && m.get("error").is_some()).count();
    assert_eq!(malformed, 6);
    assert_eq!(client.leave().code(), Some(0));
}

#[test]
fn it_asks_for_what_the_client_can_tell_and_for_nothing_else() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let registered =
        client.until(|c| c.others.iter().find(|m| m["method"] == "client/registerCapability").cloned());
    let registrations = registered["params"]["registrations"].as_array().expect("a list");
    let methods: Vec<_> = registrations.iter().filter_map(|r| r["method"].as_str()).collect();
    assert_eq!(methods, ["workspace/didChangeWatchedFiles", "workspace/didChangeConfiguration"]);

    let mut bare = Client::with(&world, json!({}), Value::Null);
    bare.settle();
    bare.settle();
    assert_eq!(bare.others, Vec::<Value>::new());
    let answer = {
        let mut silent = Client::spawn(&world);
        silent
            .request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": able(true) }))
    };
    assert!(answer["capabilities"]["diagnosticProvider"]["interFileDependencies"].as_bool().expect("a flag"));
}
