//! What is not a manifest, or a hostile one: a clear error in bounded time, and the rest is checked.

use crate::rig::{CLEAN, GUESS, Project};

fn unreadable(name: &str, make: impl Fn(&std::path::Path), why: &str) {
    let project = Project::new(&[("z.bottle.yaml", CLEAN)]);
    make(&project.path(name));
    for args in [&[][..], &[name, "z.bottle.yaml"]] {
        let ran = project.check(args).expect(2);
        assert!(ran.err.contains(&format!("cannot read {name}: ")) && ran.err.contains(why), "{}", ran.err);
        assert!(ran.out.contains("checked 1 manifest"), "{}", ran.out);
    }
}

fn bytes(bytes: &'static [u8]) -> impl Fn(&std::path::Path) {
    move |path| std::fs::write(path, bytes).expect("written")
}

#[test]
fn binary_and_other_encodings() {
    unreadable("a.bottle.yaml", bytes(b"\x7fELF\x02\x01\x01\0\0\0"), "binary");
    unreadable("a.bottle.yaml", bytes(b"\xff\xfee\0n\0v\0"), "UTF-16");
    unreadable("a.bottle.yaml", bytes(b"env: {A: \xe9}\n"), "not UTF-8");
}

#[test]
fn a_fifo_is_not_waited_for() {
    let fifo = |path: &std::path::Path| {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("a FIFO");
    };
    unreadable("a.bottle.yaml", fifo, "not an ordinary file");
}

#[test]
fn a_fifo_in_place_of_a_list_of_ignored_files_is_not_waited_for() {
    let project = Project::new(&[("a.bottle.yaml", CLEAN), ("sub/b.bottle.yaml", CLEAN)]);
    let fifo = project.path("sub/.gitignore");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a FIFO");
    let ran = project.check(&[]).expect(2);
    assert!(ran.err.contains("sub: its list of ignored files is not an ordinary file"), "{}", ran.err);
}

#[test]
fn a_large_file_is_refused() {
    let large = |path: &std::path::Path| {
        std::fs::File::create(path).and_then(|f| f.set_len(100 << 20)).expect("a large file");
    };
    unreadable("a.bottle.yaml", large, "larger than 4 MiB");
}

#[test]
fn a_file_without_permission_is_named() {
    if rustix::process::geteuid().is_root() {
        // Root reads everything; what is gone by the time it is read stands in.
        let gone = |path: &std::path::Path| std::os::unix::fs::symlink("nowhere", path).expect("a link");
        return unreadable("a.bottle.yaml", gone, "No such file");
    }
    let closed = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, CLEAN).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).expect("closed");
    };
    unreadable("a.bottle.yaml", closed, "Permission denied");
}

#[test]
fn brackets_and_bombs_are_findings() {
    let mut bomb = String::from("x-0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        bomb.push_str(&format!("x-{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", ")));
    }
    for text in ["[".repeat(20_000), "{a: ".repeat(20_000), "- ".repeat(20_000), bomb] {
        let project = Project::new(&[("a.bottle.yaml", &text)]);
        let ran = project.check(&["--format", "concise"]).expect(1);
        assert!(ran.out.contains("error[syntax]"), "{}", &ran.out[..ran.out.len().min(500)]);
    }
}

#[test]
fn a_cycle_of_parents_ends() {
    let project = Project::new(&[
        ("a.bottle.yaml", "extends: b\nenvv: {}\n"),
        ("b.bottle.yaml", "extends: [c, a]\n"),
        ("c.bottle.yaml", "extends: c\n"),
    ]);
    let ran = project.check(&["--format", "concise"]).expect(1);
    for file in ["a", "b", "c"] {
        assert!(ran.out.contains(&format!("{file}.bottle.yaml:1:")), "{}", ran.out);
    }
    assert!(ran.out.contains("error[extends-cycle]"), "{}", ran.out);
    assert!(ran.out.contains("a.bottle.yaml:2:1: error[unknown-field]"), "{}", ran.out);
}

/// The folder that a shell still stands in may be gone: nothing is read in its place.
#[test]
fn a_working_folder_that_is_gone_is_said_and_nothing_is_read() {
    let project = Project::new(&[("gone/dev.bottle.yaml", GUESS)]);
    let gone = project.path("gone");
    let script = format!("cd '{0}' && rm -r '{0}' && exec \"$0\" check --fix", gone.display());
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_bot-bottle")]).env("HOME", project.path("home"));
    let ran = crate::rig::ran(command.output().expect("it runs"));
    let ran = ran.expect(2);
    assert_eq!((ran.out.as_str(), ran.err.contains("the working folder is gone")), ("", true), "{}", ran.err);
}

/// Without HOME the home folder is the user's all the same, and what lies in it stays sensitive.
#[test]
fn a_missing_home_variable_makes_nothing_harmless() {
    let project =
        Project::new(&[("dev.bottle.yaml", "workspace: {mounts: [{source: ~/.ssh, target: /keys}]}\n")]);
    let mut command = project.command(&["check"]);
    let ran = crate::rig::ran(command.env_remove("HOME").output().expect("it runs"));
    assert!(ran.expect(1).out.contains("sensitive-mount"));
}
