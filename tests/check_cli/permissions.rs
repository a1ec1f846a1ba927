//! What a change permits: `diff --format sarif`, `check --deny-widening`.

use crate::rig::{CLEAN, GUESS, Project, repository};
use serde_json::Value;

const WIDER: &str = "egress:\n  routes:\n    - host: api.github.com\n    - host: api.example.com\n";

#[test]
fn sarif_fits_its_schema_and_names_the_line_that_widens() {
    let old = "env: {LEVEL: x}\negress:\n  routes:\n    - host: a.example.com\n      path_allowlist: [/x/]\n    - host: gone.example.com\n";
    let new = "env:\n  REGION: \"${REGION}\"\negress:\n  routes:\n    - host: a.example.com\n      auth: {scheme: Bearer, token_ref: TOKEN}\n\
               workspace:\n  mounts:\n    - {source: /s, target: /t}\nresources:\n  pids: 9\nagent_provider:\n  auth_token: T\n";
    let project = Project::new(&[
        ("old/a.bottle.yaml", old),
        ("new/a.bottle.yaml", new),
        ("old/child.bottle.yaml", "extends: base\n"),
        ("new/child.bottle.yaml", "extends: base\n"),
        ("old/base.bottle.yaml", CLEAN),
        ("new/base.bottle.yaml", WIDER),
        ("new/fresh.agent.yaml", "bottle: base\nprompt: x\n"),
    ]);
    let ran = project.run(&["diff", "old", "new", "--format", "sarif"]).expect(0);
    let sarif = ran.json();
    let validator = crate::formats::sarif_schema();
    let errors: Vec<_> =
        validator.iter_errors(&sarif).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());

    let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
    let seen: Vec<_> = sarif["runs"][0]["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            let word = |v: &Value| v.as_str().expect("a text").to_owned();
            (
                word(&result["ruleId"]),
                word(&place["artifactLocation"]["uri"]),
                place["region"]["startLine"].as_u64().expect("a line"),
            )
        })
        .collect();
    let expected: Vec<(String, String, u64)> = [
        ("widened-credential", "new/a.bottle.yaml", 6),
        ("widened-credential", "new/a.bottle.yaml", 13),
        ("widened-egress", "new/a.bottle.yaml", 5),
        ("widened-egress", "new/a.bottle.yaml", 13),
        ("widened-env", "new/a.bottle.yaml", 2),
        ("widened-mount", "new/a.bottle.yaml", 9),
        ("widened-workspace", "new/fresh.agent.yaml", 1),
        ("changed-limit", "new/a.bottle.yaml", 11),
        ("widened-egress", "new/base.bottle.yaml", 4),
        // Inherited, so it is the parent's line.
        ("widened-egress", "new/base.bottle.yaml", 4),
        ("widened-egress", "new/base.bottle.yaml", 4),
        ("widened-egress", "new/base.bottle.yaml", 3),
    ]
    .map(|(rule, file, line)| (rule.to_owned(), file.to_owned(), line))
    .into();
    let (mut seen, mut expected) = (seen, expected);
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);

    let same = project.run(&["diff", "new", "new", "--format", "sarif", "--deny-widening"]).expect(0).json();
    assert!(validator.is_valid(&same) && same["runs"][0]["results"] == serde_json::json!([]));
    project.run(&["diff", "old", "new", "--format", "sarif", "--deny-widening"]).expect(1);
}

#[test]
fn a_change_that_widens_is_refused_with_the_table_and_one_that_narrows_is_not() {
    let files =
        [("dev.bottle.yaml", CLEAN), ("child.bottle.yaml", "extends: dev\n"), ("other.bottle.yaml", GUESS)];
    let Some(project) = repository(&files) else { return };
    let args = ["--deny-widening", "--since", "HEAD"];
    project.check(&args).expect(0);

    project.write("dev.bottle.yaml", WIDER);
    let ran = project.check(&args).expect(1);
    for name in ["dev.bottle.yaml", "child.bottle.yaml"] {
        assert!(
            ran.out.contains(&format!("{name}\n  + widened   egress     api.example.com: every path\n")),
            "{}",
            ran.out
        );
    }
    assert!(
        ran.out.contains("2 findings (2 errors) in 2 of 2 manifests") && ran.out.ends_with("2 widened\n"),
        "{}",
        ran.out
    );
    // Only what is looked at counts, and the check alone says nothing.
    project.check(&["--deny-widening", "--since", "HEAD", "other.bottle.yaml"]).expect(0);
    project.check(&["--since", "HEAD"]).expect(0);

    project.write(
        "dev.bottle.yaml",
        "egress:\n  routes:\n    - host: api.github.com\n      path_allowlist: [/repos/]\n",
    );
    let ran = project.check(&args).expect(0);
    assert!(ran.out.contains("  - narrowed  egress     api.github.com"), "{}", ran.out);

    project.write("dev.bottle.yaml", CLEAN);
    project.write("new.bottle.yaml", CLEAN);
    let ran = project.check(&args).expect(1);
    assert!(ran.out.contains("new.bottle.yaml\n  + widened"), "{}", ran.out);
}

#[test]
fn a_report_for_a_program_stays_alone_on_standard_output() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN)]) else { return };
    project.write("dev.bottle.yaml", WIDER);
    let ran = project.check(&["--deny-widening", "--since", "HEAD", "--format", "json"]).expect(1);
    assert_eq!(ran.json()["findings"][0]["rule"], "widened-permission");
    assert!(ran.err.contains("+ widened   egress     api.example.com"), "{}", ran.err);
}

#[test]
fn what_cannot_be_compared_is_no_proof() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN), ("broken.bottle.yaml", "a: [\n")]) else {
        return;
    };
    let args = ["--deny-widening", "--since", "HEAD", "--baseline", "base.json"];
    project.write("dev.bottle.yaml", "agent_provider: {template: nope}\n");
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(1);
    let ran = project.check(&args).expect(1);
    assert!(ran.err.contains("permissions are not compared: dev.bottle.yaml has no plan"), "{}", ran.err);
    project.write("dev.bottle.yaml", CLEAN);
    project.write("broken.bottle.yaml", CLEAN);
    let ran = project.check(&args).expect(1);
    assert!(ran.out.contains("broken.bottle.yaml\n  + widened"), "{}", ran.out);
}

#[test]
fn without_a_revision_there_is_nothing_to_compare_with() {
    let project = Project::new(&[("dev.bottle.yaml", CLEAN)]);
    let ran = project.check(&["--deny-widening"]).expect(2);
    assert_eq!(ran.err, "error: --deny-widening needs --since REV, the revision to compare with\n");
}

/// A required check becomes green by a line of a file, which its owner reviews, and by that change alone.
#[test]
fn a_widening_is_let_through_on_the_record() {
    let Some(project) = repository(&[("sub/dev.bottle.yaml", CLEAN), ("sub/other.bottle.yaml", CLEAN)])
    else {
        return;
    };
    project.write("sub/dev.bottle.yaml", WIDER);
    let args = ["--deny-widening", "--since", "HEAD", "--approved", "approved.txt"];
    let ran = project.check(&args).expect(1);
    let line =
        ran.err.lines().find(|l| l.ends_with("  sub/dev.bottle.yaml")).expect("a line to add").to_owned();
    project.write("approved.txt", format!("# by the owners\n\n{line}  # ada: the mirror\n"));
    for folder in ["", "sub"] {
        let mut command = project.command(&["check"]);
        let file = project.path("approved.txt").display().to_string();
        command.args(["--deny-widening", "--since", "HEAD", "--approved", &file]);
        let ran = crate::rig::ran(command.current_dir(project.path(folder)).output().expect("it runs"));
        assert_eq!(ran.code, 0, "{folder}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("approved: ") && ran.out.contains("+ widened"), "{}{}", ran.out, ran.err);
    }
    // Another manifest with the same change, and another change of the same manifest.
    project.write("sub/other.bottle.yaml", WIDER);
    let ran = project.check(&args).expect(1);
    assert!(
        ran.out.contains("sub/other.bottle.yaml") && !ran.out.contains("sub/dev.bottle.yaml:"),
        "{}",
        ran.out
    );
    project.write("sub/other.bottle.yaml", CLEAN);
    project.write("sub/dev.bottle.yaml", format!("{WIDER}    - host: git.example.com\n"));
    project.check(&args).expect(1);
    // What is not a line is told with its place, and nothing is let through.
    project.write("sub/dev.bottle.yaml", WIDER);
    project.write("approved.txt", "everything\n");
    let ran = project.check(&args).expect(2);
    assert!(ran.err.contains("approved.txt:1: the line is not a digest and a manifest"), "{}", ran.err);
    project.check(&["--approved", "approved.txt"]).expect(2);
}

/// What is cut where it is shown is whole where somebody said yes to it.
#[test]
fn a_yes_to_a_long_name_is_for_that_name() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN)]) else { return };
    let args = ["--deny-widening", "--since", "HEAD", "--approved", "approved.txt"];
    let mount = |end: &str| {
        let source = format!("./{}{end}", "long/".repeat(100));
        std::fs::create_dir_all(project.path(&source)).expect("a folder");
        project.write(
            "dev.bottle.yaml",
            format!("{CLEAN}workspace:\n  mounts: [{{source: {source}, target: /x}}]\n"),
        );
    };
    mount("one");
    let ran = project.check(&args).expect(1);
    let line = ran.err.lines().find(|l| l.ends_with("  dev.bottle.yaml")).expect("a line to add").to_owned();
    project.write("approved.txt", line);
    project.check(&args).expect(0);
    mount("two");
    project.check(&args).expect(1);
}

/// `diff` has every format of `check`, with what is widened at its line, and is silent about no side.
#[test]
fn diff_has_every_format() {
    let project = Project::new(&[("old/dev.bottle.yaml", CLEAN), ("new/dev.bottle.yaml", WIDER)]);
    for (format, told) in [
        ("concise", "new/dev.bottle.yaml:4:13: error[widened-permission] egress api.example.com is widened"),
        ("github", "::error title=bot-bottle (widened-permission),file=new/dev.bottle.yaml,line=4,"),
        ("gitlab", "\"check_name\":\"widened-permission\""),
        ("junit", "<testcase name=\"widened-permission\" classname=\"new/dev.bottle.yaml\">"),
        ("sarif", "\"ruleId\":\"widened-egress\""),
    ] {
        let ran = project.run(&["diff", "old", "new", "--format", format]);
        assert!(ran.code == 0 && ran.out.contains(told), "{format}: {}{}", ran.out, ran.err);
        assert_eq!(project.run(&["diff", "old", "new", "--format", format, "--deny-widening"]).code, 1);
        assert_eq!(project.run(&["diff", "new", "old", "--format", format, "--deny-widening"]).code, 0);
    }
    project.write("new/dev.bottle.yaml", "egress: [\n");
    for (format, told) in [
        ("github", "::error title=bot-bottle (unreadable)"),
        ("gitlab", "\"check_name\":\"unreadable\""),
        ("junit", "<error type=\"unreadable\""),
        ("sarif", "toolExecutionNotifications"),
    ] {
        let ran = project.run(&["diff", "old", "new", "--format", format]);
        assert!(ran.code == 2 && ran.out.contains(told), "{format}: {}{}", ran.out, ran.err);
    }
}
