//! Completion, definition, references, rename: from the protocol to the answers and back.

use crate::client::{Client, World, able, apply, marked, typed};
use serde_json::{Value, json};
use tower_lsp::ls_types::{CompletionItem, GotoDefinitionResponse, WorkspaceEdit};

fn world() -> World {
    World::new(&[
        ("base.bottle.yaml", "env: {}\n"),
        ("fix.agent.yaml", "# é🙂\nbottle: base\n"),
        ("~/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n"),
        ("~/.bot-bottle/agents/a.md", "---\nbottle: dev\n---\nDo it.\n"),
    ])
}

fn at_mark(client: &mut Client, uri: &str, text: &str) -> Value {
    let (text, position) = marked(text);
    client.open(uri, &text);
    json!({ "textDocument": { "uri": uri }, "position": position })
}

#[test]
fn keys_and_names_are_offered_in_both_carriers() {
    let world = world();
    let mut client = Client::start(&world);
    for (path, text, label) in [
        ("x.bottle.yaml", "# é🙂\nagent_provider:\n  templ$0\n", "template"),
        ("~/.bot-bottle/bottles/x.md", "---\nextends: $0\n---\n", "dev"),
        ("y.agent.yaml", "bottle: ba$0\n", "base"),
    ] {
        let params = at_mark(&mut client, &world.uri(path), text);
        let all = client.request("textDocument/completion", params);
        let all = all.as_array().expect("a list");
        all.iter().for_each(|i| drop(typed::<CompletionItem>(i)));
        let item = all.iter().find(|i| i["label"] == label).unwrap_or_else(|| panic!("{path}: {all:?}"));
        let (text, _) = marked(text);
        let written = apply(&text, &json!([item["textEdit"]]));
        assert!(written.contains(label), "{written}");
    }
}

#[test]
fn a_name_leads_to_its_bottle() {
    let world = world();
    let mut client = Client::start(&world);
    let params = at_mark(&mut client, &world.uri("fix.agent.yaml"), "# é🙂\nbottle: ba$0se\n");
    let links = client.request("textDocument/definition", params);
    typed::<GotoDefinitionResponse>(&links);
    assert_eq!(links[0]["targetUri"], world.uri("base.bottle.yaml"));
    assert_eq!(links[0]["originSelectionRange"]["start"], json!({ "line": 1, "character": 8 }));
    let mut plain = Client::with(&world, json!({}), Value::Null);
    let params =
        at_mark(&mut plain, &world.uri("~/.bot-bottle/agents/a.md"), "---\nbottle: $0dev\n---\nDo it.\n");
    let location = plain.request("textDocument/definition", params);
    assert_eq!(location["uri"], world.uri("~/.bot-bottle/bottles/dev.md"));
}

#[test]
fn uses_are_found_in_files_that_are_not_open() {
    let world = world();
    let mut client = Client::start(&world);
    let mut params = at_mark(&mut client, &world.uri("x.bottle.yaml"), "extends: ba$0se\n");
    params["context"] = json!({ "includeDeclaration": false });
    let all = client.request("textDocument/references", params);
    let mut places: Vec<_> = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|l| (l["uri"].as_str().expect("a URI").to_owned(), l["range"]["start"].clone()))
        .collect();
    places.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        places,
        [
            (world.uri("fix.agent.yaml"), json!({ "line": 1, "character": 8 })),
            (world.uri("x.bottle.yaml"), json!({ "line": 0, "character": 9 })),
        ]
    );
}

#[test]
fn a_bottle_is_renamed_with_its_file_and_its_agents() {
    let world = world();
    let mut client = Client::start(&world);
    let uri = world.uri("~/.bot-bottle/agents/a.md");
    let mut params = at_mark(&mut client, &uri, "---\nbottle: d$0ev\n---\nDo it.\n");
    let prepared = client.request("textDocument/prepareRename", params.clone());
    assert_eq!(prepared["placeholder"], "dev");
    params["newName"] = json!("prod");
    let edit = client.request("textDocument/rename", params.clone());
    typed::<WorkspaceEdit>(&edit);
    let changes = edit["documentChanges"].as_array().expect("a list");
    let of_agent = changes.iter().find(|c| c["textDocument"]["uri"] == uri).expect("the agent");
    assert_eq!(of_agent["textDocument"]["version"], 1);
    assert_eq!(
        apply("---\nbottle: dev\n---\nDo it.\n", &of_agent["edits"]),
        "---\nbottle: prod\n---\nDo it.\n"
    );
    let file = changes.iter().find(|c| c["kind"] == "rename").expect("the file");
    assert_eq!(file["newUri"], world.uri("~/.bot-bottle/bottles/prod.md"));
    params["newName"] = json!("Not A Name");
    let error = client.refused("textDocument/rename", params.clone());
    assert!(error["message"].as_str().expect("text").contains("not a name"), "{error}");
    // Neovim says that it renames files, and not that it takes versioned edits.
    let mut neovim = able(false);
    neovim["workspace"]["workspaceEdit"] = json!({ "resourceOperations": ["rename"] });
    let mut neovim = Client::with(&world, neovim, Value::Null);
    neovim.open(&uri, "---\nbottle: dev\n---\nDo it.\n");
    params["newName"] = json!("prod");
    let edit = neovim.request("textDocument/rename", params.clone());
    let changes = edit["documentChanges"].as_array().expect("a list");
    assert!(changes.iter().any(|c| c["kind"] == "rename"), "{edit}");
    // An editor that renames no files is told so, and nothing is half done.
    let mut able = able(false);
    able["workspace"]["workspaceEdit"] = json!({ "documentChanges": true });
    let mut plain = Client::with(&world, able, Value::Null);
    plain.open(&uri, "---\nbottle: dev\n---\nDo it.\n");
    params["newName"] = json!("prod");
    let error = plain.refused("textDocument/rename", params);
    assert!(error["message"].as_str().expect("text").contains("file"), "{error}");
}
