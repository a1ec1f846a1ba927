//! Code actions and fixes on save.

use crate::client::{Client, World, able, apply, codes, typed};
use serde_json::{Value, json};
use tower_lsp::ls_types::CodeActionOrCommand;

const ROLE: &str = "\
# é🙂
egress:
  routes:
    - host: api.anthropic.com
      auth: {scheme: Bearer, token_ref: BOT_BOTTLE_TEST_NAME}
      role: claude_code_oauth
    - host: api.github.com
      path_allowlist: /repos/
";

fn actions(client: &mut Client, uri: &str, range: &Value, only: Value) -> Vec<Value> {
    let mut context = json!({ "diagnostics": [] });
    if !only.is_null() {
        context["only"] = only;
    }
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
    let all = client.request("textDocument/codeAction", params);
    let all = all.as_array().expect("a list").clone();
    all.iter().for_each(|a| drop(typed::<CodeActionOrCommand>(a)));
    all
}

fn edits(action: &Value, uri: &str) -> Value {
    let changes = &action["edit"]["documentChanges"][0];
    assert_eq!(changes["textDocument"]["uri"], uri);
    changes["edits"].clone()
}

#[test]
fn a_finding_is_mended_or_explained() {
    for (path, head, tail) in
        [("dev.bottle.yaml", "", ""), ("~/.bot-bottle/bottles/dev.md", "---\n", "---\nText\n")]
    {
        let world = World::new(&[]);
        let mut client = Client::start(&world);
        let uri = world.uri(path);
        let text = format!("{head}{ROLE}{tail}");
        client.open(&uri, &text);
        let found = client.diagnostics(&uri);
        let role = found.iter().find(|d| d["code"] == "unknown-role").expect("a finding");
        let all = actions(&mut client, &uri, &role["range"], json!(["quickfix"]));
        let titles: Vec<_> = all.iter().map(|a| a["title"].as_str().expect("a title")).collect();
        let fix = &all[0];
        assert!(titles[0].starts_with("Remove the route and set"), "{titles:?}");
        assert_eq!((&fix["isPreferred"], &fix["kind"]), (&json!(true), &json!("quickfix")));
        assert_eq!(&fix["diagnostics"][0], role);
        assert_eq!(fix["edit"]["documentChanges"][0]["textDocument"]["version"], 1);
        // Applied, the finding is gone, and the bottle says the same in today's words.
        let fixed = apply(&text, &edits(fix, &uri));
        assert!(fixed.contains("auth_token: BOT_BOTTLE_TEST_NAME") && !fixed.contains("role"), "{fixed}");
        client.replace(&uri, &fixed);
        assert_eq!(codes(&client.diagnostics(&uri)), ["wrong-type"]);
        // What the language refuses has no comment that silences it.
        client.replace(&uri, &text);
        assert!(titles.iter().all(|t| !t.starts_with("Silence")), "{titles:?}");
        let explain = all.last().expect("an action");
        assert_eq!(explain["command"]["command"], "bot-bottle.explain");
        let command =
            json!({ "command": "bot-bottle.explain", "arguments": explain["command"]["arguments"] });
        let page = client.request("workspace/executeCommand", command);
        assert!(page.as_str().expect("text").starts_with("# "), "{page}");
    }
}

#[test]
fn everything_safe_is_fixed_at_once() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, ROLE);
    let nowhere = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    for only in [json!(["source"]), json!(["source.fixAll"]), json!(["source.fixAll.bot-bottle"])] {
        let all = actions(&mut client, &uri, &nowhere, only);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["kind"], "source.fixAll.bot-bottle");
        let fixed = apply(ROLE, &edits(&all[0], &uri));
        assert!(
            fixed.contains("[/repos/]") && fixed.contains("auth_token") && fixed.starts_with("# é🙂\n"),
            "{fixed}"
        );
    }
    assert!(actions(&mut client, &uri, &nowhere, json!(["refactor"])).is_empty());
    client.replace(&uri, "env: {}\n");
    assert!(actions(&mut client, &uri, &nowhere, Value::Null).is_empty());
}

#[test]
fn a_save_fixes_only_when_asked_to() {
    let world = World::new(&[]);
    let uri = world.uri("dev.bottle.yaml");
    let save = json!({ "textDocument": { "uri": uri }, "reason": 1 });
    let mut client = Client::start(&world);
    client.open(&uri, ROLE);
    assert_eq!(client.request("textDocument/willSaveWaitUntil", save.clone()), Value::Null);
    let mut client = Client::with(&world, able(false), json!({ "fixOnSave": true }));
    client.open(&uri, ROLE);
    let edits = client.request("textDocument/willSaveWaitUntil", save.clone());
    assert!(apply(ROLE, &edits).contains("[/repos/]"));
    client.replace(&uri, "env: {}\n");
    assert_eq!(client.request("textDocument/willSaveWaitUntil", save), Value::Null);
}

#[test]
fn a_plain_client_gets_plain_edits() {
    let world = World::new(&[]);
    let capabilities = json!({ "textDocument": { "codeAction": { "codeActionLiteralSupport": {
        "codeActionKind": { "valueSet": ["quickfix"] } } } } });
    let mut client = Client::with(&world, capabilities, Value::Null);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "envv: {}\n");
    let found = client.diagnostics(&uri);
    let all = actions(&mut client, &uri, &found[0]["range"], Value::Null);
    assert_eq!(all[0]["edit"]["changes"][&uri][0]["newText"], "env");
    assert_eq!(all[0]["isPreferred"], false);
}
