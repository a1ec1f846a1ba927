//! Plans for tests.

use crate::plan::{Dockerfile, Plan, Resources, Workspace, WorkspaceMode};
use crate::provider::{AuthScheme, EgressRoute, PromptMode, RouteAuth, RouteOwner, TokenRef};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A plan with this command in the agent's place and nothing else.
pub(crate) fn plan(argv: &[&str]) -> Plan {
    Plan {
        name: "dev".into(),
        template: "claude",
        command: "claude",
        prompt_mode: PromptMode::AppendFile,
        image: "bot-bottle-claude:latest",
        dockerfile: Dockerfile::Shipped("Dockerfile.claude"),
        guest_env: Vec::new(),
        env_vars: Vec::new(),
        dirs: Vec::new(),
        files: Vec::new(),
        pre_copy: Vec::new(),
        verify: Vec::new(),
        egress_routes: Vec::new(),
        hidden_env_names: Vec::new(),
        argv: argv.iter().map(|&a| a.to_owned()).collect(),
        workspace: Workspace { path: None, mode: WorkspaceMode::Bind, mounts: Vec::new() },
        resources: Resources::default(),
        unsupported: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn route_with_token(host: &str, token_ref: &str) -> EgressRoute {
    EgressRoute {
        auth: Some(RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable(token_ref) }),
        ..EgressRoute::new(host, RouteOwner::Manifest)
    }
}

/// A host login of Codex; `mark` makes its token another one.
pub(crate) fn codex_login(mark: &str) -> String {
    let part = |v: serde_json::Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let claims = serde_json::json!({ "exp": 4_000_000_000u64, "mark": mark });
    let token = [part(serde_json::json!({})), part(claims), "sig".into()].join(".");
    serde_json::json!({ "tokens": { "access_token": token, "account_id": "acct" } }).to_string()
}
