//! What the GitHub Action and the pre-commit hook run, in a local repository.

use crate::rig::{CLEAN, FIXABLE, FIXED, GUESS, JUDGED, Project, Ran, git, ran, repository};
use std::process::Command;

const WIDER: &str = "egress:\n  routes:\n    - host: api.github.com\n    - host: api.example.com\n";
const NARROWER: &str =
    "egress:\n  routes:\n    - host: api.github.com\n      path_allowlist: [/repos/acme/]\n";

/// Runs the Action's script as GitHub does for a pull request, and gives the run's summary.
fn review(project: &Project, settings: &[(&str, &str)]) -> (Ran, String) {
    let summary = project.path("~/summary.md");
    std::fs::write(&summary, "").expect("written");
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/review.sh"));
    command.current_dir(project.root()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", project.path("home"));
    command.env("BOT_BOTTLE", env!("CARGO_BIN_EXE_bot-bottle"));
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", project.root());
    command.env("GITHUB_STEP_SUMMARY", &summary).env("BASE", "HEAD").envs(settings.iter().copied());
    (ran(command.output().expect("it runs")), std::fs::read_to_string(&summary).expect("a summary"))
}

const WIDENED: &str = "::error title=bot-bottle (widened-permission),file=";

#[test]
fn a_change_that_widens_fails_with_the_table_and_its_line() {
    let Some(project) = repository(&[("bottles/dev.bottle.yaml", CLEAN), ("b c/x.bottle.yaml", CLEAN)])
    else {
        return;
    };
    project.write("bottles/dev.bottle.yaml", WIDER);
    let absolute = project.path("bottles").display().to_string();
    // One path a line, a pattern, a path with a blank beside it, an absolute one, several in a line.
    for paths in [
        ".",
        "bottles",
        "bottles/dev.bottle.yaml",
        "b c\nbottles\n",
        "bott*/*.yaml",
        &absolute,
        "bottles missing",
    ] {
        let (ran, summary) = review(&project, &[("PATHS", paths)]);
        let code = if paths.contains("missing") { 2 } else { 1 };
        let ran = ran.expect(code);
        let annotation = format!("{WIDENED}bottles/dev.bottle.yaml,line=4,");
        assert!(ran.out.contains(&annotation), "{paths:?}: {}", ran.out);
        let row = "dev.bottle.yaml` | **widened** | egress `api.example.com` | – | `every path` |";
        assert!(summary.contains(row), "{summary}");
        assert!(
            summary.contains("| manifest | | what | before | after |\n| --- | --- | --- | --- | --- |\n"),
            "{summary}"
        );
    }
    // Not the first line alone.
    project.write("b c/x.bottle.yaml", WIDER);
    project.write("bottles/dev.bottle.yaml", CLEAN);
    let (ran, _) = review(&project, &[("PATHS", "bottles\nb c")]);
    assert!(ran.expect(1).out.contains(&format!("{WIDENED}b c/x.bottle.yaml,line=4,")));
    let (ran, summary) = review(&project, &[("DENY_WIDENING", "false")]);
    assert!(!ran.expect(0).out.contains("::error"));
    assert!(summary.contains("**widened**"), "{summary}");
}

#[test]
fn nothing_is_silently_green() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN)]) else { return };
    for word in ["True", "yes", "0", "fasle", " "] {
        let (ran, _) = review(&project, &[("DENY_WIDENING", word)]);
        assert!(ran.expect(2).out.contains("deny-widening is neither"), "{word:?}");
    }
    for paths in ["nowhere", "*.nothing", "/etc", "dev.bottle.yaml\nnowhere", "--help"] {
        let (ran, _) = review(&project, &[("PATHS", paths)]);
        let ran = ran.expect(2);
        assert!(
            ran.out.contains("::error title=bot-bottle (unreadable),file="),
            "{paths:?}: {} {}",
            ran.out,
            ran.err
        );
    }
    // Without a base nothing can be compared, which is no proof: a schedule, and the push of a new branch.
    for base in ["", "0000000000000000000000000000000000000000"] {
        let (ran, summary) = review(&project, &[("BASE", base)]);
        assert!(ran.expect(1).out.contains("this event has no base"));
        assert!(summary.contains("nothing to compare with"), "{summary}");
        let (ran, summary) = review(&project, &[("BASE", base), ("DENY_WIDENING", "false")]);
        assert!(ran.expect(0).out.contains("no findings") && summary.contains("nothing to compare with"));
    }
    let (ran, _) = review(&project, &[("BASE", "no-such-revision")]);
    assert!(ran.expect(2).err.contains("there is no revision"));
    let (ran, _) = review(&project, &[("BASE", "--output=x")]);
    ran.expect(2);
}

#[test]
fn a_change_that_narrows_or_permits_the_same_passes() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN)]) else { return };
    let (ran, summary) = review(&project, &[]);
    ran.expect(0);
    assert!(summary.contains("No permission changes.") && summary.contains("Compared with "), "{summary}");
    project.write("README.md", "no manifest");
    review(&project, &[]).0.expect(0);
    project.write("dev.bottle.yaml", NARROWER);
    let (ran, summary) = review(&project, &[]);
    assert!(!ran.expect(0).out.contains("::error"));
    assert!(summary.contains("| **narrowed** | egress `api.github.com` |"), "{summary}");
    std::fs::remove_file(project.path("dev.bottle.yaml")).expect("removed");
    let (ran, summary) = review(&project, &[]);
    assert!(!ran.expect(0).out.contains("::error"), "the last manifest goes");
    assert!(summary.contains("**narrowed**"), "{summary}");
}

#[test]
fn findings_are_annotations_and_fail_by_themselves() {
    let Some(project) = repository(&[("sub/dev.bottle.yaml", CLEAN)]) else { return };
    project.write("sub/dev.bottle.yaml", format!("{CLEAN}{GUESS}"));
    let (ran, _) = review(&project, &[]);
    let ran = ran.expect(1);
    let annotation = "::error title=bot-bottle (unknown-field),file=sub/dev.bottle.yaml,line=4,";
    assert!(ran.out.contains(annotation), "{}", ran.out);
    assert!(ran.err.contains("sub/dev.bottle.yaml has no plan: a bottle has no field `envv`"), "{}", ran.err);
    project.write("sub/dev.bottle.yaml", format!("{CLEAN}skills: [nope]\n"));
    let (ran, _) = review(&project, &[("DENY_WIDENING", "false")]);
    assert!(ran.expect(1).out.contains("::warning title=bot-bottle (skill-not-found)"));
}

/// Whatever the format, it says what the exit code says.
#[test]
fn every_report_has_what_is_widened_and_what_cannot_be_read() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN), ("other.bottle.yaml", CLEAN)]) else {
        return;
    };
    project.write("dev.bottle.yaml", WIDER);
    let report = |format: &str, code| {
        let ran = project.check(&["--since", "HEAD", "--deny-widening", "--format", format]).expect(code);
        (ran.out, ran.err)
    };
    for format in ["text", "concise", "json", "sarif", "github", "gitlab", "junit"] {
        let (out, _) = report(format, 1);
        assert!(out.contains("widened-permission"), "{format}: {out}");
    }
    let (sarif, _) = report("sarif", 1);
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["region"]["startLine"], &place["artifactLocation"]["uri"]),
        (&4.into(), &"dev.bottle.yaml".into())
    );
    assert!(crate::formats::sarif_schema().is_valid(&sarif));
    // A comment and a baseline have no say in it.
    project.write("dev.bottle.yaml", format!("# bot-bottle: ignore[widened-permission] it is fine\n{WIDER}"));
    project.check(&["--since", "HEAD", "--deny-widening"]).expect(1);

    project.write("dev.bottle.yaml", CLEAN);
    project.write("other.bottle.yaml", b"\xff\xfe\x00 no text");
    for (format, told) in [
        ("json", "\"unreadable\":[{\"path\":\"other.bottle.yaml\""),
        ("sarif", "toolExecutionNotifications"),
        ("github", "::error title=bot-bottle (unreadable),file=other.bottle.yaml"),
        ("gitlab", "\"check_name\":\"unreadable\""),
        ("junit", "<error type=\"unreadable\""),
    ] {
        let ran = project.check(&["--format", format]).expect(2);
        assert!(ran.out.contains(told), "{format}: {}", ran.out);
    }
    let sarif = project.check(&["--format", "sarif"]).json();
    assert!(crate::formats::sarif_schema().is_valid(&sarif), "{sarif}");
}

/// pre-commit splits the entry into words and runs it, with no files where the hook takes none.
#[test]
fn the_hooks_entry_is_a_plain_command_that_finds_manifests_by_their_layout() {
    let files = [
        ("bottle.yaml", CLEAN),
        ("lab/bottles/plain.md", "---\nenv: {}\n---\n"),
        ("lab/agents/plain.md", "---\nbottle: plain\n---\nDo it.\n"),
        ("a/dev.bottle.yml", CLEAN),
        (".bot-bottle/agents/fix.md", "---\nbottle: dev\n---\nFix it.\n"),
        ("a/child.bottle.yaml", "extends: dev\n"),
        ("README.md", "no manifest"),
        ("a/notbottle.yaml", "no: manifest\n"),
    ];
    let Some(project) = repository(&files) else { return };
    project.write("~/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n");
    let text = include_str!("../../.pre-commit-hooks.yaml");
    let hooks: serde_yaml::Value = serde_yaml::from_str(text).expect("YAML");
    let entry = |id: &str| {
        let hook = hooks.as_sequence().expect("hooks").iter().find(|h| h["id"] == id).expect("a hook");
        assert_eq!(hook["language"].as_str(), Some("system"));
        assert_eq!(
            (hook["pass_filenames"].as_bool(), hook["always_run"].as_bool()),
            (Some(false), Some(true))
        );
        let words: Vec<_> = hook["entry"].as_str().expect("a text").split_whitespace().collect();
        assert_eq!(words[0], "bot-bottle");
        words[1..].iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()
    };
    let run = |id: &str| project.run(&entry(id).iter().map(String::as_str).collect::<Vec<_>>());
    let ran = run("bot-bottle-check").expect(0);
    assert!(ran.out.contains("checked 6 manifests"), "{}", ran.out);
    // A parent that goes is found in its child, which the commit does not touch.
    std::fs::remove_file(project.path("a/dev.bottle.yml")).expect("removed");
    std::fs::remove_file(project.path("~/.bot-bottle/bottles/dev.md")).expect("removed");
    let ran = run("bot-bottle-check").expect(1);
    assert!(ran.out.contains("unknown-parent") && ran.out.contains("a/child.bottle.yaml"), "{}", ran.out);
    project.write("a/child.bottle.yaml", FIXABLE);
    project.write(".bot-bottle/agents/fix.md", "---\nbottle: own\n---\nFix it.\n");
    project.write("~/.bot-bottle/bottles/own.md", "---\nenv: {}\n---\n");
    run("bot-bottle-fix").expect(0);
    assert_eq!(project.read("a/child.bottle.yaml"), FIXED);
}

/// What the action gives to the steps behind it, and what it says on the pull request.
#[test]
fn the_action_has_outputs_a_baseline_of_the_base_and_a_comment() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN), ("old.bottle.yaml", JUDGED)]) else {
        return;
    };
    project.check(&["--baseline", "ci.json", "--write-baseline"]).expect(0);
    git(&project.root(), &["add", "."]);
    git(&project.root(), &["commit", "-qm", "baseline"]);
    project.write("dev.bottle.yaml", WIDER);
    let output = project.path("~/output");
    // A `gh` that keeps what it is given.
    let tools = project.path("~/tools");
    std::fs::create_dir_all(&tools).expect("a folder");
    let script = format!("#!/bin/sh\necho \"$@\" >{0}/said\ncat \"$7\" >>{0}/said\n", tools.display());
    project.write("~/tools/gh", script);
    std::process::Command::new("chmod").arg("+x").arg(tools.join("gh")).status().expect("chmod");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let run = |settings: &[(&str, &str)]| {
        std::fs::write(&output, "").expect("written");
        let shown = output.display().to_string();
        let all = [&[("GITHUB_OUTPUT", shown.as_str()), ("PATH", &path), ("BASELINE", "ci.json")], settings]
            .concat();
        let (ran, _) = review(&project, &all);
        (ran, std::fs::read_to_string(&output).expect("outputs"))
    };
    let (ran, outputs) = run(&[("COMMENT", "7"), ("GH_TOKEN", "x")]);
    ran.expect(1);
    assert!(outputs.starts_with("findings=1\nerrors=1\nwidened=1\njson="), "{outputs}");
    let report = outputs.lines().find_map(|l| l.strip_prefix("sarif=")).expect("a path");
    let sarif: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).expect("a report")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "widened-permission");
    let said = std::fs::read_to_string(tools.join("said")).expect("a comment");
    assert!(said.starts_with("pr comment 7 --edit-last --create-if-none --body-file"), "{said}");
    assert!(said.contains("| **widened** |"), "{said}");
    // A baseline that the change itself writes is not the judge.
    project.write("dev.bottle.yaml", CLEAN);
    project.write("new.bottle.yaml", JUDGED);
    project.check(&["--baseline", "ci.json", "--write-baseline"]).expect(0);
    let (ran, outputs) = run(&[("DENY_WIDENING", "false")]);
    ran.expect(1);
    assert!(outputs.starts_with("findings=1\nerrors=0\nwidened=0\n"), "{outputs}");
    run(&[("DENY_WIDENING", "false"), ("SEVERITY", "error")]).0.expect(0);
}

/// A pull request is tried as it is merged into its base now, while its event names an older base: what others
/// merged since is not its own. The event's own merge is believed, and no other.
#[test]
fn what_others_merged_since_is_not_the_changes() {
    let Some(project) = repository(&[("dev.bottle.yaml", NARROWER), ("a.bottle.yaml", CLEAN)]) else {
        return;
    };
    let root = project.root();
    let run = |args: &[&str]| git(&root, args);
    let id = |rev: &str| {
        let out = Command::new("git").args(["rev-parse", rev]).current_dir(&root).output().expect("git runs");
        String::from_utf8(out.stdout).expect("UTF-8").trim().to_owned()
    };
    let base = id("HEAD");
    run(&["branch", "-M", "main"]);
    run(&["checkout", "-qb", "change"]);
    project.write("README.md", "text");
    run(&["add", "-A"]);
    run(&["commit", "-qm", "text"]);
    let change = id("HEAD");
    run(&["checkout", "-q", "main"]);
    project.write("dev.bottle.yaml", WIDER);
    run(&["commit", "-qam", "let through"]);
    run(&["checkout", "-q", "--detach", "main"]);
    run(&["merge", "-q", "--no-ff", "-m", "merge", "change"]);
    let merged = id("HEAD");
    let settings = [("BASE", &*base), ("CHANGE", &*change), ("GITHUB_SHA", &*merged)];
    review(&project, &settings).0.expect(0);
    // Its own widening is.
    run(&["checkout", "-q", "change"]);
    project.write("a.bottle.yaml", WIDER);
    run(&["commit", "-qam", "wider"]);
    let wide = id("HEAD");
    run(&["checkout", "-q", "--detach", "main"]);
    run(&["merge", "-q", "--no-ff", "-m", "merge", "change"]);
    let (ran, summary) = review(&project, &[("BASE", &base), ("CHANGE", &wide), ("GITHUB_SHA", &id("HEAD"))]);
    ran.expect(1);
    assert!(summary.contains("a.bottle.yaml` | **widened**") && !summary.contains("dev.bottle"), "{summary}");
    // A merge that somebody else made, or of something else, has no say.
    run(&["checkout", "-q", "--detach", "change"]);
    run(&["merge", "-q", "-s", "ours", "--no-ff", "-m", "forged", "main"]);
    for (change, tried) in [(id("main"), merged), (wide, id("HEAD"))] {
        let (ran, _) = review(&project, &[("BASE", &base), ("CHANGE", &change), ("GITHUB_SHA", &tried)]);
        ran.expect(1);
    }
}

/// Each input and output of the action is one that the script knows.
#[test]
fn the_action_and_its_script_know_the_same_names() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let read = |path: &str| std::fs::read_to_string(format!("{root}{path}")).expect("a file");
    let (action, script) = (read("action.yml"), read("scripts/review.sh"));
    let block =
        action.split_once("      env:\n").expect("variables").1.split_once("      run:").expect("run").0;
    for name in block.lines().filter_map(|l| Some(l.trim().split_once(':')?.0)) {
        assert!(script.contains(&format!("${{{name}:-")), "{name} is unknown to the script");
    }
    for output in action.split("steps.review.outputs.").skip(1).filter_map(|o| o.split_once(' ').map(|o| o.0))
    {
        assert!(script.contains(&format!("echo \"{output}=")), "{output} is no output of the script");
    }
    let inputs =
        action.split_once("inputs:\n").expect("inputs").1.split_once("outputs:\n").expect("outputs").0;
    let page = read("docs/ci/github.md");
    for input in
        inputs.lines().filter_map(|l| l.strip_prefix("  ")?.strip_suffix(':')).filter(|l| !l.starts_with(' '))
    {
        assert!(
            block.contains(&format!("inputs.{input}"))
                || action.contains(&format!("working-directory: ${{{{ inputs.{input}")),
            "{input}"
        );
        assert!(page.contains(&format!("| `{input}` |")), "{input} is not in docs/ci/github.md");
    }
}
