use super::*;
use crate::check::{Matter, apply, page, rules};
use crate::ide::fixture::{Marked, marked};
use crate::syntax::{Span, Value};

fn complete(marked: &Marked) -> Vec<Completion> {
    let mut all = marked.ask(completion);
    all.sort_by(|a, b| a.sort.cmp(&b.sort));
    all
}

fn labels(text: &str) -> Vec<String> {
    complete(&marked(text)).into_iter().map(|c| c.label).collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(labels(text), expected, "{text}");
}

/// The text once a completion is accepted, as plain text and as a snippet.
fn accept(text: &str, label: &str) -> (String, Option<String>) {
    let marked = marked(text);
    let all = complete(&marked);
    let item = all.iter().find(|c| c.label == label).unwrap_or_else(|| panic!("no {label} in {all:?}"));
    let source = marked.source();
    let edited = |text: &str| {
        let line = source.text[..item.edit.span.start as usize].rsplit('\n').next().unwrap_or("");
        let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
        let edit = Edit { span: item.edit.span, text: text.replace('\n', &format!("\n{indent}")) };
        apply(&source.text, &[edit])
    };
    (edited(&item.edit.text), item.snippet.as_deref().map(edited))
}

fn check_accept(text: &str, label: &str, plain: &str, snippet: Option<&str>) {
    let (seen, with_stops) = accept(text, label);
    assert_eq!((&*seen, with_stops.as_deref()), (plain, snippet), "{text}");
}

const AGENT: &str = "/h/.bot-bottle/agents/a.md|";

#[test]
fn keys_that_are_missing_are_offered_required_ones_first() {
    check("egress:\n  $0", &["routes", "inherit"]);
    check("git:\n  user:\n    name: Ada\n    $0\n", &["email"]);
    check("egress:\n  routes:\n    - auth:\n        sch$0\n", &["scheme", "token_ref", "user", "header"]);
    check("egress:\n  routes:\n    - auth:\n        header: x-api-key\n        $0\n", &["token_ref"]);
    check("egress:\n  routes:\n    - auth:\n        scheme: Basic\n        $0\n", &["token_ref", "user"]);
    check("resources: {cpus: 2, $0}", &["memory", "pids"]);
    check(
        "egress:\n  routes:\n    - git: read\n      $0\n",
        &["host", "ports", "protocol", "auth", "pass_headers", "path_allowlist", "matches", "pipelock"],
    );
    check("egress:\n  routes:\n    - host: a\n      protocol: tcp\n      $0\n", &["ports", "pipelock"]);
    assert_eq!(
        labels(&format!("{AGENT}---\n$0\n---\nbody")),
        [
            "bottle",
            "skills",
            "git",
            "prompt",
            "prompt_file",
            "name",
            "description",
            "model",
            "color",
            "memory",
            "tools",
            "disallowedTools",
            "permissionMode",
            "maxTurns",
            "mcpServers",
            "hooks",
            "background",
            "effort",
            "isolation",
            "initialPrompt"
        ]
    );
    assert!(!labels("prompt: x\n$0").contains(&"prompt_file".to_owned()));
}

#[test]
fn fields_of_another_template_are_left_out() {
    check(
        "agent_provider:\n  template: codex\n  $0",
        &["dockerfile", "context", "api_key", "forward_host_credentials"],
    );
    check("agent_provider:\n  template: claude\n  $0", &["dockerfile", "context", "auth_token", "api_key"]);
    // One login.
    check("agent_provider:\n  template: codex\n  api_key: K\n  $0", &["dockerfile", "context"]);
    check("agent_provider:\n  template: claude\n  auth_token: T\n  $0", &["dockerfile", "context"]);
    check(
        "agent_provider: {$0}",
        &["template", "dockerfile", "context", "auth_token", "api_key", "forward_host_credentials"],
    );
}

#[test]
fn a_key_brings_what_follows_it() {
    check_accept(
        "egr$0",
        "egress",
        "egress:\n  routes:\n    - host: ",
        Some("egress:\n  routes:\n    - host: $1"),
    );
    check_accept(
        "egress:\n  $0",
        "routes",
        "egress:\n  routes:\n    - host: ",
        Some("egress:\n  routes:\n    - host: $1"),
    );
    check_accept(
        "egress:\n  routes:\n    - host: a\n      au$0\n",
        "auth",
        "egress:\n  routes:\n    - host: a\n      auth:\n        scheme: \n",
        Some(
            "egress:\n  routes:\n    - host: a\n      auth: {scheme: ${1|Bearer,token,Basic|}, token_ref: $2}\n",
        ),
    );
    check_accept(
        "egress:\n  routes:\n    - $0\n      host: a",
        "matches",
        "egress:\n  routes:\n    - matches:\n        - \n      host: a",
        Some("egress:\n  routes:\n    - matches:\n        - $1\n      host: a"),
    );
    check_accept("wor$0: {}", "workspace", "workspace: {}", None);
    check_accept("ski$0", "skills", "skills:\n  - ", Some("skills: [$1]"));
    check_accept("resources: {c$0}", "cpus", "resources: {cpus: }", Some("resources: {cpus: $1}"));
    check_accept(
        "workspace:\n  mo$0",
        "mode",
        "workspace:\n  mode: ",
        Some("workspace:\n  mode: ${1|bind,copy,read_only|}"),
    );
}

#[test]
fn values_come_from_the_schema() {
    check("agent_provider:\n  template: $0", &["claude", "codex"]);
    check("agent_provider:\n  template: co$0dex # why", &["claude", "codex"]);
    check("agent_provider: {template: \"$0\"}", &["claude", "codex"]);
    check("supervise: $0", &["true", "false"]);
    check("supervise: \"$0\"", &[]);
    check("egress:\n  routes:\n    - auth: {scheme: $0", &["Bearer", "token", "Basic"]);
    check("egress:\n  routes:\n    - git: $0", &["read", "write"]);
    check(
        "egress:\n  routes:\n    - matches:\n        - methods: [GET, P$0]",
        &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    );
    check(
        "egress:\n  routes:\n    - matches:\n        - paths: [{type: $0}]",
        &["exact", "prefix", "glob", "regex"],
    );
    check("resources:\n  memory: $0", &["4GiB"]);
    check("workspace:\n  mode:\n    c$0", &["bind", "copy", "read_only"]);
    check_accept("supervise:$0", "true", "supervise: true", None);
    check_accept("agent_provider: {template:$0}", "codex", "agent_provider: {template: codex}", None);
    check_accept("workspace: {mode: \"c$0}", "copy", "workspace: {mode: \"copy}", None);
}

const BOTTLES: &str = "//- /h/.bot-bottle/bottles/dev.md\n---\nenv: {}\n---\n//- /h/.bot-bottle/bottles/base.md\n---\nenv: {}\n---\n";

#[test]
fn bottles_are_offered_but_not_itself_nor_twice() {
    check(&format!("{BOTTLES}//- /h/.bot-bottle/agents/a.md\n---\nbottle: $0\n---\n"), &["base", "dev"]);
    check(&format!("{BOTTLES}//- /h/.bot-bottle/bottles/x.md\n---\nextends: [dev, $0]\n---\n"), &["base"]);
    check(
        &format!("{BOTTLES}//- /h/.bot-bottle/bottles/x.md\n---\nextends:\n  - d$0\n---\n"),
        &["base", "dev"],
    );
    check(&format!("{BOTTLES}//- /p/x.bottle.yaml\nextends:\n  $0\n"), &["base", "dev"]);
    let item = &complete(&marked(&format!("{BOTTLES}//- /p/a.agent.yaml\nbottle: d$0\n")))[0];
    assert_eq!(item.detail, "~/.bot-bottle/bottles/base.md");
}

#[test]
fn a_file_of_several_documents_names_its_own_bottles() {
    check("name: one\n---\nname: two\n---\nbottle: $0\n", &["one", "two"]);
}

#[test]
fn skills_are_the_folders_of_the_users_own() {
    let skills = "//- /h/.claude/skills/review/SKILL.md\n# r\n//- /h/.claude/skills/test-it/SKILL.md\n# t\n//- /h/.claude/skills/README.md\n";
    let agent = |yaml: &str| format!("{skills}//- /h/.bot-bottle/agents/a.md\n---\n{yaml}\n---\n");
    check(&agent("skills: [$0]"), &["review", "test-it"]);
    check(&agent("skills:\n  - review\n  - $0"), &["test-it"]);
    check(&agent("skills: $0"), &["review", "test-it"]);
    check(&agent("skills:\n  re$0"), &["review", "test-it"]);
    check_accept(&agent("skills: $0"), "review", "---\nskills: [review]\n---\n", None);
    check_accept(&agent("skills:\n  $0"), "review", "---\nskills:\n  - review\n---\n", None);
    check_accept(&agent("skills:\n  - a\n  $0"), "review", "---\nskills:\n  - a\n  - review\n---\n", None);
}

#[test]
fn names_of_the_hosts_variables_serve_where_a_name_belongs() {
    let ask = |text: &str| {
        let mut marked = marked(text);
        marked.env_names = ["AWS_REGION", "API_TOKEN", "not a name"].map(str::to_owned).into();
        complete(&marked).into_iter().map(|c| (c.label, c.edit.text)).collect::<Vec<_>>()
    };
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    assert_eq!(
        ask("agent_provider:\n  auth_token: $0\negress:\n  routes:\n    - auth: {token_ref: MINE}\n"),
        pairs(&[("MINE", "MINE"), ("API_TOKEN", "API_TOKEN"), ("AWS_REGION", "AWS_REGION")])
    );
    assert_eq!(
        ask("env:\n  A: $0"),
        pairs(&[
            ("${AWS_REGION}", "\"${AWS_REGION}\""),
            ("?question", "\"?\""),
            ("${API_TOKEN}", "\"${API_TOKEN}\"")
        ])
    );
    assert_eq!(ask("env:\n  A: \"${AW$0\"")[0].1, "${AWS_REGION}");
    assert_eq!(ask("env:\n  A: \"${AW$0")[0].1, "${AWS_REGION}\"");
}

#[test]
fn hosts_of_the_workspace_come_before_well_known_ones() {
    let text = "//- /p/other.bottle.yaml\negress: {routes: [{host: '*.example.com'}, {host: api.openai.com}]}\n//- /p/dev.bottle.yaml\negress:\n  routes:\n    - host: $0\n";
    assert_eq!(labels(text)[..2], ["*.example.com", "api.github.com"]);
    assert!(!labels(text).contains(&"api.openai.com".to_owned()));
    check_accept(text, "*.example.com", "egress:\n  routes:\n    - host: \"*.example.com\"\n", None);
}

/// Taking it would write it.
#[test]
fn what_moves_a_terminal_or_hides_is_not_offered() {
    for escape in ["\\e]0;PWN\\a", "\\u202e", "\\u009b31m", "\\u2028"] {
        let text = format!(
            "//- /p/other.bottle.yaml\negress: {{routes: [{{host: \"x{escape}.example.com\"}}, {{host: z.example.com}}]}}\n\
             //- /p/dev.bottle.yaml\negress:\n  routes:\n    - host: $0\n"
        );
        let all = labels(&text);
        assert!(all.contains(&"z.example.com".to_owned()), "{all:?}");
        assert!(
            !all.iter().any(|label| label.contains("PWN") || label.starts_with('x')),
            "{escape}: {all:?}"
        );
    }
}

#[test]
fn a_credential_in_the_wrong_place_is_not_offered_elsewhere() {
    let token = ["ghp", &"a1B2".repeat(9)].join("_");
    let other = format!(
        "//- /p/o.bottle.yaml\negress:\n  routes:\n    - host: {token}\n      auth: {{token_ref: {token}}}\n"
    );
    for field in ["host: $0", "auth: {token_ref: $0}"] {
        let all = labels(&format!("{other}//- /p/dev.bottle.yaml\negress:\n  routes:\n    - {field}\n"));
        assert!(!all.contains(&token), "{all:?}");
    }
}

#[test]
fn whole_routes_are_offered_where_one_begins() {
    let list = [
        "host",
        "ports",
        "protocol",
        "auth",
        "pass_headers",
        "path_allowlist",
        "matches",
        "git",
        "pipelock",
        "route",
        "route with token",
        "route for git",
        "route for tcp",
    ];
    check("egress:\n  routes:\n    - $0", &list);
    check("egress:\n  routes:\n    - host: a\n    $0", &list);
    check("egress:\n  routes:\n    $0", &list);
    check_accept(
        "egress:\n  routes:\n    - host: a\n    $0",
        "route with token",
        "egress:\n  routes:\n    - host: a\n    - host: api.example.com\n      auth: {scheme: Bearer, token_ref: API_TOKEN}",
        Some(
            "egress:\n  routes:\n    - host: a\n    - host: ${1:api.example.com}\n      auth: {scheme: ${2|Bearer,token,Basic|}, token_ref: ${3:API_TOKEN}}",
        ),
    );
    check_accept(
        "egress:\n  routes:\n    - r$0",
        "route for git",
        "egress:\n  routes:\n    - host: github.com\n      git: read\n      path_allowlist: [/owner/repository]",
        Some(
            "egress:\n  routes:\n    - host: ${1:github.com}\n      git: ${2|read,write|}\n      path_allowlist: [/${3:owner/repository}]",
        ),
    );
}

#[test]
fn paths_stay_within_the_project() {
    let files =
        "//- /p/.git/HEAD\n//- /p/Dockerfile\n//- /p/docs/a.md\n//- /p/sub/Dockerfile.dev\n//- /secret/x\n";
    let at = |path: &str, text: &str| format!("{files}//- {path}\n{text}");
    check(
        &at("/p/dev.bottle.yaml", "agent_provider: {dockerfile: $0}"),
        &["Dockerfile", "dev.bottle.yaml", "docs/", "sub/"],
    );
    check(&at("/p/dev.bottle.yaml", "agent_provider: {dockerfile: ./sub/$0}"), &["Dockerfile.dev"]);
    check(&at("/p/sub/x.bottle.yaml", "prompt_file: ../do$0"), &["Dockerfile", "docs/", "sub/"]);
    check(&at("/p/sub/x.bottle.yaml", "prompt_file: ../docs/$0"), &["a.md"]);
    for outside in ["../../secret/$0", "/secret/$0", "~/$0", "../../$0"] {
        check(&at("/p/sub/x.bottle.yaml", &format!("prompt_file: {outside}")), &[]);
    }
    check_accept(
        &at("/p/dev.bottle.yaml", "agent_provider: {dockerfile: Do$0}"),
        "Dockerfile",
        "agent_provider: {dockerfile: ./Dockerfile}",
        None,
    );
}

#[test]
fn rule_ids_are_offered_in_suppressions() {
    let all = labels("env: {} # bot-bottle: ignore[$0] why");
    // What a comment cannot silence is not offered.
    let judgement = |id: &String| rules::get(id).is_some_and(|r| r.matter != Matter::Language);
    assert!(all.len() > 10 && all.iter().all(judgement), "{all:?}");
    let again = labels("env: {} # bot-bottle: ignore[secret-literal, $0] why");
    assert!(!again.contains(&"secret-literal".to_owned()));
    check_accept(
        "# bot-bottle: ignore[dup$0",
        "duplicate-route",
        "# bot-bottle: ignore[duplicate-route] ",
        Some("# bot-bottle: ignore[duplicate-route] ${1:reason}"),
    );
    check_accept(
        "# bot-bottle: ignore[se$0cret-literal] x",
        "broad-wildcard",
        "# bot-bottle: ignore[broad-wildcard] x",
        None,
    );
    check("# bot$0", &["bot-bottle: ignore[…]"]);
    check("# anything $0", &[]);
}

#[test]
fn markdown_is_completed_between_its_fences_and_begun() {
    assert_eq!(
        labels(&format!(
            "{AGENT}---
skills: []
bot$0"
        )),
        labels(&format!(
            "{AGENT}---
skills: []
$0
---
"
        ))
    );
    for body in ["---\nbottle: d\n---\nbo$0", "---\nbottle: d\n--$0-\n", "te$0xt"] {
        check(&format!("{AGENT}{body}"), &[]);
    }
    check_accept(&format!("{AGENT}$0"), "---", "---\nbottle: \n---\n", Some("---\nbottle: $1\n---\n$0"));
}

/// A manifest that uses every part of the language.
const WHOLE: &str = r#"# a bottle
extends: [base, other]
agent_provider:
  template: claude
  dockerfile: ./Dockerfile
  auth_token: TOKEN
env:
  A: "${B}"
git:
  user: {name: Ada, email: ada@example.com}
  remotes: {}
egress:
  routes:
    - host: api.github.com
      auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}
      path_allowlist: [/repos/acme/]
    # the second
    - matches:
        - paths:
            - type: prefix
              value: /api/
          methods: [GET, POST]
      host: "*.example.com"
      git: read
      pipelock: {tls_passthrough: false, ssrf_ip_allowlist: []}
supervise: false
workspace:
  mode: bind
  path: .

  mounts:
  - {source: ../docs, target: /docs, read_only: true}
  - source: a
    target: /b
resources:
  cpus: 2
  memory: 4GiB
  pids: 512
skills:
  - review
prompt: |
  host: no key
    egress
"#;

/// Every key with its span and the path of its mapping, where the language knows the key.
fn known_keys<'a>(kind: Kind, node: &'a Node, path: Path<'a>, out: &mut Vec<(Span, &'a str)>) {
    match &node.value {
        Value::Mapping(entries) => {
            let field = field::field(kind, &path);
            for entry in entries.iter().filter(|e| e.key.origin.is_none()) {
                if field.is_some_and(|f| f.keys().any(|(key, _)| key == &*entry.key.text)) {
                    out.push((entry.key.span, &entry.key.text));
                }
                let step = query::Step::Key(&entry.key.text);
                let below = Path(path.0.iter().copied().chain([step]).collect());
                known_keys(kind, &entry.value, below, out);
            }
        }
        Value::Sequence(items) => {
            for (i, item) in items.iter().enumerate() {
                let below = Path(path.0.iter().copied().chain([query::Step::Item(i)]).collect());
                known_keys(kind, item, below, out);
            }
        }
        Value::Scalar(_) => {}
    }
}

fn fixtures() -> Vec<(String, String)> {
    let good = rules::all().iter().flat_map(|rule| page(rule).good);
    let place =
        |path: &str| path.strip_prefix("~/").map_or(format!("/p/{path}"), |rest| format!("/h/{rest}"));
    let mut all: Vec<_> = good.map(|f| (place(&f.path), f.text)).collect();
    all.push(("/p/dev.bottle.yaml".to_owned(), WHOLE.to_owned()));
    all.push(("/p/crlf.bottle.yaml".to_owned(), WHOLE.replace('\n', "\r\n")));
    all.push(("/h/.bot-bottle/bottles/dev.md".to_owned(), format!("---\n{WHOLE}---\n# Body\n")));
    all
}

#[test]
fn a_truncated_key_is_offered_wherever_it_is_cut() {
    let mut count = 0;
    for (path, text) in fixtures() {
        let Some(source) = marked(&format!("{path}|{text}")).layout.identify(std::path::Path::new(&path))
        else {
            continue;
        };
        let source = Source::new(std::path::Path::new(&path).into(), text.as_str().into(), &source);
        for manifest in &source.manifests {
            let Some(root) = source.root(manifest) else { continue };
            let mut keys = Vec::new();
            known_keys(manifest.kind, root, Path::default(), &mut keys);
            for (span, key) in keys {
                for cut in span.start as usize..=span.end as usize {
                    let line_end = text[cut..].find(['\r', '\n']).map_or(text.len(), |i| cut + i);
                    let in_braces = root_is_flow_at(&text, span);
                    let rest = if in_braces { &text[span.end as usize..] } else { &text[line_end..] };
                    // Cut off there; and cut out, with what follows the line (or the key) left.
                    for typed in
                        [format!("{path}|{}$0", &text[..cut]), format!("{path}|{}$0{rest}", &text[..cut])]
                    {
                        assert!(labels(&typed).iter().any(|l| l == key), "{key} is not offered in\n{typed}");
                        count += 1;
                    }
                }
            }
        }
    }
    assert!(count > 1_000, "{count}");
}

/// Whether a key stands inside brackets.
fn root_is_flow_at(text: &str, key: Span) -> bool {
    let line = text[..key.start as usize].rsplit('\n').next().unwrap_or("");
    line.contains('{')
}

#[test]
fn no_truncation_panics() {
    for (path, text) in fixtures() {
        for cut in (0..=text.len()).filter(|i| text.is_char_boundary(*i)) {
            labels(&format!("{path}|{}$0", &text[..cut]));
        }
        marked(&format!("{path}|{text}")).ask(|snapshot, _| {
            (0..=text.len() + 1).for_each(|offset| drop(completion(snapshot, offset)));
        });
    }
}
