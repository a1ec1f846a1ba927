//! A task without a terminal, and a running bottle seen from its manifest.

use super::*;
use bot_bottle::engine::{StateDir, Subject};

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
    let subject = Subject::of(&world.path("~/.bot-bottle/bottles/own.md"), "own");
    let logs = StateDir::new(state(&world)).log_folder(&subject).expect("its logs");
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
fn a43_a_server_that_is_killed_or_leaves_ends_its_tasks_cleanly() {
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
    let wanted = [vec!["attach".to_owned(), id.clone()], operators(&world)].concat();
    assert_eq!(terminal_argv(&mut client, 0)[1..], wanted);
    let why = refused(&mut client, "bot-bottle.stop", json!(["nobody"]));
    assert!(why.contains(&id), "{why}");
    assert_eq!(command(&mut client, "bot-bottle.stop", stop["arguments"].clone()), Value::Null);
    nothing_is_left(&world, &sleep);
    lens(&mut client, &uri, "Launch");
}
