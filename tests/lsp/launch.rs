//! Attack 43: a launch from the editor, in a real bubblewrap bottle, with a shell in the agent's place.
#![allow(clippy::print_stdout)]

use crate::client::{Client, World, able};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const BOTTLE: &str = "egress:\n  routes:\n    - host: api.github.com\n";

/// A home whose `claude` is a shell that carries out its task; `None` where there is no bubblewrap.
fn world() -> Option<World> {
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

fn client(world: &World, terminal: bool) -> Client {
    let mut abilities = able(false);
    abilities["experimental"]["botBottle"]["terminal"] = json!(terminal);
    abilities["workspace"]["codeLens"] = json!({ "refreshSupport": true });
    let mut client = Client::with(world, abilities, Value::Null);
    client.unanswered.insert("window/showMessageRequest".to_owned());
    client
}

fn command(client: &mut Client, command: &str, arguments: Value) -> Value {
    client.request("workspace/executeCommand", json!({ "command": command, "arguments": arguments }))
}

fn refused(client: &mut Client, command: &str, arguments: Value) -> String {
    let params = json!({ "command": command, "arguments": arguments });
    client.refused("workspace/executeCommand", params)["message"].as_str().expect("a message").to_owned()
}

fn launch(client: &mut Client, uri: &str) {
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
fn nth(client: &mut Client, method: &str, n: usize) -> Value {
    client.until(|c| c.others.iter().filter(|m| m["method"] == method).nth(n).cloned())
}

fn count(client: &Client, method: &str) -> usize {
    client.others.iter().filter(|m| m["method"] == method).count()
}

/// The `n`th question.
fn question(client: &mut Client, n: usize) -> (Value, String) {
    let asked = nth(client, "window/showMessageRequest", n);
    let text = asked["params"]["message"].as_str().expect("a text").to_owned();
    (asked, text)
}

fn answer(client: &mut Client, asked: &Value, title: Option<&str>) {
    let result = title.map(|title| json!({ "title": title }));
    client.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result }));
}

fn yes(client: &mut Client, asked: &Value) {
    answer(client, asked, Some("Trust and launch"));
}

fn terminal_argv(client: &mut Client, n: usize) -> Vec<String> {
    let asked = nth(client, "botBottle/openTerminal", n);
    serde_json::from_value(asked["params"]["argv"].clone()).expect("words")
}

/// What a terminal of the editor would run, with a task in the person's place.
fn run(world: &World, argv: &[String], task: &str) -> Output {
    assert_eq!(argv[0], env!("CARGO_BIN_EXE_bot-bottle"));
    world.program().args(&argv[1..]).arg(format!("--task={task}")).output().expect("it ran")
}

fn state(world: &World) -> PathBuf {
    world.path("~/.local/state/bot-bottle")
}

fn entries(folder: PathBuf) -> Vec<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.file_name());
    names.map(|n| n.to_string_lossy().into_owned()).collect()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Nothing of a run is left: no folder, no process whose command line says `mark`.
fn nothing_is_left(world: &World, mark: &str) {
    assert_eq!(entries(state(world).join("runs")), Vec::<String>::new());
    let ps = world.program().args(["ps"]).output().expect("it ran");
    assert_eq!(String::from_utf8_lossy(&ps.stdout), "no bottle is running\n");
    eventually("the guest's end", || {
        let found = Command::new("pgrep").args(["-f", "--", mark]).output().expect("pgrep");
        found.stdout.is_empty()
    });
}

/// A number of seconds that nobody else sleeps: it tells this test's guests from all others.
fn seconds() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}.{:03}", 5000 + std::process::id() % 1000, NEXT.fetch_add(1, Ordering::Relaxed))
}

fn lenses(client: &mut Client, uri: &str) -> Vec<(String, Value)> {
    let all = client.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }));
    let all = all.as_array().expect("lenses").iter().map(|l| &l["command"]);
    all.map(|c| (c["title"].as_str().expect("a title").to_owned(), c.clone())).collect()
}

/// Asks for the lenses, again at each refresh, until the first one has this title.
fn lens(client: &mut Client, uri: &str, title: &str) -> Vec<(String, Value)> {
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

fn messages(client: &Client, method: &str) -> Vec<String> {
    let all = client.others.iter().filter(|m| m["method"] == method);
    all.filter_map(|m| m["params"]["message"].as_str()).map(str::to_owned).collect()
}

/// Waits for a message to the person that holds this.
fn said(client: &mut Client, part: &str) -> String {
    client.until(|c| messages(c, "window/showMessage").into_iter().find(|m| m.contains(part)))
}

#[test]
fn a_no_launches_nothing_and_is_not_remembered() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    for (n, title) in [None, Some("Do not launch"), Some("Yes")].into_iter().enumerate() {
        launch(&mut client, &uri);
        let (asked, text) = question(&mut client, n);
        assert!(text.starts_with("this bottle would allow an agent:\n"), "{text}");
        assert!(text.contains("dev.bottle.yaml#dev\n") && text.contains("api.github.com"), "{text}");
        let open = refused(&mut client, "bot-bottle.launch", json!([uri]));
        assert!(open.contains("still open"), "{open}");
        answer(&mut client, &asked, title);
    }
    assert_eq!(count(&client, "botBottle/openTerminal"), 0);
    assert_eq!(entries(state(&world)), Vec::<String>::new());
    // A question that nobody answers does not keep the server.
    launch(&mut client, &uri);
    question(&mut client, 3);
    assert_eq!(client.leave().code(), Some(0));
}

#[test]
fn a_yes_opens_a_terminal_with_what_was_shown_and_is_remembered() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    launch(&mut client, &uri);
    let (asked, _) = question(&mut client, 0);
    yes(&mut client, &asked);
    let argv = terminal_argv(&mut client, 0);
    let file = world.path("dev.bottle.yaml");
    assert_eq!(argv[1..3], ["launch".to_owned(), format!("{}#dev", file.display())]);
    let digest = argv[3].strip_prefix("--digest=").expect("a digest");
    assert_eq!(argv[4..], ["--stay"]);
    let params = &nth(&mut client, "botBottle/openTerminal", 0)["params"];
    assert_eq!(params["cwd"], json!(world.root()));
    assert_eq!(params["title"], "dev");
    // The same digest as anywhere else.
    let outline = command(&mut client, "bot-bottle.dryRun", json!([uri]));
    let outline = outline.as_str().expect("text");
    assert!(outline.contains(&format!("digest       {digest}\nstages\n")), "{outline}");
    let dry = world.program().args(["launch", "--dry-run", "dev.bottle.yaml"]).output().expect("it ran");
    assert_eq!(String::from_utf8_lossy(&dry.stdout), outline);
    // What the terminal runs asks nothing more, and is the agent.
    let ran = run(&world, &argv, "echo hello; exit 7");
    assert_eq!((ran.status.code(), &*ran.stdout), (Some(7), &b"hello\n"[..]), "{ran:?}");
    // The yes is remembered.
    launch(&mut client, &uri);
    assert_eq!(terminal_argv(&mut client, 1), argv);
    assert_eq!(count(&client, "window/showMessageRequest"), 1);
    nothing_is_left(&world, "never there");
}

#[test]
fn the_users_own_bottle_is_not_asked_about() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    launch(&mut client, &world.uri("~/.bot-bottle/bottles/own.md"));
    terminal_argv(&mut client, 0);
    assert_eq!(count(&client, "window/showMessageRequest"), 0);
}

#[test]
fn what_changes_between_question_and_answer_is_not_launched_and_not_trusted() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    launch(&mut client, &uri);
    let (asked, _) = question(&mut client, 0);
    world.write("dev.bottle.yaml", &BOTTLE.replace("api.github.com", "evil.example.com"));
    yes(&mut client, &asked);
    said(&mut client, "has changed since it was shown");
    assert_eq!(count(&client, "botBottle/openTerminal"), 0);
    assert_eq!(entries(state(&world)), Vec::<String>::new());
}

#[test]
fn what_changes_between_answer_and_launch_is_refused_by_the_launch() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    launch(&mut client, &uri);
    let (asked, _) = question(&mut client, 0);
    yes(&mut client, &asked);
    let argv = terminal_argv(&mut client, 0);
    // Less is not what was shown either, and the prompt of an agent counts as much as its walls.
    for text in [BOTTLE.replace("api.github.com", "evil.example.com"), "prompt: other\n".to_owned() + BOTTLE]
    {
        world.write("dev.bottle.yaml", &text);
        let ran = run(&world, &argv, "echo ran");
        let why = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!((ran.status.code(), &*ran.stdout), (Some(2), &b""[..]), "{why}");
        assert!(why.contains("has changed since it was shown") && why.contains("--dry-run"), "{why}");
    }
    assert_eq!(entries(state(&world)), ["trust"]);
    world.write("dev.bottle.yaml", BOTTLE);
    assert_eq!(run(&world, &argv, "true").status.code(), Some(0));
}

#[test]
fn an_agents_own_part_is_held_to_what_was_shown() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    world.write("fix.agent.yaml", "bottle: own\nprompt: fix it\n");
    launch(&mut client, &world.uri("fix.agent.yaml"));
    let argv = terminal_argv(&mut client, 0);
    assert_eq!(run(&world, &argv, "echo ran").stdout, b"ran\n");
    world.write("fix.agent.yaml", "bottle: own\nprompt: break it\n");
    assert_eq!(run(&world, &argv, "echo ran").status.code(), Some(2));
}

#[test]
fn after_a_change_the_question_is_what_the_change_permits() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    launch(&mut client, &uri);
    let (asked, _) = question(&mut client, 0);
    yes(&mut client, &asked);
    terminal_argv(&mut client, 0);
    world.write("dev.bottle.yaml", &format!("{BOTTLE}    - host: api.example.com\n"));
    launch(&mut client, &uri);
    let (asked, text) = question(&mut client, 1);
    assert!(text.starts_with("this bottle has changed since you trusted it:\n"), "{text}");
    assert!(text.contains("+ widened") && text.contains("api.example.com"), "{text}");
    assert!(!text.contains("api.github.com"), "{text}");
    yes(&mut client, &asked);
    assert_eq!(run(&world, &terminal_argv(&mut client, 1), "echo ran").stdout, b"ran\n");
}

#[test]
fn what_is_not_saved_has_errors_or_no_terminal_is_refused_with_what_to_do() {
    let Some(world) = world() else { return };
    let mut editor = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    editor.open(&uri, BOTTLE);
    editor.replace(&uri, &format!("{BOTTLE}# more\n"));
    let why = refused(&mut editor, "bot-bottle.launch", json!([uri]));
    assert!(why.contains("dev.bottle.yaml is not saved") && why.contains("save it"), "{why}");
    // So is a parent that is shown otherwise than it is saved.
    world.write("child.bottle.yaml", "extends: dev\n");
    let why = refused(&mut editor, "bot-bottle.launch", json!([world.uri("child.bottle.yaml")]));
    assert!(why.contains("dev.bottle.yaml is not saved"), "{why}");
    editor.replace(&uri, BOTTLE);
    launch(&mut editor, &uri);
    question(&mut editor, 0);
    for (text, part) in [("egress: 3\n", "has errors"), ("a\0b", "cannot be read")] {
        world.write("bad.bottle.yaml", text);
        let why = refused(&mut editor, "bot-bottle.launch", json!([world.uri("bad.bottle.yaml")]));
        assert!(why.contains(part), "{why}");
    }
    let why = refused(&mut editor, "bot-bottle.launch", json!(["untitled:Untitled-1"]));
    assert!(why.contains("save the document first"), "{why}");
    // A question that cannot be shown whole is not asked.
    let routes: String = (0..60).map(|i| format!("    - host: h{i}.example.com\n")).collect();
    world.write("many.bottle.yaml", &format!("egress:\n  routes:\n{routes}"));
    let why = refused(&mut editor, "bot-bottle.launch", json!([world.uri("many.bottle.yaml")]));
    assert!(why.contains("bot-bottle trust"), "{why}");
    let mut plain = client(&world, false);
    for name in ["bot-bottle.launch", "bot-bottle.attach"] {
        let why = refused(&mut plain, name, json!([uri]));
        assert!(why.contains("in a terminal") || why.contains("in one"), "{why}");
    }
    plain.open(&uri, BOTTLE);
    assert_eq!(lenses(&mut plain, &uri)[0].0, "Plan");
    assert_eq!(entries(state(&world)), Vec::<String>::new());
}

fn task(client: &mut Client, world: &World, task: &str) {
    let uri = world.uri("~/.bot-bottle/bottles/own.md");
    assert_eq!(command(client, "bot-bottle.launch", json!([uri, null, task])), Value::Null);
}

/// The stages that the progress has told of.
fn stages(client: &Client) -> Vec<String> {
    let all = client.others.iter().filter(|m| m["method"] == "$/progress");
    all.filter_map(|m| m["params"]["value"]["message"].as_str()).map(str::to_owned).collect()
}

#[test]
fn a_task_runs_without_a_terminal_with_progress_and_a_log() {
    let Some(world) = world() else { return };
    let mut client = client(&world, false);
    task(&mut client, &world, "echo one; printf '\\033[31mtwo\\033[0m\\n' >&2; sleep 0.1; exit 0");
    said(&mut client, "own has ended");
    let logged = messages(&client, "window/logMessage");
    assert!(logged.contains(&"own: one".to_owned()) && logged.contains(&"own: two".to_owned()), "{logged:?}");
    let seen = stages(&client);
    assert_eq!(seen[seen.len() - 2..], ["agent", "clean-up"], "{seen:?}");
    client.until(|c| c.others.iter().any(|m| m["params"]["value"]["kind"] == "end").then_some(()));
    let logs = state(&world).join("logs/own");
    let output = entries(logs.clone()).into_iter().find(|n| n.ends_with("output.log")).expect("a log");
    assert!(std::fs::read_to_string(logs.join(output)).expect("text").starts_with("one\n"));
    task(&mut client, &world, "exit 3");
    said(&mut client, "own: it ended with 3");
    nothing_is_left(&world, "never there");
}

#[test]
fn what_a_launch_lacks_is_said_and_no_credential_is_asked_of_the_server() {
    let Some(world) = world() else { return };
    let mut client = client(&world, false);
    let own = "---\nagent_provider: {auth_token: BOT_BOTTLE_TEST_ABSENT}\n---\n";
    world.write("~/.bot-bottle/bottles/own.md", own);
    task(&mut client, &world, "true");
    said(&mut client, "own: credentials: ");
    assert!(messages(&client, "window/showMessage").concat().contains("BOT_BOTTLE_TEST_ABSENT"));
    nothing_is_left(&world, "never there");
}

#[test]
fn a_cancel_in_each_stage_leaves_nothing() {
    let Some(world) = world() else { return };
    let mut client = client(&world, false);
    let sleep = format!("sleep {}", seconds());
    for stage in ["check", "credentials", "state", "image", "egress", "guest", "dirs", "files", "agent"] {
        let before = client.others.len();
        task(&mut client, &world, &format!("exec {sleep}"));
        // A stage that was over before it was shown: the next one.
        let token = client.until(|c| {
            let mut new = c.others[before..].iter().filter(|m| m["method"] == "$/progress");
            let reached = |m: &&Value| {
                m["params"]["value"]["message"].as_str().is_some_and(|seen| seen == stage || seen == "agent")
            };
            new.find(reached).map(|m| m["params"]["token"].clone())
        });
        client.notify("window/workDoneProgress/cancel", json!({ "token": token }));
        client.until(|c| {
            c.others[before..].iter().any(|m| m["params"]["value"]["kind"] == "end").then_some(())
        });
        assert!(messages(&client, "window/showMessage").last().is_some_and(|m| m == "own was stopped"));
        nothing_is_left(&world, &sleep);
    }
}

#[test]
fn a_server_that_is_killed_or_leaves_ends_its_tasks_cleanly() {
    let Some(world) = world() else { return };
    for kill in [true, false] {
        let mut client = client(&world, false);
        let sleep = format!("sleep {}", seconds());
        task(&mut client, &world, &format!("echo started; exec {sleep}"));
        client.until(|c| messages(c, "window/logMessage").contains(&"own: started".to_owned()).then_some(()));
        assert_eq!(entries(state(&world).join("runs")).len(), 1);
        if kill {
            client.child.kill().expect("killed");
        } else {
            client.hang_up();
        }
        client.ended();
        // Not swept by the next command: the launch itself cleans up.
        eventually("the clean-up", || entries(state(&world).join("runs")).is_empty());
        nothing_is_left(&world, &sleep);
    }
}

#[test]
fn a_running_bottle_is_told_in_its_lens_and_can_be_joined_and_stopped() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("~/.bot-bottle/bottles/own.md");
    client.open(&uri, "---\nenv: {}\n---\n");
    lens(&mut client, &uri, "Launch");
    let sleep = format!("sleep {}", seconds());
    task(
        &mut client,
        &world,
        &format!("until test -e go; do sleep 0.01; done; curl -s http://evil.test/; exec {sleep}"),
    );
    let all = lens(&mut client, &uri, "running");
    assert_eq!(
        all.iter().map(|(t, _)| t.as_str()).collect::<Vec<_>>(),
        ["running", "Stop", "Plan", "Dry run"]
    );
    // A file of the same name elsewhere is another bottle.
    let other = world.uri("own.bottle.yaml");
    client.open(&other, "env: {}\n");
    assert_eq!(lenses(&mut client, &other)[0].0, "Launch");
    world.write("go", "");
    let all = lens(&mut client, &uri, "running, 1 refusal");
    let [attach, stop] = [&all[0].1, &all[1].1];
    let id = entries(state(&world).join("runs")).remove(0);
    assert_eq!((&attach["command"], &attach["arguments"]), (&json!("bot-bottle.attach"), &json!([id])));
    command(&mut client, "bot-bottle.attach", attach["arguments"].clone());
    assert_eq!(terminal_argv(&mut client, 0)[1..], ["attach".to_owned(), id.clone()]);
    let why = refused(&mut client, "bot-bottle.stop", json!(["nobody"]));
    assert!(why.contains(&id), "{why}");
    assert_eq!(command(&mut client, "bot-bottle.stop", stop["arguments"].clone()), Value::Null);
    nothing_is_left(&world, &sleep);
    lens(&mut client, &uri, "Launch");
}
