//! Exit codes, the summary, severities, standard input, colours.

use crate::rig::{CLEAN, FIXABLE, GUESS, Project};
use std::process::Stdio;

#[test]
fn clean_manifests_are_counted_and_end_with_0() {
    let project = Project::new(&[("a.bottle.yaml", CLEAN), ("b.bottle.yaml", CLEAN)]);
    let ran = project.check(&[]).expect(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("checked 2 manifests: no findings\n", ""));
}

#[test]
fn findings_end_with_1_and_are_summed_up() {
    let project =
        Project::new(&[("a.bottle.yaml", CLEAN), ("b.bottle.yaml", FIXABLE), ("c.bottle.yaml", GUESS)]);
    let ran = project.check(&[]).expect(1);
    let last = ran.out.lines().last().expect("a line");
    assert_eq!(
        last,
        "2 findings (2 errors) in 2 of 3 manifests; 1 can be fixed with --fix, 1 more with --unsafe-fixes"
    );
    assert!(ran.out.contains("error[wrong-type]") && ran.out.contains("b.bottle.yaml:3:9"), "{}", ran.out);
}

#[test]
fn wrong_usage_ends_with_2() {
    let project = Project::new(&[("a.bottle.yaml", CLEAN)]);
    for args in [
        &["--format", "xml"][..],
        &["--unsafe-fixes"],
        &["--write-baseline"],
        &["--watch", "--format", "json"],
        &["--watch", "--fix"],
        &["--diff", "--format", "json"],
        &["-", "a.bottle.yaml"],
        &["--stdin-filename", "x.bottle.yaml", "a.bottle.yaml"],
        &["--baseline", "none.json"],
        &["--output", "no/such/folder/x"],
        &["nowhere"],
    ] {
        let ran = project.check(args).expect(2);
        assert!(ran.err.starts_with("error: "), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_an_internal_error() {
    let project = Project::new(&[("a.bottle.yaml", GUESS)]);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let status = project.command(&["check"]).stdout(full).stderr(Stdio::null()).status().expect("it runs");
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = Project::new(&[("a.bottle.yaml", GUESS)]);
    let mut child = project.command(&["check"]).stdout(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn the_severity_decides_what_is_shown_and_counted() {
    let text = format!("# bot-bottle: ignore[unknown-field] no reason\n{CLEAN}");
    let project = Project::new(&[("a.bottle.yaml", &text)]);
    assert!(project.check(&[]).expect(1).out.contains("warning[unused-suppression]"));
    assert!(project.check(&["--severity", "hint"]).expect(1).out.contains("1 warning"));
    let ran = project.check(&["--severity", "error"]).expect(0);
    assert_eq!(ran.out, "checked 1 manifest: no findings\n");
}

#[test]
fn standard_input_is_checked_as_the_file_that_it_is_said_to_be() {
    let project = Project::new(&[("base.bottle.yaml", CLEAN)]);
    let ran = project.check_stdin(&["-"], b"envv: {}\n").expect(1);
    assert!(ran.out.contains("--> stdin:1:1"), "{}", ran.out);
    let named = ["-", "--stdin-filename", ".bot-bottle/agents/x.md", "--format", "concise"];
    let ran = project.check_stdin(&named, b"---\nskills: []\n---\nDo it.\n").expect(1);
    assert!(ran.out.starts_with(".bot-bottle/agents/x.md:2:1: error[missing-field]"), "{}", ran.out);
    project.check_stdin(&["--stdin-filename", "x.bottle.yaml"], CLEAN.as_bytes()).expect(0);
    project.check_stdin(&["-"], b"\xff\xfea\0").expect(2);
}

#[test]
fn nothing_but_a_terminal_gets_escape_codes() {
    let project = Project::new(&[("a.bottle.yaml", FIXABLE)]);
    for args in [&[][..], &["--diff"], &["--format", "concise"]] {
        let ran = project.check(args);
        assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "{args:?}: {}", ran.out);
    }
}

/// `script` gives the program a terminal of its own.
fn on_a_terminal(project: &Project, no_color: bool) -> Option<String> {
    if !crate::rig::has_tool("script", "apt-get install bsdutils") {
        return None;
    }
    let program = env!("CARGO_BIN_EXE_bot-bottle");
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &format!("'{program}' check"), "/dev/null"]);
    command.current_dir(project.root()).env("HOME", project.path("home")).env("TERM", "xterm-256color");
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    if no_color {
        command.env("NO_COLOR", "1");
    }
    Some(String::from_utf8_lossy(&command.output().expect("script runs").stdout).into_owned())
}

#[test]
fn a_terminal_gets_colours_unless_no_color_says_no() {
    let project = Project::new(&[("a.bottle.yaml", FIXABLE)]);
    let Some(styled) = on_a_terminal(&project, false) else { return };
    assert!(styled.contains("\x1b[") && styled.contains("wrong-type"), "{styled}");
    let plain = on_a_terminal(&project, true).expect("script");
    assert!(!plain.contains('\x1b') && plain.contains("wrong-type"), "{plain:?}");
}

#[test]
fn the_report_goes_into_a_file() {
    let project = Project::new(&[("a.bottle.yaml", GUESS)]);
    let ran = project.check(&["--format", "json", "--output", "report.json"]).expect(1);
    assert_eq!(ran.out, "");
    let report: serde_json::Value = serde_json::from_str(&project.read("report.json")).expect("JSON");
    assert_eq!(report["summary"]["findings"], 1);
}

#[test]
fn the_order_is_that_of_the_paths_however_many_threads_there_are() {
    let files: Vec<(String, &str)> =
        (0..200).map(|i| (format!("d{}/x{i}.bottle.yaml", i % 7), GUESS)).collect();
    let files: Vec<_> = files.iter().map(|(p, t)| (p.as_str(), *t)).collect();
    let project = Project::new(&files);
    let ran = project.check(&["--format", "concise"]).expect(1);
    let paths: Vec<_> = ran.paths().into_iter().map(std::path::PathBuf::from).collect();
    let mut sorted = paths.clone();
    sorted.sort();
    assert_eq!((paths.len(), &paths), (200, &sorted));
}

/// A CI service's log shows colours and no links; what a program reads has neither.
#[test]
fn colours_come_where_they_are_asked_for() {
    let project = Project::new(&[("a.bottle.yaml", GUESS)]);
    let run = |vars: &[(&str, &str)], args: &[&str]| {
        let mut command = project.command(&[&["check"], args].concat());
        for name in ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
            command.env_remove(name);
        }
        let out = command.envs(vars.iter().copied()).output().expect("it runs").stdout;
        String::from_utf8(out).expect("UTF-8")
    };
    for vars in [[("FORCE_COLOR", "1")], [("CLICOLOR_FORCE", "1")]] {
        let out = run(&vars, &[]);
        assert!(out.contains("\x1b[") && !out.contains("\x1b]8"), "{vars:?}: {out:?}");
        for format in ["concise", "json", "sarif", "github", "gitlab", "junit"] {
            assert!(!run(&vars, &["--format", format]).contains('\x1b'), "{format}");
        }
    }
    for vars in
        [&[][..], &[("FORCE_COLOR", "0")], &[("FORCE_COLOR", "")], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]]
    {
        assert!(!run(vars, &[]).contains('\x1b'), "{vars:?}");
    }
}

#[test]
fn an_empty_working_folder_is_named_in_words() {
    let ran = Project::new(&[]).check(&[]).expect(0);
    assert_eq!(ran.err, "note: no manifests in the working folder\n");
}

#[test]
fn options_stand_only_at_the_commands_that_heed_them() {
    let project = Project::new(&[("a.bottle.yaml", CLEAN)]);
    for command in ["ps", "logs", "attach", "stop", "trust", "untrust"] {
        let help = project.run(&[command, "--help"]).expect(0).out;
        assert!(help.contains("--state-dir"), "{command}: {help}");
        for option in ["--resolve", "--upstream-ca", "--upstream-proxy", "--pipelock-config"] {
            assert!(!help.contains(option), "{command} lists {option}: {help}");
        }
    }
    for command in ["launch", "exec", "egress", "lsp"] {
        assert!(project.run(&[command, "--help"]).expect(0).out.contains("--upstream-proxy"), "{command}");
    }
}

#[test]
fn a_run_that_is_not_there_is_said_without_an_empty_list() {
    let ran = Project::new(&[]).run(&["stop", "nothing"]).expect(2);
    assert!(ran.err.contains("no bottle is running") && !ran.err.contains("there are"), "{}", ran.err);
}

#[test]
fn an_egress_that_other_machines_reach_prints_a_login_once_and_asks_for_it() {
    use std::io::{BufRead, BufReader, Read, Write};
    let project = Project::new(&[("~/.bot-bottle/bottles/dev.md", "---\negress:\n  routes: []\n---\n")]);
    let mut command = project.command(&["egress", "dev", "--listen", "0.0.0.0:0", "--audit", "a.jsonl"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("the program runs");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
    let (mut on, mut url) = (String::new(), String::new());
    said.read_line(&mut on).expect("a line");
    said.read_line(&mut url).expect("a line");
    let port = on.trim().rsplit(':').next().expect("a port");
    let login =
        url.trim().strip_prefix("clients log in with: HTTPS_PROXY=http://").and_then(|u| u.split('@').next());
    let login = login.unwrap_or_else(|| panic!("{url}"));
    let ask = |header: &str| {
        let mut tcp = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).expect("a connection");
        let head = format!(
            "CONNECT a.example.com:443 HTTP/1.1\r\nHost: a.example.com\r\n{header}Connection: close\r\n\r\n"
        );
        tcp.write_all(head.as_bytes()).expect("written");
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let basic = |text: &str| {
        use base64::Engine;
        format!("Proxy-Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let none = ask("");
    assert!(none.starts_with("HTTP/1.1 407") && none.contains("proxy-authenticate: Basic"), "{none}");
    let twice = basic(login).repeat(2);
    for wrong in
        [basic("bot-bottle:x"), basic(&login.to_uppercase()), basic(&login[..login.len() - 1]), twice]
    {
        assert!(ask(&wrong).starts_with("HTTP/1.1 407"), "{wrong}");
    }
    // Let in, and refused by the bottle, which allows nothing.
    assert!(ask(&basic(login)).starts_with("HTTP/1.1 403"));
    child.kill().expect("killed");
    child.wait().expect("it ends");
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("the rest");
    let audit = project.read("a.jsonl");
    let secret = login.split_once(':').expect("a name and a secret").1;
    assert!(secret.len() == 64 && !audit.contains(secret) && !rest.contains(secret), "{rest}{audit}");
    assert_eq!(audit.matches("\"code\":\"login\"").count(), 5, "{audit}");
}

#[test]
fn a_comment_for_what_another_machine_finds_is_not_unused() {
    let text = "egress:\n  routes:\n    # bot-bottle: ignore[token-unset, denied-egress] only CI has it\n    - host: \
                api.github.com\n      auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}\n";
    Project::new(&[("a.bottle.yaml", text)]).check(&[]).expect(0);
}
