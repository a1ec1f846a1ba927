//! What should not be there.

use crate::client::{Client, World, able};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;

fn fifo(world: &World, path: &str) {
    let path = world.path(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a FIFO");
}

/// The server's memory at its highest, in KiB.
fn peak(client: &Client) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.child.id())).expect("a status");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn a_hostile_workspace_costs_little_and_leads_nowhere() {
    let secret = ["ghp", &"a1B2".repeat(9)].join("_");
    let world = World::new(&[
        ("dev.bottle.yaml", "extends: [linked, pipe, huge, binary]\n"),
        ("~/private/credentials", &format!("env: {{STOLEN: {secret}}}\n")),
        ("binary.bottle.yaml", "a\0b"),
        ("utf16.bottle.yaml", "\u{fffe}"),
    ]);
    symlink(world.path("~/private/credentials"), world.path("linked.bottle.yaml")).expect("a link");
    symlink(world.root(), world.path("loop")).expect("a link");
    symlink("/", world.path("everything")).expect("a link");
    for path in ["pipe.bottle.yaml", ".gitignore", "sub/bottle.yaml", "sub/.gitignore"] {
        fifo(&world, path);
    }
    let huge = std::fs::File::create(world.path("huge.bottle.yaml")).expect("a file");
    huge.set_len(1 << 30).expect("a sparse file");
    for i in 0..500 {
        std::fs::create_dir_all(world.path(&format!("many/{i}"))).expect("a folder");
        for j in 0..100 {
            std::fs::File::create(world.path(&format!("many/{i}/{j}.bottle.yaml"))).expect("a file");
        }
    }
    let mut client = Client::with(&world, able(true), Value::Null);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "extends: [linked, pipe, huge, binary]\nenv: {}\n");
    let report = client.request("textDocument/diagnostic", json!({ "textDocument": { "uri": uri } }));
    let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 2 } });
    let hover = client.request("textDocument/hover", at.clone());
    // What lies outside is not there: neither its names nor its values.
    let said = format!("{report}{hover}");
    assert!(!said.contains("STOLEN") && !said.contains(&secret), "{said}");
    let mut references = at;
    references["context"] = json!({ "includeDeclaration": true });
    client.request("textDocument/references", references);
    client.request("workspace/diagnostic", json!({ "previousResultIds": [] }));
    assert!(peak(&client) < 200 * 1024, "{} KiB", peak(&client));
    assert_eq!(client.leave().code(), Some(0));
}

#[test]
fn any_text_is_survived() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    let deep = "[".repeat(10_000);
    let mut bomb = String::from("x-0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        bomb.push_str(&format!("x-{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", ")));
    }
    client.open(&uri, "");
    for text in
        [&deep, &bomb, "a\0b", "\u{feff}", "---\n---\n---\n", "\r\r\n\n\r", "%YAML 9\n", &"x".repeat(5 << 20)]
    {
        client.replace(&uri, text);
        assert!(!client.diagnostics(&uri).is_empty(), "{:?}", text.get(..20));
        for line in [0, 1] {
            let at = json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": 1 } });
            client.request("textDocument/hover", at.clone());
            client.request("textDocument/completion", at.clone());
            client.request("textDocument/definition", at);
        }
        client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    }
    client.replace(&uri, "env: {}\n");
    assert!(client.diagnostics(&uri).is_empty());
    assert_eq!(client.leave().code(), Some(0));
}

#[test]
fn a_document_too_large_is_refused_and_the_rest_goes_on() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let (large, small) = (world.uri("large.bottle.yaml"), world.uri("small.bottle.yaml"));
    // Larger than any message that is read: the document never opens, and its edits go nowhere.
    client.open(&large, &"x".repeat(40 << 20));
    client.change(&large, json!([{ "text": "env: {}\n" }]));
    client.open(&small, "envv: {}\n");
    client.wait_for(&small, &["unknown-field"]);
    assert_eq!(client.leave().code(), Some(0));
}
