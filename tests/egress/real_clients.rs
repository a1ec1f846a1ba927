//! Clients that people use: curl, Python and git, each with its own TLS.

use crate::rig::{Rig, Setup, inspected, route, secret, with_auth};
use crate::upstream::{Answer, Upstream, hello, text};
use bot_bottle::provider::{AuthScheme, EgressRoute, GitAccess, RouteAuth, TokenRef};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const HOST: &str = "api.example.test";

/// A command with the guest's variables, or `None` when it is not installed here.
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn guest(rig: &Rig, program: &str) -> Option<Command> {
    let found = std::env::split_paths(&std::env::var_os("PATH")?).any(|dir| dir.join(program).is_file());
    if !found {
        assert!(std::env::var_os("BOT_BOTTLE_REQUIRE_ALL").is_none(), "{program} is missing");
        println!("skipped: no {program} here; install with: apt-get install {program}");
        return None;
    }
    let proxy = format!("http://{}", rig.address());
    let mut command = Command::new(program);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env(name, &proxy);
    }
    for name in ["NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"] {
        command.env(name, &rig.ca_file);
    }
    command.stdin(Stdio::null());
    Some(command)
}

async fn run(mut command: Command) -> Output {
    command.kill_on_drop(true).output().await.expect("it runs")
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn curl_speaks_both_versions_through_it() {
    let mut setup = Setup::new(vec![with_auth(HOST)]);
    let upstream = setup.upstream(HOST, &["h2", "http/1.1"], hello).await;
    let rig = setup.start().await;
    for version in ["--http1.1", "--http2"] {
        let Some(mut curl) = guest(&rig, "curl") else { return };
        curl.args([
            "-sS",
            "--compressed",
            version,
            "https://api.example.test/x",
            "-H",
            "authorization: Bearer placeholder",
        ]);
        let output = run(curl).await;
        assert_eq!(both(&output), "hello");
    }
    for seen in upstream.seen() {
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
    }
}

#[tokio::test]
async fn curl_shows_the_refusal_inside_an_intercepted_connection() {
    let mut setup =
        Setup::new(vec![EgressRoute { path_allowlist: Some(vec!["/v1/".into()]), ..with_auth(HOST) }]);
    let upstream = setup.upstream(HOST, &["h2"], hello).await;
    let rig = setup.start().await;
    let Some(mut curl) = guest(&rig, "curl") else { return };
    curl.args(["-sS", "https://api.example.test/v2/x"]);
    let shown = both(&run(curl).await);
    assert!(shown.contains("the route for api.example.test does not allow the path /v2/x"), "{shown}");
    assert!(shown.contains("{paths: [{type: exact, value: \"/v2/x\"}], methods: [GET]}"), "{shown}");
    upstream.assert_untouched();
}

#[tokio::test]
async fn python_accepts_the_certificate_as_strictly_as_its_newest_versions() {
    let mut setup = Setup::new(vec![inspected(HOST), inspected("*.wild.test")]);
    let _one = setup.upstream(HOST, &["http/1.1"], hello).await;
    let _two = setup.upstream("a.b.wild.test", &["http/1.1"], hello).await;
    let rig = setup.start().await;
    // Python 3.13 made both flags its default.
    let script = "\
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
for url in sys.argv[2:]:
    print(opener.open(url, timeout=10).read().decode())
";
    let Some(mut python) = guest(&rig, "python3") else { return };
    python.args(["-c", script]).arg(&rig.ca_file);
    python.args(["https://api.example.test/", "https://a.b.wild.test/"]);
    assert_eq!(both(&run(python).await), "hello\nhello\n");
}

#[tokio::test]
async fn a75_no_proxy_opens_nothing() {
    let mut setup = Setup::new(vec![route(HOST)]);
    let upstream = setup.upstream(HOST, &["http/1.1"], hello).await;
    let rig = setup.start().await;
    let Some(mut curl) = guest(&rig, "curl") else { return };
    curl.env("NO_PROXY", "*").args(["-sS", "https://evil.test/"]);
    assert!(!run(curl).await.status.success());
    upstream.assert_untouched();
    rig.audit(0).await;
}

/// Runs `git http-backend` for a request: the stand-in git host.
fn git_backend(root: PathBuf) -> impl Fn(Request<Incoming>) -> Answer + Send + Sync + 'static {
    move |request| {
        let root = root.clone();
        Box::pin(async move {
            if request.headers().get("authorization").is_none() {
                let mut answer = text("");
                *answer.status_mut() = hyper::StatusCode::UNAUTHORIZED;
                return answer;
            }
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            let header = |name: &str| {
                head.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
            };
            let mut child = Command::new("git")
                .arg("http-backend")
                .env("GIT_PROJECT_ROOT", root)
                .env("GIT_HTTP_EXPORT_ALL", "1")
                .env("REMOTE_USER", "someone")
                .env("REQUEST_METHOD", head.method.as_str())
                .env("PATH_INFO", head.uri.path())
                .env("QUERY_STRING", head.uri.query().unwrap_or_default())
                .env("CONTENT_TYPE", header("content-type"))
                .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
                .env("GIT_PROTOCOL", header("git-protocol"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("git http-backend");
            let mut stdin = child.stdin.take().expect("stdin");
            let feeding = tokio::spawn(async move { stdin.write_all(&body).await });
            let output = child.wait_with_output().await.expect("output").stdout;
            let _ = feeding.await;
            let cut = output.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
            let mut answer = text(output[cut + 4..].to_vec());
            for line in String::from_utf8_lossy(&output[..cut]).lines() {
                let (name, value) = line.split_once(": ").expect("a header");
                if name == "Status" {
                    *answer.status_mut() = value[..3].parse().expect("a status");
                } else {
                    let name: hyper::header::HeaderName = name.parse().expect("a name");
                    answer.headers_mut().insert(name, value.parse().expect("a value"));
                }
            }
            answer
        })
    }
}

async fn git(rig: &Rig, dir: &Path, args: &[&str]) -> Option<Output> {
    let mut git = guest(rig, "git")?;
    for (name, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")] {
        git.env(name, value);
    }
    git.env("GIT_TERMINAL_PROMPT", "0").current_dir(dir);
    git.args(["-c", "user.name=a", "-c", "user.email=a@a.test", "-c", "init.defaultBranch=main"]).args(args);
    Some(run(git).await)
}

#[tokio::test]
async fn a20_git_fetches_and_does_not_push_through_a_route_for_reading() {
    let dir = tempfile::tempdir().expect("a folder");
    let (served, work) = (dir.path().join("served"), dir.path().join("work"));
    std::fs::create_dir_all(&work).expect("a folder");
    let auth = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("TOKEN") };
    let read = |git| EgressRoute { auth: Some(auth.clone()), git: Some(git), ..route("git.test") };
    let mut reader = Setup::new(vec![read(GitAccess::Read)]);
    let upstream = reader.upstream("git.test", &["h2"], git_backend(served.clone())).await;
    let reader = reader.start().await;
    let mut writer = Setup::new(vec![read(GitAccess::Write)]);
    let _upstream = writer.upstream("git.test", &["h2"], git_backend(served.clone())).await;
    let writer = writer.start().await;

    let ok = |output: Output| assert!(output.status.success(), "{}", both(&output));
    let bare = served.join("a.git");
    let Some(made) = git(&reader, &work, &["init", "--bare", bare.to_str().expect("a path")]).await else {
        return;
    };
    ok(made);
    let big: String = (0..200_000).map(|i| format!("{i} {}\n", i * 7919 % 104_729)).collect();
    for args in [
        vec!["init", "."],
        vec!["add", "."],
        vec!["commit", "-qm", "one"],
        vec!["remote", "add", "origin", "https://git.test/a.git"],
    ] {
        std::fs::write(work.join("big.txt"), &big).expect("a file");
        ok(git(&reader, &work, &args).await.expect("git"));
    }
    let pushed = git(&reader, &work, &["push", "-q", "origin", "HEAD:main"]).await.expect("git");
    assert!(!pushed.status.success() && both(&pushed).contains("403"), "{}", both(&pushed));
    assert!(upstream.seen().is_empty());

    ok(git(&writer, &work, &["push", "-q", "origin", "HEAD:main"]).await.expect("git"));
    ok(git(&reader, dir.path(), &["clone", "-q", "-b", "main", "https://git.test/a.git", "copy"])
        .await
        .expect("git"));
    assert_eq!(std::fs::read_to_string(dir.path().join("copy/big.txt")).expect("the file"), big);
    assert!(
        upstream.seen().iter().all(|s| s.header("authorization").is_some_and(|a| a.starts_with("Basic ")))
    );
}

#[tokio::test]
async fn a09_an_address_asked_for_by_curl() {
    let upstream = Upstream::plain(|_| Box::pin(async { Response::new(crate::upstream::full("")) })).await;
    let rig = Setup::new(vec![]).start().await;
    let Some(mut curl) = guest(&rig, "curl") else { return };
    curl.args(["-sS", &format!("https://{}/", upstream.address)]);
    let shown = both(&run(curl).await);
    assert!(shown.contains("403"), "{shown}");
    upstream.assert_untouched();
}
