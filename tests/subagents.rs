//! Claude Code subagent files of the kinds that people have, with a `bottle:` line: each serves as an agent.

use bot_bottle::check::{Applicability, Facts, Severity, apply, check};
use bot_bottle::manifest::{Catalog, Layout, MemoryFiles, Source};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn rules_of(text: &str) -> Vec<(&'static str, Severity)> {
    let findings = found(text);
    findings.iter().map(|finding| (finding.rule.id, finding.severity)).collect()
}

fn found(text: &str) -> Vec<bot_bottle::check::Diagnostic> {
    let mut files = MemoryFiles::default();
    files.insert("/home/ada/.bot-bottle/bottles/dev.md", "---\nagent_provider: {template: claude}\n---\n");
    let layout = Layout { home: Some("/home/ada".into()) };
    let catalog = Catalog::new(&files, &layout);
    let path = Path::new("/home/ada/.bot-bottle/agents/one.md");
    let source = Arc::new(Source::recognise(path, text, &layout, false).expect("an agent"));
    check(&source, &catalog, &Facts::default())
}

#[test]
fn each_serves_and_at_most_its_description_wants_quotes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/subagents");
    let mut seen = 0;
    let mut unquoted = 0;
    for entry in fs::read_dir(folder).expect("the files").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a file");
        let name = entry.file_name();
        seen += 1;
        let rules = rules_of(&text);
        if rules.is_empty() {
            continue;
        }
        unquoted += 1;
        assert_eq!(rules, [("unquoted-description", Severity::Warning)], "{name:?}");
        let fix = found(&text).remove(0).fix.expect("a fix");
        assert_eq!(fix.applicability, Applicability::Safe);
        let quoted = apply(&text, &fix.edits);
        assert_eq!(rules_of(&quoted), [], "{name:?}: {quoted}");
        let yaml = quoted.split("---").nth(1).expect("frontmatter");
        let read: serde_yaml::Value = serde_yaml::from_str(yaml).expect("YAML");
        let line = text.lines().find_map(|line| line.strip_prefix("description:")).expect("a description");
        assert_eq!(read["description"].as_str(), Some(line.trim()), "{name:?}");
    }
    assert!(seen > 40 && unquoted > 10, "{seen} files, {unquoted} without quotes");
}
