//! Attacks 22, 27, 28, 29 and 60: the credential is in no place that a guest or a person can read.

use crate::rig::{Other, Rig};
use crate::upstream::{Authority, Upstream};
use bot_bottle::egress::Resolve;
use bot_bottle::engine::{Host, Stage};
use bot_bottle::provider::{self, AuthScheme, EgressRoute, RouteAuth, RouteOwner, Settings, Start, TokenRef};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A credential that stands nowhere in this file.
fn secret() -> String {
    ["tok", "en", "4f9a1c", "0b77"].join("-")
}

/// A route with a credential to a stand-in behind TLS that gives back what it got.
fn with_credential(rig: &mut Rig) -> Upstream {
    let authority = Authority::new();
    let upstream =
        Upstream::tls(&authority, &["api.test"], |request| ("200 OK", "text/plain", request.text()));
    let ca = rig.home.join("upstream-ca.pem");
    fs::write(&ca, &authority.pem).expect("write");
    rig.options.upstream.ca = Some(ca);
    rig.options.upstream.resolve.push(Resolve::new("api.test", 443, upstream.address));
    rig.options.host.set("API_TOKEN", secret());
    rig.plan.egress_routes.push(EgressRoute {
        auth: Some(RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("API_TOKEN") }),
        ..EgressRoute::new("api.test", RouteOwner::Manifest)
    });
    upstream
}

/// Whether any file below a folder holds the text.
fn found_in(root: &Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(path) = todo.pop() {
        match fs::symlink_metadata(&path) {
            Ok(m) if m.is_dir() => {
                todo.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.path()))
            }
            Ok(m) if m.is_file() => {
                let bytes = fs::read(&path).unwrap_or_default();
                if bytes.windows(text.len()).any(|w| w == text.as_bytes()) {
                    found.push(path);
                }
            }
            _ => {}
        }
    }
    found
}

/// What the engine and the machine show of a run, from outside.
fn shown_outside(rig: &Rig) -> String {
    let mut shown = String::new();
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        // This test's own process holds the value: it is the launcher.
        let own = entry.file_name().to_str() == Some(&std::process::id().to_string());
        for file in ["cmdline", "environ"] {
            if !own {
                shown += &String::from_utf8_lossy(&fs::read(entry.path().join(file)).unwrap_or_default());
            }
        }
    }
    let live = bot_bottle::engine::ps(&rig.options.state, &rig.options.host);
    if let Some(container) = live.first().and_then(|r| r.container.clone()) {
        for args in [
            vec!["inspect", &container],
            vec!["logs", &container],
            vec!["history", "--no-trunc", "bot-bottle-claude:latest"],
        ] {
            shown += &rig.engine(&args);
        }
    }
    shown
}

on_each! {
    a22_the_credential_is_used_and_is_nowhere(rig) {
        let upstream = with_credential(rig);
        let ran = rig.sh(
            "curl -sS -H 'Authorization: Bearer of-the-guest' https://api.test/v1 > /tmp/answer; cat /tmp/answer; echo; echo SCAN; \
             env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; \
             cat /run/bot-bottle/env /run/bot-bottle/mounts; find ~ /workspace /tmp /etc /run -type f -exec cat {} + 2>/dev/null | tr -d '\\0'");
        let sent = upstream.seen();
        assert_eq!(sent.len(), 1, "{ran:?}");
        assert_eq!(sent[0].header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
        assert!(ran.out.contains("GET /v1") && ran.out.contains("SCAN"), "{ran:?}");
        assert!(!ran.out.contains(&secret()) && !ran.err.contains(&secret()));
        assert!(!rig.ui.text().contains(&secret()));
        assert_eq!(found_in(rig.options.state.path(), &secret()), Vec::<std::path::PathBuf>::new());
    }

    a22_the_credential_is_not_shown_while_the_guest_runs(rig) {
        let _upstream = with_credential(rig);
        let other = Other::start(rig, "echo started; exec sleep 60");
        let shown = shown_outside(rig);
        assert!(shown.contains("sleep"), "the guest is there to be seen");
        assert!(!shown.contains(&secret()));
        assert_eq!(found_in(rig.options.state.path(), &secret()), Vec::<std::path::PathBuf>::new());
        other.cancel();
        assert_eq!(found_in(rig.options.state.path(), &secret()), Vec::<std::path::PathBuf>::new());
    }

    a28_a60_the_launchs_authority_is_trusted_in_its_guest_alone_and_its_key_is_nowhere(rig) {
        let _upstream = with_credential(rig);
        let own = "cat /etc/ssl/certs/ca-certificates.crt | tail -c 4096 | sed -n '/BEGIN CERT/,$p' | tr -d '\\n' | grep -o -- '-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----$'";
        let first = rig.sh(own).out;
        let second = rig.sh(own).out;
        assert!(first.contains("BEGIN CERTIFICATE") && first != second, "{first}");
        let host = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default().replace('\n', "");
        assert!(!host.contains(first.trim()));
        let keys = rig.sh("grep -rl -- 'PRIVATE KEY-----' /etc /run /home /tmp /workspace 2>/dev/null; echo done");
        assert_eq!(keys.out, "done\n");
        assert_eq!(found_in(rig.options.state.path(), "PRIVATE KEY-----"), Vec::<std::path::PathBuf>::new());
    }

    a29_the_codex_login_in_the_guest_is_a_dummy(rig) {
        let token = codex_token();
        let file = rig.home.join(".codex/auth.json");
        fs::create_dir(file.parent().expect("parent")).expect("dir");
        let text = serde_json::json!({ "tokens": { "access_token": token, "refresh_token": secret(), "account_id": "acct-7" } }).to_string();
        fs::write(&file, &text).expect("write");
        let codex = provider::get("codex").expect("codex");
        let settings = Settings { forward_host_credentials: true, ..Settings::default() };
        let provision = codex.provision(&settings, &Start::default());
        rig.plan.dirs = provision.dirs;
        rig.plan.files = provision.files;
        rig.plan.env_vars = provision.env_vars;
        rig.plan.egress_routes = provision.egress_routes;
        rig.plan.pre_copy = provision.pre_copy;
        let ran = rig.sh("cat ~/.codex/auth.json ~/.codex/config.toml; stat -c %a ~/.codex/auth.json");
        assert!(ran.out.contains("acct-7") && ran.out.contains("trusted") && ran.out.ends_with("600\n"), "{ran:?}");
        for part in token.split('.').chain([secret().as_str()]).filter(|p| p.len() > 8) {
            assert!(!ran.out.contains(part), "{part}");
        }
        assert_eq!(fs::read_to_string(&file).expect("read"), text);
    }
}

/// A token that no dummy looks like.
fn codex_token() -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |v: serde_json::Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let claims = serde_json::json!({ "jti": secret(), "exp": 4_000_000_000u64 });
    [part(serde_json::json!({ "alg": "RS256" })), part(claims), URL_SAFE_NO_PAD.encode(secret())].join(".")
}

/// The host's login goes by a name that a variable could have. No variable of a route is ever it: not
/// by that name, and not where nothing checked the manifest.
#[test]
fn the_hosts_login_is_no_variable() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let upstream = with_credential(&mut rig);
    let file = rig.home.join(".codex/auth.json");
    fs::create_dir(file.parent().expect("parent")).expect("dir");
    let login = serde_json::json!({ "tokens": { "access_token": codex_token(), "account_id": "a" } });
    fs::write(&file, login.to_string()).expect("write");
    let name = "BOT_BOTTLE_CODEX_HOST_ACCESS_TOKEN";
    let auth = RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable(name) };
    rig.plan.egress_routes[0].auth = Some(auth);
    let error = rig.try_sh("curl -s https://api.test/").expect_err("nothing of that name").to_string();
    assert!(error.contains(&format!("{name} is not set")), "{error}");
    assert_eq!(upstream.seen().len(), 0);
    // A login that is missing is mended where it lies, not by a variable that nobody reads.
    fs::remove_file(&file).expect("removed");
    let codex = provider::get("codex").expect("codex");
    let settings = Settings { forward_host_credentials: true, ..Settings::default() };
    rig.plan.egress_routes = codex.provision(&settings, &Start::default()).egress_routes;
    let error = rig.try_sh("true").expect_err("no login").to_string();
    assert!(error.contains("auth.json") && error.contains("codex login") && !error.contains(name), "{error}");
}

#[test]
fn a27_an_unusable_credential_stops_the_launch_before_anything_is_made() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let _upstream = with_credential(&mut rig);
    for value in ["", "a\nb"] {
        rig.options.host.set("API_TOKEN", value);
        let error = rig.try_sh("true").expect_err(value);
        assert_eq!(error.stage(), Stage::Credentials);
        assert!(error.to_string().contains("API_TOKEN"), "{error}");
    }
    rig.options.host = Host::new(&rig.home);
    rig.options.host.set("PATH", "/usr/bin");
    assert!(rig.try_sh("true").expect_err("missing").to_string().contains("API_TOKEN is not set"));
    assert!(rig.runs().is_empty());
}

/// A key where a login's token belongs, and the other way round: both are told before anything is made, with
/// the field to write and never the value.
#[test]
fn a_credential_of_the_other_kind_is_told() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let claude = provider::get("claude").expect("claude");
    let kinds = ["api03", "oat01"].map(|kind| ["sk", "ant", kind, "9c1f"].join("-"));
    let token = Settings { auth_token: Some("LOGIN"), ..Settings::default() };
    let key = Settings { api_key: Some("LOGIN"), ..Settings::default() };
    for (settings, wrong, write) in [(token, 0, "write `api_key`"), (key, 1, "write `auth_token`")] {
        rig.plan.egress_routes = claude.provision(&settings, &Start::default()).egress_routes;
        rig.options.host.set("LOGIN", kinds[wrong].clone());
        let error = rig.try_sh("true").expect_err("the wrong kind");
        assert_eq!(error.stage(), Stage::Credentials);
        let error = error.to_string();
        assert!(error.contains(write) && !error.contains(&kinds[wrong]), "{error}");
        rig.options.host.set("LOGIN", kinds[1 - wrong].clone());
        assert!(rig.try_sh("true").is_ok());
    }
}

impl Rig {
    /// What the container engine's client says.
    pub(crate) fn engine(&self, args: &[&str]) -> String {
        let podman = self.options.backend == bot_bottle::engine::Choice::PODMAN;
        let mut command = Command::new(if podman { "/usr/bin/podman" } else { "/usr/bin/docker" });
        if podman {
            command.env("CONTAINERS_CONF", crate::containers::podman().expect("podman"));
        } else {
            command.env("DOCKER_HOST", crate::containers::docker().expect("docker"));
        }
        let output = command.args(args).output().expect("client");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    /// The containers that mount something of this bottle's state folder.
    pub(crate) fn containers(&self) -> Vec<String> {
        if self.options.backend == bot_bottle::engine::Choice::BUBBLEWRAP {
            return Vec::new();
        }
        let all = self.engine(&["ps", "--all", "--quiet"]);
        let format = "{{.Id}}{{range .Mounts}} {{.Source}}{{end}}";
        let shown: Vec<_> =
            ["container", "inspect", "--format", format].into_iter().chain(all.split_whitespace()).collect();
        let state = self.options.state.path().display().to_string();
        self.engine(&shown).lines().filter(|l| l.contains(&state)).map(str::to_owned).collect()
    }
}
