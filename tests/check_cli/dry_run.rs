//! `launch --dry-run` says no where a launch does, and in the same words.

use crate::rig::{Project, Ran, has_tool};

/// A bottle of the user's own, which nobody is asked about, run by `true` in its agent's place.
fn project(text: &str) -> Project {
    let project = Project::new(&[("~/.bot-bottle/bottles/dev.md", &format!("---\n{text}---\n"))]);
    project.write("~/bin/claude", "#!/bin/sh\n");
    project.write("~/bin/codex", "#!/bin/sh\n");
    for program in ["claude", "codex"] {
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(project.path("~/bin").join(program), executable).expect("a program");
    }
    project
}

/// Runs the program with `path` for PATH.
fn run(project: &Project, args: &[&str], path: &str) -> Ran {
    crate::rig::ran(project.command(args).env("PATH", path).output().expect("it ran"))
}

#[test]
fn a_dry_run_says_no_where_a_launch_does_and_in_the_same_words() {
    if !has_tool("bwrap", "apt-get install bubblewrap") {
        return;
    }
    let route =
        "egress:\n  routes:\n    - {host: a.example.com, auth: {scheme: Bearer, token_ref: ABSENT}}\n";
    let cases = [
        ("a missing credential", route, "credentials: ", "ABSENT is not set"),
        ("a missing login", "agent_provider: {auth_token: ABSENT}\n", "credentials: ", "ABSENT is not set"),
        (
            "a login that is not there",
            "agent_provider: {template: codex, forward_host_credentials: true}\n",
            "credentials: ",
            ".codex/auth.json",
        ),
        ("a host variable", "env: {A: \"${ABSENT}\"}\n", "credentials: ", "host variable ABSENT"),
        ("a missing skill", "skills: [nope]\n", "check: ", "skills/nope"),
        ("a missing workspace", "workspace: {path: /nowhere/at/all}\n", "check: ", "/nowhere/at/all"),
    ];
    for (what, text, stage, why) in cases {
        let project = project(text);
        let path = format!("{}:{}", project.path("~/bin").display(), std::env::var("PATH").expect("a PATH"));
        let file = project.path("~/.bot-bottle/bottles/dev.md").display().to_string();
        let target = ["launch", &file, "--backend", "bubblewrap"];
        let dry = run(&project, &[&target[..], &["--dry-run"]].concat(), &path);
        let real = run(&project, &[&target[..], &["--task", "x"]].concat(), &path);
        let last = |ran: &Ran| ran.err.lines().last().unwrap_or_default().to_owned();
        assert!(last(&dry).starts_with(&format!("error: {stage}")), "{what}: {}", dry.err);
        assert!(last(&dry).contains(why), "{what}: {}", dry.err);
        assert_eq!((dry.code, last(&dry)), (real.code, last(&real)), "{what}: {}", real.err);
        assert_ne!(dry.code, 0, "{what}");
        // What a launch would do is shown all the same.
        assert!(dry.out.contains("\nstages\n"), "{what}: {}", dry.out);
        assert!(!project.path("~/.local").exists(), "{what}: something was made");
    }
    // With what was missing it goes through, and still nothing is made.
    let project = project("env: {A: b}\n");
    let path = format!("{}:{}", project.path("~/bin").display(), std::env::var("PATH").expect("a PATH"));
    let ran = run(&project, &["launch", "dev", "--backend", "bubblewrap", "--dry-run"], &path).expect(0);
    assert!(ran.out.contains("bubblewrap"), "{}", ran.out);
    assert!(!project.path("~/.local").exists());
}

#[test]
fn a_backend_or_a_program_that_is_missing_is_a_no() {
    let project = project("env: {A: b}\n");
    std::fs::remove_file(project.path("~/bin/claude")).expect("removed");
    let empty = project.path("~/empty").display().to_string();
    for backend in ["docker", "podman", "bubblewrap"] {
        let ran = run(&project, &["launch", "dev", "--backend", backend, "--dry-run"], &empty).expect(125);
        assert!(ran.err.contains("error: check: ") && ran.err.contains("PATH"), "{}", ran.err);
    }
    if has_tool("bwrap", "apt-get install bubblewrap") {
        let path = std::env::var("PATH").expect("a PATH");
        let installed = std::env::split_paths(&path).any(|dir| dir.join("claude").is_file());
        let ran = run(&project, &["launch", "dev", "--backend", "bubblewrap", "--dry-run"], &path);
        assert!(installed || ran.err.contains("claude cannot be run"), "{}", ran.err);
    }
}
