//! Many messages at once: order, cancellation, a client that does not answer.

use crate::client::{Client, World, able, codes};
use serde_json::{Value, json};

#[test]
fn edits_and_questions_are_taken_in_order() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "env: {}\n");
    let mut asked = Vec::new();
    for i in 0..200 {
        client.replace(&uri, &format!("env:\n  A{i}: x\n"));
        let params = json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 3 } });
        asked.push((i, client.ask("textDocument/hover", params)));
    }
    for (i, id) in asked {
        let answer = client.answer(id);
        let text = answer["result"]["contents"]["value"].as_str().expect("text");
        assert!(text.contains(&format!("`A{i}`")), "{i}: {text}");
    }
    client.replace(&uri, "envv: {}\n");
    assert_eq!(codes(&client.diagnostics(&uri)), ["unknown-field"]);
}

#[test]
fn a_client_that_answers_nothing_stalls_nothing() {
    let world = World::new(&[("base.bottle.yaml", "env: {}\n")]);
    let mut client = Client::spawn(&world);
    for method in [
        "client/registerCapability",
        "workspace/configuration",
        "workspace/diagnostic/refresh",
        "window/workDoneProgress/create",
    ] {
        client.unanswered.insert(method.to_owned());
    }
    let folders = json!([{ "uri": world.uri(""), "name": "ws" }]);
    let params = json!({ "processId": null, "rootUri": null, "capabilities": able(true), "workspaceFolders": folders });
    client.request("initialize", params);
    client.notify("initialized", json!({}));
    let (base, dev) = (world.uri("base.bottle.yaml"), world.uri("dev.bottle.yaml"));
    client.open(&base, "env: {}\n");
    client.open(&dev, "extends: base\n");
    let ask = json!({ "textDocument": { "uri": dev } });
    client.request("textDocument/diagnostic", ask.clone());
    client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
    client.replace(&base, "env: {A: b}\n");
    client.notify("workspace/didChangeConfiguration", json!({ "settings": Value::Null }));
    let open = |c: &Client| {
        let requests = c.others.iter().filter(|m| m.get("id").is_some_and(|id| !id.is_null()));
        requests.filter_map(|m| m["method"].as_str()).collect::<std::collections::HashSet<_>>().len()
    };
    client.until(|c| (open(c) == 4).then_some(()));
    // Four kinds of request have no answer; 400 messages all have theirs.
    let mut asked = Vec::new();
    for i in 0..200 {
        client.replace(&dev, &format!("extends: base\nenv: {{A: '{i}'}}\n"));
        let at = json!({ "textDocument": { "uri": dev }, "position": { "line": 1, "character": 7 } });
        asked.push((i, client.ask("textDocument/hover", at)));
    }
    for (i, id) in asked {
        let answer = client.answer(id);
        assert!(
            answer["result"]["contents"]["value"].as_str().expect("text").contains(&format!("`{i}`")),
            "{answer}"
        );
    }
    assert_eq!(client.leave().code(), Some(0));
}

#[test]
fn a_cancelled_request_is_answered_as_such_and_not_worked_on() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    // Enough text that the first question keeps the server busy.
    let text: String = (0..20_000).map(|i| format!("x-{i}: {{a: [1, 2, 3], b: c}}\n")).collect();
    client.open(&uri, &text);
    let lens = json!({ "textDocument": { "uri": uri } });
    let busy = client.ask("textDocument/codeLens", lens.clone());
    let cancelled: Vec<_> = (0..50).map(|_| client.ask("textDocument/codeLens", lens.clone())).collect();
    for id in &cancelled {
        client.notify("$/cancelRequest", json!({ "id": id }));
    }
    let mut codes = Vec::new();
    for id in cancelled {
        let answer = client.answer(id);
        codes.extend(answer["error"]["code"].as_i64());
    }
    assert!(!codes.is_empty() && codes.iter().all(|c| *c == -32800), "{codes:?}");
    assert!(client.answer(busy).get("result").is_some());
    client.notify("$/cancelRequest", json!({ "id": 999_999 }));
    client.settle();
}
