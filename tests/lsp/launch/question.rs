//! Whether it may be launched: what is asked, and that nothing else runs.

use super::*;

#[test]
fn a43_a_no_launches_nothing_and_is_not_remembered() {
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
fn a43_a_yes_opens_a_terminal_with_what_was_shown_and_is_remembered() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    let argv = trusted(&mut client, &uri);
    let file = world.path("dev.bottle.yaml");
    assert_eq!(argv[1..3], ["launch".to_owned(), format!("{}#dev", file.display())]);
    let digest = argv[3].strip_prefix("--digest=").expect("a digest");
    let pinned = [vec!["--backend=bubblewrap".to_owned(), "--stay".to_owned()], operators(&world)].concat();
    assert_eq!(argv[4..], pinned);
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
fn a43_what_changes_between_question_and_answer_is_not_launched_and_not_trusted() {
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
fn a43_what_changes_between_answer_and_launch_is_refused_by_the_launch() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    let argv = trusted(&mut client, &uri);
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
fn a43_an_agents_own_part_is_held_to_what_was_shown() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    world.write("fix.agent.yaml", "bottle: own\nprompt: fix it\n");
    launch(&mut client, &world.uri("fix.agent.yaml"));
    // The bottle is the user's own, and the agent that would run in it is not.
    let (asked, text) = question(&mut client, 0);
    assert!(
        text.contains("no way out")
            && text.contains(": fix it")
            && text.contains("prompt       6 characters, SHA-256 "),
        "{text}"
    );
    yes(&mut client, &asked);
    let argv = terminal_argv(&mut client, 0);
    assert_eq!(run(&world, &argv, "echo ran").stdout, b"ran\n");
    world.write("fix.agent.yaml", "bottle: own\nprompt: break it\n");
    assert_eq!(run(&world, &argv, "echo ran").status.code(), Some(2));
}

#[test]
fn a43_after_a_change_the_question_is_what_the_change_permits() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("dev.bottle.yaml");
    trusted(&mut client, &uri);
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
fn a43_what_is_not_saved_has_errors_or_no_terminal_is_refused_with_what_to_do() {
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

/// A repository can bring an editor's configuration, and with it the environment of the server.
#[test]
fn a_home_that_lies_in_the_workspace_launches_nothing() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let root = format!("file://{}", world.home().parent().expect("a folder").display());
    let event = json!({ "added": [{ "uri": root, "name": "all" }], "removed": [] });
    client.notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    let uri = world.uri("~/.bot-bottle/bottles/own.md");
    for (name, arguments) in [("bot-bottle.launch", json!([uri])), ("bot-bottle.dryRun", json!([uri]))] {
        let why = refused(&mut client, name, arguments);
        assert!(why.contains("lies in the workspace") && why.contains("HOME"), "{why}");
    }
}

#[test]
fn a_launch_takes_how_it_is_to_begin() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("~/.bot-bottle/bottles/own.md");
    let wish = json!({ "remoteControl": true, "label": "night shift", "arguments": ["--model", "x"] });
    command(&mut client, "bot-bottle.launch", json!([uri, null, wish]));
    let argv = terminal_argv(&mut client, 0);
    let mut rest = vec!["--backend=bubblewrap", "--remote-control", "--label=night shift", "--stay"];
    let pinned = operators(&world);
    rest.extend(pinned.iter().map(String::as_str).chain(["--", "--model", "x"]));
    assert_eq!(argv[4..], rest);
    let refused = refused(&mut client, "bot-bottle.launch", json!([uri, null, { "resum": true }]));
    assert!(refused.contains("resum"), "{refused}");
}

#[test]
fn a_dry_run_in_the_editor_says_no_where_the_launch_does() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let uri = world.uri("~/.bot-bottle/bottles/own.md");
    for (text, why) in [
        ("agent_provider: {auth_token: BOT_BOTTLE_TEST_ABSENT}\n", "credentials: "),
        ("skills: [nope]\n", "check: "),
        ("workspace: {path: /nowhere/at/all}\n", "check: "),
    ] {
        world.write("~/.bot-bottle/bottles/own.md", &format!("---\n{text}---\n"));
        let told = command(&mut client, "bot-bottle.dryRun", json!([uri]));
        let told = told.as_str().expect("text");
        assert!(
            told.starts_with(&format!("will not launch: {why}")) && told.contains("\nstages\n"),
            "{told}"
        );
    }
    world.write("~/.bot-bottle/bottles/own.md", "---\nenv: {A: b}\n---\n");
    let told = command(&mut client, "bot-bottle.dryRun", json!([uri]));
    assert!(!told.as_str().expect("text").contains("will not launch"), "{told}");
}

/// A folder's name that holds a question of its own, and one that is a command for a shell.
#[test]
fn a_folders_name_is_one_line_of_the_question_and_one_word_of_advice() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let forged = format!(
        "a\n  workspace    a copy of this folder (read only)\n  route        none: no way out{}x",
        "\n".repeat(25)
    );
    let name = format!("{forged}/dev.bottle.yaml");
    world.write(&name, BOTTLE);
    let uri = format!(
        "file://{}",
        world.path(&name).display().to_string().replace('\n', "%0A").replace(' ', "%20")
    );
    launch(&mut client, &uri);
    let (asked, text) = question(&mut client, 0);
    let lines: Vec<_> = text.lines().collect();
    assert!(!lines.iter().any(|l| l.starts_with("  route        none") || l.contains("(read only)") && l.starts_with("  ")), "{text}");
    assert!(lines.iter().any(|l| l.starts_with("  route") && l.contains("api.github.com")), "{text}");
    assert!(lines[1].contains('\u{fffd}') || lines[1].contains("SHA-256"), "{text}");
    // Where a client takes the first answer for what Enter means, that is a no.
    assert_eq!(asked["params"]["actions"][1]["title"], "Trust and launch");
    answer(&mut client, &asked, None);
    // More than can be shown: the advice can be pasted.
    let routes = (0..80).map(|n| format!("    - host: h{n}.example.com\n")).collect::<String>();
    world.write("x;touch PWNED;#/dev.bottle.yaml", &format!("egress:\n  routes:\n{routes}"));
    let uri = format!(
        "file://{}",
        world
            .path("x;touch PWNED;#/dev.bottle.yaml")
            .display()
            .to_string()
            .replace('#', "%23")
            .replace(' ', "%20")
    );
    let why = refused(&mut client, "bot-bottle.launch", json!([uri]));
    assert!(why.contains("`bot-bottle trust '/") && why.contains("touch PWNED;#/dev.bottle.yaml'`"), "{why}");
    // A file that is not there, whose name moves a terminal.
    let gone = format!("{}%1b%5d0;PWN%07.bottle.yaml", world.uri("gone"));
    let why = refused(&mut client, "bot-bottle.launch", json!([gone]));
    assert!(!why.contains('\u{1b}') && !why.contains('\u{7}'), "{why:?}");
}

#[test]
fn what_a_comment_silences_is_in_the_question() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    let text = "egress:\n  routes:\n    # bot-bottle: ignore[broad-wildcard] ours\n    - host: '*.com'\n";
    world.write("wide.bottle.yaml", text);
    launch(&mut client, &world.uri("wide.bottle.yaml"));
    let (asked, text) = question(&mut client, 0);
    assert!(text.contains("silenced     broad-wildcard at wide.bottle.yaml:4"), "{text}");
    answer(&mut client, &asked, None);
}

/// Paths of the configuration count from its own folder, not from the project that is open.
#[test]
fn no_path_of_the_operators_leads_into_the_project() {
    let Some(world) = world() else { return };
    world.write(
        "~/.config/bot-bottle/config.yaml",
        "backend: bubblewrap\nupstream_ca: ca.pem\nstate_dir: .st\n",
    );
    let mut client = client(&world, true);
    launch(&mut client, &world.uri("~/.bot-bottle/bottles/own.md"));
    let argv = terminal_argv(&mut client, 0);
    let config = world.path("~/.config/bot-bottle");
    let after =
        |option: &str| argv[argv.iter().position(|word| word == option).expect("an option") + 1].clone();
    assert_eq!(after("--upstream-ca"), config.join("ca.pem").display().to_string());
    assert_eq!(after("--state-dir"), config.join(".st").display().to_string());
    // On the server's own command line there is no folder that they could count from.
    let out = world.program().args(["lsp", "--state-dir", ".st"]).stdin(std::process::Stdio::null()).output();
    let said = String::from_utf8_lossy(&out.expect("it ran").stderr).into_owned();
    assert!(said.contains(".st is a relative path"), "{said}");
}

/// A list of folders, which a repository can write, does not choose where an agent works.
#[test]
fn an_own_bottle_is_not_launched_in_the_first_of_several_folders() {
    let Some(world) = world() else { return };
    let mut client = client(&world, true);
    world.write("../second/x", "");
    let root = format!("file://{}", world.root().parent().expect("a folder").join("second").display());
    let event = json!({ "added": [{ "uri": root, "name": "second" }], "removed": [] });
    client.notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    let why = refused(&mut client, "bot-bottle.launch", json!([world.uri("~/.bot-bottle/bottles/own.md")]));
    assert!(why.contains("several folders are open"), "{why}");
}
