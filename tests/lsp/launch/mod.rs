//! Attack 43: a launch from the editor, in a real bubblewrap bottle, with a shell in the agent's place.
#![allow(clippy::print_stdout, unreachable_pub)]

mod log;
mod question;
mod task;

use crate::client::{Client, World, able};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

pub const BOTTLE: &str = "egress:\n  routes:\n    - host: api.github.com\n";

/// A home whose `claude` is a shell that carries out its task; `None` where there is no bubblewrap.
pub fn world() -> Option<World> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|dir| dir.join("bwrap").is_file()) {
        let what = "bwrap is not on PATH; install with: apt-get install bubblewrap";
        assert!(std::env::var_os("BOT_BOTTLE_REQUIRE_ALL").is_none_or(|v| v != "1"), "{what}");
        println!("skipped: {what}");
        return None;
    }
    let world = World::new(&[
        ("dev.bottle.yaml", BOTTLE),
        ("~/.config/bot-bottle/config.yaml", "backend: bubblewrap\n"),
        ("~/bin/claude", "#!/bin/sh\nfor task; do :; done\neval \"$task\"\n"),
        ("~/.bot-bottle/bottles/own.md", "---\nenv: {}\n---\n"),
    ]);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(world.path("~/bin/claude"), executable).expect("a program");
    Some(world)
}

pub fn client(world: &World, terminal: bool) -> Client {
    let mut abilities = able(false);
    abilities["experimental"]["botBottle"]["terminal"] = json!(terminal);
    abilities["workspace"]["codeLens"] = json!({ "refreshSupport": true });
    let mut client = Client::with(world, abilities, Value::Null);
    client.unanswered.insert("window/showMessageRequest".to_owned());
    client
}

pub fn command(client: &mut Client, command: &str, arguments: Value) -> Value {
    client.request("workspace/executeCommand", json!({ "command": command, "arguments": arguments }))
}

pub fn refused(client: &mut Client, command: &str, arguments: Value) -> String {
    let params = json!({ "command": command, "arguments": arguments });
    client.refused("workspace/executeCommand", params)["message"].as_str().expect("a message").to_owned()
}

pub fn launch(client: &mut Client, uri: &str) {
    let params = json!({ "command": "bot-bottle.launch", "arguments": [uri] });
    loop {
        let id = client.ask("workspace/executeCommand", params.clone());
        let answer = client.answer(id);
        // The answer to the question before is still on its way to the owner.
        if !answer["error"]["message"].as_str().is_some_and(|m| m.contains("still open")) {
            return assert_eq!(answer["result"], Value::Null, "{answer}");
        }
    }
}

/// The `n`th message of a method, from 0.
pub fn nth(client: &mut Client, method: &str, n: usize) -> Value {
    client.until(|c| c.others.iter().filter(|m| m["method"] == method).nth(n).cloned())
}

pub fn count(client: &Client, method: &str) -> usize {
    client.others.iter().filter(|m| m["method"] == method).count()
}

/// The `n`th question.
pub fn question(client: &mut Client, n: usize) -> (Value, String) {
    let asked = nth(client, "window/showMessageRequest", n);
    let text = asked["params"]["message"].as_str().expect("a text").to_owned();
    (asked, text)
}

pub fn answer(client: &mut Client, asked: &Value, title: Option<&str>) {
    let result = title.map(|title| json!({ "title": title }));
    client.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result }));
}

pub fn yes(client: &mut Client, asked: &Value) {
    answer(client, asked, Some("Trust and launch"));
}

pub fn terminal_argv(client: &mut Client, n: usize) -> Vec<String> {
    let asked = nth(client, "botBottle/openTerminal", n);
    serde_json::from_value(asked["params"]["argv"].clone()).expect("words")
}

/// Launches what nobody has seen yet, and says yes: the command line of the terminal.
pub fn trusted(client: &mut Client, uri: &str) -> Vec<String> {
    launch(client, uri);
    let (asked, _) = question(client, 0);
    yes(client, &asked);
    terminal_argv(client, 0)
}

/// What a terminal of the editor would run, with a task in the person's place.
pub fn run(world: &World, argv: &[String], task: &str) -> Output {
    assert_eq!(argv[0], env!("CARGO_BIN_EXE_bot-bottle"));
    world.program().args(&argv[1..]).arg(format!("--task={task}")).output().expect("it ran")
}

/// What the operator said, which a launch is handed whole: the environment of an editor's terminal says nothing.
pub fn operators(world: &World) -> Vec<String> {
    vec!["--state-dir".to_owned(), state(world).display().to_string(), "--no-config".to_owned()]
}

pub fn state(world: &World) -> PathBuf {
    world.path("~/.local/state/bot-bottle")
}

pub fn entries(folder: PathBuf) -> Vec<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.file_name());
    names.map(|n| n.to_string_lossy().into_owned()).collect()
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Nothing of a run is left: no folder, no process whose command line says `mark`.
pub fn nothing_is_left(world: &World, mark: &str) {
    assert_eq!(entries(state(world).join("runs")), Vec::<String>::new());
    let ps = world.program().args(["ps"]).output().expect("it ran");
    assert_eq!(String::from_utf8_lossy(&ps.stdout), "no bottle is running\n");
    eventually("the guest's end", || {
        let processes = std::fs::read_dir("/proc").expect("processes").flatten();
        let lines = processes.filter_map(|e| std::fs::read(e.path().join("cmdline")).ok());
        !lines.into_iter().any(|l| String::from_utf8_lossy(&l).replace('\0', " ").contains(mark))
    });
}

/// A number of seconds that nobody else sleeps: it tells this test's guests from all others.
pub fn seconds() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}.{:03}", 5000 + std::process::id() % 1000, NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn lenses(client: &mut Client, uri: &str) -> Vec<(String, Value)> {
    let all = client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    let all = all.as_array().expect("lenses").iter().map(|l| &l["command"]);
    all.map(|c| (c["title"].as_str().expect("a title").to_owned(), c.clone())).collect()
}

/// Asks for the lenses, again at each refresh, until the first one has this title.
pub fn lens(client: &mut Client, uri: &str, title: &str) -> Vec<(String, Value)> {
    let refreshes = |c: &Client| count(c, "workspace/codeLens/refresh");
    loop {
        let before = refreshes(client);
        let all = lenses(client, uri);
        if all[0].0 == title {
            return all;
        }
        client.until(|c| (refreshes(c) > before).then_some(()));
    }
}

pub fn messages(client: &Client, method: &str) -> Vec<String> {
    let all = client.others.iter().filter(|m| m["method"] == method);
    all.filter_map(|m| m["params"]["message"].as_str()).map(str::to_owned).collect()
}

/// Waits for a message to the person that holds this.
pub fn said(client: &mut Client, part: &str) -> String {
    client.until(|c| messages(c, "window/showMessage").into_iter().find(|m| m.contains(part)))
}
