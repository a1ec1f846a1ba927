//! Random edits: what the server holds after thousands of increments is what the editor holds, and
//! nothing makes it stumble.
//!
//! `BOT_BOTTLE_FUZZ_SECONDS=60` runs as long as that; `BOT_BOTTLE_FUZZ_SEED` repeats a run.

#![allow(clippy::print_stdout)]

#[path = "lsp/client.rs"]
mod client;

use client::{Client, World, able};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const STEPS: usize = 400;

const START: &str = "\
# é🙂 漢字
extends: base
agent_provider:
  template: codex
  forward_host_credentials: true
env: &env
  LOG_LEVEL: debug
  REGION: \"${AWS_REGION}\"
egress:
  routes:
    - host: api.github.com
      auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
      matches:
        - {paths: [{type: prefix, value: /api/}], methods: [GET]}
prompt: |
  Do it.
";

/// What is inserted: the language's own words, and what editors and people bring.
const WORDS: [&str; 44] = [
    "a",
    ":",
    ": ",
    "- ",
    "\n",
    "\r\n",
    "  ",
    "\t",
    "#",
    "# bot-bottle: ignore[unknown-field] x",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    "|",
    ">",
    "&a ",
    "*a",
    "<<: *env",
    "---\n",
    "...\n",
    "!x ",
    "🙂",
    "漢",
    "é",
    "👩‍👩‍👧",
    "\u{feff}",
    "\0",
    "egress",
    "routes:",
    "host: x",
    "role: codex_auth",
    "template: claude",
    "bottle: dev",
    "extends: dev",
    "env:",
    "0x1F",
    "~",
    "\r",
    "x-a:",
    "prompt_file: ../x",
];

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below.max(1)
    }
}

/// A random place between two characters.
fn place(text: &str, random: &mut Random) -> usize {
    let mut at = random.next(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The position of an offset, or `None` within a line break, where no editor puts one.
fn position(text: &str, at: usize, encoding: &str) -> Option<Value> {
    if text[..at].ends_with('\r') && text[at..].starts_with('\n') {
        return None;
    }
    let line = text[..at].matches('\n').count();
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let before = &text[start..at];
    let column = match encoding {
        "utf-8" => before.len(),
        "utf-16" => before.encode_utf16().count(),
        _ => before.chars().count(),
    };
    Some(json!({ "line": line, "character": column }))
}

fn edit(text: &mut String, random: &mut Random, encoding: &str) -> Option<Value> {
    if text.len() > 20_000 || random.next(200) == 0 {
        *text = START.to_owned();
        return Some(json!({ "text": text }));
    }
    let (a, b) = (place(text, random), place(text, random));
    // Mostly small edits, as a person makes them.
    let end = if random.next(10) == 0 { b } else { (a + random.next(6)).min(text.len()) };
    let (start, mut end) = (a.min(end), a.max(end));
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let range = json!({ "start": position(text, start, encoding)?, "end": position(text, end, encoding)? });
    let new: String = (0..random.next(4)).map(|_| WORDS[random.next(WORDS.len())]).collect();
    text.replace_range(start..end, &new);
    Some(json!({ "range": range, "text": new }))
}

/// Everything that can be asked about a place.
fn ask(client: &mut Client, root: &str, uri: &str, at: &Value, random: &mut Random) -> Value {
    let document = json!({ "uri": uri });
    let range = json!({ "start": at, "end": at });
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let (method, params) = match random.next(19) {
        0 => ("textDocument/hover", json!({ "textDocument": document, "position": at })),
        1 => ("textDocument/completion", json!({ "textDocument": document, "position": at })),
        2 => ("textDocument/definition", json!({ "textDocument": document, "position": at })),
        3 => ("textDocument/prepareRename", json!({ "textDocument": document, "position": at })),
        4 => ("textDocument/codeLens", json!({ "textDocument": document })),
        5 => (
            "textDocument/codeAction",
            json!({ "textDocument": document, "range": range, "context": { "diagnostics": [] } }),
        ),
        6 => (
            "textDocument/references",
            json!({ "textDocument": document, "position": at, "context": { "includeDeclaration": true } }),
        ),
        7 => ("textDocument/documentSymbol", json!({ "textDocument": document })),
        8 => ("workspace/symbol", json!({ "query": "a" })),
        9 => ("textDocument/documentLink", json!({ "textDocument": document })),
        10 => ("textDocument/foldingRange", json!({ "textDocument": document })),
        11 => ("textDocument/selectionRange", json!({ "textDocument": document, "positions": [at, at] })),
        12 => ("textDocument/semanticTokens/full", json!({ "textDocument": document })),
        13 => ("textDocument/inlayHint", json!({ "textDocument": document, "range": range })),
        14 => ("textDocument/formatting", json!({ "textDocument": document, "options": options })),
        15 => (
            "textDocument/onTypeFormatting",
            json!({ "textDocument": document, "position": at, "ch": "\n", "options": options }),
        ),
        _ => ("textDocument/diagnostic", json!({ "textDocument": document })),
    };
    let mut answer = client.request(method, params);
    let written = answer.to_string().replace(root, "ROOT");
    answer = serde_json::from_str(&written).expect("JSON");
    // A hash of what holds the root's name.
    if let Some(report) = answer.as_object_mut() {
        report.remove("resultId");
    }
    answer
}

#[test]
fn increments_and_whole_texts_come_to_the_same() {
    let number = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let seed = number("BOT_BOTTLE_FUZZ_SEED").unwrap_or_else(|| std::process::id().into());
    let end = number("BOT_BOTTLE_FUZZ_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
    println!("BOT_BOTTLE_FUZZ_SEED={seed}");
    let mut random = Random(seed.wrapping_mul(2) + 1);
    let mut step = 0;
    while end.map_or(step < STEPS, |end| Instant::now() < end) {
        for encoding in ["utf-8", "utf-16", "utf-32"] {
            step += conversation(&mut random, encoding, STEPS / 3);
        }
    }
    println!("{step} steps");
}

/// Two servers with one text, some steps: the one hears increments, the other whole texts.
fn conversation(random: &mut Random, encoding: &str, steps: usize) -> usize {
    let markdown = random.next(2) == 0;
    let (path, start) = if markdown {
        ("~/.bot-bottle/bottles/dev.md", format!("---\n{START}---\nText\n"))
    } else {
        ("dev.bottle.yaml", START.to_owned())
    };
    let mut able = able(true);
    able["general"]["positionEncodings"] = json!([encoding]);
    let mut sides = [(); 2].map(|()| {
        let world = World::new(&[
            ("base.bottle.yaml", "env: {A: b}\n"),
            ("~/.bot-bottle/bottles/base.md", "---\nenv: {A: b}\n---\n"),
        ]);
        let (root, uri) = (world.home().parent().expect("a parent").display().to_string(), world.uri(path));
        let mut client = Client::with(&world, able.clone(), Value::Null);
        client.open(&uri, &start);
        (client, root, uri, world)
    });
    let mut text = start;
    for _ in 0..steps {
        let before = text.clone();
        let changes: Vec<_> =
            (0..=random.next(3)).filter_map(|_| edit(&mut text, random, encoding)).collect();
        let at = position(&text, place(&text, random), encoding);
        let at = at.unwrap_or_else(|| json!({ "line": 0, "character": 0 }));
        let same = random.0;
        let mut answers = Vec::new();
        for (side, (client, root, uri, _)) in sides.iter_mut().enumerate() {
            match side {
                0 => client.change(uri, Value::Array(changes.clone())),
                _ => client.replace(uri, &text),
            };
            random.0 = same;
            answers.push(ask(client, root, uri, &at, random));
        }
        assert_eq!(answers[0], answers[1], "{encoding}: {changes:?} on {before:?} at {at}");
    }
    for (client, _, _, _world) in sides {
        assert_eq!(client.leave().code(), Some(0));
    }
    steps
}
