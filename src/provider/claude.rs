//! Claude Code.
//!
//! Measured with Claude Code 2.1: with `CLAUDE_CODE_OAUTH_TOKEN` set to any text it starts, and it
//! sends that text as a bearer, which the egress replaces.

use super::{
    AgentFiles, AuthScheme, Content, EgressRoute, FormerRole, GUEST_HOME, GuestDir, GuestFile, OwnField,
    PromptMode, Provider, Provision, RouteAuth, RouteOwner, Settings, ShippedImage, Start, Starter, TokenRef,
    WORKSPACE,
};

/// Claude Code as a provider.
pub(super) struct Claude;

const API_HOST: &str = "api.anthropic.com";
const TOKEN_VAR: &str = "CLAUDE_CODE_OAUTH_TOKEN";
const KEY_VAR: &str = "ANTHROPIC_API_KEY";
const PLACEHOLDER: &str = "egress-placeholder";
const QUIET_VAR: &str = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";
const NO_REPORTS_VAR: &str = "DISABLE_ERROR_REPORTING";
const SCOPES_VAR: &str = "CLAUDE_CODE_OAUTH_SCOPES";
/// What the client checks before it lets remote control start.
const REMOTE_SCOPES: &str = "user:inference user:profile user:sessions:claude_code";

impl Provider for Claude {
    fn template(&self) -> &'static str {
        "claude"
    }

    fn starter(&self) -> Starter {
        Starter {
            field: "auth_token",
            value: "BOT_BOTTLE_CLAUDE_OAUTH_TOKEN",
            meaning: "The NAME of the host variable that holds the token. The token itself never enters the bottle.",
            key_variable: KEY_VAR,
            on_host: "put what `claude setup-token` prints into the variable BOT_BOTTLE_CLAUDE_OAUTH_TOKEN",
        }
    }

    fn own_fields(&self) -> &'static [OwnField] {
        &[OwnField { key: "auth_token", rule: "claude-only-field" }]
    }

    fn wrong_login(&self, scheme: &AuthScheme, value: &str) -> Option<&'static str> {
        match scheme {
            AuthScheme::Bearer if value.starts_with("sk-ant-api") => {
                Some("holds an API key: write `api_key` in place of `auth_token`")
            }
            AuthScheme::Header(_) if value.starts_with("sk-ant-oat") => {
                Some("holds a login's token: write `auth_token` in place of `api_key`")
            }
            _ => None,
        }
    }

    fn former_roles(&self) -> &'static [FormerRole] {
        &[FormerRole { role: "claude_code_oauth", field: "auth_token", takes_token_ref: true }]
    }

    fn vendor_hosts(&self) -> &'static [&'static str] {
        &[API_HOST]
    }

    fn image(&self) -> ShippedImage {
        ShippedImage {
            name: "bot-bottle-claude:latest",
            dockerfile: "Dockerfile.claude",
            text: include_str!("../../Dockerfile.claude"),
        }
    }

    fn files(&self) -> AgentFiles {
        AgentFiles {
            logins: &[".claude", ".claude.json"],
            mixed: &[".claude"],
            // As it leaves them after a day's work.
            records: &[
                ".cache/claude",
                ".cache/claude-cli-nodejs",
                ".claude/.last-cleanup",
                ".claude/backups",
                ".claude/cache",
                ".claude/debug",
                ".claude/downloads",
                ".claude/file-history",
                ".claude/history.jsonl",
                ".claude/ide",
                ".claude/paste-cache",
                ".claude/plans",
                ".claude/projects",
                ".claude/session-env",
                ".claude/sessions",
                ".claude/shell-snapshots",
                ".claude/stats-cache.json",
                ".claude/statsig",
                ".claude/tasks",
                ".claude/telemetry",
                ".claude/todos",
                ".claude/usage-data",
            ],
            obeyed: &[".mcp.json"],
            obeyed_folders: &[".claude"],
        }
    }

    fn provision(&self, settings: &Settings<'_>, start: &Start) -> Provision {
        let (mut env_vars, mut egress_routes, mut hidden_env_names) = (Vec::new(), Vec::new(), Vec::new());
        if let Some((variable, scheme, token_ref)) = login(settings) {
            env_vars.push((variable.to_owned(), PLACEHOLDER.to_owned()));
            if start.remote_control && settings.api_key.is_none() {
                // Remote control counts as non-essential traffic and asks for these scopes.
                env_vars.push((SCOPES_VAR.to_owned(), REMOTE_SCOPES.to_owned()));
            } else {
                env_vars.push((QUIET_VAR.to_owned(), "1".to_owned()));
            }
            env_vars.push((NO_REPORTS_VAR.to_owned(), "1".to_owned()));
            hidden_env_names.push(variable);
            egress_routes.push(EgressRoute {
                auth: Some(RouteAuth { scheme, token_ref: TokenRef::variable(token_ref) }),
                tls_passthrough: true,
                ..EgressRoute::new(API_HOST, RouteOwner::Provider)
            });
        }
        Provision {
            command: "claude",
            prompt_mode: PromptMode::AppendFile,
            image: self.image(),
            env_vars,
            dirs: vec![GuestDir::new(config_dir())],
            files: vec![
                GuestFile::new(
                    format!("{GUEST_HOME}/.claude.json"),
                    Content::Text(first_run_state(settings.api_key.is_some())),
                ),
                GuestFile::new(format!("{}/settings.json", config_dir()), Content::Text(settings_json())),
            ],
            pre_copy: Vec::new(),
            verify: Vec::new(),
            egress_routes,
            hidden_env_names,
        }
    }

    fn argv(&self, start: &Start, prompt: Option<&str>) -> Vec<String> {
        let mut argv = vec!["claude".to_owned(), "--dangerously-skip-permissions".to_owned()];
        if start.resume {
            argv.push("--continue".to_owned());
        }
        if start.remote_control {
            argv.push("--remote-control".to_owned());
        }
        if let Some(path) = prompt {
            argv.extend(["--append-system-prompt-file".to_owned(), path.to_owned()]);
        }
        argv.extend(start.agent_args.iter().cloned());
        if let Some(task) = &start.task {
            argv.extend(["-p".to_owned(), task.clone()]);
        }
        argv
    }

    fn has_remote_control(&self) -> bool {
        true
    }

    fn skills_dir(&self, _settings: &Settings<'_>) -> String {
        format!("{}/skills", config_dir())
    }
}

/// The guest's variable, the form of the credential and the host variable of the login, where there is one.
fn login<'a>(settings: &Settings<'a>) -> Option<(&'static str, AuthScheme, &'a str)> {
    match (settings.auth_token, settings.api_key) {
        (Some(token), _) => Some((TOKEN_VAR, AuthScheme::Bearer, token)),
        (None, Some(key)) => Some((KEY_VAR, AuthScheme::Header("x-api-key".to_owned()), key)),
        (None, None) => None,
    }
}

fn config_dir() -> String {
    format!("{GUEST_HOME}/.claude")
}

/// The state that keeps every first-run dialog away. It asks about a key by its last twenty characters.
fn first_run_state(key: bool) -> String {
    let approved = if key {
        format!("\"customApiKeyResponses\":{{\"approved\":[\"{PLACEHOLDER}\"],\"rejected\":[]}},")
    } else {
        String::new()
    };
    let trusted = |path: &str| {
        format!(
            "{}:{{\"hasTrustDialogAccepted\":true,\"hasCompletedProjectOnboarding\":true}}",
            serde_json::Value::from(path)
        )
    };
    format!(
        "{{\"hasCompletedOnboarding\":true,\"bypassPermissionsModeAccepted\":true,{approved}\"projects\":{{{},{}}}}}\n",
        trusted(GUEST_HOME),
        trusted(WORKSPACE)
    )
}

/// The marketplace would be fetched at the first start, from hosts that no manifest lists.
fn settings_json() -> String {
    "{\"skipDangerousModePermissionPrompt\":true,\
     \"env\":{\"CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL\":\"1\"}}\n"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_nothing_is_added() {
        let provision = Claude.provision(&Settings::default(), &Start::default());
        assert!(provision.env_vars.is_empty());
        assert!(provision.egress_routes.is_empty());
        assert!(provision.hidden_env_names.is_empty());
    }

    #[test]
    fn a_key_goes_in_its_own_header_and_its_placeholder_is_approved() {
        let settings = Settings { api_key: Some("KEY"), ..Settings::default() };
        let provision = Claude.provision(&settings, &Start::default());
        assert_eq!(provision.env_vars[0], (KEY_VAR.to_owned(), PLACEHOLDER.to_owned()));
        assert_eq!(provision.hidden_env_names, [KEY_VAR]);
        let auth = provision.egress_routes[0].auth.as_ref().expect("a credential");
        assert_eq!((auth.scheme.header(), auth.token_ref.name()), ("x-api-key", "KEY"));
        let Content::Text(state) = &provision.files[0].content else { panic!("no text") };
        let state: serde_json::Value = serde_json::from_str(state).expect("JSON");
        assert_eq!(state["customApiKeyResponses"]["approved"][0], PLACEHOLDER);
        // By its last twenty characters, which is all of it.
        assert!(PLACEHOLDER.len() <= 20);
    }

    #[test]
    fn the_wrong_kind_of_login_is_seen_by_its_first_letters() {
        let (key, token) = (["sk", "ant", "api03-x"].join("-"), ["sk", "ant", "oat01-x"].join("-"));
        let header = AuthScheme::Header("x-api-key".to_owned());
        for (scheme, value, seen) in [
            (&AuthScheme::Bearer, &key, true),
            (&AuthScheme::Bearer, &token, false),
            (&header, &key, false),
            (&header, &token, true),
        ] {
            assert_eq!(Claude.wrong_login(scheme, value).is_some(), seen);
        }
    }

    #[test]
    fn the_written_state_is_json() {
        for text in [first_run_state(false), first_run_state(true), settings_json()] {
            serde_json::from_str::<serde_json::Value>(&text).expect("valid JSON");
        }
    }

    #[test]
    fn a_task_comes_last_and_resume_keeps_the_prompt() {
        let start = Start { resume: true, task: Some("-x".into()), ..Start::default() };
        assert_eq!(
            Claude.argv(&start, Some("/p.md")),
            [
                "claude",
                "--dangerously-skip-permissions",
                "--continue",
                "--append-system-prompt-file",
                "/p.md",
                "-p",
                "-x"
            ]
        );
    }
}
