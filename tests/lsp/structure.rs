//! Symbols, folds, selections, links, tokens, hints, formatting.

use crate::client::{Client, World, able, apply, at, marked, typed};
use serde_json::{Value, json};
use tower_lsp::ls_types::{
    DocumentLink, DocumentSymbol, FoldingRange, SelectionRange, SemanticTokens, SymbolInformation, TextEdit,
};

const TEXT: &str = "\
# 🙂 one
# two
extends: base
egress:
  routes:
    - host: api.github.com
      auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
prompt_file: prompt.md
";

/// The same text in both carriers, opened.
fn opened(world: &World) -> Vec<(Client, String, String)> {
    let yaml = (world.uri("dev.bottle.yaml"), TEXT.to_owned());
    let markdown = (world.uri("~/.bot-bottle/bottles/dev.md"), format!("---\n{TEXT}---\nText\n"));
    [yaml, markdown]
        .into_iter()
        .map(|(uri, text)| {
            let mut client = Client::start(world);
            client.open(&uri, &text);
            (client, uri, text)
        })
        .collect()
}

fn world() -> World {
    World::new(&[
        ("base.bottle.yaml", "agent_provider: {template: codex}\n"),
        ("~/.bot-bottle/bottles/base.md", "---\nagent_provider: {template: codex}\n---\n"),
        ("prompt.md", "Do it."),
        ("~/.bot-bottle/bottles/prompt.md", "Do it."),
    ])
}

#[test]
fn a_document_has_an_outline() {
    for (mut client, uri, text) in opened(&world()) {
        let all = client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }));
        let all: Vec<DocumentSymbol> = serde_json::from_value(all).expect("symbols");
        let egress = all.iter().find(|s| s.name == "egress").expect("egress");
        assert!(at(&text, &json!(egress.range)).contains("api.github.com"));
        assert_eq!(at(&text, &json!(egress.selection_range)), "egress");
        assert!(json!(egress.children).to_string().contains("api.github.com"));
    }
    let world = world();
    let mut plain = Client::with(&world, json!({}), Value::Null);
    let uri = world.uri("dev.bottle.yaml");
    plain.open(&uri, TEXT);
    let all = plain.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }));
    let all: Vec<SymbolInformation> = all.as_array().expect("a list").iter().map(typed).collect();
    assert!(all.iter().any(|s| s.name == "routes" && s.container_name.as_deref() == Some("egress")));
}

#[test]
fn the_workspace_is_searched_once_it_is_asked() {
    let world = world();
    let mut client = Client::start(&world);
    let all = client.request("workspace/symbol", json!({ "query": "base" }));
    let uris: Vec<_> = all.as_array().expect("a list").iter().map(|s| s["location"]["uri"].clone()).collect();
    assert!(uris.contains(&json!(world.uri("base.bottle.yaml"))), "{uris:?}");
    // What is open counts as it is now.
    let uri = world.uri("new.bottle.yaml");
    client.open(&uri, "egress: {routes: [{host: fresh.example.com}]}\n");
    let all = client.request("workspace/symbol", json!({ "query": "fresh" }));
    assert_eq!(all[0]["name"], "fresh.example.com");
}

#[test]
fn folds_selections_and_links() {
    let world = world();
    for (mut client, uri, text) in opened(&world) {
        let document = json!({ "uri": uri });
        let folds = client.request("textDocument/foldingRange", json!({ "textDocument": document }));
        let folds: Vec<FoldingRange> = folds.as_array().expect("a list").iter().map(typed).collect();
        let line = |word: &str| text.lines().position(|l| l.starts_with(word)).expect("a line") as u32;
        assert!(
            folds.iter().any(|f| f.start_line == line("egress") && f.end_line == line("prompt_file") - 1),
            "{folds:?}"
        );
        assert!(folds.iter().any(|f| f.start_line == line("# 🙂") && f.kind.is_some()));

        let (_, position) = marked(&text.replace("api.github", "api.$0github"));
        let params = json!({ "textDocument": document, "positions": [position, position] });
        let selections = client.request("textDocument/selectionRange", params);
        assert_eq!(selections.as_array().map(Vec::len), Some(2));
        typed::<SelectionRange>(&selections[0]);
        let mut texts = Vec::new();
        let mut here = &selections[0];
        while here.is_object() {
            texts.push(at(&text, &here["range"]));
            here = &here["parent"];
        }
        assert!(texts.windows(2).all(|w| w[1].contains(&w[0])), "{texts:?}");
        assert!(texts.contains(&"api.github.com".to_owned()) && texts.last() == Some(&text), "{texts:?}");

        let links = client.request("textDocument/documentLink", json!({ "textDocument": document }));
        let links: Vec<DocumentLink> = links.as_array().expect("a list").iter().map(typed).collect();
        let prompt = links.iter().find(|l| at(&text, &json!(l.range)) == "prompt.md").expect("a link");
        assert!(prompt.target.as_ref().is_some_and(|t| t.as_str().ends_with("/prompt.md")));
    }
}

#[test]
fn tokens_stand_where_they_say_in_every_encoding() {
    let world = world();
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut able = able(false);
        able["general"]["positionEncodings"] = json!([encoding]);
        let mut client = Client::with(&world, able, Value::Null);
        let uri = world.uri("dev.bottle.yaml");
        client.open(&uri, "env: {A: \"🙂漢\", B: \"${HOST_B}\"}\n");
        let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
        let tokens =
            client.request("textDocument/semanticTokens/full", json!({ "textDocument": { "uri": uri } }));
        typed::<SemanticTokens>(&tokens);
        let same = client.request(
            "textDocument/semanticTokens/range",
            json!({ "textDocument": { "uri": uri }, "range": whole }),
        );
        assert_eq!(tokens, same);
        let data: Vec<_> =
            tokens["data"].as_array().expect("numbers").iter().filter_map(Value::as_u64).collect();
        let columns: Vec<_> = data
            .chunks(5)
            .scan(0, |at, t| {
                *at += t[1];
                Some((*at, t[2]))
            })
            .collect();
        let b = match encoding {
            "utf-8" => 20,
            "utf-16" => 16,
            _ => 15,
        };
        assert!(columns.contains(&(b, 1)), "{encoding}: {columns:?}");
    }
}

#[test]
fn hints_show_what_is_not_written() {
    for (mut client, uri, text) in opened(&world()) {
        let end = text.lines().count();
        let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": end, "character": 0 } });
        let hints = client
            .request("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": range }));
        let hints = hints.as_array().expect("a list");
        assert!(json!(hints).to_string().contains("codex"), "{hints:?}");
        assert!(hints.iter().all(|h| h["paddingLeft"] == true && h["position"].is_object()));
    }
}

#[test]
fn a_text_is_formatted_whole_in_part_and_while_it_is_typed() {
    let world = world();
    let options = json!({ "tabSize": 4, "insertSpaces": true });
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    let text = "# é🙂\nenv:\n     A:   b   # why\n     C: d\n";
    client.open(&uri, text);
    let document = json!({ "uri": uri });
    let edits =
        client.request("textDocument/formatting", json!({ "textDocument": document, "options": options }));
    edits.as_array().expect("a list").iter().for_each(|e| drop(typed::<TextEdit>(e)));
    let formatted = apply(text, &edits);
    assert!(formatted.contains("\n  A: b") && formatted.contains("# why"), "{formatted}");
    client.replace(&uri, &formatted);
    let again =
        client.request("textDocument/formatting", json!({ "textDocument": document, "options": options }));
    assert_eq!(again, json!([]));
    let range = json!({ "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 1 } });
    client.request(
        "textDocument/rangeFormatting",
        json!({ "textDocument": document, "range": range, "options": options }),
    );
    let (text, position) = marked("egress:\n  routes:\n$0\n");
    client.replace(&uri, &text);
    let params = json!({ "textDocument": document, "position": position, "ch": "\n", "options": options });
    let edits = client.request("textDocument/onTypeFormatting", params);
    assert!(apply(&text, &edits).starts_with("egress:\n  routes:\n    "), "{edits}");
}
