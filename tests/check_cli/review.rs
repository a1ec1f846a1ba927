//! What the GitHub Action and the pre-commit hook run, in a local repository.

use crate::rig::{CLEAN, GUESS, Project, Ran, ran, repository};
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

#[test]
fn a_change_that_widens_fails_with_the_table() {
    let Some(project) = repository(&[("bottles/dev.bottle.yaml", CLEAN)]) else { return };
    project.write("bottles/dev.bottle.yaml", WIDER);
    for paths in [".", "bottles", "bottles/dev.bottle.yaml"] {
        let (ran, summary) = review(&project, &[("PATHS", paths)]);
        let ran = ran.expect(1);
        assert!(ran.out.contains("::error::this change lets an agent do more than before"), "{}", ran.out);
        assert!(
            summary.contains("| manifest | | what | before | after |\n| --- | --- | --- | --- | --- |\n"),
            "{summary}"
        );
        assert!(
            summary
                .contains("dev.bottle.yaml` | **widened** | egress `api.example.com` | – | `every path` |"),
            "{summary}"
        );
    }
    let (ran, summary) = review(&project, &[("DENY_WIDENING", "false")]);
    assert!(!ran.expect(0).out.contains("::error"));
    assert!(summary.contains("**widened**"), "{summary}");
    // A push has no base: the check alone.
    let (ran, summary) = review(&project, &[("BASE", "")]);
    assert!(ran.expect(0).out.contains("no findings") && summary.is_empty());
}

#[test]
fn a_change_that_narrows_or_permits_the_same_passes() {
    let Some(project) = repository(&[("dev.bottle.yaml", CLEAN)]) else { return };
    let (ran, summary) = review(&project, &[]);
    ran.expect(0);
    assert!(summary.contains("No permission changes."), "{summary}");
    project.write("dev.bottle.yaml", NARROWER);
    let (ran, summary) = review(&project, &[]);
    assert!(!ran.expect(0).out.contains("::error"));
    assert!(summary.contains("| **narrowed** | egress `api.github.com` |"), "{summary}");
}

#[test]
fn findings_are_annotations_and_fail_by_themselves() {
    let Some(project) = repository(&[("sub/dev.bottle.yaml", CLEAN)]) else { return };
    project.write("sub/dev.bottle.yaml", format!("{CLEAN}{GUESS}"));
    let (ran, _) = review(&project, &[]);
    // What has errors has no plan, so nobody knows what it permits: that weighs more than a finding.
    let ran = ran.expect(2);
    let annotation = "::error title=bot-bottle (unknown-field),file=sub/dev.bottle.yaml,line=4,";
    assert!(ran.out.contains(annotation), "{}", ran.out);
    assert!(ran.err.contains("sub/dev.bottle.yaml has no plan: a bottle has no field `envv`"), "{}", ran.err);
    project.write("sub/dev.bottle.yaml", format!("{CLEAN}skills: [nope]\n"));
    let (ran, _) = review(&project, &[("DENY_WIDENING", "false")]);
    assert!(ran.expect(1).out.contains("::warning title=bot-bottle (skill-not-found)"));
    let (ran, _) = review(&project, &[("BASE", "no-such-revision")]);
    assert!(ran.expect(2).err.contains("there is no revision"));
}

/// pre-commit splits the entry into words, adds the files that its pattern takes, and runs it.
#[test]
fn the_hooks_entry_is_a_plain_command_and_its_pattern_takes_manifests() {
    let files = [
        ("bottle.yaml", CLEAN),
        ("a/dev.bottle.yml", GUESS),
        (".bot-bottle/agents/fix.md", "---\nbottle: dev\n---\nFix it.\n"),
        ("a/fix.agent.yaml", "bottle: dev\nprompt: x\n"),
        ("README.md", "no manifest"),
        ("a/notbottle.yaml", "no: manifest\n"),
    ];
    let Some(project) = repository(&files) else { return };
    project.write("~/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n");
    let text = include_str!("../../.pre-commit-hooks.yaml");
    let hooks: serde_yaml::Value = serde_yaml::from_str(text).expect("YAML");
    let of = |key: &str| hooks[0][key].as_str().expect("a text").to_owned();
    assert_eq!(of("language"), "system");
    let mut list = Command::new("sh");
    list.args(["-c", "git ls-files | grep -E \"$1\"", "sh", &of("files")]).current_dir(project.root());
    let taken = String::from_utf8(list.output().expect("it runs").stdout).expect("UTF-8");
    let taken: Vec<_> = taken.lines().collect();
    assert_eq!(taken, [".bot-bottle/agents/fix.md", "a/dev.bottle.yml", "a/fix.agent.yaml", "bottle.yaml"]);

    let entry = of("entry");
    let mut words = entry.split_whitespace();
    assert_eq!(words.next(), Some("bot-bottle"));
    let args: Vec<_> = words.chain(taken.iter().copied()).collect();
    let ran = project.run(&args).expect(1);
    assert!(ran.out.contains("a/dev.bottle.yml:1:1") && ran.out.contains("2 findings"), "{}", ran.out);
    assert!(ran.out.contains("error[broken-bottle]"), "the agent in it is refused too: {}", ran.out);
    project.write("a/dev.bottle.yml", CLEAN);
    project.run(&args).expect(0);
}
