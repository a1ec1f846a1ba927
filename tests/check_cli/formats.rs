//! Each format against its owner's schema, on input that was made to break it.

use crate::rig::{CLEAN, FIXABLE, GUESS, Project, has_tool};
use serde_json::Value;
use std::process::Command;

const FORMATS: [&str; 7] = ["text", "concise", "json", "sarif", "github", "gitlab", "junit"];

/// Names and texts full of what some format takes for its own.
fn hostile() -> Project {
    let project = Project::new(&[
        ("a.bottle.yaml", FIXABLE),
        ("b,c:d%e\n::error::x.bottle.yaml", GUESS),
        ("<&\"'>]]>\u{1b}[31m.bottle.yaml", "\"<b>&\\u0001\": {}\n\"::set-env name=A::\": 1\n"),
        ("ünïcode 🙂.bottle.yaml", "x-a: \"🙂漢\" # ##[add-path]/tmp ##vso[x]\nénv: {}\n\"a|b`c\": 1\n"),
        ("dup.bottle.yaml", "env: {A: 1, A: 2}\nskills: x\nenvv: {}\n"),
        ("child.bottle.yaml", "extends: dup\nagent_provider: {template: codex}\n"),
        ("empty.bottle.yaml", ""),
        ("same.bottle.yaml", "envv: {}\n---\nenvv: {}\n---\nenvv: {}\n"),
        ("broken.bottle.yaml", "a: [\n\u{feff}\t}"),
        ("clean.bottle.yaml", CLEAN),
    ]);
    project.write("bell.bottle.yaml", "env: {}\n# \x07 \u{9b}31m \u{202e}\nenvv: {}\n");
    project
}

fn report(project: &Project, format: &str) -> String {
    project.check(&["--format", format]).expect(1).out
}

/// SARIF's own schema.
pub(crate) fn sarif_schema() -> jsonschema::Validator {
    // The pattern of a language, which we do not write, holds a stray bracket; strict engines
    // refuse it.
    let text = include_str!("../schemas/sarif-2.1.0.schema.json").replace("{2}]?$\"", "{2}$\"");
    let schema: Value = serde_json::from_str(&text).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

#[test]
fn sarif_fits_its_schema() {
    let validator = sarif_schema();
    assert!(
        !validator.is_valid(&serde_json::json!({"version": "2.1.0", "runs": [{}]})),
        "it refuses nothing"
    );
    let project = hostile();
    let sarif: Value = serde_json::from_str(&report(&project, "sarif")).expect("JSON");
    let errors: Vec<_> =
        validator.iter_errors(&sarif).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());

    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let help = &rules[0]["help"];
    assert!(help["markdown"].as_str().is_some_and(|m| m.contains("## How to silence it")), "{help}");
    assert!(results.iter().any(|r| r["fixes"][0]["artifactChanges"][0]["replacements"][0].is_object()));
    assert!(results.iter().any(|r| r["relatedLocations"][0]["physicalLocation"].is_object()));
    let mut uris: Vec<_> =
        results.iter().filter_map(|r| uri_of(r).as_str()).filter(|u| u.contains("%0A")).collect();
    uris.dedup();
    assert_eq!(uris, ["b,c%3Ad%25e%0A%3A%3Aerror%3A%3Ax.bottle.yaml"]);
    assert_eq!(run["columnKind"], "unicodeCodePoints");

    let clean = project.check(&["--format", "sarif", "clean.bottle.yaml"]).expect(0).json();
    assert!(validator.is_valid(&clean) && clean["runs"][0]["results"] == serde_json::json!([]));
}

fn uri_of(result: &Value) -> &Value {
    &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
}

#[test]
fn json_has_every_field_and_ranges_that_fit_the_text() {
    let project = hostile();
    let json: Value = serde_json::from_str(&report(&project, "json")).expect("JSON");
    assert_eq!(json["version"], 1);
    let findings = json["findings"].as_array().expect("findings");
    let fields = ["rule", "severity", "message", "help", "path", "range", "related", "fix", "url"];
    for finding in findings {
        let seen: Vec<_> = finding.as_object().expect("an object").keys().collect();
        assert_eq!(seen, fields);
    }
    // Names such as these are a finding themselves.
    let of_text = |f: &&Value| f["rule"] != "invalid-name";
    let at = |path: &str| findings.iter().filter(of_text).find(|f| f["path"] == path).expect("a finding");
    let unicode = at("ünïcode 🙂.bottle.yaml");
    let start = &unicode["range"]["start"];
    assert_eq!((&start["line"], &start["column"]), (&2.into(), &1.into()));
    let text = project.read("ünïcode 🙂.bottle.yaml");
    let offset =
        |end: &str| usize::try_from(unicode["range"][end]["offset"].as_u64().expect("n")).expect("n");
    assert_eq!(&text[offset("start")..offset("end")], "énv");
    let fix = &at("a.bottle.yaml")["fix"];
    assert_eq!((&fix["applicability"], &fix["edits"][0]["text"]), (&"safe".into(), &"[review]".into()));
    let summary = &json["summary"];
    assert_eq!((&summary["manifests"], &summary["findings"]), (&11.into(), &findings.len().into()));
}

/// What GitLab's manual calls required: <https://docs.gitlab.com/ci/testing/code_quality/>.
#[test]
fn gitlab_has_the_required_fields_and_fingerprints_that_stay() {
    let fingerprints = |project: &Project| {
        let list: Value = serde_json::from_str(&report(project, "gitlab")).expect("JSON");
        let list = list.as_array().expect("a list").clone();
        for item in &list {
            for field in ["description", "check_name", "fingerprint"] {
                assert!(item[field].as_str().is_some_and(|t| !t.is_empty()), "{field}: {item}");
            }
            let severity = item["severity"].as_str().expect("a severity");
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
            assert!(item["location"]["lines"]["begin"].as_u64().is_some_and(|n| n > 0), "{item}");
            let path = item["location"]["path"].as_str().expect("a path");
            assert!(!path.starts_with(['/', '.']), "{path}");
        }
        list.iter().map(|i| i["fingerprint"].to_string()).collect::<Vec<_>>()
    };
    let project = hostile();
    let before = fingerprints(&project);
    let unique: std::collections::HashSet<_> = before.iter().collect();
    assert_eq!(unique.len(), before.len());
    for file in ["a", "dup", "same"] {
        let path = format!("{file}.bottle.yaml");
        project.write(&path, format!("# above\n\n{}", project.read(&path)));
    }
    assert_eq!(fingerprints(&project), before);
}

#[test]
fn junit_fits_its_schema() {
    let project = hostile();
    let (dirty, clean) =
        (report(&project, "junit"), project.check(&["--format", "junit", "clean.bottle.yaml"]).expect(0).out);
    assert!(dirty.contains("tests=\"3\" failures=\"3\""), "{dirty}");
    assert!(clean.contains("<testcase name=\"1 manifests without findings\"/>"), "{clean}");
    if !has_tool("xmllint", "apt-get install libxml2-utils") {
        return;
    }
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/junit-10.xsd");
    for (name, xml) in [("dirty.xml", &dirty), ("clean.xml", &clean)] {
        project.write(name, xml);
        let mut lint = Command::new("xmllint");
        lint.args(["--noout", "--nonet", "--schema", schema]).arg(project.path(name));
        let output = lint.output().expect("xmllint runs");
        assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
    }
    project.write("wrong.xml", dirty.replace(" failures=", " failed="));
    let mut lint = Command::new("xmllint");
    lint.args(["--noout", "--nonet", "--schema", schema]).arg(project.path("wrong.xml"));
    assert!(!lint.output().expect("xmllint runs").status.success(), "the schema refuses nothing");
}

#[test]
fn a_line_of_a_line_format_is_a_finding_and_nothing_else() {
    let project = hostile();
    let count = project.check(&["--format", "json"]).json()["findings"].as_array().expect("a list").len();
    let concise = report(&project, "concise");
    assert_eq!(concise.lines().count(), count, "{concise}");
    assert!(concise.lines().all(|l| l.contains(".bottle.yaml:") && l.contains("error[")), "{concise}");
    let github = report(&project, "github");
    // An annotation or a line of the log, and how many of the latter.
    assert_eq!(github.lines().count(), count + 1, "{github}");
    for line in github.lines().filter(|l| l.starts_with("::error")) {
        let rest = line.strip_prefix("::error title=bot-bottle (").expect("a command");
        let (properties, _message) = rest.split_once("::").expect("a message");
        assert!(properties.split(',').all(|p| p.split_once('=').is_some() || p.ends_with(')')), "{line}");
    }
    assert!(github.contains("file=b%2Cc%3Ad%25e%0A%3A%3Aerror%3A%3Ax.bottle.yaml,line=1,"), "{github}");
}

#[test]
fn text_moves_no_terminal_and_commands_no_ci_service() {
    let text = report(&hostile(), "text");
    for bad in ['\x1b', '\x07', '\u{9b}', '\u{202e}', '\0'] {
        assert!(!text.contains(bad), "{bad:?} in:\n{text}");
    }
    assert!(!text.contains("##[") && !text.contains("##vso["), "{text}");
    assert!(!text.lines().any(|l| l.trim_start().starts_with("::")), "{text}");
}

#[test]
fn annotations_come_by_themselves_inside_github_actions() {
    let project = Project::new(&[("sub/a.bottle.yaml", GUESS)]);
    let run = |args: &[&str], folder: &str| {
        let mut command = project.command(&[&["check"], args].concat());
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", project.root());
        command.current_dir(project.path(folder));
        String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8")
    };
    let both = run(&[], "sub");
    assert!(both.contains("error[unknown-field]") && both.contains("1 finding (1 error)"), "{both}");
    assert!(both.contains("::error title=bot-bottle (unknown-field),file=sub/a.bottle.yaml,line=1,endLine=1,col=1,endColumn=5::"), "{both}");
    assert!(!run(&["--format", "text"], "sub").contains("::error"));
    let sarif: Value = serde_json::from_str(&run(&["--format", "sarif"], "sub")).expect("JSON");
    assert_eq!(uri_of(&sarif["runs"][0]["results"][0]), "sub/a.bottle.yaml");
}

/// A credential wherever a manifest has room for text.
#[test]
fn no_format_shows_a_credential() {
    let secret = ["ghp", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"].join("_");
    let plain = ["correct", "horse", "staple"].join("-");
    let project = Project::new(&[]);
    let texts = [
        format!("{secret}: 1\n"),
        format!("{secret}\n"),
        format!("? [{secret}]\n: 1\n"),
        format!("skills: {secret}\n"),
        format!("skills: [{secret}, {secret}]\n"),
        format!("extends: {secret}\n"),
        format!("agent_provider: {{template: {secret}, auth_token: {secret}, dockerfile: {secret}}}\n"),
        format!("agent_provider: {{template: codex, auth_token: {secret}}}\n"),
        format!(
            "env: {{{secret}: 1, A: {secret}, B: \"${{{secret}}}\", C: \"?{secret}\", D: \"x${{{secret}}}y\"}}\n"
        ),
        format!("env: {{GITHUB_TOKEN: {plain}, DB_PASSWORD: \"{plain}\"}}\nenvv: {{API_KEY: {plain}}}\n"),
        format!("env:\n  DB_PASSWORD: {plain}\n  DB_PASSWORD: {plain}\n"),
        format!(
            "git: {{user: {{name: {secret}, mail: {secret}}}, remotes: {{{secret}: {{{secret}: 1}}}}}}\n"
        ),
        format!("egress: {{routes: [{{host: {secret}, role: {secret}, {secret}: {secret}}}]}}\n"),
        format!("egress: {{routes: [{{host: 'https://ada:{secret}@x.example.com/', git: {secret}}}]}}\n"),
        format!(
            "egress: {{routes: [{{host: x, auth: {{scheme: Bearer {secret}, token_ref: {secret}}}}}]}}\n"
        ),
        format!(
            "egress: {{routes: [{{host: x, path_allowlist: [{secret}], matches: [{{methods: [{secret}]}}]}}]}}\n"
        ),
        format!("egress: {{routes: [{{host: x, pipelock: {{ssrf_ip_allowlist: [{secret}]}}}}]}}\n"),
        format!("workspace: {{path: {secret}, mode: {secret}, mounts: [{{source: {secret}}}]}}\n"),
        format!("resources: {{cpus: {secret}, memory: {secret}, pids: {secret}}}\n"),
        format!("prompt: {secret}\nprompt_file: {secret}\nenvv: 1 # {secret}\n"),
        format!("# bot-bottle: ignore[{secret}] {secret}\nenv: {{}}\n"),
        format!("a: &{secret} 1\nb: *{secret}\nc: *x{secret}\nd: !{secret} 1\n"),
        format!("a: [\n{secret}: }}\n"),
        format!("name: {secret}\n---\nname: {secret}\nenvv: 1\n"),
    ];
    for (i, text) in texts.iter().enumerate() {
        project.write(&format!("x{i}.bottle.yaml"), text);
    }
    project.write("a.agent.yaml", format!("bottle: {secret}\nname: {secret}\n"));
    project.write(".bot-bottle/agents/m.md", format!("---\nbottle: 1\n---\n{secret}\n"));
    let shows = |what: &str, text: &str| {
        for secret in [&secret, &plain] {
            let line = text.lines().find(|l| l.contains(secret.as_str()));
            assert!(line.is_none(), "{what} shows a credential: {}", line.unwrap_or_default());
        }
    };
    for format in FORMATS {
        let ran = project.check(&["--format", format, "--severity", "hint"]).expect(1);
        shows(format, &ran.out);
        shows(format, &ran.err);
    }
    let ran = project.check(&["--diff", "--unsafe-fixes"]).expect(1);
    shows("--diff", &ran.out);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(1);
    shows("the baseline", &project.read("base.json"));
    // The credential was there to be seen.
    assert!(texts.iter().all(|t| t.contains(&secret) || t.contains(&plain)));
}

/// A step of GitHub Actions shows ten annotations of each level: the worst are among them, and the rest is in
/// the log and counted.
#[test]
fn annotations_are_no_more_than_are_shown_the_worst_first() {
    let mistakes = (0..30).map(|n| format!("mistake{n}: 1\n")).collect::<String>();
    let wild = (0..12).map(|n| format!("    - host: '*.h{n}.example.com'\n")).collect::<String>();
    let project = Project::new(&[("a.bottle.yaml", mistakes.as_str()), ("z.bottle.yaml", "\u{0}")]);
    project.write("m.bottle.yaml", format!("egress:\n  routes:\n{wild}").as_str());
    let ran = project.check(&["--format", "github"]).expect(2);
    let of = |level: &str| ran.out.lines().filter(|l| l.starts_with(&format!("::{level} "))).count();
    assert!(of("error") == 9 && of("warning") <= 10 && of("notice") <= 10, "{}", ran.out);
    // What is not known at all stands first.
    let first = ran.out.lines().find(|l| l.starts_with("::")).expect("an annotation");
    assert!(first.contains("file=z.bottle.yaml"), "{first}");
    // Nothing is lost: each finding is an annotation or a line.
    let json = project.check(&["--format", "json"]).json();
    let findings = json["findings"].as_array().expect("a list").len();
    let lines = ran.out.lines().filter(|l| !l.contains("title=bot-bottle::")).count();
    assert_eq!(lines, findings + 1, "{}", ran.out);
    let last = ran.out.lines().last().expect("a line");
    assert!(
        last.starts_with("::notice title=bot-bottle::22 more errors")
            && last.ends_with("see the log of this step"),
        "{last}"
    );
    // Beside the text, which has them all, nothing is said twice.
    let mut command = project.command(&["check"]);
    let out = command.env("GITHUB_ACTIONS", "true").output().expect("it runs").stdout;
    let out = String::from_utf8(out).expect("UTF-8");
    assert_eq!(out.matches("error[unknown-field]").count(), 30, "{out}");
    assert_eq!(out.matches("::error").count(), 9, "{out}");
}

/// A finding whose line moves is the same finding to every service, and two of one kind are two.
#[test]
fn names_and_fingerprints_hold_no_lines() {
    let names = |project: &Project| {
        let junit = report(project, "junit");
        let cases: Vec<_> = junit.lines().filter(|l| l.contains("<testcase")).map(str::to_owned).collect();
        let sarif: Value = serde_json::from_str(&report(project, "sarif")).expect("JSON");
        let results = sarif["runs"][0]["results"].as_array().expect("results").clone();
        let prints = results.iter().map(|r| r["partialFingerprints"].to_string());
        let gitlab: Value = serde_json::from_str(&report(project, "gitlab")).expect("JSON");
        let gitlab = gitlab.as_array().expect("a list").clone();
        let gitlab = gitlab.iter().map(|i| i["fingerprint"].to_string());
        [cases, prints.collect(), gitlab.collect()]
    };
    let project = Project::new(&[("same.bottle.yaml", "envv: {}\n---\nenvv: {}\n---\n# x\nenvv: {}\n")]);
    let before = names(&project);
    for all in &before {
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 3, "{all:?}");
    }
    project.write("same.bottle.yaml", format!("# a\n# b\n\n{}", project.read("same.bottle.yaml")));
    assert_eq!(names(&project), before);
    // Two jobs in two folders of a repository have findings of their own.
    let prints = |folder: &str| {
        project.write(&format!("{folder}/a.bottle.yaml"), GUESS);
        let mut command = project.command(&["check", "--format", "gitlab"]);
        command.current_dir(project.path(folder)).env("CI_PROJECT_DIR", project.root());
        let out: Value = serde_json::from_slice(&command.output().expect("it runs").stdout).expect("JSON");
        out[0]["fingerprint"].clone()
    };
    assert_ne!(prints("one"), prints("two"));
}
