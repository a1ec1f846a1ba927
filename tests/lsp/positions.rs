//! Emoji, CJK, tabs and CRLF before a place, in every encoding.

use crate::client::{Client, World, able};
use serde_json::{Value, json};

#[test]
fn nothing_before_a_place_shifts_it() {
    let world = World::new(&[]);
    for (encoding, width) in [
        ("utf-8", str::len as fn(&str) -> usize),
        ("utf-16", |s: &str| s.encode_utf16().count()),
        ("utf-32", |s: &str| s.chars().count()),
    ] {
        let mut able = able(false);
        able["general"]["positionEncodings"] = json!(["utf-7", encoding, "utf-16"]);
        let mut client = Client::with(&world, able, Value::Null);
        let uri = world.uri("dev.bottle.yaml");
        let before = "env: {A: \"🙂漢é\t👩‍👩‍👧\", ";
        let text = format!("# 漢字🙂\r\n{before}B: [1]}}\r\n");
        client.open(&uri, &text);
        let found = client.diagnostics(&uri);
        let column = width(before) + 3;
        assert_eq!(found[0]["code"], "wrong-type");
        let range = json!({ "start": { "line": 1, "character": column }, "end": { "line": 1, "character": column + 3 } });
        assert_eq!(found[0]["range"], range, "{encoding}");
        // The same place in the other direction: an edit there, and a hover.
        client.change(&uri, json!([{ "range": range, "text": "漢🙂" }]));
        assert!(client.diagnostics(&uri).is_empty(), "{encoding}");
        let at =
            json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": column + 1 } });
        let hover = client.request("textDocument/hover", at);
        assert!(hover["contents"]["value"].as_str().expect("text").contains("`漢🙂`"), "{encoding}: {hover}");
        let end = column + width("漢🙂");
        assert_eq!(hover["range"]["end"]["character"], end, "{encoding}");
    }
}

#[test]
fn places_outside_the_text_are_moved_inside() {
    let world = World::new(&[]);
    let mut client = Client::start(&world);
    let uri = world.uri("dev.bottle.yaml");
    client.open(&uri, "env: {}\n");
    let far = u32::MAX >> 1;
    let place = |line: u32, character: u32| json!({ "line": line, "character": character });
    client.change(
        &uri,
        json!([{ "range": { "start": place(far, 0), "end": place(far, far) }, "text": "envv: {}\n" }]),
    );
    client.wait_for(&uri, &["unknown-field"]);
    // A range that ends before it begins.
    client.change(&uri, json!([{ "range": { "start": place(2, 0), "end": place(1, 0) }, "text": "" }]));
    client.wait_for(&uri, &[]);
    let params = json!({ "textDocument": { "uri": uri }, "position": place(far, far) });
    assert_eq!(client.request("textDocument/hover", params), Value::Null);
}
