//! What each rule says yes and no to, beyond the examples of its page.

use bot_bottle::check::{Denied, Facts, apply, check, fix_all};
use bot_bottle::egress::code::Code;
use bot_bottle::manifest::{Catalog, FileKind, Files, Layout, MemoryFiles};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Files in memory, with links and things that are no files.
#[derive(Default)]
struct Disk {
    files: MemoryFiles,
    links: HashMap<PathBuf, PathBuf>,
    devices: Vec<PathBuf>,
}

impl Disk {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut disk = Self::default();
        disk.files.insert("/project/.git/HEAD", "");
        disk.files.insert("/home/ada/.claude/skills/review/SKILL.md", "x");
        for (path, text) in files {
            disk.files.insert(*path, *text);
        }
        disk
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.files.read(self.links.get(path).map_or(path, PathBuf::as_path))
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let device = self.devices.iter().any(|d| d == path).then_some(FileKind::Other);
        device.or_else(|| self.files.kind(self.links.get(path).map_or(path, PathBuf::as_path)))
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        self.files.list(dir)
    }

    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        self.kind(path).map(|_| self.links.get(path).cloned().unwrap_or_else(|| path.to_owned()))
    }
}

/// The rules that find something in the last file.
fn rules_of(disk: &mut Disk, path: &str, text: &str) -> Vec<&'static str> {
    disk.files.insert(path, text);
    let layout = Layout { home: Some("/home/ada".into()) };
    let catalog = Catalog::new(disk, &layout);
    let source = catalog.source(Path::new(path)).expect("a manifest");
    check(&source, &catalog, &Facts::default()).iter().map(|f| f.rule.id).collect()
}

fn bottle(text: &str) -> Vec<&'static str> {
    rules_of(&mut Disk::new(&[]), "/project/dev.bottle.yaml", text)
}

fn host(host: &str) -> Vec<&'static str> {
    bottle(&format!("egress: {{routes: [{{host: {}}}]}}", serde_json::Value::from(host)))
}

#[test]
fn each_wrong_host_has_one_finding() {
    let private = [
        "localhost",
        "LOCALHOST",
        "app.localhost",
        "*.localhost",
        "printer.local",
        "db.internal",
        "*.corp.internal",
        "metadata.google.internal",
        "host.docker.internal",
        "intranet",
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "10.0.0.1.nip.io",
        "app-169-254-169-254.sslip.io",
        "7f000001.nip.io",
        "*.nip.io",
        "localtest.me",
        "router.home.arpa",
        "100.100.100.200",
    ];
    let invalid = [
        "https://api.github.com",
        "api.github.com:443",
        "api.github.com/x",
        "ada@api.github.com",
        "1.1.1.1",
        "[2606:4700::1111]",
        "a.*.com",
        "*a.com",
        "**.a.com",
        "*.*.a.com",
        "api.github.com.",
        "a_b c.com",
        "",
        " ",
        "a..com",
        "-a.com",
        "münchen.de",
        "http://localhost:8080",
        "*.1.2.3.4",
    ];
    let broad = ["*", "*.com", "*.co.uk", "*.github.io", "*.GITHUB.io", "*.unheard-of-suffix"];
    for (rule, hosts) in
        [("private-host", &private[..]), ("invalid-host", &invalid), ("broad-wildcard", &broad)]
    {
        for name in hosts {
            assert_eq!(host(name), [rule], "{name}");
        }
    }
    for name in [
        "api.github.com",
        "API.GitHub.com",
        "*.example.com",
        "a_b.example.com",
        "8.8.8.8.nip.io",
        "xn--mnchen-3ya.de",
        "*.acme.github.io",
    ] {
        assert_eq!(host(name), [""; 0], "{name}");
    }
}

#[test]
fn a_private_host_may_say_which_addresses_it_has() {
    let with = |host: &str, range: &str| {
        bottle(&format!(
            "egress: {{routes: [{{host: {host}, pipelock: {{ssrf_ip_allowlist: ['{range}']}}}}]}}"
        ))
    };
    assert_eq!(with("db.corp.internal", "10.0.0.0/8"), [""; 0]);
    for (host, range) in [
        ("metadata.google.internal", "10.0.0.0/8"),
        ("127.0.0.1", "127.0.0.1"),
        ("db.example.com", "169.254.0.0/16"),
        ("db.example.com", "::/0"),
    ] {
        assert_eq!(with(host, range), ["private-host"], "{host} {range}");
    }
}

#[test]
fn the_first_route_decides() {
    let routes = |hosts: &[&str]| {
        let all: Vec<_> = hosts.iter().map(|h| format!("{{host: \"{h}\"}}")).collect();
        bottle(&format!("egress: {{routes: [{}]}}", all.join(", ")))
    };
    assert_eq!(routes(&["a.example.com", "A.example.com"]), ["duplicate-route"]);
    assert_eq!(routes(&["*.example.com", "*.Example.com"]), ["duplicate-route"]);
    assert_eq!(routes(&["*.example.com", "a.example.com"]), ["shadowed-route"]);
    assert_eq!(routes(&["*.example.com", "*.a.example.com"]), ["shadowed-route"]);
    assert_eq!(routes(&["a.example.com", "*.example.com", "example.com"]), [""; 0]);
}

/// Several routes to one host: what each of them means to those behind it.
#[test]
fn a_route_that_adds_nothing_or_never_decides_is_found() {
    let routes = |all: &[&str]| {
        let all: Vec<_> = all.iter().map(|r| format!("{{host: a.example.com, {r}}}")).collect();
        bottle(&format!("egress: {{routes: [{}]}}", all.join(", ")))
    };
    let key = "auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}";
    let with_key = |terms: &str| format!("{terms}, {key}");
    // Each of these has something to say.
    let (a, b) = ("path_allowlist: [/a/]", "matches: [{methods: [POST]}]");
    assert_eq!(routes(&[a, b, "git: read", &with_key("path_allowlist: [/b/]")]), [""; 0]);
    assert_eq!(routes(&[&with_key(a), a]), ["shadowed-route"]);
    assert_eq!(routes(&[a, &with_key("path_allowlist: [/a/b/]")]), ["shadowed-route"]);
    assert_eq!(routes(&[a, "path_allowlist: [/a/b/]"]), ["duplicate-route"]);
    assert_eq!(routes(&[a, "path_allowlist: [/a/, /b/]"]), [""; 0]);
    // Between them the earlier ones allow it.
    assert_eq!(routes(&[a, "path_allowlist: [/b/]", "path_allowlist: [/a/x, /b/x]"]), ["shadowed-route"]);
    // What a tunnel carries is not looked at.
    assert_eq!(routes(&["pass_headers: []", a, key]), ["shadowed-route", "shadowed-route"]);
    assert_eq!(routes(&[a, &format!("{a}, pass_headers: [x-csrf-token]")]), ["shadowed-route"]);
}

#[test]
fn paths_are_those_that_can_match() {
    let path = |path: &str| {
        bottle(&format!("egress: {{routes: [{{host: api.github.com, path_allowlist: ['{path}']}}]}}"))
    };
    for bad in [
        "a",
        "",
        "/a/../b",
        "/a//b",
        "/a?b",
        "/a#b",
        "/a%2fb",
        "/a b",
        "https://api.github.com/a",
        "/a/*",
        "/é",
        "/a\\b",
    ] {
        assert_eq!(path(bad), ["invalid-path"], "{bad}");
    }
    for good in ["/", "/a", "/a/", "/a%20b", "/a-b_c.d~e", "/@scope/x"] {
        assert_eq!(path(good), [""; 0], "{good}");
    }
    let entry = |entry: &str| {
        bottle(&format!("egress: {{routes: [{{host: api.github.com, matches: [{{paths: [{entry}]}}]}}]}}"))
    };
    assert_eq!(entry("{type: glob, value: '/a/*/b/**'}"), [""; 0]);
    assert_eq!(entry("{type: exact, value: '/a/*'}"), ["invalid-path"]);
}

#[test]
fn a_credential_is_one_finding_wherever_it_stands() {
    let planted = ["ghp", "Zq7Rt2Kx9Lm4Wp8Vb3Nc6Yd1Fg5Hj0Sa2Ue7"].join("_");
    for text in [
        "env: {A: TOKEN}",
        "env: {A: 'see TOKEN there'}",
        "egress: {routes: [{host: api.github.com, auth: {scheme: Bearer, token_ref: TOKEN}}]}",
        "egress: {routes: [{host: TOKEN}]}",
        "agent_provider: {auth_token: TOKEN}",
        "x-note: [{a: TOKEN}]",
        "x-note: &a TOKEN\nx-other: *a",
        "prompt: |\n  Use TOKEN for it.\n  Then stop.",
        "git: {user: {name: TOKEN}}",
        "env: {TOKEN: a}",
    ] {
        assert_eq!(bottle(&text.replace("TOKEN", &planted)), ["secret-literal"], "{text}");
    }
    let mut disk = Disk::new(&[("/home/ada/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n")]);
    let agent = format!("---\nbottle: dev\n---\nUse {planted} for it.\n");
    assert_eq!(rules_of(&mut disk, "/project/.bot-bottle/agents/a.md", &agent), ["secret-literal"]);
    let digest = "0123456789abcdef".repeat(4);
    let harmless = format!("env: {{COMMIT: {}, DIGEST: 'sha256:{digest}', SUM: {digest}}}", &digest[..40]);
    assert_eq!(bottle(&harmless), [""; 0]);
    assert_eq!(bottle("env: {DB_PASSWORD: hunter2}"), ["secret-literal"]);
}

#[test]
fn a_variable_is_reported_once() {
    for (text, rule) in [
        ("GH_TOKEN: '${X}'", "credential-in-env"),
        ("X: '${GH_TOKEN}'", "credential-in-env"),
        ("X: '?your password'", "credential-in-env"),
        ("CLAUDE_CODE_OAUTH_TOKEN: '${X}'", "credential-in-env"),
        ("https_proxy: x", "engine-owned-env"),
        ("No_Proxy: x", "engine-owned-env"),
        ("NODE_EXTRA_CA_CERTS: x", "engine-owned-env"),
        ("SSL_CERT_DIR: x", "engine-owned-env"),
        ("HOME: /x", "engine-owned-env"),
        ("A-B: x", "invalid-env-name"),
        ("X: '${A-B}'", "invalid-env-name"),
        ("X: '${A:-b}'", "invalid-env-name"),
        ("X: 'a${A}'", "invalid-value"),
    ] {
        assert_eq!(bottle(&format!("env: {{{text}}}")), [rule], "{text}");
    }
    // With the provider's login these are the provider's own, and without it nobody's.
    for name in ["CLAUDE_CODE_OAUTH_TOKEN", "DISABLE_ERROR_REPORTING", "CLAUDE_CODE_OAUTH_SCOPES"] {
        let with = |provider: &str| bottle(&format!("agent_provider: {provider}\nenv: {{{name}: x}}"));
        assert_eq!(with("{auth_token: T}"), ["provider-owned-env"], "{name}");
        assert_eq!(with("{auth_token: ''}"), [""; 0], "{name}");
        assert_eq!(with("{template: codex}"), [""; 0], "{name}");
    }
    for text in ["PATH: /x", "KEYBOARD: '${LAYOUT}'", "TICKET: '?which ticket'", "X: ''"] {
        assert_eq!(bottle(&format!("env: {{{text}}}")), [""; 0], "{text}");
    }
}

#[test]
fn a_route_is_the_providers_own_only_where_the_provider_makes_it() {
    let with = |provider: &str, host: &str| {
        bottle(&format!("agent_provider: {provider}\negress: {{routes: [{{host: {host}}}]}}"))
    };
    for (provider, host, owned) in [
        ("{}", "api.anthropic.com", false),
        ("{auth_token: ''}", "api.anthropic.com", false),
        ("{auth_token: T}", "API.Anthropic.com", true),
        ("{template: codex}", "api.anthropic.com", false),
        ("{template: codex}", "chatgpt.com", true),
        ("{template: codex, forward_host_credentials: true}", "api.openai.com", true),
        ("{auth_token: T}", "chatgpt.com", false),
    ] {
        let wanted: &[&str] = if owned { &["provider-owned-route"] } else { &[] };
        assert_eq!(with(provider, host), wanted, "{provider} {host}");
    }
}

#[test]
fn empty_text_takes_a_parents_login_away() {
    let mut disk = Disk::new(&[("/project/base.bottle.yaml", "agent_provider: {auth_token: T}")]);
    let routes = "egress: {routes: [{host: api.anthropic.com}]}";
    let child = format!("extends: base\nagent_provider: {{auth_token: ''}}\n{routes}");
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", &child), [""; 0]);
    let codex = "extends: base\nagent_provider: {template: codex, auth_token: ''}";
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", codex), [""; 0]);
    let keeps = format!("extends: base\n{routes}");
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", &keeps), ["provider-owned-route"]);
}

#[test]
fn a_mistake_of_a_parent_is_reported_with_the_parent_alone() {
    let routes = "agent_provider: {auth_token: T}\negress: {routes: [{host: api.anthropic.com}]}";
    let mut disk = Disk::new(&[
        ("/project/base.bottle.yaml", routes),
        ("/project/open.bottle.yaml", "egress: {routes: [{host: chatgpt.com}]}"),
    ]);
    assert_eq!(rules_of(&mut disk, "/project/base.bottle.yaml", routes), ["provider-owned-route"]);
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", "extends: base"), ["broken-bottle"]);
    // Here the parent is right, and only together with the child it is not.
    let child = "extends: open\nagent_provider: {template: codex}";
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", child), ["provider-owned-route"]);
    let grandchild = rules_of(&mut disk, "/project/leaf.bottle.yaml", "extends: dev");
    assert_eq!(grandchild, ["broken-bottle"]);
}

#[test]
fn a_child_that_drops_a_limit_says_so() {
    let base = "egress: {routes: [{host: api.github.com, path_allowlist: [/a/]}, {host: b.example.com}]}\n\
                workspace: {mode: copy}\nresources: {cpus: 1, memory: 1GiB}\n";
    let child = |text: &str| {
        let mut disk = Disk::new(&[("/project/base.bottle.yaml", base)]);
        rules_of(&mut disk, "/project/dev.bottle.yaml", &format!("extends: base\n{text}"))
    };
    for (text, rules) in [
        ("egress: {routes: [{host: api.github.com}]}", ["loosened-parent"].as_slice()),
        ("egress: {routes: [{host: '*.github.com'}]}", &["loosened-parent"]),
        // No more than before, and the parent's route is dead all the same.
        ("egress: {routes: [{host: '*.github.com', path_allowlist: [/a/]}]}", &["shadowed-route"]),
        (
            "egress: {routes: [{host: api.github.com, path_allowlist: [/a/b/]}, {host: '*.github.com', path_allowlist: [/a/]}]}",
            &[],
        ),
        ("egress: {routes: [{host: api.github.com, path_allowlist: [/a/, /b/]}]}", &["loosened-parent"]),
        ("workspace: {path: .}", &["loosened-parent"]),
        ("workspace: {}", &["loosened-parent"]),
        ("resources: {cpus: 0.5}", &["loosened-parent"]),
        ("resources: {cpus: 2}", &["loosened-parent", "loosened-parent"]),
        ("resources: {}", &["loosened-parent", "loosened-parent"]),
        // What a parent has need not be said again.
        ("egress: {routes: [{host: b.example.com}]}", &["duplicate-route"]),
        ("egress: {routes: [{host: c.example.com}]}", &[]),
        ("egress: {routes: [{host: api.github.com, path_allowlist: [/a/b/]}]}", &[]),
        ("egress: {routes: []}", &[]),
        ("egress: {inherit: false, routes: [{host: api.github.com, path_allowlist: [/a/b/]}]}", &[]),
        // Said for all to read, it is no less: a suppression says why.
        ("workspace: {mode: bind}", &["loosened-parent"]),
        ("resources: {cpus: 2, memory: 2GiB}", &["loosened-parent", "loosened-parent"]),
        ("resources: {cpus: 0.5, memory: 1GiB}", &[]),
        ("workspace: {mode: read_only}", &[]),
        ("env: {A: b}", &[]),
    ] {
        assert_eq!(child(text), rules, "{text}");
    }
}

#[test]
fn what_a_child_loosens_is_mended_by_the_parents_own_value() {
    let base = "workspace: {mode: read_only}\nresources: {cpus: 1.5, memory: 1GiB, pids: 200}\n";
    for (text, mended) in [
        ("resources:\n  cpus: 2\n", "resources:\n  cpus: 1.5\n  memory: 1GiB\n  pids: 200\n"),
        (
            "resources: {pids: 300, memory: 2GiB, cpus: 1}\n",
            "resources: {pids: 200, memory: 1GiB, cpus: 1}\n",
        ),
        ("workspace: {mode: bind}\n", "workspace: {mode: read_only}\n"),
    ] {
        let mut disk = Disk::new(&[("/project/base.bottle.yaml", base)]);
        let path = Path::new("/project/dev.bottle.yaml");
        disk.files.insert(path, format!("extends: base\n{text}").as_str());
        let layout = Layout { home: Some("/home/ada".into()) };
        let catalog = Catalog::new(&disk, &layout);
        let source = catalog.source(path).expect("a manifest");
        let mut findings = check(&source, &catalog, &Facts::default());
        findings.retain(|f| f.rule.id == "loosened-parent");
        findings.reverse();
        let mut now = source.text.to_string();
        // From the end, so that places in front stay.
        findings.sort_by_key(|f| std::cmp::Reverse(f.fix.as_ref().map(|fix| fix.edits[0].span.start)));
        for finding in &findings {
            now = apply(&now, &finding.fix.as_ref().expect("a fix").edits).to_string();
        }
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(lines(&now), lines(&format!("extends: base\n{mended}")), "{now}");
    }
}

#[test]
fn a_later_parent_that_loosens_an_earlier_one_is_told_of() {
    let strict = "egress: {routes: [{host: api.github.com, path_allowlist: [/a/]}]}\n\
                  workspace: {mode: copy, mounts: [{source: /s, target: /t}]}\nresources: {cpus: 1}\n";
    let of = |loose: &str| {
        let files = [("/project/strict.bottle.yaml", strict), ("/project/loose.bottle.yaml", loose)];
        let mut disk = Disk::new(&files);
        let first = rules_of(&mut disk, "/project/dev.bottle.yaml", "extends: [strict, loose]\n");
        let last = rules_of(&mut disk, "/project/dev.bottle.yaml", "extends: [loose, strict]\n");
        (first, last)
    };
    let one = || vec!["loosened-parent"];
    assert_eq!(of("egress: {routes: [{host: api.github.com}]}"), (one(), vec![]));
    assert_eq!(of("workspace: {mode: bind, mounts: [{source: /s, target: /t}]}"), (one(), vec![]));
    let writable = "workspace: {mode: copy, mounts: [{source: /s, target: /t, read_only: false}]}";
    assert_eq!(of(writable), (one(), vec![]));
    assert_eq!(of("resources: {cpus: 2}"), (one(), vec![]));
    assert_eq!(of("env: {A: b}"), (vec![], vec![]));
}

#[test]
fn more_parents_in_a_row_than_are_followed_are_an_error_and_never_left_out() {
    let mut disk = Disk::new(&[]);
    let text = |n: usize| if n == 0 { "env: {}".to_owned() } else { format!("extends: b{}", n - 1) };
    (0..80).for_each(|n| disk.files.insert(format!("/project/b{n}.bottle.yaml"), text(n)));
    assert_eq!(rules_of(&mut disk, "/project/b63.bottle.yaml", &text(63)), [""; 0]);
    assert_eq!(rules_of(&mut disk, "/project/b64.bottle.yaml", &text(64)), ["extends-cycle"]);
    assert_eq!(
        rules_of(&mut disk, "/project/b65.bottle.yaml", &text(65)),
        ["broken-bottle", "extends-cycle"]
    );
}

#[test]
fn circles_are_reported_by_those_in_them() {
    let files = [("/project/a.bottle.yaml", "extends: b"), ("/project/b.bottle.yaml", "extends: a")];
    let mut disk = Disk::new(&files);
    for (path, text) in files {
        assert_eq!(rules_of(&mut disk, path, text), ["extends-cycle"], "{path}");
    }
    assert_eq!(rules_of(&mut disk, "/project/c.bottle.yaml", "extends: a"), ["broken-bottle"]);
    assert_eq!(rules_of(&mut disk, "/project/d.bottle.yaml", "extends: d"), ["extends-cycle"]);
    assert_eq!(
        rules_of(&mut disk, "/project/e.bottle.yaml", "extends: [x, ../a, '']"),
        ["unknown-parent", "unknown-parent", "invalid-value"]
    );
}

#[test]
fn names_are_those_of_files_and_documents() {
    let mut disk = Disk::new(&[]);
    assert_eq!(rules_of(&mut disk, "/project/My_Bottle.bottle.yaml", "env: {}"), ["invalid-name"]);
    assert_eq!(rules_of(&mut disk, "/project/My_Bottle.bottle.yaml", "name: one\n---\nname: two\n"), [""; 0]);
    assert_eq!(
        rules_of(&mut disk, "/project/x.bottle.yaml", "name: one\n---\nname: one\n"),
        ["invalid-name"]
    );
    assert_eq!(rules_of(&mut disk, "/project/x.bottle.yaml", "name: A b\n---\nenv: {}\n"), ["invalid-name"]);
    disk.files.insert("/project/x.bottle.yaml", "env: {}");
    let subagent = "---\nname: Code Reviewer\nbottle: x\n---\nReview.\n";
    assert_eq!(
        rules_of(&mut disk, "/project/review.agent.yaml", "bottle: x\nname: Any Name\nprompt: p\n"),
        [""; 0]
    );
    disk.files.insert("/home/ada/.bot-bottle/bottles/x.md", "---\nenv: {}\n---\n");
    assert_eq!(rules_of(&mut disk, "/project/.bot-bottle/agents/review.md", subagent), [""; 0]);
}

#[test]
fn files_stay_in_the_project() {
    let files = [
        ("/project/p.md", "Do it."),
        ("/secret/p.md", "x"),
        ("/project/empty.md", " \n"),
        ("/project/dir/x", ""),
    ];
    let mut disk = Disk::new(&files);
    disk.links.insert("/project/link.md".into(), "/secret/p.md".into());
    disk.devices.push("/project/fifo".into());
    for (value, rules) in [
        ("p.md", [].as_slice()),
        ("./dir/../p.md", &[]),
        ("/project/p.md", &[]),
        ("nope.md", &["prompt-file-not-found"]),
        ("../secret/p.md", &["prompt-file-not-found"]),
        ("/secret/p.md", &["prompt-file-not-found"]),
        ("link.md", &["prompt-file-not-found"]),
        ("fifo", &["prompt-file-not-found"]),
        ("dir", &["prompt-file-not-found"]),
        ("~/p.md", &["prompt-file-not-found"]),
        ("empty.md", &["empty-prompt"]),
    ] {
        let text = format!("prompt_file: {value}");
        assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", &text), rules, "{value}");
        if !rules.contains(&"empty-prompt") {
            let expected: Vec<_> = rules.iter().map(|_| "dockerfile-not-found").collect();
            let text = format!("agent_provider: {{dockerfile: {value}}}");
            assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", &text), expected, "{value}");
        }
    }
    // The user's own may name any file.
    for value in ["/secret/p.md", "~/p.md", "../../p.md"] {
        disk.files.insert("/home/ada/p.md", "x");
        let text = format!("---\nprompt_file: {value}\nagent_provider: {{dockerfile: {value}}}\n---\n");
        assert_eq!(rules_of(&mut disk, "/home/ada/.bot-bottle/bottles/dev.md", &text), [""; 0], "{value}");
    }
}

#[test]
fn a_build_context_stays_in_the_project_and_shows_no_secrets() {
    let mut disk = Disk::new(&[("/project/D", "FROM a"), ("/project/dir/x", ""), ("/secret/x", "")]);
    disk.links.insert("/project/link".into(), "/secret".into());
    disk.files.insert("/home/ada/.ssh/id", "");
    for (value, rules) in [
        (".", [].as_slice()),
        ("dir", &[]),
        ("D", &["context-not-found"]),
        ("nope", &["context-not-found"]),
        ("..", &["context-not-found", "sensitive-mount"]),
        ("/secret", &["context-not-found"]),
        ("link", &["context-not-found"]),
        ("~/.ssh", &["context-not-found", "sensitive-mount"]),
    ] {
        let text = format!("agent_provider: {{dockerfile: D, context: {value}}}");
        let mut found = rules_of(&mut disk, "/project/dev.bottle.yaml", &text);
        found.sort_unstable();
        assert_eq!(found, rules, "{value}");
    }
    // Without a Dockerfile of its own it has no effect; the Dockerfile may be a parent's.
    let alone = "agent_provider: {context: .}";
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", alone), ["context-not-found"]);
    disk.files.insert("/project/base.bottle.yaml", "agent_provider: {dockerfile: D}");
    let child = format!("extends: base\n{alone}");
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", &child), [""; 0]);
    // The user's own may name any folder that holds no secrets.
    for (value, rules) in [("/secret", [].as_slice()), ("~/.ssh", &["sensitive-mount"])] {
        let text = format!("---\nagent_provider: {{dockerfile: /project/D, context: {value}}}\n---\n");
        assert_eq!(rules_of(&mut disk, "/home/ada/.bot-bottle/bottles/dev.md", &text), rules, "{value}");
    }
}

#[test]
fn an_agent_has_one_prompt() {
    let mut disk = Disk::new(&[
        ("/home/ada/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n"),
        ("/home/ada/.bot-bottle/bottles/told.md", "---\nprompt: Do it.\n---\n"),
    ]);
    for (text, rules) in [
        ("---\nbottle: dev\n---\nDo it.\n", [].as_slice()),
        ("---\nbottle: dev\nprompt: Do it.\n---\n", &[]),
        ("---\nbottle: told\n---\n", &[]),
        ("---\nbottle: dev\n---\n \n", &["empty-prompt"]),
        ("---\nbottle: dev\nprompt: ''\n---\n", &["empty-prompt"]),
        ("---\nbottle: dev\nprompt: Do it.\n---\nOr that.\n", &["prompt-conflict"]),
        ("---\nbottle: nope\n---\nDo it.\n", &["unknown-bottle"]),
    ] {
        assert_eq!(rules_of(&mut disk, "/project/.bot-bottle/agents/a.md", text), rules, "{text}");
    }
}

#[test]
fn mounts_show_no_secrets_and_hide_nothing() {
    let mut disk = Disk::new(&[("/project/docs/x", ""), ("/home/ada/work/x", ""), ("/data/x", "")]);
    disk.links.insert("/project/link".into(), "/home/ada/.aws".into());
    disk.files.insert("/home/ada/.aws/credentials", "");
    disk.devices.push("/project/app.sock".into());
    let mut source = |source: &str| {
        let text = format!("workspace: {{mounts: [{{source: '{source}', target: /m}}]}}");
        rules_of(&mut disk, "/project/dev.bottle.yaml", &text)
    };
    for bad in [
        "/var/run/docker.sock",
        "/run/user/1000/podman/podman.sock",
        "/tmp/docker.sock",
        "~/.ssh",
        "~/.ssh/id_ed25519",
        "~/.config",
        "~/.config/gcloud",
        "~/.netrc",
        "~",
        "~/",
        "/home/ada",
        "/home",
        "/",
        "/etc",
        "/proc",
        "/proc/1",
        "/sys",
        "/dev/null",
        "/var",
        "/var/run",
        "/root/.aws",
        "/home/eve/.kube",
        "/Users/eve/.docker",
        "../home/ada/.gnupg",
        "~/.claude",
        "~/.codex",
        "~/.bot-bottle",
        "link",
        "app.sock",
    ] {
        assert_eq!(source(bad), ["sensitive-mount"], "{bad}");
    }
    for good in ["docs", "~/work", "/data"] {
        assert_eq!(source(good), [""; 0], "{good}");
    }
    assert_eq!(source("nope"), ["mount-not-found"]);
    let path = |path: &str| bottle(&format!("workspace: {{path: '{path}'}}"));
    assert_eq!(
        (path("~"), path("."), path("nope")),
        (vec!["sensitive-mount"], vec![], vec!["mount-not-found"])
    );
    let mut target = |targets: &[&str]| {
        let all: Vec<_> = targets.iter().map(|t| format!("{{source: docs, target: {t}}}")).collect();
        rules_of(
            &mut disk,
            "/project/dev.bottle.yaml",
            &format!("workspace: {{mounts: [{}]}}", all.join(", ")),
        )
    };
    for bad in [
        "/",
        "/workspace",
        "/workspace/docs",
        "/docs/../etc",
        "/etc/ssl",
        "/usr",
        "/usr/bin",
        "/proc",
        "/dev/shm",
        "/home",
        "/home/node",
        "/home/node/.bot-bottle",
        "/home/node/.claude.json",
        "/lib64",
        "/opt/bot-bottle",
        "/usr/local/share/docs",
    ] {
        assert_eq!(target(&[bad]), ["mount-conflict"], "{bad}");
    }
    assert_eq!(target(&["/a", "/a/"]), ["mount-conflict"]);
    assert_eq!(target(&["/a", "/a/b"]), ["mount-conflict"]);
    assert_eq!(target(&["/a/b/c", "/a"]), ["mount-conflict"]);
    for good in ["/docs", "/home/node/docs", "/home/node/.claude/commands", "/opt/x", "/workspaces"] {
        assert_eq!(target(&[good]), [""; 0], "{good}");
    }
}

fn code_of(word: &str) -> Code {
    *Code::ALL.iter().find(|code| code.word() == word).expect("a code")
}

/// The text after the fix of its only finding, or `None` where there is no fix; the finding's count is checked.
fn allowed(text: &str, host: &str, method: &str, path: Option<&str>, code: &str) -> Option<String> {
    let denied = [Denied {
        file: "/project/dev.bottle.yaml".into(),
        bottle: "dev".to_owned(),
        host: host.to_owned(),
        method: method.to_owned(),
        path: path.map(str::to_owned),
        code: code_of(code),
        count: 1,
        first: String::new(),
    }];
    let mut disk = Disk::new(&[("/project/base.bottle.yaml", "egress: {routes: [{host: b.example.com}]}")]);
    let layout = Layout { home: Some("/home/ada".into()) };
    let facts = Facts { denied: &denied, ..Facts::default() };
    let findings = |disk: &Disk| {
        let catalog = Catalog::new(disk, &layout);
        check(&catalog.source(Path::new("/project/dev.bottle.yaml")).expect("a manifest"), &catalog, &facts)
    };
    disk.files.insert("/project/dev.bottle.yaml", text);
    let found = findings(&disk);
    assert_eq!(found.iter().map(|f| f.rule.id).collect::<Vec<_>>(), ["denied-egress"], "{text}");
    let fixed = apply(text, &found[0].fix.as_ref()?.edits);
    disk.files.insert("/project/dev.bottle.yaml", fixed.as_str());
    let left: Vec<_> = findings(&disk).iter().map(|f| f.full_message()).collect();
    assert!(left.is_empty(), "{fixed}\n{left:?}");
    Some(fixed)
}

#[test]
fn a_refusal_comes_back_with_the_narrowest_route() {
    let block = "egress:\n  routes:\n    - host: a.example.com\n      path_allowlist: [/x/]\n# end\n";
    assert_eq!(
        allowed(block, "b.example.com", "GET", Some("/v1/y"), "host").as_deref(),
        Some(
            "egress:\n  routes:\n    - host: a.example.com\n      path_allowlist: [/x/]\n    - host: b.example.com\n      \
             matches:\n        - {paths: [{type: exact, value: /v1/y}], methods: [GET]}\n# end\n"
        )
    );
    assert_eq!(
        allowed("env: {A: b}\n", "b.example.com", "CONNECT", None, "host").as_deref(),
        Some("env: {A: b}\negress: {routes: [{host: b.example.com}]}\n")
    );
    for text in ["{}", "egress: {}", "egress: {routes: []}", "egress: {routes: [{host: c.example.com}]}"] {
        assert!(allowed(text, "b.example.com", "GET", Some("/"), "host").is_some(), "{text}");
    }
    // One more route to the host, since the first that allows a request decides.
    assert_eq!(
        allowed(block, "a.example.com", "GET", Some("/y"), "path").as_deref(),
        Some(
            "egress:\n  routes:\n    - host: a.example.com\n      path_allowlist: [/x/]\n    - host: a.example.com\n      \
             matches:\n        - {paths: [{type: exact, value: /y}], methods: [GET]}\n# end\n"
        )
    );
    // In the layer of a parent it would take the parent's place.
    assert_eq!(allowed("extends: base", "b.example.com", "TRACE", Some("/"), "method"), None);
    // Beside what is inherited, which follows.
    assert!(allowed("extends: base", "c.example.com", "GET", Some("/"), "host").is_some());
    let matches = "egress: {routes: [{host: b.example.com, matches: [{methods: [GET]}]}]}";
    assert!(allowed(matches, "b.example.com", "POST", Some("/y"), "method").is_some());
    let open = "egress: {routes: [{host: 'b.example.com'}]}";
    for (text, host, method, path, code) in [
        ("{}", "localhost", "GET", Some("/"), "host"),
        ("{}", "metadata.google.internal", "GET", Some("/"), "host"),
        ("{}", "169.254.169.254", "GET", Some("/"), "not-a-host"),
        ("{}", "a b", "GET", Some("/"), "not-a-host"),
        ("{}", "b.example.com", "TRACE", Some("/"), "host"),
        ("{}", "b.example.com", "GET", Some("/a/../b"), "host"),
        (open, "b.example.com", "GET", Some("/"), "private-address"),
        ("extends: base\negress: {routes: []}", "c.example.com", "GET", Some("/"), "host"),
        (
            "egress: {routes: [{host: a.example.com, git: read}]}",
            "a.example.com",
            "POST",
            Some("/x/git-receive-pack"),
            "git-push",
        ),
    ] {
        assert_eq!(allowed(text, host, method, path, code), None, "{text} {host} {code}");
    }
}

#[test]
fn a_refusal_that_the_manifest_answers_by_now_is_silent() {
    let denied = |code: &str| Denied {
        file: "/project/dev.bottle.yaml".into(),
        bottle: "dev".to_owned(),
        host: "b.example.com".to_owned(),
        method: "GET".to_owned(),
        path: Some("/".to_owned()),
        code: code_of(code),
        count: 1,
        first: String::new(),
    };
    let all = [
        denied("host"),
        denied("path"),
        denied("method"),
        Denied { bottle: "other".into(), ..denied("port") },
    ];
    let disk = Disk::new(&[("/project/dev.bottle.yaml", "egress: {routes: [{host: b.example.com}]}")]);
    let layout = Layout::default();
    let catalog = Catalog::new(&disk, &layout);
    let source = catalog.source(Path::new("/project/dev.bottle.yaml")).expect("a manifest");
    assert!(check(&source, &catalog, &Facts { denied: &all, ..Facts::default() }).is_empty());
}

/// The text after every safe fix.
fn fixed(files: &[(&str, &str)], path: &str) -> String {
    let disk = Disk::new(files);
    let layout = Layout { home: Some("/home/ada".into()) };
    let catalog = Catalog::new(&disk, &layout);
    let source = catalog.source(Path::new(path)).expect("a manifest");
    let facts = Facts::default();
    fix_all(&source.path, source.text.clone(), &catalog, &layout, &facts, false).0.to_string()
}

#[test]
fn a_former_roles_fix_is_right_in_odd_cases() {
    let path = "/project/dev.bottle.yaml";
    let auth = "auth: {scheme: Bearer, token_ref: T}";
    let rest = "    - host: api.github.com\n";
    let block = |host: &str, role: &str| {
        format!("egress:\n  routes:\n    - host: {host}\n      {auth}\n      role: {role}\n")
    };
    let set = "agent_provider:\n  auth_token: T\n";
    let only = block("api.anthropic.com", "claude_code_oauth");
    for (what, text, wanted) in [
        ("the only content", only.clone(), set.to_owned()),
        ("beside another route", format!("{only}{rest}"), format!("{set}egress:\n  routes:\n{rest}")),
        ("capitals", block("API.Anthropic.COM", "claude_code_oauth"), set.to_owned()),
        ("a list of one role", block("api.anthropic.com", "[claude_code_oauth]"), set.to_owned()),
        ("a block scalar", block("api.anthropic.com", "|\n        claude_code_oauth"), set.to_owned()),
        ("quotes", block("'api.anthropic.com'", "\"claude_code_oauth\""), set.to_owned()),
        (
            "a route without auth as the only content",
            "egress:\n  routes:\n    - host: api.anthropic.com\n      role: claude_code_oauth\n".to_owned(),
            "egress:\n  routes: []\n".to_owned(),
        ),
        (
            "another login is there, and stays",
            format!("agent_provider: {{auth_token: MINE}}\n{only}{rest}"),
            format!("agent_provider: {{auth_token: MINE}}\negress:\n  routes:\n{rest}"),
        ),
        (
            "the provider's key without anything",
            format!("agent_provider:\n  template: claude\n{only}"),
            "agent_provider:\n  template: claude\n  auth_token: T\n".to_owned(),
        ),
        (
            "flow style",
            "{egress: {routes: [{host: api.anthropic.com, auth: {scheme: Bearer, token_ref: T}, role: claude_code_oauth}, {host: b.example.com}]}}\n".to_owned(),
            "{agent_provider: {auth_token: T}, egress: {routes: [{host: b.example.com}]}}\n".to_owned(),
        ),
        (
            "two of them",
            format!("{only}    - host: api.anthropic.com\n      auth: {{scheme: Bearer, token_ref: U}}\n      role: claude_code_oauth\n{rest}"),
            format!("{set}egress:\n  routes:\n{rest}"),
        ),
        (
            "codex",
            format!("agent_provider:\n  template: codex\n{}{rest}", block("chatgpt.com", "codex_auth")),
            format!("agent_provider:\n  template: codex\n  forward_host_credentials: true\negress:\n  routes:\n{rest}"),
        ),
        (
            "an unknown role keeps its route",
            block("api.github.com", "other"),
            format!("egress:\n  routes:\n    - host: api.github.com\n      {auth}\n"),
        ),
        ("no line break at the end", only.trim_end().to_owned(), set.to_owned()),
    ] {
        assert_eq!(fixed(&[(path, &text)], path), wanted, "{what}");
    }
}

#[test]
fn a_fix_takes_no_anchor_away_that_is_used() {
    let path = "/project/dev.bottle.yaml";
    let text = "egress:\n  routes:\n    - host: api.anthropic.com\n      auth: &a {scheme: Bearer, token_ref: T}\n      \
                role: claude_code_oauth\n    - host: api.github.com\n      auth: *a\n";
    assert_eq!(fixed(&[(path, text)], path), text);
    let unused = text.replace("auth: *a", "git: read");
    let wanted =
        "agent_provider:\n  auth_token: T\negress:\n  routes:\n    - host: api.github.com\n      git: read\n";
    assert_eq!(fixed(&[(path, &unused)], path), wanted);
}

#[test]
fn a_role_in_a_parent_is_mended_in_the_parent() {
    let parent = "egress:\n  routes:\n    - host: api.anthropic.com\n      auth: {scheme: Bearer, token_ref: T}\n      \
                  role: claude_code_oauth\n";
    let files = [("/project/base.bottle.yaml", parent), ("/project/dev.bottle.yaml", "extends: base\n")];
    assert_eq!(fixed(&files, "/project/dev.bottle.yaml"), "extends: base\n");
    assert_eq!(fixed(&files, "/project/base.bottle.yaml"), "agent_provider:\n  auth_token: T\n");
}

#[test]
fn codex_home_is_a_folder_that_the_agent_can_have() {
    let codex = |value: &str| {
        bottle(&format!(
            "agent_provider: {{template: codex}}\nenv: {{CODEX_HOME: {value}}}\nworkspace: {{mounts: [{{source: ./docs, target: /docs}}]}}"
        ))
    };
    let only = |rules: Vec<&'static str>| -> Vec<&'static str> {
        rules.into_iter().filter(|r| *r != "mount-not-found").collect()
    };
    for good in ["/home/node/state", "'${MY_CODEX}'", "/var/codex"] {
        assert_eq!(only(codex(good)), [""; 0], "{good}");
    }
    for bad in ["'?where'", "state", "./state", "/", "/a/../b", "/a//b", "/workspace/.codex", "/etc/codex"] {
        assert_eq!(only(codex(bad)), ["invalid-value"], "{bad}");
    }
    // The same place twice is two mistakes: of the folder and of the mount that covers it.
    assert_eq!(only(codex("/docs/x")), ["invalid-value", "mount-conflict"]);
    // It is codex's folder alone.
    assert_eq!(bottle("env: {CODEX_HOME: state}"), [""; 0]);
}

#[test]
fn a_credential_of_a_route_is_never_in_the_guest() {
    let route = "egress: {routes: [{host: api.github.com, auth: {scheme: Bearer, token_ref: T}}]}";
    for text in [
        format!("{route}\nenv: {{A: '${{T}}'}}"),
        // A comment does not make it right.
        format!("{route}\n# bot-bottle: ignore[credential-in-env] it is fine\nenv: {{A: '${{T}}'}}"),
        "agent_provider: {auth_token: T}\nenv: {A: '${T}'}".to_owned(),
    ] {
        assert!(bottle(&text).contains(&"credential-in-env"), "{text}");
    }
    assert_eq!(bottle(&format!("{route}\nenv: {{A: '${{U}}'}}")), [""; 0]);
    let mut disk = Disk::new(&[("/project/base.bottle.yaml", route)]);
    let child = "extends: base\nenv: {A: '${T}'}";
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", child), ["credential-in-env"]);
    let mut disk = Disk::new(&[("/project/base.bottle.yaml", "env: {A: '${T}'}")]);
    let child = format!("extends: base\n{route}");
    assert_eq!(rules_of(&mut disk, "/project/dev.bottle.yaml", &child), ["credential-in-env"]);
}

#[test]
fn a_file_of_the_home_is_no_projects_file() {
    let mut disk = Disk::new(&[
        ("/home/ada/.ssh/id_ed25519", "x"),
        ("/home/ada/.bot-bottle/bottles/dev.md", "---\nenv: {}\n---\n"),
        ("/home/ada/notes.md", "x"),
    ]);
    let agent = |file: &str| format!("bottle: dev\nprompt_file: {file}\n");
    for (path, file) in [
        // The home's own store made the home a project, and a key in it the prompt of an unpacked archive.
        ("/home/ada/unpacked/a.agent.yaml", "../.ssh/id_ed25519"),
        ("/home/ada/unpacked/.bot-bottle/agents/a.agent.yaml", "../../../.ssh/id_ed25519"),
        ("/home/ada/unpacked/a.agent.yaml", "../notes.md"),
        ("/home/ada/a.agent.yaml", "notes.md"),
    ] {
        let seen = rules_of(&mut disk, path, &agent(file));
        assert!(seen.contains(&"prompt-file-not-found"), "{path} {file}: {seen:?}");
    }
    // The user's own manifests may name any file, but none that holds credentials.
    let own = "/home/ada/.bot-bottle/agents/a.agent.yaml";
    assert_eq!(rules_of(&mut disk, own, &agent("~/notes.md")), [""; 0]);
    assert_eq!(rules_of(&mut disk, own, &agent("~/.ssh/id_ed25519")), ["sensitive-mount"]);
}

#[test]
fn what_no_environment_should_hold_is_found() {
    for bad in ["\"a\\0b\"", "\"a\\x1bb\"", "\"\\x7f\""] {
        assert_eq!(bottle(&format!("env: {{A: {bad}}}")), ["invalid-value"], "{bad}");
    }
    assert_eq!(bottle("env: {A: \"two\\nlines\\tand a tab\"}"), [""; 0]);
}

/// Each place that no guest may have, named for each purpose, by itself and by a link, in a bottle of the
/// project and of the user's own.
#[test]
fn no_field_names_a_place_that_no_guest_may_have() {
    let places = [
        "~/.ssh/id_ed25519",
        "~/.config/gh/hosts.yml",
        "~/.local/state/bot-bottle/kept/k/home/notes",
        "~/.config/bot-bottle/config.yaml",
        "/home/eve/.aws/credentials",
        "/var/run/docker.sock",
        "/etc/shadow",
        "/proc/1/environ",
        "/root/.netrc",
    ];
    type Field = (&'static str, fn(&str) -> String);
    let fields: [Field; 5] = [
        ("dockerfile", |path| format!("agent_provider: {{dockerfile: {path}}}\n")),
        ("context", |path| format!("agent_provider: {{dockerfile: ./Dockerfile, context: {path}}}\n")),
        ("prompt_file", |path| format!("prompt_file: {path}\n")),
        ("path", |path| format!("workspace: {{path: {path}}}\n")),
        ("source", |path| format!("workspace: {{mounts: [{{source: {path}, target: /docs}}]}}\n")),
    ];
    let mut judged = 0;
    for (own, manifest) in
        [(false, "/project/dev.bottle.yaml"), (true, "/home/ada/.bot-bottle/bottles/dev.md")]
    {
        for (place, (field, text)) in places.iter().flat_map(|place| fields.iter().map(move |f| (place, f))) {
            for link in [false, true] {
                let real = place.replace('~', "/home/ada");
                let mut disk = Disk::new(&[(&real, "x"), ("/project/Dockerfile", "FROM x\n")]);
                let named = if link { "/project/link".to_owned() } else { (*place).to_owned() };
                if link {
                    disk.links.insert("/project/link".into(), real.into());
                }
                let yaml = text(&named);
                let yaml = if own { format!("---\n{yaml}---\n") } else { yaml };
                let found = rules_of(&mut disk, manifest, &yaml);
                let no =
                    ["sensitive-mount", "prompt-file-not-found", "dockerfile-not-found", "context-not-found"];
                assert!(
                    no.iter().any(|id| found.contains(id)),
                    "{manifest}: {field}: {named} -> {place}: {found:?}"
                );
                judged += 1;
            }
        }
    }
    assert_eq!(judged, places.len() * fields.len() * 4);
}

/// To be read, a shell's file or a folder of programs may be mounted; to be written by a guest, never.
#[test]
fn what_is_run_on_the_host_is_no_guests_to_write() {
    let found = |text: &str| {
        let names = [
            "~/.bashrc",
            "~/.local/bin/tool",
            "~/bin/tool",
            "~/.config/systemd/user/x",
            "~/.config/fish/config.fish",
        ];
        let files: Vec<_> = names.iter().map(|n| (n.replace('~', "/home/ada"), "x")).collect();
        let files: Vec<_> = files.iter().map(|(n, t)| (n.as_str(), *t)).collect();
        let mut disk = Disk::new(&files);
        disk.files.insert("/home/ada/work/app/x", "");
        rules_of(&mut disk, "/project/dev.bottle.yaml", text).contains(&"sensitive-mount")
    };
    for place in [
        "~/.bashrc",
        "~/.local/bin",
        "~/.local/bin/tool",
        "~/bin",
        "~/.config/systemd/user",
        "~/.config/fish",
    ] {
        let mount =
            |how: &str| found(&format!("workspace: {{mounts: [{{source: {place}, target: /x{how}}}]}}\n"));
        assert!(mount(", read_only: false"), "{place}");
        assert!(!mount(", read_only: true") && !mount(""), "{place}");
        assert!(found(&format!("workspace: {{path: {place}}}\n")), "{place}");
        assert!(found(&format!("workspace: {{path: {place}, mode: bind}}\n")), "{place}");
        assert!(!found(&format!("workspace: {{path: {place}, mode: copy}}\n")), "{place}");
    }
    assert!(!found("workspace: {path: ~/work/app}\n"));
    for key in [
        "~/.pgpass",
        "~/.mozilla/firefox",
        "~/.m2",
        "~/.gradle",
        "~/.config/rclone/rclone.conf",
        "~/.vault-token",
    ] {
        assert!(found(&format!("workspace: {{mounts: [{{source: {key}, target: /x}}]}}\n")), "{key}");
    }
    for fine in ["~/.gradle/caches", "~/.m2/repository", "~/.cargo/registry"] {
        assert!(!found(&format!("workspace: {{mounts: [{{source: {fine}, target: /x}}]}}\n")), "{fine}");
    }
}
