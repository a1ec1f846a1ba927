//! Which files are checked: names, .gitignore, hidden folders, links, `--since`.

use crate::rig::{CLEAN, GUESS, Project, git, ran, repository};
use std::os::unix::fs::symlink;
use std::process::Command;

fn found(project: &Project, args: &[&str]) -> Vec<String> {
    let all: Vec<_> = ["--format", "concise"].iter().chain(args).copied().collect();
    project.check(&all).paths().into_iter().map(str::to_owned).collect()
}

#[test]
fn the_tree_is_walked_as_git_sees_it_and_hidden_manifests_are_found() {
    let agent = "---\nskills: []\n---\nx\n";
    let project = Project::new(&[
        ("bottle.yaml", GUESS),
        ("deep/er/x.bottle.yml", GUESS),
        (".bot-bottle/agents/a.md", agent),
        (".git/x.bottle.yaml", GUESS),
        (".gitignore", "ignored/\n"),
        ("ignored/x.bottle.yaml", GUESS),
        ("agents/claude.md", "---\nname: x\n---\n"),
        ("other.yaml", GUESS),
        ("README.md", "no manifest"),
    ]);
    let expected = [".bot-bottle/agents/a.md", "bottle.yaml", "deep/er/x.bottle.yml"];
    assert_eq!(found(&project, &[]), expected);
    assert_eq!(found(&project, &["."]), expected);
}

#[test]
fn what_is_named_is_checked_once_even_if_it_is_ignored_or_oddly_called() {
    let project = Project::new(&[
        (".git/HEAD", ""),
        (".gitignore", "ignored/\n"),
        ("ignored/x.bottle.yaml", GUESS),
        ("other.yaml", GUESS),
    ]);
    assert_eq!(found(&project, &["."]), Vec::<String>::new());
    assert_eq!(found(&project, &["ignored"]), ["ignored/x.bottle.yaml"]);
    let twice = ["other.yaml", "./other.yaml", "ignored/x.bottle.yaml", "ignored"];
    let ran = project.check(&twice).expect(1);
    assert!(
        ran.out.ends_with(
            "2 findings (2 errors) in 2 of 2 manifests; 2 can be fixed with --fix --unsafe-fixes\n"
        ),
        "{}",
        ran.out
    );
}

#[test]
fn a_folder_without_manifests_says_so() {
    let project = Project::new(&[("x/README.md", ""), ("a.bottle.yaml", CLEAN)]);
    let ran = project.check(&["x"]).expect(0);
    assert_eq!(ran.err, "note: no manifests in x\n");
    let ran = project.check(&["a.bottle.yaml", "nope"]).expect(2);
    assert!(ran.err.contains("cannot read nope") && ran.out.contains("checked 1 manifest"), "{}", ran.err);
}

#[test]
fn links_within_the_project_are_followed_and_none_out_of_it() {
    let project =
        Project::new(&[(".git/HEAD", ""), ("real/x.bottle.yaml", GUESS), ("~/private.yaml", "envv: {}\n")]);
    symlink(
        "../real/x.bottle.yaml",
        project.path("real/../y.bottle.yaml").with_file_name("broken.bottle.yaml"),
    )
    .expect("a link");
    std::fs::create_dir(project.path("links")).expect("a folder");
    symlink("../real/x.bottle.yaml", project.path("links/in.bottle.yaml")).expect("a link");
    symlink(project.path("~/private.yaml"), project.path("links/out.bottle.yaml")).expect("a link");
    symlink("../real", project.path("links/folder.bottle.yaml")).expect("a link");
    let ran = project.check(&["links", "--format", "concise"]).expect(2);
    assert_eq!(ran.paths(), ["links/in.bottle.yaml"]);
    assert!(ran.err.contains("links/out.bottle.yaml: it is a link that leads out"), "{}", ran.err);
    assert!(project.check(&["broken.bottle.yaml"]).expect(2).err.contains("broken.bottle.yaml"));
    project.check(&["links/out.bottle.yaml"]).expect(1);
}

#[test]
fn the_users_own_manifests_may_be_links_to_anywhere() {
    let project = Project::new(&[
        ("~/dotfiles/dev.md", "---\nenvv: {}\n---\n"),
        ("~/.bot-bottle/bottles/x.md", "---\nenv: {}\n---\n"),
    ]);
    symlink(project.path("~/dotfiles/dev.md"), project.path("~/.bot-bottle/bottles/dev.md")).expect("a link");
    let home = project.path("~/.bot-bottle").display().to_string();
    assert!(project.check(&[&home]).expect(1).out.contains("dev.md"));
}

#[test]
fn a_path_that_is_no_utf8_is_walked_and_named() {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::new(&[]);
    let folder = project.root().join(std::ffi::OsStr::from_bytes(b"f\xff\x1b[2J"));
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("a.bottle.yaml"), GUESS).expect("written");
    for format in ["text", "concise", "github"] {
        let ran = project.check(&["--format", format]).expect(1);
        assert!(ran.out.contains("a.bottle.yaml"), "{}", ran.out);
        assert!(format == "github" || !ran.out.contains('\x1b'), "{format}: {}", ran.out);
    }
    let named = folder.join("a.bottle.yaml");
    let output = project.command(&["check"]).arg(named).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn since_takes_what_changed_and_what_depends_on_it() {
    let files = [
        ("same.bottle.yaml", GUESS),
        ("changed.bottle.yaml", GUESS),
        ("child.bottle.yaml", "extends: parent\nenvv: {}\n"),
        ("grandchild.agent.yaml", "bottle: child\nprompt: x\nenvv: {}\n"),
        ("parent.bottle.yaml", CLEAN),
        ("orphan.bottle.yaml", "extends: leaves\nenvv: {}\n"),
        ("leaves.bottle.yaml", CLEAN),
        ("prompted.bottle.yaml", "prompt_file: p.md\nenvv: {}\n"),
        ("p.md", "Do it."),
        ("sub/same.bottle.yaml", GUESS),
    ];
    let Some(project) = repository(&files) else { return };
    assert_eq!(
        project.check(&["--since", "HEAD"]).expect(0).err,
        "note: no manifest has changed since HEAD\n"
    );
    project.write("changed.bottle.yaml", format!("# now\n{GUESS}"));
    project.write("new.bottle.yaml", GUESS);
    project.write("parent.bottle.yaml", format!("# now\n{CLEAN}"));
    project.write("p.md", "Do something else.");
    std::fs::remove_file(project.path("leaves.bottle.yaml")).expect("removed");
    let expected = [
        "changed.bottle.yaml",
        "child.bottle.yaml",
        "grandchild.agent.yaml",
        "new.bottle.yaml",
        "orphan.bottle.yaml",
        "prompted.bottle.yaml",
    ];
    assert_eq!(found(&project, &["--since", "HEAD"]), expected);
    assert_eq!(
        found(&project, &["--since", "main", "child.bottle.yaml", "same.bottle.yaml"]),
        ["child.bottle.yaml"]
    );
}

#[test]
fn since_runs_nothing_that_the_repository_names() {
    let Some(project) =
        repository(&[("a.bottle.yaml", GUESS), (".gitattributes", "*.yaml filter=evil diff=evil\n")])
    else {
        return;
    };
    let ran = project.path("ran");
    let touch = format!("touch '{}'; cat", ran.display());
    for (key, value) in [
        ("core.fsmonitor", touch.as_str()),
        ("filter.evil.clean", &touch),
        ("filter.evil.process", &touch),
        ("diff.external", &touch),
        ("diff.evil.command", &touch),
        ("diff.evil.textconv", &touch),
        ("core.sshCommand", &touch),
        ("core.pager", &touch),
        ("core.hooksPath", "hooks"),
    ] {
        git(&project.root(), &["config", key, value]);
    }
    project.write("a.bottle.yaml", format!("# longer\n{GUESS}"));
    assert_eq!(found(&project, &["--since", "HEAD"]), ["a.bottle.yaml"]);
    assert!(!ran.exists());
    // The trap is armed: git's own diff falls into it.
    let _ = Command::new("git").args(["diff", "HEAD"]).current_dir(project.root()).output();
    assert!(ran.exists());
}

#[test]
fn since_says_what_is_wrong_with_a_revision() {
    let Some(project) = repository(&[("a.bottle.yaml", GUESS)]) else { return };
    for revision in ["nope", "--output=ran", "-p", ""] {
        let ran = project.check(&[&format!("--since={revision}")]).expect(2);
        assert!(ran.err.contains("is no revision") || ran.err.contains("is not a revision"), "{}", ran.err);
    }
    let none = Project::new(&[("a.bottle.yaml", GUESS)]);
    assert!(none.check(&["--since", "HEAD"]).expect(2).err.contains("git rev-parse: "));
}

/// A project's agent in a bottle of somebody's home: CI has no such home.
#[test]
fn a_bottle_of_a_home_that_is_not_here_is_no_mistake_in_ci() {
    let agent = "---\nbottle: dev\n---\nFix it.\n";
    let project = Project::new(&[(".bot-bottle/agents/fix.md", agent)]);
    // On a person's machine the bottle is missing.
    assert!(project.check(&[]).expect(1).out.contains("unknown-bottle"));
    let in_ci = |args: &[&str]| {
        let mut command = project.command(&[&["check"], args].concat());
        crate::rig::ran(command.env("CI", "true").output().expect("it runs"))
    };
    let ran = in_ci(&[]).expect(0);
    assert!(ran.err.contains("cannot be judged here") && ran.err.contains("--home DIR"), "{}", ran.err);
    // A folder of the repository that stands for the home: judged there like anywhere.
    project.write("ci/home/.bot-bottle/bottles/other.md", "---\nenv: {}\n---\n");
    assert!(in_ci(&["--home", "ci/home"]).expect(1).out.contains("unknown-bottle"));
    project.write("ci/home/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n");
    in_ci(&["--home", "ci/home"]).expect(0);
    project.check(&["--home", "ci/home"]).expect(0);
    assert!(in_ci(&["--home", "nowhere"]).expect(2).err.contains("no folder .bot-bottle"));
}

/// What lies beside a repository's other manifests names its neighbours: one that is deleted is missed in CI too.
#[test]
fn a_parent_or_bottle_that_is_gone_is_a_mistake_in_ci() {
    for (file, text, rule) in [
        ("dev.bottle.yaml", "extends: base\n", "unknown-parent"),
        ("fix.agent.yaml", "bottle: base\nprompt: Fix it.\n", "unknown-bottle"),
        (".bot-bottle/bottles/dev.md", "---\nextends: base\n---\n", "unknown-parent"),
    ] {
        let project = Project::new(&[(file, text)]);
        let mut command = project.command(&["check"]);
        let ran = crate::rig::ran(command.env("CI", "true").output().expect("it runs"));
        assert!(ran.expect(1).out.contains(rule), "{file}");
    }
}

/// An agent's text changes, and its bottle lies in a home: nothing of it can be compared here, and nothing of it
/// is this change's. In another bottle it may do other things.
#[test]
fn an_agent_of_a_bottle_elsewhere_is_red_where_it_changes_its_bottle_alone() {
    let agent = |bottle: &str, prompt: &str| format!("---\nbottle: {bottle}\n---\n{prompt}\n");
    let file = ".bot-bottle/agents/fix.md";
    let Some(project) = repository(&[(file, &agent("work", "Fix it.")), ("dev.bottle.yaml", CLEAN)]) else {
        return;
    };
    let run = |name: &str, text: &str| {
        project.write(name, text);
        let mut command = project.command(&["check", "--since", "HEAD", "--deny-widening"]);
        ran(command.env("CI", "true").output().expect("it runs"))
    };
    let said = run(file, &agent("work", "Fix it well."));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.err.contains("lies in a home and is not compared"), "{}", said.err);
    let said = run(file, &agent("root", "Fix it well."));
    assert!(said.code == 1 && said.err.contains("permissions are not compared"), "{}{}", said.out, said.err);
    run(file, &agent("work", "Fix it."));
    let said = run(".bot-bottle/agents/new.md", &agent("work", "New."));
    assert!(said.code == 1 && said.err.contains("permissions are not compared"), "{}{}", said.out, said.err);
}
