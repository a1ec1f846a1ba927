//! What a run was refused comes back while the manifest is open.

use crate::client::{Client, World, able};
use bot_bottle::egress::code::Code;
use bot_bottle::egress::{Audit, AuditLine, FileAudit, RequestLine};
use bot_bottle::engine::{StateDir, Subject};
use serde_json::{Value, json};

const TEXT: &str = "egress:\n  routes:\n    - host: api.github.com\n";

/// The audit of a run, as the egress writes it.
fn audit(world: &World, file: &str, run: &str) -> FileAudit {
    let folder = folder(world, file);
    FileAudit::open(&folder.join(format!("{run}.audit.jsonl"))).expect("an audit")
}

/// The logs of the manifest in a file.
fn folder(world: &World, file: &str) -> std::path::PathBuf {
    let name = file.split('.').next().expect("a name");
    let subject = Subject::of(&world.path(file), name);
    StateDir::new(world.path("~/.local/state/bot-bottle")).log_folder(&subject).expect("a folder")
}

fn line(second: u32, host: &str, code: Option<Code>) -> AuditLine {
    let time = format!("2026-01-01T09:30:{second:02}.000Z");
    let line = RequestLine::new(&format!("{second}-{host}"), &time, "GET", host, "/v1/models");
    AuditLine::Request(code.map_or(line.clone(), |code| line.refused(code)))
}

fn message_of(diagnostics: &[Value]) -> &str {
    diagnostics[0]["message"].as_str().expect("a message")
}

/// Applies the edits of an action to the text.
fn applied(text: &str, action: &Value) -> String {
    let edits = &action["edit"]["documentChanges"][0]["edits"];
    let mut edits: Vec<_> = edits.as_array().unwrap_or_else(|| panic!("edits in {action}")).iter().collect();
    let offset = |p: &Value| {
        let number = |key| usize::try_from(p[key].as_u64().expect("a number")).expect("small");
        text.split_inclusive('\n').take(number("line")).map(str::len).sum::<usize>() + number("character")
    };
    edits.sort_by_key(|e| std::cmp::Reverse(offset(&e["range"]["start"])));
    edits.iter().fold(text.to_owned(), |mut text, edit| {
        let (start, end) = (offset(&edit["range"]["start"]), offset(&edit["range"]["end"]));
        text.replace_range(start..end, edit["newText"].as_str().expect("a text"));
        text
    })
}

#[test]
fn a_refusal_arrives_while_the_run_goes_on_and_its_fix_clears_it() {
    let world = World::new(&[]);
    let uri = world.uri("dev.bottle.yaml");
    let mut client = Client::start(&world);
    client.open(&uri, TEXT);
    client.wait_for(&uri, &[]);
    // The first run on this machine: even the state folder is new.
    let run = audit(&world, "dev.bottle.yaml", "1");
    run.write(&line(1, "api.github.com", None)).expect("written");
    run.write(&line(2, "api.example.com", Some(Code::Host))).expect("written");
    let found = client.wait_for(&uri, &["denied-egress"]);
    assert_eq!(found[0]["severity"], 3);
    assert_eq!(found[0]["range"]["start"], json!({ "line": 0, "character": 0 }));
    let expected = "a run asked once for GET api.example.com/v1/models (first 2026-01-01 09:30:02 UTC)";
    assert!(message_of(&found).starts_with(expected), "{found:?}");

    run.write(&line(3, "api.example.com", Some(Code::Host))).expect("written");
    let expected = expected.replace("once", "2 times");
    client.until(|c| message_of(&c.pushed[&uri].1).starts_with(&expected).then_some(()));

    let found = client.wait_for(&uri, &["denied-egress"]);
    let context = json!({ "diagnostics": found, "only": ["quickfix"] });
    let params = json!({ "textDocument": { "uri": uri }, "range": found[0]["range"], "context": context });
    let actions = client.request("textDocument/codeAction", params);
    let allow = |a: &&Value| a["title"].as_str().is_some_and(|t| t.starts_with("Allow GET api.example.com"));
    let action = actions.as_array().expect("actions").iter().find(allow).expect("the fix").clone();
    let action =
        if action.get("edit").is_some() { action } else { client.request("codeAction/resolve", action) };
    let fixed = applied(TEXT, &action);
    assert!(fixed.contains("- host: api.example.com\n      matches:"), "{fixed}");
    client.replace(&uri, &fixed);
    client.wait_for(&uri, &[]);
}

#[test]
fn refusals_from_before_and_of_agents_are_known_and_go_with_their_logs() {
    let world = World::new(&[("dev.bottle.yaml", TEXT), ("fix.agent.yaml", "bottle: dev\nprompt: x\n")]);
    audit(&world, "fix.agent.yaml", "1")
        .write(&line(1, "api.example.com", Some(Code::Host)))
        .expect("written");
    audit(&world, "other.agent.yaml", "1")
        .write(&line(1, "api.example.com", Some(Code::Host)))
        .expect("written");
    let mut client = Client::start(&world);
    let (agent, bottle) = (world.uri("fix.agent.yaml"), world.uri("dev.bottle.yaml"));
    client.open(&bottle, TEXT);
    client.open(&agent, "bottle: dev\nprompt: x\n");
    let found = client.wait_for(&agent, &["denied-egress"]);
    assert_eq!(found[0]["relatedInformation"][0]["location"]["uri"], bottle);
    assert_eq!(client.diagnostics(&bottle), Vec::<Value>::new());
    std::fs::remove_dir_all(folder(&world, "fix.agent.yaml")).expect("removed");
    client.wait_for(&agent, &[]);
}

#[test]
fn a_private_target_has_no_fix() {
    let world = World::new(&[]);
    let uri = world.uri("dev.bottle.yaml");
    let run = audit(&world, "dev.bottle.yaml", "1");
    run.write(&line(1, "169.254.169.254", Some(Code::NotAHost))).expect("written");
    run.write(&line(1, "metadata.google.internal", Some(Code::Host))).expect("written");
    run.write(&line(1, "api.github.com", Some(Code::PrivateAddress))).expect("written");
    let mut client = Client::start(&world);
    client.open(&uri, TEXT);
    let found = client.wait_for(&uri, &["denied-egress"; 3]);
    let context = json!({ "diagnostics": found, "only": ["quickfix"] });
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 3, "character": 0 } });
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
    let actions = client.request("textDocument/codeAction", params);
    let titles: Vec<_> =
        actions.as_array().into_iter().flatten().filter_map(|a| a["title"].as_str()).collect();
    assert!(titles.contains(&"Explain denied-egress"), "{titles:?}");
    assert!(!titles.iter().any(|t| t.starts_with("Allow")), "{titles:?}");
}

#[test]
fn a_client_that_asks_is_told_to_ask_again() {
    let world = World::new(&[("dev.bottle.yaml", TEXT)]);
    let uri = world.uri("dev.bottle.yaml");
    let mut client = Client::with(&world, able(true), Value::Null);
    let all = json!({ "previousResultIds": [] });
    assert_eq!(client.request("workspace/diagnostic", all.clone())["items"], json!([]));
    audit(&world, "dev.bottle.yaml", "1")
        .write(&line(1, "api.example.com", Some(Code::Host)))
        .expect("written");
    // Each time that it is told so it asks, until there is something.
    let told = |c: &Client| c.others.iter().filter(|m| m["method"] == "workspace/diagnostic/refresh").count();
    let mut asked = 0;
    let items = loop {
        client.until(|c| (told(c) > asked).then_some(()));
        asked = told(&client);
        let items = client.request("workspace/diagnostic", all.clone())["items"].clone();
        if items != json!([]) {
            break items;
        }
    };
    assert_eq!((&items[0]["uri"], &items[0]["items"][0]["code"]), (&json!(uri), &json!("denied-egress")));
}
