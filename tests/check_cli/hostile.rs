//! Names and values that speak to a terminal or to a CI system, through every output that shows them.

use crate::rig::{Project, Ran, git, repository};

/// What a file can be called, and what a manifest can hold.
const HOSTILE: [&str; 9] = [
    "::error file=x::y",
    " ::set-output name=a::b",
    "##[error]x",
    "a##vso[task.complete result=Succeeded]b",
    "a\n::error::b",
    "a\x1b[2J\x1b]0;title\x07b",
    "a\u{202e}txt\u{2066}b",
    "a\u{200b}\u{ad}\u{feff}b",
    "a\r::error::b\u{85}\u{2028}::x",
];

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{2028}' | '\u{2029}')
}

/// Nothing in it moves a terminal or is a command, but the annotations that we write ourselves.
#[track_caller]
fn is_harmless(what: &str, text: &str) {
    for line in text.split('\n') {
        let own = ["::error title=bot-bottle", "::warning title=bot-bottle", "::notice title=bot-bottle"];
        let command = line.trim_start().starts_with("::") && !own.iter().any(|o| line.starts_with(o));
        assert!(!command, "{what}: {line:?}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{what}: {line:?}");
        let moves = |c: char| c.is_control() && c != '\t' || is_invisible(c);
        assert!(!line.contains(moves), "{what}: {line:?}");
    }
}

fn harmless(what: &str, ran: &Ran) {
    is_harmless(what, &ran.out);
    is_harmless(what, &ran.err);
}

/// A manifest in which the text stands wherever a person may write one.
fn manifest(text: &str, wide: bool) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let paths = if wide {
        String::new()
    } else {
        format!(", path_allowlist: [{}]", serde_json::Value::from(format!("/{text}")))
    };
    format!(
        "env:\n  A: {quoted}\n  B: {}\n  {quoted}: x\n{quoted}: x\ngit: {{user: {{name: {quoted}, email: {quoted}}}}}\n\
         egress: {{routes: [{{host: api.github.com{paths}}}, {{host: {quoted}, role: {quoted}}}]}}\n\
         workspace: {{path: {quoted}, mounts: [{{source: {quoted}, target: {quoted}}}]}}\n\
         prompt: {quoted}\nskills: [{quoted}]\nextends: {quoted}\n",
        serde_json::Value::from(format!("?{text}"))
    )
}

/// The same without what has no plan.
fn planned(text: &str, wide: bool) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let paths = if wide {
        String::new()
    } else {
        format!(
            ", path_allowlist: [{}]",
            serde_json::Value::from(format!("/{}", text.replace(['\n', '\r', '\x1b', '\x07', '\u{85}'], "")))
        )
    };
    format!(
        "git: {{user: {{name: {quoted}, email: a@example.com}}}}\negress: {{routes: [{{host: api.github.com{paths}}}]}}\nprompt: {quoted}\n"
    )
}

#[test]
fn no_report_speaks_to_a_terminal_or_a_runner() {
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let project = Project::new(&[]);
        let name = text.replace('/', "-");
        project.write(&format!("{name}.bottle.yaml"), manifest(text, true));
        project.write(
            &format!("sub {name}/dev.bottle.yaml"),
            format!("{}  \n- ::error::x\n##[error]y\n", manifest(text, true)),
        );
        for format in ["text", "concise", "json", "sarif", "github", "gitlab", "junit"] {
            let ran = project.check(&["--format", format, "--severity", "hint"]);
            assert!(ran.code == 1 || ran.code == 2, "{number} {format}: {}", ran.err);
            harmless(&format!("check {format} of {text:?}"), &ran);
        }
        harmless("the diff of fixes", &project.check(&["--diff"]));
    }
}

#[test]
fn no_table_of_permissions_speaks_to_a_terminal_or_a_runner() {
    for text in HOSTILE {
        let name = text.replace('/', "-");
        let file = format!("{name}/dev.bottle.yaml");
        let Some(project) = repository(&[("README.md", "x")]) else { return };
        project.write(&file, planned(text, false));
        git(&project.root(), &["add", "."]);
        git(&project.root(), &["commit", "-qm", "first"]);
        project.write(&file, planned(text, true));
        let ran = project.check(&["--since", "HEAD", "--deny-widening"]);
        harmless(&format!("the table of {text:?}"), &ran);
        for format in ["text", "json", "markdown", "sarif", "concise", "github", "gitlab", "junit"] {
            let ran = project.run(&["diff", "HEAD:./", ".", "--format", format]);
            harmless(&format!("diff {format} of {text:?}"), &ran);
        }
        let path = project.path(&file).display().to_string();
        for command in
            [&["plan"][..], &["plan", "--format", "markdown"], &["launch", "--dry-run"], &["trust"], &["can"]]
        {
            let args = [
                command,
                &[path.as_str()],
                if command == ["can"] { &["GET", "https://api.github.com/"] } else { &[] },
            ]
            .concat();
            harmless(&format!("{command:?} of {text:?}"), &project.run(&args));
        }
    }
}
