//! `init`: a start that is clean, and nothing overwritten.

use crate::rig::{CLEAN, Project};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_new_bottle_is_clean_and_the_next_steps_are_named() {
    for template in ["claude", "codex"] {
        let project = Project::new(&[]);
        let ran = project.run(&["init", "--template", template]).expect(0);
        assert!(ran.out.starts_with("wrote bottle.yaml\n\nNext:\n  1. "), "{}", ran.out);
        assert!(ran.out.contains("bot-bottle launch bottle.yaml"), "{}", ran.out);
        assert!(project.read("bottle.yaml").contains(&format!("template: {template}\n")));
        project.check(&["--severity", "hint"]).expect(0);
        project.run(&["plan", "bottle.yaml"]).expect(0);
    }
}

#[test]
fn an_agent_comes_with_its_bottle_or_uses_the_one_that_is_there() {
    let project = Project::new(&[]);
    let ran = project.run(&["init", "--agent", "fixer"]).expect(0);
    assert!(ran.out.starts_with("wrote bottle.yaml\nwrote fixer.agent.yaml\n"), "{}", ran.out);
    project.write("bottle.yaml", "# mine\nenv: {}\n");
    let ran = project.run(&["init", "--agent", "reviewer"]).expect(0);
    assert!(ran.out.starts_with("kept bottle.yaml\nwrote reviewer.agent.yaml\n"), "{}", ran.out);
    assert_eq!(project.read("bottle.yaml"), "# mine\nenv: {}\n");
    project.check(&["--severity", "hint"]).expect(0);
    project.run(&["plan", "reviewer.agent.yaml"]).expect(0);
}

#[test]
fn the_users_own_folder_is_private_and_its_manifests_are_found_by_name() {
    let project = Project::new(&[]);
    let ran = project.run(&["init", "--home", "--agent", "fixer", "--template", "codex"]).expect(0);
    assert!(!ran.out.contains("trust"), "{}", ran.out);
    let mode = std::fs::metadata(project.path("~/.bot-bottle")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let store = project.path("~/.bot-bottle").display().to_string();
    assert!(project.check(&[&store]).expect(0).out.contains("checked 2 manifests"));
    project.run(&["plan", "fixer"]).expect(0);
    project.run(&["plan", "dev"]).expect(0);
}

#[test]
fn nothing_is_overwritten() {
    let project = Project::new(&[("bottle.yaml", "mine"), ("taken.agent.yaml", "mine")]);
    std::os::unix::fs::symlink("elsewhere", project.path("link.agent.yaml")).expect("a link");
    assert_eq!(project.run(&["init"]).expect(2).err, "error: bottle.yaml is already there\n");
    std::fs::remove_file(project.path("bottle.yaml")).expect("removed");
    project.run(&["init", "--agent", "taken"]).expect(2);
    project.run(&["init", "--agent", "link"]).expect(2);
    project.run(&["init", "--agent", "../evil"]).expect(2);
    project.run(&["init", "--template", "gemini"]).expect(2);
    assert_eq!(project.read("taken.agent.yaml"), "mine");
    let left = std::fs::read_dir(project.root()).expect("a folder").count();
    assert_eq!(left, 2, "something was written all the same");
}

#[test]
fn doctor_counts_bottles_and_nothing_else_that_lies_beside_them() {
    let project = Project::new(&[
        ("~/.bot-bottle/bottles/dev.md", CLEAN),
        ("~/.bot-bottle/bottles/README.txt", ""),
        ("~/.bot-bottle/bottles/.#dev.md", ""),
        ("~/.bot-bottle/bottles/dev.md~", ""),
        ("~/.bot-bottle/bottles/old/dev.md", ""),
    ]);
    // The exit code says whether something can launch here, which is another matter.
    let out = project.run(&["doctor"]).out;
    assert!(out.contains("bottles     1 in "), "{out}");
}
