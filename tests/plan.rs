//! The plan against the contract's table, to the letter, and what planning may look at.

use bot_bottle::manifest::{Catalog, FileKind, Files, Found, Layout, MemoryFiles};
use bot_bottle::plan::{Format, Plan, draft, guest_policy, preflight, render};
use bot_bottle::provider::Start;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const HOME: &str = "/home/ada";

fn memory(files: &[(&str, &str)]) -> MemoryFiles {
    let mut memory = MemoryFiles::default();
    for (path, text) in files {
        memory.insert(*path, *text);
    }
    memory
}

/// The plan's JSON of the manifest in the last file.
fn planned(files: &dyn Files, path: &str, start: &Start) -> Value {
    serde_json::from_str(&render(&made(files, path, start), Format::Json)).expect("JSON")
}

/// The plan of the manifest at a path.
fn made(files: &dyn Files, path: &str, start: &Start) -> Plan {
    let layout = Layout { home: Some(HOME.into()) };
    let catalog = Catalog::new(files, &layout);
    let source = catalog.source(Path::new(path)).expect("a manifest");
    let manifest = source.manifests[0].clone();
    draft(&Found { source, manifest }, &catalog, start).expect("a plan")
}

fn bottle(text: &str) -> Value {
    planned(&memory(&[("/p/dev.bottle.yaml", text)]), "/p/dev.bottle.yaml", &Start::default())
}

#[test]
fn an_own_image_has_its_context_and_never_a_shipped_name() {
    let of = |text: &str| {
        let plan = bottle(text);
        ["image", "dockerfile", "context"].map(|field| plan[field].clone())
    };
    let shipped = of("{}");
    assert_eq!(shipped, [json!("bot-bottle-claude:latest"), json!("Dockerfile.claude"), json!(null)]);
    let own = |context: &str| [json!("bot-bottle-own"), json!("/p/docker/D"), json!(context)];
    assert_eq!(of("agent_provider: {dockerfile: ./docker/D}"), own("/p/docker"));
    assert_eq!(of("agent_provider: {dockerfile: ./docker/D, context: .}"), own("/p"));
    // A child may give its parent's file another folder.
    let files = memory(&[
        ("/p/base.bottle.yaml", "agent_provider: {dockerfile: docker/D}"),
        ("/p/dev.bottle.yaml", "extends: base\nagent_provider: {context: ./here}"),
    ]);
    assert_eq!(planned(&files, "/p/dev.bottle.yaml", &Start::default())["context"], json!("/p/here"));
}

#[test]
fn claude_with_a_token() {
    let plan = bottle("agent_provider: {auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN}\nprompt: Do it.\n");
    for (field, value) in [
        ("name", json!("dev")),
        ("template", json!("claude")),
        ("command", json!("claude")),
        ("prompt_mode", json!("append_file")),
        ("image", json!("bot-bottle-claude:latest")),
        ("dockerfile", json!("Dockerfile.claude")),
        ("guest_env", json!({})),
        (
            "env_vars",
            json!({
                "CLAUDE_CODE_OAUTH_TOKEN": "egress-placeholder",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_ERROR_REPORTING": "1",
            }),
        ),
        ("pre_copy", json!([])),
        ("verify", json!([])),
        (
            "egress_routes",
            json!([{
                "host": "api.anthropic.com",
                "auth_scheme": "Bearer",
                "token_ref": "BOT_BOTTLE_CLAUDE_OAUTH_TOKEN",
                "tls_passthrough": true,
                "owner": "provider",
                "layer": 0,
            "ports": [443],
            "protocol": "http",
            "auth_header": "",
            "auth_user": "",
            }]),
        ),
        ("hidden_env_names", json!(["CLAUDE_CODE_OAUTH_TOKEN"])),
        (
            "argv",
            json!([
                "claude",
                "--dangerously-skip-permissions",
                "--append-system-prompt-file",
                "/home/node/.bot-bottle/prompt.md"
            ]),
        ),
    ] {
        assert_eq!(plan[field], value, "{field}");
    }
    let state = &plan["files"][0];
    assert_eq!(
        (&state["guest_path"], &state["mode"], &state["owner"]),
        (&json!("/home/node/.claude.json"), &json!("600"), &json!("node:node"))
    );
    let state: Value = serde_json::from_str(state["content"].as_str().expect("content")).expect("JSON");
    assert_eq!(state["hasCompletedOnboarding"], true);
    assert_eq!(state["projects"]["/workspace"]["hasTrustDialogAccepted"], true);
}

#[test]
fn claude_without_a_token_adds_nothing() {
    let plan = bottle("env: {A: b}");
    assert_eq!(plan["env_vars"], json!({}));
    assert_eq!(plan["egress_routes"], json!([]));
    assert_eq!(plan["hidden_env_names"], json!([]));
    assert_eq!(plan["argv"], json!(["claude", "--dangerously-skip-permissions"]));
}

#[test]
fn codex_with_forwarding() {
    let plan = bottle("agent_provider: {template: codex, forward_host_credentials: true}");
    let route = |host: &str| {
        json!({
            "host": host,
            "auth_scheme": "Bearer",
            "token_ref": "BOT_BOTTLE_CODEX_HOST_ACCESS_TOKEN",
            "tls_passthrough": true,
            "owner": "provider",
            "layer": 0,
            "ports": [443],
            "protocol": "http",
            "auth_header": "",
            "auth_user": "",
        })
    };
    for (field, value) in [
        ("command", json!("codex")),
        ("prompt_mode", json!("read_prompt_file")),
        ("image", json!("bot-bottle-codex:latest")),
        ("dockerfile", json!("Dockerfile.codex")),
        (
            "env_vars",
            json!({
                "CODEX_CA_CERTIFICATE": "/etc/ssl/certs/ca-certificates.crt",
                "CODEX_HOME": "/home/node/.codex",
            }),
        ),
        ("dirs", json!([{"guest_path": "/home/node/.codex", "mode": "700", "owner": "node:node"}])),
        (
            "files",
            json!([
                {
                    "guest_path": "/home/node/.codex/config.toml",
                    "mode": "600",
                    "owner": "node:node",
                    "content": "[projects.\"/home/node\"]\ntrust_level = \"trusted\"\n\
                                [projects.\"/workspace\"]\ntrust_level = \"trusted\"\n",
                },
                {
                    "guest_path": "/home/node/.codex/auth.json",
                    "mode": "600",
                    "owner": "node:node",
                    "derived_from": "host-login:codex",
                },
            ]),
        ),
        (
            "pre_copy",
            json!([{
                "argv": [
                    "find", "/home/node/.codex", "-maxdepth", "1", "-type", "f", "(", "-name", "*.sqlite", "-o",
                    "-name", "*.sqlite-*", "-o", "-name", "*.codex-repair-*.bak", ")", "-delete"
                ],
                "error": "codex host credentials: could not reset runtime db files",
            }]),
        ),
        (
            "verify",
            json!([{
                "argv": [
                    "runuser", "-u", "node", "--", "env", "HOME=/home/node", "CODEX_HOME=/home/node/.codex",
                    "codex", "login", "status"
                ],
                "error": "codex host credentials: dummy auth was copied into the guest, but Codex did not accept it",
            }]),
        ),
        ("egress_routes", json!([route("api.openai.com"), route("chatgpt.com")])),
        ("hidden_env_names", json!([])),
        ("argv", json!(["codex", "--dangerously-bypass-approvals-and-sandbox"])),
    ] {
        assert_eq!(plan[field], value, "{field}");
    }
}

#[test]
fn codex_without_forwarding_has_its_routes_without_a_credential() {
    let plan = bottle("agent_provider: {template: codex}\nenv: {CODEX_HOME: /home/node/state}");
    for route in plan["egress_routes"].as_array().expect("routes") {
        assert_eq!((&route["auth_scheme"], &route["token_ref"]), (&json!(""), &json!("")));
        assert_eq!(route["tls_passthrough"], true);
    }
    assert_eq!(plan["env_vars"], json!({"CODEX_CA_CERTIFICATE": "/etc/ssl/certs/ca-certificates.crt"}));
    assert_eq!(plan["files"][0]["guest_path"], "/home/node/state/config.toml");
    assert_eq!((&plan["pre_copy"], &plan["verify"]), (&json!([]), &json!([])));
}

#[test]
fn each_start_has_its_command_line() {
    let claude = "agent_provider: {auth_token: T}\nprompt: Do it.";
    let codex = "agent_provider: {template: codex}\nprompt: Do it.";
    let argv = |text: &str, start: Start| -> Vec<String> {
        let plan = planned(&memory(&[("/p/a.bottle.yaml", text)]), "/p/a.bottle.yaml", &start);
        serde_json::from_value(plan["argv"].clone()).expect("a list")
    };
    let (resume, remote_control) =
        (Start { resume: true, ..Start::default() }, Start { remote_control: true, ..Start::default() });
    let task = Start { task: Some("fix it".into()), ..Start::default() };
    let prompt = "/home/node/.bot-bottle/prompt.md";
    let (skip, append) = ("--dangerously-skip-permissions", "--append-system-prompt-file");
    assert_eq!(argv(claude, resume.clone()), ["claude", skip, "--continue", append, prompt]);
    assert_eq!(argv(claude, remote_control.clone()), ["claude", skip, "--remote-control", append, prompt]);
    assert_eq!(argv(claude, task.clone()), ["claude", skip, append, prompt, "-p", "fix it"]);
    let bypass = "--dangerously-bypass-approvals-and-sandbox";
    let read = format!("Read and follow the instructions in {prompt}.");
    assert_eq!(argv(codex, Start::default()), ["codex", bypass, &read]);
    assert_eq!(argv(codex, resume), ["codex", bypass, "resume", "--last"]);
    let with_task = format!("{read}\n\nfix it");
    assert_eq!(argv(codex, task), ["codex", "exec", bypass, "--skip-git-repo-check", &with_task]);
    let plan = planned(&memory(&[("/p/a.bottle.yaml", codex)]), "/p/a.bottle.yaml", &remote_control);
    assert_eq!((&plan["unsupported"], &plan["argv"]), (&Value::Null, &json!(["codex", bypass, &read])));
    assert_eq!(plan["notes"], json!(["codex has no remote control, so --remote-control adds nothing"]));
    // A conversation that goes on has its prompt, whoever asked for it.
    for (args, wanted) in [
        (vec!["resume", "0199"], vec!["codex", bypass, "resume", "0199"]),
        (vec!["-c", "x=1", "resume"], vec!["codex", bypass, "-c", "x=1", "resume"]),
        (vec!["--resume-not"], vec!["codex", bypass, "--resume-not", &read]),
    ] {
        let agent_args = args.into_iter().map(str::to_owned).collect();
        assert_eq!(argv(codex, Start { agent_args, ..Start::default() }), wanted);
    }
}

/// What remote control needs to be different stands in the plan, and so in the preflight and the hover.
#[test]
fn remote_control_has_its_own_environment() {
    let files = memory(&[("/p/a.bottle.yaml", "agent_provider: {auth_token: T}")]);
    let names = |remote_control: bool| {
        let plan = planned(&files, "/p/a.bottle.yaml", &Start { remote_control, ..Start::default() });
        let names: Vec<String> = plan["env_vars"].as_object().expect("a map").keys().cloned().collect();
        names
    };
    let (quiet, scopes) = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_OAUTH_SCOPES");
    let has = |names: &[String], name: &str| names.iter().any(|n| n == name);
    let (plain, remote) = (names(false), names(true));
    assert!(has(&plain, quiet) && !has(&plain, scopes), "{plain:?}");
    assert!(!has(&remote, quiet) && has(&remote, scopes), "{remote:?}");
}

#[test]
fn no_face_shows_a_login_that_is_not_set() {
    for text in ["agent_provider: {auth_token: ''}", "agent_provider: {template: claude}"] {
        let files = memory(&[("/p/a.bottle.yaml", text)]);
        let plan = made(&files, "/p/a.bottle.yaml", &Start::default());
        assert!(
            plan.egress_routes.is_empty() && plan.env_vars.is_empty() && plan.hidden_env_names.is_empty()
        );
        for format in [Format::Text, Format::Markdown, Format::Json] {
            assert!(!render(&plan, format).contains("Bearer"), "{text}");
        }
    }
}

#[test]
fn an_agent_runs_in_its_bottle_with_its_own_identity_and_prompt() {
    let files = memory(&[
        (
            "/home/ada/.bot-bottle/bottles/base.md",
            "---\ngit: {user: {name: Base, email: a@example.com}}\n---\n",
        ),
        ("/home/ada/.bot-bottle/bottles/dev.md", "---\nextends: base\nskills: [one]\n---\nDocs.\n"),
        (
            "/p/.bot-bottle/agents/fix.md",
            "---\nbottle: dev\nskills: [two]\ngit: {user: {name: Bot}}\n---\nFix it.\n",
        ),
    ]);
    let plan = planned(&files, "/p/.bot-bottle/agents/fix.md", &Start::default());
    let file = |path: &str| {
        let files = plan["files"].as_array().expect("files");
        files.iter().find(|f| f["guest_path"] == path).unwrap_or_else(|| panic!("{path} in {files:?}"))
    };
    assert_eq!(plan["name"], "fix");
    assert_eq!(
        file("/home/node/.gitconfig")["content"],
        "[user]\n\tname = \"Bot\"\n\temail = \"a@example.com\"\n"
    );
    assert_eq!(file("/home/node/.bot-bottle/prompt.md")["content"], "Fix it.");
    assert_eq!(file("/home/node/.claude/skills/one")["derived_from"], "skill:one");
    assert_eq!(file("/home/node/.claude/skills/two")["derived_from"], "skill:two");
}

/// Counts what is read.
struct Counting {
    inner: MemoryFiles,
    read: Mutex<Vec<PathBuf>>,
}

impl Files for Counting {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read.lock().expect("the list").push(path.to_owned());
        self.inner.read(path)
    }
    fn kind(&self, path: &Path) -> Option<FileKind> {
        self.inner.kind(path)
    }
    fn list(&self, dir: &Path) -> Vec<String> {
        self.inner.list(dir)
    }
    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        self.inner.canonical(path)
    }
}

#[test]
fn planning_reads_manifests_and_nothing_else() {
    let files = Counting {
        inner: memory(&[
            ("/p/base.bottle.yaml", "agent_provider: {template: codex, forward_host_credentials: true}"),
            (
                "/p/dev.bottle.yaml",
                "extends: base\nprompt_file: ./prompt.md\nskills: [review]\nenv: {R: '${HOME}', Q: '?what'}\n\
                 workspace: {mounts: [{source: ./docs, target: /docs}]}\n\
                 egress: {routes: [{host: a.example.com, auth: {scheme: Bearer, token_ref: HOME}}]}",
            ),
            ("/p/prompt.md", "never read"),
            ("/p/docs/a", "never read"),
            ("/home/ada/.codex/auth.json", "never read"),
            ("/home/ada/.claude/skills/review/SKILL.md", "never read"),
        ]),
        read: Mutex::default(),
    };
    let plan = planned(&files, "/p/dev.bottle.yaml", &Start::default());
    let mut read = files.read.lock().expect("the list").clone();
    read.sort();
    assert_eq!(read, [Path::new("/p/base.bottle.yaml"), Path::new("/p/dev.bottle.yaml")]);
    // The host's value stands nowhere: only its name does.
    assert_eq!(plan["guest_env"], json!({"R": "${HOME}", "Q": "?what"}));
    assert!(!plan.to_string().contains("never read"));
}

#[test]
fn a_secret_in_a_literal_is_in_no_format() {
    let secret = ["ghp", &"aB3d".repeat(9)].join("_");
    let files = memory(&[("/p/a.bottle.yaml", &*format!("env: {{T: {secret}}}"))]);
    let layout = Layout::default();
    let catalog = Catalog::new(&files, &layout);
    let source = catalog.source(Path::new("/p/a.bottle.yaml")).expect("source");
    let manifest = source.manifests[0].clone();
    let made = draft(&Found { source, manifest }, &catalog, &Start::default()).expect("a plan");
    for format in [Format::Text, Format::Json, Format::Yaml, Format::Markdown] {
        assert!(!render(&made, format).contains(&secret), "{format:?}");
    }
}

/// What the agent reads of its own walls.
fn policy(text: &str) -> String {
    let files = memory(&[("/p/dev.bottle.yaml", text)]);
    guest_policy(&made(&files, "/p/dev.bottle.yaml", &Start::default()))
}

#[test]
fn the_guests_policy_says_what_each_route_allows_and_names_no_credential() {
    let text = policy(
        "agent_provider: {auth_token: HOST_TOKEN_NAME}
egress:
  routes:
    - {host: api.github.com, path_allowlist: [/repos/acme/, /user]}
    - host: '*.example.com'
      matches:
        - {paths: [{type: prefix, value: /api/}, {type: exact, value: /status}], methods: [GET, HEAD]}
        - {paths: [{type: glob, value: '/v*/items'}]}
    - {host: github.com, git: read, auth: {scheme: Basic, token_ref: OTHER_TOKEN_NAME}}
    - {host: closed.example.org, path_allowlist: []}
    - {host: shut.example.org, matches: []}
workspace: {mode: copy, mounts: [{source: ../docs, target: /docs, read_only: true}]}
",
    );
    assert!(!text.contains("TOKEN_NAME"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn the_guests_policy_without_routes_says_so_and_no_name_breaks_the_page() {
    assert!(policy("env: {A: b}\n").contains("None: every request is refused."));
    let text = policy("egress: {routes: [{host: a.test, path_allowlist: [\"/a`\\n# x\\e[2J\"]}]}\n");
    assert!(text.contains("- `a.test`: paths at or below `/aˋ"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("\n# x"), "{text}");
}

#[test]
fn a_person_is_not_shown_the_placeholders_name() {
    let text = "agent_provider: {auth_token: HOST_NAME}\nenv: {LOG_LEVEL: debug}\n";
    let made = made(&memory(&[("/p/dev.bottle.yaml", text)]), "/p/dev.bottle.yaml", &Start::default());
    assert_eq!(made.hidden_env_names, ["CLAUDE_CODE_OAUTH_TOKEN"]);
    let shown =
        [render(&made, Format::Text), render(&made, Format::Markdown), preflight(&made, "docker", None)];
    for text in shown {
        assert!(text.contains("LOG_LEVEL") && !text.contains("CLAUDE_CODE_OAUTH_TOKEN"), "{text}");
    }
}
