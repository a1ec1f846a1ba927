//! `--fix` and `--diff`: what is written, and what never is.

use crate::rig::{CLEAN, FIXABLE, FIXED, GUESS, Project};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

#[test]
fn safe_fixes_are_applied_and_the_rest_is_reported() {
    let project =
        Project::new(&[("a.bottle.yaml", FIXABLE), ("b.bottle.yaml", GUESS), ("c.bottle.yaml", CLEAN)]);
    let ran = project.check(&["--fix"]).expect(1);
    assert_eq!(project.read("a.bottle.yaml"), FIXED);
    assert_eq!(project.read("b.bottle.yaml"), GUESS);
    assert!(ran.out.ends_with("1 finding fixed; 1 finding (1 error) in 1 of 3 manifests; 1 can be fixed with --fix --unsafe-fixes\n"), "{}", ran.out);
    let ran = project.check(&["--fix", "--unsafe-fixes"]).expect(0);
    assert_eq!(project.read("b.bottle.yaml"), "env: {}\n");
    assert_eq!(ran.out, "1 finding fixed; checked 3 manifests: no findings\n");
}

#[test]
fn a_diff_writes_nothing_and_fits_the_file() {
    let project = Project::new(&[("a.bottle.yaml", FIXABLE), ("b.bottle.yaml", CLEAN)]);
    for args in [&["--diff"][..], &["--fix", "--diff"]] {
        let ran = project.check(args).expect(1);
        let expected = "--- a.bottle.yaml\n+++ a.bottle.yaml\n@@ -1,3 +1,3 @@\n agent_provider:\n   template: claude\n-skills: review # why\n+skills: [review] # why\n";
        assert_eq!(ran.out, expected);
        assert_eq!(project.read("a.bottle.yaml"), FIXABLE);
    }
    project.check(&["--diff", "b.bottle.yaml"]).expect(0);
}

#[test]
fn permissions_line_breaks_and_byte_order_mark_stay() {
    let crlf = format!("\u{feff}{}", FIXABLE.replace('\n', "\r\n"));
    let role = "egress:\r\n  routes:\r\n    - host: api.anthropic.com\r\n      role: claude_code_oauth\r\n      \
                auth: {scheme: Bearer, token_ref: T}\r\n    - host: a.example.com\r\n";
    let project = Project::new(&[("a.bottle.yaml", &crlf), ("b.bottle.yaml", role)]);
    let mode = std::fs::Permissions::from_mode(0o604);
    std::fs::set_permissions(project.path("a.bottle.yaml"), mode).expect("permissions");
    project.check(&["--fix"]).expect(0);
    assert_eq!(project.read("a.bottle.yaml"), format!("\u{feff}{}", FIXED.replace('\n', "\r\n")));
    let metadata = std::fs::metadata(project.path("a.bottle.yaml")).expect("metadata");
    assert_eq!(metadata.mode() & 0o777, 0o604);
    let expected =
        "agent_provider:\r\n  auth_token: T\r\negress:\r\n  routes:\r\n    - host: a.example.com\r\n";
    assert_eq!(project.read("b.bottle.yaml"), expected);
}

#[test]
fn a_link_out_of_the_project_is_not_written_through() {
    let project = Project::new(&[
        (".git/HEAD", ""),
        ("~/theirs.bottle.yaml", FIXABLE),
        ("real/mine.bottle.yaml", FIXABLE),
    ]);
    symlink(project.path("~/theirs.bottle.yaml"), project.path("out.bottle.yaml")).expect("a link");
    symlink("real/mine.bottle.yaml", project.path("in.bottle.yaml")).expect("a link");
    let ran = project.check(&["--fix", "out.bottle.yaml", "in.bottle.yaml"]).expect(2);
    assert!(ran.err.contains("cannot fix out.bottle.yaml"), "{}", ran.err);
    assert_eq!(project.read("~/theirs.bottle.yaml"), FIXABLE);
    assert_eq!(project.read("real/mine.bottle.yaml"), FIXED);
    assert!(project.path("in.bottle.yaml").is_symlink());
}

#[test]
fn the_original_stays_whole_where_it_cannot_be_replaced() {
    let project = Project::new(&[("a.bottle.yaml", FIXABLE)]);
    // A file size limit of zero is a disk that is full.
    let script =
        format!("trap '' XFSZ; ulimit -f 0; exec '{}' check --fix", env!("CARGO_BIN_EXE_bot-bottle"));
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(project.root()).env("HOME", project.path("home"));
    let output = command.output().expect("sh runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("cannot fix a.bottle.yaml: File too large"),
        "{said}"
    );
    assert_eq!(project.read("a.bottle.yaml"), FIXABLE);
    assert_eq!(
        std::fs::read_dir(project.root()).expect("a folder").count(),
        1,
        "a temporary file stayed behind"
    );
}

#[test]
fn a_read_only_file_is_left_alone() {
    // Root may write it all the same.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let project = Project::new(&[("a.bottle.yaml", FIXABLE)]);
    let mode = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(project.path("a.bottle.yaml"), mode).expect("read-only");
    project.check(&["--fix"]).expect(2);
    assert_eq!(project.read("a.bottle.yaml"), FIXABLE);
}

#[test]
fn standard_input_is_mended_onto_standard_output() {
    let project = Project::new(&[]);
    let ran = project.check_stdin(&["-", "--fix"], FIXABLE.as_bytes()).expect(0);
    assert_eq!(ran.out, FIXED);
    let ran = project.check_stdin(&["-", "--fix"], GUESS.as_bytes()).expect(1);
    assert_eq!(ran.out, GUESS);
    assert!(ran.err.contains("unknown-field"), "{}", ran.err);
    let ran = project.check_stdin(&["-", "--diff"], FIXABLE.as_bytes()).expect(1);
    assert!(ran.out.contains("+skills: [review] # why"), "{}", ran.out);
}

#[test]
fn many_files_are_mended_each_whole() {
    let files: Vec<_> = (0..100).map(|i| format!("x{i}.bottle.yaml")).collect();
    let all: Vec<_> = files.iter().map(|f| (f.as_str(), FIXABLE)).collect();
    let project = Project::new(&all);
    assert!(project.check(&["--fix"]).expect(0).out.starts_with("100 findings fixed; "));
    assert!(files.iter().all(|f| project.read(f) == FIXED));
    let left = std::fs::read_dir(project.root()).expect("a folder").count();
    assert_eq!(left, 100, "a temporary file stayed behind");
}
