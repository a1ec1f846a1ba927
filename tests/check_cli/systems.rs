//! The snippets of docs/ci, run as their systems run them.

use crate::rig::{CLEAN, Project, git, has_tool, repository};
use serde_yaml::Value;
use std::process::Command;

const WIDER: &str = "egress:\n  routes:\n    - host: api.github.com\n    - host: api.example.com\n";

fn page(system: &str) -> String {
    let path = format!("{}/docs/ci/{system}.md", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The first block of a page in this language.
fn block(system: &str, language: &str) -> String {
    let page = page(system);
    let block = page.split_once(&format!("```{language}\n")).expect("a block").1;
    block.split_once("```").expect("its end").0.to_owned()
}

fn yaml(system: &str) -> Value {
    serde_yaml::from_str(&block(system, "yaml")).unwrap_or_else(|e| panic!("{system}: {e}"))
}

/// The lines of a list of commands, which a system gives to one shell.
fn script(value: &Value) -> String {
    match value {
        Value::Sequence(lines) => lines.iter().map(|l| format!("{}\n", l.as_str().expect("text"))).collect(),
        one => one.as_str().expect("text").to_owned(),
    }
}

/// How a system runs its scripts.
struct System {
    name: &'static str,
    shell: &'static [&'static str],
    /// Of a pull request, and of the default branch.
    change: String,
    branch: String,
    change_vars: &'static [(&'static str, &'static str)],
    branch_vars: &'static [(&'static str, &'static str)],
    report: Option<&'static str>,
}

fn systems() -> Vec<System> {
    let gitlab = script(&yaml("gitlab")["bottles"]["script"]);
    let azure = script(&yaml("azure")["steps"][1]["script"]);
    let groovy = block("jenkins", "groovy");
    let jenkins = groovy.split("'''").nth(1).expect("a script").to_owned();
    let bitbucket = yaml("bitbucket");
    let forgejo = script(&yaml("forgejo")["jobs"]["bottles"]["steps"][1]["run"]);
    vec![
        System {
            name: "gitlab",
            shell: &["sh", "-eu", "-c"],
            change: gitlab.clone(),
            branch: gitlab,
            change_vars: &[("GITLAB_CI", "true"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "origin/main")],
            branch_vars: &[("GITLAB_CI", "true"), ("CI_COMMIT_BRANCH", "main")],
            report: Some("gl-code-quality.json"),
        },
        System {
            name: "azure",
            shell: &["bash", "--noprofile", "--norc", "-c"],
            change: azure.clone(),
            branch: azure,
            change_vars: &[("TF_BUILD", "True"), ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main")],
            branch_vars: &[("TF_BUILD", "True")],
            report: Some("bottles.xml"),
        },
        System {
            name: "jenkins",
            shell: &["sh", "-xe", "-c"],
            change: jenkins.clone(),
            branch: jenkins,
            change_vars: &[
                ("JENKINS_URL", "https://ci.example.com"),
                ("CHANGE_TARGET", "main"),
                ("CHANGE_ID", "7"),
            ],
            branch_vars: &[("JENKINS_URL", "https://ci.example.com")],
            report: Some("bottles.xml"),
        },
        System {
            name: "bitbucket",
            shell: &["bash", "-e", "-c"],
            change: script(&bitbucket["pipelines"]["pull-requests"]["**"][0]["step"]["script"]),
            branch: script(&bitbucket["pipelines"]["branches"]["main"][0]["step"]["script"]),
            change_vars: &[("BITBUCKET_PR_DESTINATION_BRANCH", "main"), ("CI", "true")],
            branch_vars: &[("CI", "true")],
            report: Some("test-results/bottles.xml"),
        },
        System {
            name: "forgejo",
            shell: &["bash", "-e", "-o", "pipefail", "-c"],
            change: forgejo.clone(),
            branch: forgejo,
            change_vars: &[
                ("GITHUB_ACTIONS", "true"),
                ("FORGEJO_ACTIONS", "true"),
                ("GITHUB_BASE_REF", "main"),
            ],
            branch_vars: &[("GITHUB_ACTIONS", "true"), ("FORGEJO_ACTIONS", "true"), ("GITHUB_BASE_REF", "")],
            report: None,
        },
    ]
}

/// A clone of a remote, on a branch of its own.
fn clone_of(remote: &Project) -> Project {
    let project = Project::new(&[]);
    std::fs::remove_dir_all(project.root()).expect("empty");
    let (from, to) = (remote.root().display().to_string(), project.root().display().to_string());
    git(&remote.root(), &["clone", "-q", &from, &to]);
    git(&project.root(), &["checkout", "-qb", "change"]);
    project
}

#[test]
fn each_systems_snippet_fails_where_a_change_widens_and_passes_where_not() {
    if !has_tool("git", "apt-get install git") {
        return;
    }
    for system in systems() {
        let Some(remote) = repository(&[("dev.bottle.yaml", CLEAN)]) else { return };
        let project = clone_of(&remote);
        let bin = project.path("~/bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bot-bottle"), bin.join("bot-bottle")).expect("a link");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let run = |script: &str, vars: &[(&str, &str)]| {
            let mut command = Command::new(system.shell[0]);
            command.args(&system.shell[1..]).arg(script).current_dir(project.root()).env_clear();
            command.env("PATH", &path).env("HOME", project.path("home")).envs(vars.iter().copied());
            crate::rig::ran(command.output().expect("it runs"))
        };
        let told = |ran: &crate::rig::Ran| match system.report {
            Some(report) => project.read(report),
            None => ran.out.clone(),
        };
        let name = system.name;
        let ran = run(&system.change, system.change_vars);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        project.write("dev.bottle.yaml", WIDER);
        git(&project.root(), &["commit", "-qam", "wider"]);
        // The target branch moves on, which is not this change's doing.
        remote.write("other.bottle.yaml", CLEAN);
        git(&remote.root(), &["add", "."]);
        git(&remote.root(), &["commit", "-qm", "meanwhile"]);
        let ran = run(&system.change, system.change_vars);
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.out, ran.err);
        assert!(told(&ran).contains("widened-permission"), "{name}: {}", told(&ran));
        assert!(
            ran.out.contains("+ widened") || ran.err.contains("+ widened"),
            "{name}: {}{}",
            ran.out,
            ran.err
        );
        assert!(!ran.out.contains("::error"), "{name}: {}", ran.out);
        // On the branch itself the state is checked.
        let ran = run(&system.branch, system.branch_vars);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        project.write("dev.bottle.yaml", "envv: {}\n");
        let ran = run(&system.branch, system.branch_vars);
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.out, ran.err);
    }
}

/// What the pages of GitHub and pre-commit name is there.
#[test]
fn the_pages_of_github_and_pre_commit_name_what_there_is() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let read = |path: &str| std::fs::read_to_string(format!("{root}{path}")).expect("a file");
    let workflow = yaml("github");
    let steps = workflow["jobs"]["bottles"]["steps"].as_sequence().expect("steps");
    let own =
        steps.iter().find(|s| s["uses"].as_str().is_some_and(|u| u.contains("bot-bottle@"))).expect("ours");
    let action: Value = serde_yaml::from_str(&read("action.yml")).expect("YAML");
    for (input, _) in own["with"].as_mapping().expect("inputs") {
        assert!(!action["inputs"][input].is_null(), "{input:?}");
    }
    let checkout =
        steps.iter().find(|s| s["uses"].as_str().is_some_and(|u| u.contains("checkout@"))).expect("one");
    assert_eq!(checkout["with"]["fetch-depth"], 0);
    let hooks: Value = serde_yaml::from_str(&read(".pre-commit-hooks.yaml")).expect("YAML");
    let known: Vec<_> = hooks.as_sequence().expect("hooks").iter().map(|h| h["id"].clone()).collect();
    for hook in yaml("pre-commit")["repos"][0]["hooks"].as_sequence().expect("hooks") {
        assert!(known.contains(&hook["id"]), "{hook:?}");
    }
    // Every page is linked, and every link leads to one.
    let index = read("docs/ci.md");
    let mut pages: Vec<_> = std::fs::read_dir(format!("{root}docs/ci")).expect("pages").flatten().collect();
    pages.sort_by_key(|p| p.file_name());
    for page in pages {
        assert!(index.contains(&format!("(ci/{})", page.file_name().to_string_lossy())), "{page:?}");
    }
}
