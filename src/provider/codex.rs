//! Codex.
//!
//! Measured with Codex 0.169: `codex login status` accepts a login whose tokens are JWT-shaped;
//! one whose access token expires far ahead is never refreshed; the account id goes out as a
//! header on every call, so the dummy must carry the host's own.

use super::{
    AgentFiles, AuthScheme, Content, Derived, EgressRoute, FormerRole, GUEST_HOME, GUEST_USER, GuestCommand,
    GuestDir, GuestFile, HostLogin, LoginError, LoginRef, OwnField, PromptMode, Provider, Provision,
    RouteAuth, RouteOwner, Secret, Settings, ShippedImage, Start, Starter, TokenRef, WORKSPACE, guest_folder,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Codex as a provider.
pub(super) struct Codex;

/// The login that `codex login` keeps on the host.
struct CodexLogin;

const HOSTS: [&str; 2] = ["api.openai.com", "chatgpt.com"];
const HOST_LOGIN: LoginRef = LoginRef::new("codex", "BOT_BOTTLE_CODEX_HOST_ACCESS_TOKEN");
const CA_VAR: &str = "CODEX_CA_CERTIFICATE";
const KEY_VAR: &str = "OPENAI_API_KEY";
const HOME_VAR: &str = "CODEX_HOME";
const LOGIN: &str = "codex login";
/// The claim that holds the account in OpenAI's tokens.
const AUTH_CLAIM: &str = "https://api.openai.com/auth";
const PLACEHOLDER: &str = "egress-placeholder";
/// 2100-01-01T00:00:00Z: so far ahead that the agent never tries to refresh.
const FAR_FUTURE: u64 = 4_102_444_800;

impl Provider for Codex {
    fn template(&self) -> &'static str {
        "codex"
    }

    fn starter(&self) -> Starter {
        Starter {
            field: "forward_host_credentials",
            value: "true",
            meaning: "The host's own login. The bottle gets a dummy, and the way out adds the real bearer.",
            key_variable: KEY_VAR,
            on_host: "log in with `codex login`",
        }
    }

    fn own_fields(&self) -> &'static [OwnField] {
        &[OwnField { key: "forward_host_credentials", rule: "codex-only-field" }]
    }

    fn former_roles(&self) -> &'static [FormerRole] {
        &[FormerRole { role: "codex_auth", field: "forward_host_credentials", takes_token_ref: false }]
    }

    fn vendor_hosts(&self) -> &'static [&'static str] {
        &HOSTS
    }

    fn folder_env(&self) -> Option<&'static str> {
        Some(HOME_VAR)
    }

    fn movable_env(&self) -> &'static [&'static str] {
        &[HOME_VAR]
    }

    fn image(&self) -> ShippedImage {
        ShippedImage {
            name: "bot-bottle-codex:latest",
            dockerfile: "Dockerfile.codex",
            text: include_str!("../../Dockerfile.codex"),
        }
    }

    fn files(&self) -> AgentFiles {
        AgentFiles {
            logins: &[".codex"],
            mixed: &[".codex"],
            // As it leaves them after a day's work.
            records: &[
                ".codex/.tmp",
                ".codex/history.jsonl",
                ".codex/installation_id",
                ".codex/internal_storage.json",
                ".codex/log",
                ".codex/models_cache.json",
                ".codex/session_index.jsonl",
                ".codex/sessions",
                ".codex/shell_snapshots",
                ".codex/tmp",
                ".codex/version.json",
            ],
            obeyed: &[".codex/config.toml"],
            obeyed_folders: &[],
        }
    }

    fn is_record(&self, path: &str) -> bool {
        // Databases and their journals are named by version.
        let database = path.starts_with(".codex/") && path.contains(".sqlite");
        database || self.files().records.contains(&path)
    }

    fn provision(&self, settings: &Settings<'_>, _start: &Start) -> Provision {
        let auth_dir = auth_dir(settings);
        let forward = settings.forward_host_credentials;
        let mut env_vars = vec![(CA_VAR.to_owned(), "/etc/ssl/certs/ca-certificates.crt".to_owned())];
        let mut files =
            vec![GuestFile::new(format!("{auth_dir}/config.toml"), Content::Text(trusted_projects()))];
        if forward {
            env_vars.push((HOME_VAR.to_owned(), auth_dir.clone()));
            files.push(GuestFile::new(
                format!("{auth_dir}/auth.json"),
                Content::Derived(Derived::HostLogin { template: "codex" }),
            ));
        }
        let key = settings.api_key.filter(|_| !forward);
        if key.is_some() {
            env_vars.push((KEY_VAR.to_owned(), PLACEHOLDER.to_owned()));
            files.push(GuestFile::new(format!("{auth_dir}/auth.json"), Content::Text(key_login())));
        }
        Provision {
            command: "codex",
            prompt_mode: PromptMode::ReadPromptFile,
            image: self.image(),
            env_vars,
            dirs: vec![GuestDir::new(auth_dir.clone())],
            files,
            pre_copy: if forward { vec![reset_runtime_db(&auth_dir)] } else { Vec::new() },
            verify: if forward { vec![login_status(&auth_dir)] } else { Vec::new() },
            egress_routes: HOSTS
                .iter()
                .map(|host| EgressRoute {
                    auth: match key {
                        _ if forward => Some(TokenRef::HostLogin(HOST_LOGIN)),
                        // A key opens the vendor's interface alone.
                        Some(name) if *host == HOSTS[0] => Some(TokenRef::variable(name)),
                        _ => None,
                    }
                    .map(|token_ref| RouteAuth { scheme: AuthScheme::Bearer, token_ref }),
                    tls_passthrough: true,
                    ..EgressRoute::new(*host, RouteOwner::Provider)
                })
                .collect(),
            hidden_env_names: key.map(|_| KEY_VAR).into_iter().collect(),
        }
    }

    fn argv(&self, start: &Start, prompt: Option<&str>) -> Vec<String> {
        let mut argv = vec!["codex".to_owned()];
        if start.task.is_some() {
            argv.push("exec".to_owned());
        }
        argv.push("--dangerously-bypass-approvals-and-sandbox".to_owned());
        if start.task.is_some() {
            // The workspace need not be a git tree.
            argv.push("--skip-git-repo-check".to_owned());
        }
        if start.resume {
            argv.extend(["resume".to_owned(), "--last".to_owned()]);
        }
        argv.extend(start.agent_args.iter().cloned());
        // A conversation that goes on has had its prompt, whoever asked to go on.
        let resumes = start.resume || start.agent_args.iter().any(|a| a == "resume");
        let prompt =
            prompt.filter(|_| !resumes).map(|path| format!("Read and follow the instructions in {path}."));
        let message = match (prompt, &start.task) {
            (Some(prompt), Some(task)) => Some(format!("{prompt}\n\n{task}")),
            (Some(prompt), None) => Some(prompt),
            (None, task) => task.clone(),
        };
        argv.extend(message);
        argv
    }

    fn skills_dir(&self, settings: &Settings<'_>) -> String {
        format!("{}/skills", auth_dir(settings))
    }

    fn host_login(&self) -> Option<&'static dyn HostLogin> {
        Some(&CodexLogin)
    }
}

/// Where Codex keeps its state in the guest: where `CODEX_HOME` points. One that comes from the host
/// stands in the plan by its name, `${NAME}`, and the launch puts the value there.
fn auth_dir(settings: &Settings<'_>) -> String {
    match settings.env(HOME_VAR) {
        Some(name) if name.starts_with("${") => name.to_owned(),
        other => match other.and_then(|path| guest_folder(path).ok()) {
            Some(path) => path.to_owned(),
            None => format!("{GUEST_HOME}/.codex"),
        },
    }
}

/// What `codex login --with-api-key` writes: the key in the file, which is what an interactive start reads.
fn key_login() -> String {
    let login = json!({ "auth_mode": "apikey", "OPENAI_API_KEY": PLACEHOLDER });
    format!("{login:#}\n")
}

/// Codex trusts by exact folder.
fn trusted_projects() -> String {
    [GUEST_HOME, WORKSPACE].map(|path| format!("[projects.\"{path}\"]\ntrust_level = \"trusted\"\n")).concat()
}

/// A runtime database of an earlier login would be read in place of the new file.
fn reset_runtime_db(auth_dir: &str) -> GuestCommand {
    let argv = [
        "find",
        auth_dir,
        "-maxdepth",
        "1",
        "-type",
        "f",
        "(",
        "-name",
        "*.sqlite",
        "-o",
        "-name",
        "*.sqlite-*",
        "-o",
        "-name",
        "*.codex-repair-*.bak",
        ")",
        "-delete",
    ];
    GuestCommand {
        argv: argv.map(str::to_owned).to_vec(),
        error: "codex host credentials: could not reset runtime db files".to_owned(),
    }
}

fn login_status(auth_dir: &str) -> GuestCommand {
    GuestCommand {
        argv: vec![
            "runuser".to_owned(),
            "-u".to_owned(),
            GUEST_USER.to_owned(),
            "--".to_owned(),
            "env".to_owned(),
            format!("HOME={GUEST_HOME}"),
            format!("{HOME_VAR}={auth_dir}"),
            "codex".to_owned(),
            "login".to_owned(),
            "status".to_owned(),
        ],
        error: "codex host credentials: dummy auth was copied into the guest, but Codex did not accept it"
            .to_owned(),
    }
}

impl HostLogin for CodexLogin {
    fn token_ref(&self) -> LoginRef {
        HOST_LOGIN
    }

    fn fix(&self) -> &'static str {
        LOGIN
    }

    fn path(&self, home: &Path, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
        env(HOME_VAR)
            .filter(|dir| !dir.is_empty())
            .map_or_else(|| home.join(".codex"), PathBuf::from)
            .join("auth.json")
    }

    fn bearer(&self, text: &str, now: u64) -> Result<Secret, LoginError> {
        Login::parse(text, now).map(|login| Secret::new(login.access_token))
    }

    fn dummy(&self, text: &str, now: u64) -> Result<String, LoginError> {
        let login = Login::parse(text, now)?;
        let mut claims = Map::new();
        claims.insert("chatgpt_account_id".into(), login.account_id.clone().into());
        if let Some(plan) = login.plan {
            claims.insert("chatgpt_plan_type".into(), plan.into());
        }
        let token = placeholder_jwt(&json!({ "exp": FAR_FUTURE, AUTH_CLAIM: claims }));
        let dummy = json!({
            "auth_mode": "chatgpt",
            "OPENAI_API_KEY": null,
            "tokens": {
                "id_token": token,
                "access_token": token,
                "refresh_token": PLACEHOLDER,
                "account_id": login.account_id,
            },
            "last_refresh": rfc3339(now),
        });
        Ok(format!("{dummy:#}\n"))
    }
}

/// The parts of a host login that are used.
struct Login {
    access_token: String,
    account_id: String,
    plan: Option<String>,
}

impl Login {
    fn parse(text: &str, now: u64) -> Result<Self, LoginError> {
        let malformed = |what| LoginError::Malformed { what, fix: LOGIN };
        let root: Value = serde_json::from_str(text).map_err(|_| malformed("not JSON"))?;
        let Some(tokens) = root.get("tokens").and_then(Value::as_object) else {
            return Err(match root.get("OPENAI_API_KEY").and_then(Value::as_str) {
                Some(_) => LoginError::ApiKey { fix: LOGIN },
                None => malformed("no tokens"),
            });
        };
        let field = |name: &str| tokens.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
        let access_token = field("access_token").ok_or(malformed("no access token"))?;
        if access_token.contains(|c: char| c.is_control() || !c.is_ascii()) {
            return Err(malformed("an access token that no header can carry"));
        }
        let claims = jwt_payload(access_token).ok_or(malformed("an access token that is no JWT"))?;
        // A token without an expiry is taken as it is; the service will say.
        if claims.get("exp").and_then(Value::as_u64).is_some_and(|exp| exp <= now) {
            return Err(LoginError::Expired { fix: LOGIN });
        }
        let id_claims = field("id_token").and_then(jwt_payload);
        let claim = |name: &str| {
            [Some(&claims), id_claims.as_ref()].into_iter().flatten().find_map(|c| {
                c.get(AUTH_CLAIM).and_then(|a| a.get(name)).and_then(Value::as_str).map(str::to_owned)
            })
        };
        let account_id = field("account_id")
            .map(str::to_owned)
            .or_else(|| claim("chatgpt_account_id"))
            .ok_or(malformed("no account id"))?;
        Ok(Self { access_token: access_token.to_owned(), account_id, plan: claim("chatgpt_plan_type") })
    }
}

fn jwt_payload(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A token of the right shape that signs nothing.
fn placeholder_jwt(payload: &Value) -> String {
    let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    format!(
        "{}.{}.{}",
        part(&json!({ "alg": "none", "typ": "JWT" })),
        part(payload),
        URL_SAFE_NO_PAD.encode(PLACEHOLDER)
    )
}

/// Seconds since the epoch as RFC 3339 in UTC.
fn rfc3339(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000;

    fn login(exp: u64) -> String {
        let token = placeholder_jwt(&json!({
            "exp": exp,
            AUTH_CLAIM: { "chatgpt_account_id": "acct-1", "chatgpt_plan_type": "pro" },
        }));
        let real = token.replace('.', ".real");
        json!({ "tokens": { "id_token": token, "access_token": token, "refresh_token": real } }).to_string()
    }

    #[test]
    fn the_dummy_keeps_the_account_and_no_byte_of_a_token() {
        let host = login(NOW + 3600);
        let dummy: Value = serde_json::from_str(&CodexLogin.dummy(&host, NOW).expect("dummy")).expect("JSON");
        assert_eq!(dummy["tokens"]["account_id"], "acct-1");
        assert_eq!(dummy["last_refresh"], "2026-09-21T14:13:20Z");
        let claims = jwt_payload(dummy["tokens"]["access_token"].as_str().expect("token")).expect("claims");
        assert_eq!(claims[AUTH_CLAIM]["chatgpt_plan_type"], "pro");
        assert_eq!(claims["exp"], FAR_FUTURE);
        let host: Value = serde_json::from_str(&host).expect("JSON");
        for (_, secret) in host["tokens"].as_object().expect("tokens") {
            assert!(!dummy.to_string().contains(secret.as_str().expect("text")));
        }
    }

    #[test]
    fn logins_that_cannot_be_forwarded_say_why() {
        let cases = [
            ("{", LoginError::Malformed { what: "not JSON", fix: LOGIN }),
            ("{}", LoginError::Malformed { what: "no tokens", fix: LOGIN }),
            (r#"{"OPENAI_API_KEY":"x"}"#, LoginError::ApiKey { fix: LOGIN }),
            (r#"{"tokens":{}}"#, LoginError::Malformed { what: "no access token", fix: LOGIN }),
            (
                r#"{"tokens":{"access_token":"x"}}"#,
                LoginError::Malformed { what: "an access token that is no JWT", fix: LOGIN },
            ),
        ];
        for (text, error) in cases {
            assert_eq!(CodexLogin.bearer(text, NOW), Err(error), "{text}");
        }
        assert_eq!(CodexLogin.bearer(&login(NOW), NOW), Err(LoginError::Expired { fix: LOGIN }));
        assert!(CodexLogin.bearer(&login(NOW + 1), NOW).is_ok());
    }

    #[test]
    fn a_key_is_a_bearer_of_one_host() {
        let settings = Settings { api_key: Some("KEY"), ..Settings::default() };
        let provision = Codex.provision(&settings, &Start::default());
        let refs: Vec<_> = provision
            .egress_routes
            .iter()
            .map(|r| (r.host.as_str(), r.auth.as_ref().map(|a| a.token_ref.name().to_owned())))
            .collect();
        assert_eq!(refs, [("api.openai.com", Some("KEY".to_owned())), ("chatgpt.com", None)]);
        assert_eq!(provision.hidden_env_names, [KEY_VAR]);
        let Content::Text(login) = &provision.files[1].content else { panic!("no text") };
        let login: Value = serde_json::from_str(login).expect("JSON");
        assert_eq!(login["OPENAI_API_KEY"], PLACEHOLDER);
    }

    #[test]
    fn the_auth_folder_follows_the_manifest() {
        let env = [(HOME_VAR.to_owned(), "/home/node/state/".to_owned())];
        let settings = Settings { forward_host_credentials: true, env: &env, ..Settings::default() };
        let provision = Codex.provision(&settings, &Start::default());
        assert_eq!(provision.files[1].guest_path, "/home/node/state/auth.json");
        assert_eq!(provision.env_vars[1].1, "/home/node/state");
    }

    #[test]
    fn the_prompt_is_left_out_when_resuming() {
        let start = Start { resume: true, ..Start::default() };
        assert_eq!(
            Codex.argv(&start, Some("/p.md")),
            ["codex", "--dangerously-bypass-approvals-and-sandbox", "resume", "--last"]
        );
        assert_eq!(
            Codex.argv(&Start::default(), Some("/p.md")).last().map(String::as_str),
            Some("Read and follow the instructions in /p.md.")
        );
    }
}
