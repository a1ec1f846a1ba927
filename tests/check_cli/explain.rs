//! `explain`, `schema` and `completions`.

use crate::rig::Project;

#[test]
fn every_rule_is_listed_and_has_a_page() {
    let project = Project::new(&[]);
    let list = project.run(&["explain"]).expect(0).out;
    assert!(list.lines().any(|l| l.starts_with("unknown-role ") && l.contains("error")), "{list}");
    let json = project.run(&["explain", "--format", "json"]).expect(0).json();
    let rules = json["rules"].as_array().expect("rules");
    assert_eq!((&json["version"], rules.len()), (&1.into(), list.lines().count()));
    for (rule, line) in rules.iter().zip(list.lines()) {
        let id = rule["id"].as_str().expect("an id");
        assert!(line.starts_with(id) && line.len() > id.len() + 12, "{line}");
        assert!(line.matches('`').count() % 2 == 0, "cut inside a quotation: {line}");
        let page = project.run(&["explain", id]).expect(0).out;
        assert_eq!(rule["markdown"], page);
        assert!(!page.contains('\x1b') && page.contains("```yaml"), "{page}");
    }
}

#[test]
fn a_rule_that_is_not_there_is_usage_and_the_nearest_is_named() {
    let ran = Project::new(&[]).run(&["explain", "unknown-rol"]).expect(2);
    assert_eq!(ran.err, "error: there is no rule `unknown-rol`; did you mean `unknown-role`?\n");
}

#[test]
fn schemas_and_completions_are_printed() {
    let project = Project::new(&[]);
    for kind in ["bottle", "agent", "audit"] {
        assert_eq!(project.run(&["schema", kind]).expect(0).json()["type"], "object");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(project.run(&["completions", shell]).expect(0).out.contains("stdin-filename"), "{shell}");
    }
}
