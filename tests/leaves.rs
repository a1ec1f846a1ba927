//! Nothing is granted unseen, held for every leaf of both schemas: set, changed and removed one at a time,
//! each moves the digest, the diff, both questions and the preflight.

#![allow(clippy::print_stdout)]

use bot_bottle::disk::Disk;
use bot_bottle::engine::trust::{Proposal, Standing, Trust};
use bot_bottle::engine::{Looked, StateDir};
use bot_bottle::manifest::{Catalog, Found, Layout};
use bot_bottle::plan::{Direction, Plan, compare, draft, preflight};
use bot_bottle::provider::Start;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Leaves that give nothing, each with the reason.
const EXEMPT: [(&str, &str); 11] = [
    ("bottle.name", "names the bottle; every place is headed by it"),
    ("bottle.git.remotes.*.Name", "refused by the rule `unsupported`"),
    ("bottle.git.remotes.*.Upstream", "refused by the rule `unsupported`"),
    ("bottle.git.remotes.*.IdentityFile", "refused by the rule `unsupported`"),
    ("bottle.git.remotes.*.KnownHostKey", "refused by the rule `unsupported`"),
    ("bottle.egress.routes.[].role", "refused by the rule `unknown-role`"),
    ("bottle.supervise", "has no effect; the rule `unsupported` says so, and walls without it are stricter"),
    (
        "bottle.agent_provider.template",
        "moved by the test below: the fields of one template are refused by another",
    ),
    ("bottle.agent_provider.forward_host_credentials", "moved by the test below: it is another template's"),
    ("bottle.egress.routes.[].protocol", "moved by the test below: `tcp` and terms exclude each other"),
    ("bottle.prompt_file", "moved by the test below: `prompt` and `prompt_file` exclude each other"),
];

/// Which way a grant moves when a leaf's first value becomes the second.
const DIRECTIONS: [(&str, Direction); 12] = [
    ("bottle.egress.inherit", Direction::Widened),
    ("bottle.egress.routes.[].git", Direction::Widened),
    ("bottle.egress.routes.[].pass_headers.[]", Direction::Changed),
    ("bottle.egress.routes.[].path_allowlist.[]", Direction::Widened),
    ("bottle.egress.routes.[].pipelock.tls_passthrough", Direction::Widened),
    ("bottle.egress.routes.[].pipelock.ssrf_ip_allowlist.[]", Direction::Changed),
    ("bottle.egress.routes.[].auth.token_ref", Direction::Changed),
    ("bottle.workspace.mode", Direction::Narrowed),
    ("bottle.workspace.mounts.[].read_only", Direction::Widened),
    ("bottle.resources.cpus", Direction::Widened),
    ("bottle.resources.memory", Direction::Widened),
    ("bottle.resources.pids", Direction::Widened),
];

/// Two values for a leaf.
fn values(leaf: &str, host: &Path) -> Option<[Value; 2]> {
    let host = |name: &str| json!(host.join(name));
    Some(match leaf.split_once('.')?.1 {
        "extends.[]" => [json!("base"), json!("other")],
        "egress.inherit" => [json!(false), json!(true)],
        "bottle" => [json!("base"), json!("other")],
        "agent_provider.dockerfile" => [json!("./D"), json!("./E")],
        "agent_provider.context" => [json!("ctx"), json!("ctx2")],
        "agent_provider.api_key" => [json!("FIRST"), json!("SECOND")],
        "agent_provider.auth_token" => [json!("FIRST"), json!("SECOND")],
        "env.*" => [json!("one"), json!("two")],
        "git.user.name" => [json!("Ada"), json!("Bob")],
        "git.user.email" => [json!("a@example.com"), json!("b@example.com")],
        "egress.routes.[].host" => [json!("a.example.com"), json!("b.example.com")],
        "egress.routes.[].ports.[]" => [json!(8443), json!(9443)],
        "egress.routes.[].auth.scheme" => [json!("Bearer"), json!("Basic")],
        "egress.routes.[].auth.user" => [json!("ada"), json!("bob")],
        "egress.routes.[].auth.header" => [json!("x-api-key"), json!("private-token")],
        "egress.routes.[].auth.token_ref" => [json!("ONE"), json!("TWO")],
        "egress.routes.[].pass_headers.[]" => [json!("x-csrf-token"), json!("cookie")],
        "egress.routes.[].path_allowlist.[]" => [json!("/a/b/"), json!("/a/")],
        "egress.routes.[].matches.[].paths.[].type" => [json!("exact"), json!("prefix")],
        "egress.routes.[].matches.[].paths.[].value" => [json!("/x"), json!("/y")],
        "egress.routes.[].matches.[].methods.[]" => [json!("GET"), json!("POST")],
        "egress.routes.[].matches.[].headers.[].name" => [json!("x-team"), json!("x-group")],
        "egress.routes.[].matches.[].headers.[].value" => [json!("core"), json!("web")],
        "egress.routes.[].git" => [json!("read"), json!("write")],
        "egress.routes.[].pipelock.tls_passthrough" => [json!(false), json!(true)],
        "egress.routes.[].pipelock.ssrf_ip_allowlist.[]" => [json!("10.0.0.0/8"), json!("192.168.0.0/16")],
        "workspace.path" => [host("one"), host("two")],
        "workspace.mode" => [json!("bind"), json!("read_only")],
        "workspace.mounts.[].source" => [host("one"), host("two")],
        "workspace.mounts.[].target" => [json!("/one"), json!("/two")],
        "workspace.mounts.[].read_only" => [json!(true), json!(false)],
        "resources.cpus" => [json!(1), json!(2)],
        "resources.memory" => [json!("1GiB"), json!("2GiB")],
        "resources.pids" => [json!(100), json!(200)],
        "prompt" => [json!("Do this."), json!("Do that.")],
        "prompt_file" => [json!("./one.md"), json!("./two.md")],
        "skills.[]" => [json!("review"), json!("test")],
        _ => return None,
    })
}

/// The leaves of a schema, by the path of keys; `[]` stands for an item, `*` for any key. A Claude Code subagent's
/// own fields have no effect here.
fn leaves(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if schema["description"].as_str().is_some_and(|text| text.starts_with("Accepted and ignored")) {
        return;
    }
    let mut inner = false;
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        inner = true;
        leaves(value, &format!("{path}.{key}"), found);
    }
    for (key, name) in [("items", "[]"), ("additionalProperties", "*")] {
        if schema[key].is_object() {
            inner = true;
            leaves(&schema[key], &format!("{path}.{name}"), found);
        }
    }
    for key in ["oneOf", "anyOf"] {
        for value in schema[key].as_array().into_iter().flatten() {
            inner = true;
            leaves(value, path, found);
        }
    }
    if !inner && path.contains('.') {
        found.insert(path.to_owned());
    }
}

/// Sets, or with `None` removes, a leaf in a document.
fn set(document: &mut Value, leaf: &str, value: Option<Value>) {
    let mut parts: Vec<&str> = leaf.split('.').skip(1).collect();
    let last = parts.pop().expect("a leaf has a name");
    let mut at = document;
    for part in parts {
        at = match part {
            "[]" => &mut at[0],
            "*" => &mut at["LOG"],
            key => &mut at[key],
        };
    }
    match (last, value) {
        ("[]", Some(value)) => *at = json!([value]),
        ("[]", None) => *at = json!([]),
        ("*", Some(value)) => at["LOG"] = value,
        ("*", None) => {
            at.as_object_mut().map(|map| map.remove("LOG"));
        }
        (key, Some(value)) => at[key] = value,
        (key, None) => {
            at.as_object_mut().map(|map| map.remove(key));
        }
    }
}

struct Scene {
    dir: tempfile::TempDir,
    layout: Layout,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temp");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
            fs::write(path, text).expect("written");
        };
        write("home/.bot-bottle/bottles/base.md", "---\nenv: {BASE: one}\n---\n");
        let routes = "egress: {routes: [{host: parent.example.com}]}";
        write("home/.bot-bottle/bottles/routes.md", &format!("---\n{routes}\n---\n"));
        write("home/.bot-bottle/bottles/other.md", "---\nenv: {BASE: two}\n---\n");
        write("home/.claude/skills/review/SKILL.md", "review");
        write("home/.claude/skills/test/SKILL.md", "test");
        write("project/D", "FROM a\nCOPY x /\n");
        write("project/E", "FROM b\nCOPY x /\n");
        for file in ["x", "ctx/x", "ctx2/x", "one.md", "two.md", "one/page", "two/page"] {
            write(&format!("project/{file}"), file);
        }
        Self { layout: Layout { home: Some(dir.path().join("home")) }, dir }
    }

    fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    /// JSON is YAML.
    fn plan(&self, kind: &str, document: &Value) -> (Plan, Proposal, String) {
        let path = self.project().join(format!("dev.{kind}.yaml"));
        fs::write(&path, document.to_string()).expect("written");
        let catalog = Catalog::new(&Disk, &self.layout);
        let source = catalog.source(&path).expect("a manifest");
        let found = Found { manifest: source.manifests[0].clone(), source };
        let looked = Arc::new(Looked::new(self.dir.path().join("home"), self.project()));
        let bottle = Proposal::of(&found, &catalog, &looked).expect("a bottle");
        let digest = bottle.launch_digest(&found, &catalog).expect("a plan");
        (draft(&found, &catalog, &Start::default()).expect("a plan"), bottle, digest)
    }

    /// Every place that a person decides by, for one step between two documents. `false` where both mean
    /// the same plan.
    fn step(&self, leaf: &str, kind: &str, old: &Value, new: &Value, direction: Option<Direction>) -> bool {
        let (old_plan, old_bottle, old_digest) = self.plan(kind, old);
        let state = StateDir::new(self.dir.path().join("state"));
        let trust = Trust::new(&state, &self.layout);
        let first = |bottle: &Proposal| match trust.standing(bottle) {
            Standing::Unknown(lines) => lines,
            other => panic!("{leaf}: not a first question: {other:?}"),
        };
        let before = first(&old_bottle);
        trust.grant(&old_bottle).expect("remembered");
        let (new_plan, new_bottle, new_digest) = self.plan(kind, new);
        let standing = trust.standing(&new_bottle);
        assert!(trust.revoke(new_bottle.path()).expect("revoked"));
        if old_plan == new_plan {
            assert_eq!(standing, Standing::Trusted, "{leaf}");
            return false;
        }
        let what = format!("{leaf}: {old} to {new}");
        assert_ne!(old_digest, new_digest, "the digest does not move: {what}");
        let Standing::Changed(moved) = standing else { panic!("the second question is not asked: {what}") };
        assert!(
            !moved.gone.is_empty() || !moved.come.is_empty(),
            "the second question does not show it: {what}"
        );
        assert_ne!(before, first(&new_bottle), "the first question does not show it: {what}");
        let changes = compare(Some(&old_plan), Some(&new_plan));
        assert!(!changes.is_empty(), "the diff does not report it: {what}");
        if let Some(direction) = direction {
            assert!(
                changes
                    .iter()
                    .any(|c| c.direction == direction && c.widens() == (direction != Direction::Narrowed)),
                "{what}: {changes:?}"
            );
        }
        let seen = |plan: &Plan| preflight(plan, "docker", None);
        assert_ne!(seen(&old_plan), seen(&new_plan), "the preflight does not show it: {what}");
        true
    }
}

fn base(kind: &str) -> Value {
    if kind == "agent" {
        return json!({"bottle": "base", "prompt": "Go."});
    }
    json!({
        "agent_provider": {"dockerfile": "./D"},
        "env": {"KEPT": "x"},
        "git": {"user": {"name": "Eve", "email": "e@example.com"}},
        "egress": {"routes": [{
            "host": "z.example.com",
            "auth": {"scheme": "token", "token_ref": "TOKEN"},
            "matches": [{"paths": [{"type": "glob", "value": "/z"}], "methods": ["PUT"]}],
            "pipelock": {"tls_passthrough": false},
        }]},
        "workspace": {"mounts": [{"source": "./one", "target": "/docs", "read_only": true}]},
        "resources": {"cpus": 4},
        "prompt": "Go.",
    })
}

fn all_leaves() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for kind in ["bottle", "agent"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{kind}.schema.json"));
        let schema: Value = serde_json::from_slice(&fs::read(path).expect("read")).expect("JSON");
        leaves(&schema, kind, &mut found);
    }
    found
}

#[test]
fn every_leaf_moves_the_digest_the_diff_both_questions_and_the_preflight() {
    let scene = Scene::new();
    let (mut moved, mut exempt) = (0, 0);
    for leaf in all_leaves() {
        if EXEMPT.iter().any(|(name, _)| *name == leaf) {
            exempt += 1;
            continue;
        }
        let kind = leaf.split('.').next().expect("a kind");
        let [one, two] =
            values(&leaf, &scene.project()).unwrap_or_else(|| panic!("no place knows the leaf {leaf}"));
        let mut without = base(kind);
        // A route for git has no terms beside it, and a prompt no other.
        if leaf.ends_with("[].git") {
            without["egress"]["routes"][0].as_object_mut().expect("a route").remove("matches");
        }
        // A header takes the place of a scheme, and only `Basic` has a user.
        if leaf.ends_with("auth.user") {
            without["egress"]["routes"][0]["auth"]["scheme"] = json!("Basic");
        }
        if leaf.ends_with("auth.header") {
            without["egress"]["routes"][0]["auth"].as_object_mut().expect("a mapping").remove("scheme");
        }
        if leaf.contains(".headers.") {
            without["egress"]["routes"][0]["matches"][0]["headers"] = json!([{"name": "x-a", "value": "b"}]);
        }
        if leaf.ends_with("egress.inherit") {
            without["extends"] = json!(["routes"]);
        }
        if leaf.ends_with("prompt_file") {
            without.as_object_mut().expect("a mapping").remove("prompt");
        }
        let (mut first, mut second) = (without.clone(), without.clone());
        set(&mut without, &leaf, None);
        set(&mut first, &leaf, Some(one));
        set(&mut second, &leaf, Some(two));
        let direction = DIRECTIONS.iter().find(|(name, _)| *name == leaf).map(|(_, d)| *d);
        assert!(scene.step(&leaf, kind, &first, &second, direction), "{leaf}: both values mean the same");
        // A mapping without what it must have is not a manifest; then the removal is none either.
        let required = [
            "bottle.egress.routes.[].host",
            "bottle.egress.routes.[].auth.",
            "bottle.egress.routes.[].matches.[].headers.",
            "bottle.workspace.mounts.[].",
            "agent.bottle",
        ];
        if !required.iter().any(|r| leaf.starts_with(r)) {
            let set = scene.step(&leaf, kind, &without, &first, None);
            let removed = scene.step(&leaf, kind, &second, &without, None);
            assert!(set || removed, "{leaf}: without it everything is the same");
        }
        moved += 1;
    }
    println!("{moved} leaves moved, {exempt} exempt");
    assert_eq!(exempt, EXEMPT.len(), "an exemption names no leaf");
}

#[test]
fn what_needs_another_base_moves_too() {
    let scene = Scene::new();
    let step =
        |leaf: &str, old: Value, new: Value| assert!(scene.step(leaf, "bottle", &old, &new, None), "{leaf}");
    step("template", json!({"prompt": "x"}), json!({"prompt": "x", "agent_provider": {"template": "codex"}}));
    let codex =
        |forward: bool| json!({"agent_provider": {"template": "codex", "forward_host_credentials": forward}});
    step("forward_host_credentials", codex(false), codex(true));
    step("forward_host_credentials", codex(true), codex(false));
    let route = |rest: Value| {
        let mut route = json!({"host": "db.example.com", "ports": [5432]});
        route.as_object_mut().expect("a mapping").extend(rest.as_object().expect("a mapping").clone());
        json!({"egress": {"routes": [route]}})
    };
    let (http, tcp) = (route(json!({"protocol": "http"})), route(json!({"protocol": "tcp"})));
    assert!(scene.step("protocol", "bottle", &http, &tcp, Some(Direction::Widened)));
    assert!(scene.step("protocol", "bottle", &tcp, &http, Some(Direction::Narrowed)));
    assert!(scene.step(
        "protocol",
        "bottle",
        &tcp,
        &route(json!({"protocol": "tcp", "ports": [1, 5432]})),
        Some(Direction::Widened)
    ));
    step("prompt_file", json!({"prompt_file": "./one.md"}), json!({"prompt_file": "./two.md"}));
    step("prompt_file", json!({"prompt": "x"}), json!({"prompt_file": "./two.md"}));
}

/// A text can differ behind the place where a line of a report is cut.
#[test]
fn what_differs_behind_a_cut_is_seen_all_the_same() {
    let scene = Scene::new();
    let long = |end: &str| format!("{}{end}", "a".repeat(500));
    let step = |old: Value, new: Value| assert!(scene.step("long", "bottle", &old, &new, None));
    step(json!({"env": {"A": long("x")}}), json!({"env": {"A": long("y")}}));
    step(
        json!({"prompt": format!("first\n{}", long("x"))}),
        json!({"prompt": format!("first\n{}", long("y"))}),
    );
    let route = |end: &str| json!({"egress": {"routes": [{"host": "a.example.com", "path_allowlist": [format!("/{}", long(end))]}]}});
    step(route("x"), route("y"));
    let git = |end: &str| json!({"git": {"user": {"name": long(end), "email": "a@example.com"}}});
    step(git("x"), git("y"));
    step(json!({"env": {"A": "a\u{200b}b"}}), json!({"env": {"A": "a\u{200c}b"}}));
}
