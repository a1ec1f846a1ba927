//! `textDocument/hover`.

use crate::client::{Client, World, at, marked, typed};
use serde_json::{Value, json};
use tower_lsp::ls_types::Hover;

/// The Markdown and the text that it is about, at the mark.
fn hover(client: &mut Client, uri: &str, text: &str) -> Option<(String, String)> {
    let (text, position) = marked(text);
    client.open(uri, &text);
    let params = json!({ "textDocument": { "uri": uri }, "position": position });
    let hover = client.request("textDocument/hover", params);
    client.close(uri);
    if hover == Value::Null {
        return None;
    }
    typed::<Hover>(&hover);
    assert_eq!(hover["contents"]["kind"], "markdown");
    Some((hover["contents"]["value"].as_str().expect("text").to_owned(), at(&text, &hover["range"])))
}

#[test]
fn the_plan_is_shown_in_both_carriers() {
    let world =
        World::new(&[("~/.bot-bottle/bottles/dev.md", "---\nagent_provider: {template: codex}\n---\n")]);
    let mut client = Client::start(&world);
    for (path, text, word) in [
        ("x.bottle.yaml", "# é🙂\nagent_$0provider:\n  template: codex\n", "agent_provider"),
        ("~/.bot-bottle/bottles/x.md", "---\nextends: d$0ev\n---\nText\n", "dev"),
        ("~/.bot-bottle/agents/a.md", "---\nbottle$0: dev\n---\nDo it.\n", "bottle"),
        (".bot-bottle/agents/b.md", "---\nbottle: de$0v\n---\nDo it.\n", "dev"),
        ("c.agent.yaml", "bottle: dev$0\n", "dev"),
    ] {
        let (markdown, about) = hover(&mut client, &world.uri(path), text).expect(path);
        assert!(
            markdown.contains("**Plan of") && markdown.contains("`bot-bottle-codex:latest`"),
            "{markdown}"
        );
        assert_eq!(about, word);
    }
}

#[test]
fn nothing_is_said_of_what_is_no_manifest() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    assert_eq!(hover(&mut client, &world.uri("a.yaml"), "agent_$0provider: {}\n"), None);
    assert_eq!(hover(&mut client, &world.uri("a.bottle.yaml"), "$0\n"), None);
    let params = json!({ "textDocument": { "uri": world.uri("never.bottle.yaml") }, "position": { "line": 0, "character": 0 } });
    assert_eq!(client.request("textDocument/hover", params), Value::Null);
}
