//! Plans for tests.

use crate::plan::Plan;
use crate::provider::{AuthScheme, EgressRoute, RouteAuth, RouteOwner, TokenRef};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A plan with this command in the agent's place and nothing else.
pub(crate) fn plan(argv: &[&str]) -> Plan {
    Plan { argv: argv.iter().map(|&a| a.to_owned()).collect(), ..Plan::bare() }
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
