//! What is refused is refused through every door: each rule's own bad example, by itself, through an
//! agent, through a child and under a comment that would silence it, at each command that makes a plan.

use crate::rig::{CLEAN, Project};
use bot_bottle::check::rules::{self, Group, Matter};
use bot_bottle::check::{Diagnostic, Example, Facts, Rule, Severity, check, page};
use bot_bottle::manifest::{Catalog, Kind, Layout, MemoryFiles, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MARK: &str = "# <- ";
/// Each command that makes a plan; `{}` stands for the manifest.
const DOORS: [&[&str]; 6] = [
    &["plan", "{}"],
    &["launch", "{}", "--dry-run"],
    &["launch", "{}", "--task", "x"],
    &["exec", "{}", "--", "true"],
    &["can", "{}", "GET", "https://api.github.com/"],
    &["trust", "{}"],
];

/// An example as a person has it on the disk.
fn files(example: &Example) -> Vec<(String, String)> {
    let without = |line: &str| line.find(MARK).map_or(line, |at| line[..at].trim_end()).to_owned() + "\n";
    example.iter().map(|f| (f.path.clone(), f.text.lines().map(without).collect())).collect()
}

fn place(path: &str) -> PathBuf {
    path.strip_prefix("~/").map_or_else(|| Path::new("/p").join(path), |rest| Path::new("/h").join(rest))
}

/// The findings of the example's last file, in memory.
fn judged(files: &[(String, String)]) -> (Arc<Source>, Vec<Diagnostic>) {
    let mut memory = MemoryFiles::default();
    files.iter().for_each(|(path, text)| memory.insert(place(path), text.as_bytes()));
    let layout = Layout { home: Some("/h".into()) };
    let catalog = Catalog::new(&memory, &layout);
    let source = catalog.source(&place(&files.last().expect("a file").0)).expect("a manifest");
    let findings = check(&source, &catalog, &Facts::default());
    (source, findings)
}

/// The names of the manifests in which an error of a rule stands.
fn broken(source: &Source, findings: &[Diagnostic], rule: &Rule) -> Vec<(Kind, String)> {
    let errors: Vec<_> =
        findings.iter().filter(|f| f.rule == rule && f.severity == Severity::Error).collect();
    let holds = |index: usize| {
        let start = |i: usize| source.tree.documents.get(i).map_or(u32::MAX, |d| d.span.start);
        let from = if index == 0 { 0 } else { start(index) };
        errors.iter().any(|f| (from..start(index + 1)).contains(&f.span.start))
    };
    let manifests = source.manifests.iter().filter(|m| holds(m.document));
    manifests.map(|m| (m.kind, m.name.clone())).collect()
}

/// Writes a comment above each finding of the rule that would silence it.
fn silenced(text: &str, findings: &[Diagnostic], rule: &Rule) -> String {
    let mut out = text.to_owned();
    let mut starts: Vec<_> =
        findings.iter().filter(|f| f.rule == rule).map(|f| f.span.start as usize).collect();
    starts.sort_unstable();
    for start in starts.into_iter().rev() {
        let line = out[..start].rfind('\n').map_or(0, |i| i + 1);
        let indent: String = out[line..].chars().take_while(|c| *c == ' ').collect();
        out.insert_str(line, &format!("{indent}# bot-bottle: ignore[{}] it is fine\n", rule.id));
    }
    out
}

/// Tries every door, and gives how many were tried.
fn refused(project: &Project, target: &str, what: &str) -> usize {
    for door in DOORS {
        let args: Vec<_> = door.iter().map(|a| if *a == "{}" { target } else { a }).collect();
        let ran = project.run(&args);
        assert!(ran.code != 0, "{what}: {args:?} went through\n{}{}", ran.out, ran.err);
        assert!(ran.err.contains("error"), "{what}: {args:?} says nothing\n{}", ran.err);
        assert!(!ran.out.contains("stages\n"), "{what}: {args:?} shows an outline\n{}", ran.out);
    }
    DOORS.len()
}

#[test]
fn every_rule_of_level_error_refuses_through_every_door() {
    let mut tried = 0;
    for rule in rules::all().iter().filter(|r| r.severity == Severity::Error) {
        let files = files(&page(rule).bad);
        let (source, findings) = judged(&files);
        let (path, text) = files.last().expect("a file").clone();
        let broken = broken(&source, &findings, rule);
        assert!(!broken.is_empty(), "{}: no error in its own example", rule.id);
        let all: Vec<_> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        let project = Project::new(&all);
        let shown = project.path(&path).display().to_string();
        let several = source.manifests.len() > 1;
        for (kind, name) in &broken {
            let target = if several { format!("{shown}#{name}") } else { shown.clone() };
            tried += refused(&project, &target, &format!("{} by itself", rule.id));
            if *kind == Kind::Agent {
                continue;
            }
            // In the same folder, where its name is known whatever it is.
            let (agent, child) = (path_beside(&path, "zz.agent.yaml"), path_beside(&path, "zz.bottle.yaml"));
            let quoted = serde_json::Value::from(name.as_str());
            project.write(&agent, format!("bottle: {quoted}\nprompt: x\n"));
            project.write(&child, format!("extends: {quoted}\nenv: {{A: b}}\n"));
            for (file, how) in [(&agent, "through an agent"), (&child, "through a child")] {
                let target = project.path(file).display().to_string();
                tried += refused(&project, &target, &format!("{} {how}", rule.id));
            }
        }
        if rule.matter == Matter::Language {
            project.write(&path, silenced(&text, &findings, rule));
            for (_, name) in &broken {
                let target = if several { format!("{shown}#{name}") } else { shown.clone() };
                tried += refused(&project, &target, &format!("{} under a comment", rule.id));
            }
        }
    }
    println!("{tried} doors tried");
    assert!(tried > 500, "{tried}");
}

/// A manifest beside another, in a folder where it is one.
fn path_beside(path: &str, name: &str) -> String {
    match path.strip_prefix("~/") {
        Some(_) => name.to_owned(),
        None => Path::new(path).with_file_name(name).display().to_string(),
    }
}

/// What judgement allows is launched, and whoever launches it is told what somebody silenced.
#[test]
fn what_judgement_silences_is_named() {
    let mut tried = 0;
    let judgement =
        |r: &&Rule| r.matter == Matter::Judgement && !matches!(r.group, Group::Upkeep | Group::Editor);
    for rule in rules::all().iter().filter(judgement) {
        let files = files(&page(rule).bad);
        let (source, findings) = judged(&files);
        let others = findings.iter().any(|f| f.rule != rule);
        // A finding about the whole file stands where no comment can be.
        if others || findings.iter().any(|f| f.span.start == 0 && source.text.starts_with("---")) {
            continue;
        }
        let (path, text) = files.last().expect("a file").clone();
        let all: Vec<_> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        let project = Project::new(&all);
        project.write(&path, silenced(&text, &findings, rule));
        let target = project.path(&path).display().to_string();
        let ran = project.check(&[&target]).expect(0);
        assert!(ran.out.contains(" silenced by a comment"), "{}: {}", rule.id, ran.out);
        let ran = project.run(&["launch", &target, "--dry-run", "--backend", "bubblewrap"]);
        if ran.code == 0 {
            assert!(ran.out.contains(&format!("silenced     {} at ", rule.id)), "{}: {}", rule.id, ran.out);
            tried += 1;
        }
    }
    println!("{tried} judgements named");
    assert!(tried >= 3, "{tried}");
}

/// The host's Codex login goes by a name, and no manifest gets at it with that name.
#[test]
fn the_name_of_the_hosts_login_is_nobodys() {
    for name in [
        "BOT_BOTTLE_CODEX_HOST_ACCESS_TOKEN",
        "bot_bottle_codex_x",
        "\" BOT_BOTTLE_CODEX_HOST_ACCESS_TOKEN\"",
    ] {
        let route = format!("- host: evil.example.com\n      auth: {{scheme: Bearer, token_ref: {name}}}");
        let texts = [
            format!("egress:\n  routes:\n    {route}\n"),
            format!("agent_provider: {{template: codex}}\negress:\n  routes:\n    {route}\n"),
            format!(
                "agent_provider: {{template: codex, forward_host_credentials: true}}\negress:\n  routes:\n    {route}\n"
            ),
            format!("agent_provider: {{template: claude, auth_token: {name}}}\n"),
            format!(
                "x-name: &n {name}\negress:\n  routes:\n    - host: a.example.com\n      auth: {{scheme: Bearer, token_ref: *n}}\n"
            ),
            format!("env: {{A: \"${{{}}}\"}}\n", name.trim_matches('"').trim()),
        ];
        for text in texts {
            let project = Project::new(&[
                ("dev.bottle.yaml", &text),
                ("child.bottle.yaml", "extends: dev\n"),
                ("fix.agent.yaml", "bottle: dev\nprompt: x\n"),
            ]);
            let ran = project.check(&["--format", "concise"]).expect(1);
            assert!(ran.out.contains("invalid-token-ref"), "{text}\n{}", ran.out);
            for target in ["dev.bottle.yaml", "child.bottle.yaml", "fix.agent.yaml"] {
                refused(&project, target, &text);
            }
        }
    }
}

#[test]
fn a_chain_with_a_broken_link_is_refused_up_to_its_end() {
    let project = Project::new(&[
        ("a.bottle.yaml", "extends: b\n"),
        ("b.bottle.yaml", "extends: c\n"),
        (
            "c.bottle.yaml",
            "extends: d\negress:\n  routes:\n    - host: api.github.com\n      role: codex_auth\n",
        ),
        ("d.bottle.yaml", "extends: e\n"),
        ("e.bottle.yaml", CLEAN),
        ("x.agent.yaml", "bottle: a\nprompt: x\n"),
    ]);
    let ran = project.check(&["--format", "concise"]).expect(1);
    let rules: Vec<_> = ran.out.lines().filter(|l| l.contains(".yaml:")).collect();
    assert_eq!(rules.len(), 4, "{}", ran.out);
    for file in ["a.bottle.yaml", "b.bottle.yaml", "x.agent.yaml"] {
        let line = rules.iter().find(|l| l.starts_with(file)).expect("a finding");
        // The first real cause, not the link before.
        assert!(line.contains("broken-bottle") && line.contains("unknown role `codex_auth`"), "{line}");
        refused(&project, file, file);
    }
    for file in ["d.bottle.yaml", "e.bottle.yaml"] {
        project.run(&["plan", file]).expect(0);
    }
    // Mended, everything goes.
    project.write("c.bottle.yaml", "extends: d\n");
    project.run(&["plan", "x.agent.yaml"]).expect(0);
}

#[test]
fn one_document_does_not_stand_in_the_way_of_another() {
    let text = "envv: {}\n---\nname: good\nenv: {A: b}\n---\nname: user\nbottle: good\nprompt: x\n---\nname: bad\nbottle: dev\nprompt: x\n";
    let project = Project::new(&[("dev.bottle.yaml", text)]);
    project.run(&["plan", "dev.bottle.yaml#good"]).expect(0);
    project.run(&["plan", "dev.bottle.yaml#user"]).expect(0);
    for name in ["dev", "bad"] {
        refused(&project, &format!("dev.bottle.yaml#{name}"), name);
    }
    // A syntax error ends the file, and the documents before it are whole.
    project.write("dev.bottle.yaml", "env: {A: b}\n---\nname: other\nenv: [\n");
    project.run(&["plan", "dev.bottle.yaml#dev"]).expect(0);
    project.write("dev.bottle.yaml", "env: {A: b}\nskills: [\n");
    refused(&project, "dev.bottle.yaml", "a syntax error");
}

#[test]
fn two_files_that_break_each_other_end() {
    let bad = |parent: &str| format!("extends: {parent}\nenvv: {{}}\n");
    let project = Project::new(&[
        ("a.bottle.yaml", &bad("b")),
        ("b.bottle.yaml", &bad("a")),
        ("c.bottle.yaml", "extends: a\n"),
    ]);
    for file in ["a.bottle.yaml", "b.bottle.yaml", "c.bottle.yaml"] {
        refused(&project, file, file);
    }
}

#[test]
fn no_comment_silences_the_language_wherever_it_stands() {
    let role = "egress:\n  routes:\n    - host: api.github.com\n      role: x";
    let comments = [
        "ignore[unknown-role] a reason",
        "ignore[*] a reason",
        "ignore[unknown-role, x] a reason",
        "ignore[x, unknown-role] a reason",
        "ignore[Unknown-Role] a reason",
        "ignore[ unknown-role ] a reason",
    ];
    for comment in comments {
        for text in [
            format!("# bot-bottle: {comment}\n{role}\n"),
            format!("{role} # bot-bottle: {comment}\n"),
            role.replace("      role", &format!("      # bot-bottle: {comment}\n      role")) + "\n",
            role.replace("    - host", &format!("    # bot-bottle: {comment}\n    - host")) + "\n",
            format!("{role}\n# bot-bottle: {comment}\n"),
            format!("---\n{role} # bot-bottle: {comment}\n...\n"),
        ] {
            let project = Project::new(&[("dev.bottle.yaml", &text)]);
            let ran = project.check(&["--format", "concise"]).expect(1);
            assert!(
                ran.out.contains("unknown-role") && ran.out.contains("unused-suppression"),
                "{text}{}",
                ran.out
            );
            project.run(&["plan", "dev.bottle.yaml"]).expect(1);
        }
    }
}

/// A bottle that changes between the look at it and the launch: what was shown is what runs, or nothing.
#[test]
fn a_bottle_that_is_broken_or_repaired_in_between_is_judged_as_it_is_now() {
    let project = Project::new(&[("base.bottle.yaml", CLEAN), ("dev.bottle.yaml", "extends: base\n")]);
    let dry = ["launch", "dev.bottle.yaml", "--dry-run", "--backend", "bubblewrap"];
    let outline = project.run(&dry);
    let digest = outline.out.lines().find_map(|l| l.strip_prefix("digest")).map(|d| d.trim().to_owned());
    let Some(digest) = digest else { return };
    let launch = ["launch", "dev.bottle.yaml", "--task", "x", "--backend", "bubblewrap", "--digest", &digest];
    project.write("base.bottle.yaml", format!("{CLEAN}      role: x\n"));
    assert!(project.run(&launch).expect(1).err.contains("broken-bottle"));
    project.write("base.bottle.yaml", format!("{CLEAN}    - host: b.example.com\n"));
    assert!(project.run(&launch).expect(2).err.contains("has changed since it was shown"));
}
