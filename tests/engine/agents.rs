//! The real agents, with placeholders alone, in real bottles, against stand-ins for their services.

use crate::containers;
use crate::rig::Rig;
use crate::upstream::{Answer, Authority, Request, Upstream};
use bot_bottle::egress::Resolve;
use bot_bottle::engine::Choice;
use bot_bottle::plan::Dockerfile;
use bot_bottle::provider::{self, Settings, Start};
use serde_json::{Value, json};
use std::fs;

const SAID: &str = "hello from the stand-in";

fn secret() -> String {
    ["real", "tok", "en", "8d21"].join("-")
}

/// One event of a stream.
fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn anthropic(request: &Request) -> Answer {
    if !request.target.starts_with("/v1/messages") {
        return ("403 Forbidden", "application/json", "{}".into());
    }
    let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 1, "output_tokens": 1 } });
    let body = [
        event("message_start", &json!({ "type": "message_start", "message": message })),
        event(
            "content_block_start",
            &json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        ),
        event(
            "content_block_delta",
            &json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": SAID } }),
        ),
        event("content_block_stop", &json!({ "type": "content_block_stop", "index": 0 })),
        event(
            "message_delta",
            &json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": { "output_tokens": 5 } }),
        ),
        event("message_stop", &json!({ "type": "message_stop" })),
    ];
    ("200 OK", "text/event-stream", body.concat())
}

fn openai(request: &Request) -> Answer {
    let account = "acct-7";
    if request.target.starts_with("/backend-api/wham/accounts/check") {
        let answer = json!({ "accounts": [{ "id": account, "workspace_backend_origin": "NO_CONSTRAINT",
            "account_routing_override": "NO_CONSTRAINT", "structure": "personal" }],
            "account_ordering": [account], "default_account_id": account });
        return ("200 OK", "application/json", answer.to_string());
    }
    let asks = ["/backend-api/codex/responses", "/v1/responses"];
    if !asks.iter().any(|path| request.target.starts_with(path)) {
        return ("403 Forbidden", "application/json", "{}".into());
    }
    if request.method != "POST" {
        return ("426 Upgrade Required", "text/plain", String::new());
    }
    let item = json!({ "type": "message", "role": "assistant", "id": "m1", "content": [{ "type": "output_text", "text": SAID }] });
    let usage = json!({ "input_tokens": 1, "input_tokens_details": null, "output_tokens": 1, "output_tokens_details": null, "total_tokens": 2 });
    let body = [
        event("response.created", &json!({ "type": "response.created", "response": { "id": "r1" } })),
        event(
            "response.output_item.done",
            &json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
        ),
        event(
            "response.completed",
            &json!({ "type": "response.completed", "response": { "id": "r1", "usage": usage } }),
        ),
    ];
    ("200 OK", "text/event-stream", body.concat())
}

/// Puts a provider's own part into the plan, and its hosts behind stand-ins.
fn provision(
    rig: &mut Rig,
    template: &str,
    settings: &Settings<'_>,
    answer: fn(&Request) -> Answer,
) -> Option<Upstream> {
    if rig.options.backend == Choice::BUBBLEWRAP {
        let programs = containers::agents()?;
        rig.options.host.set("PATH", format!("{}:/usr/bin:/bin:/usr/local/bin", programs.display()));
    }
    let provider = provider::get(template).expect("provider");
    let start = Start { task: Some("say hi".into()), ..Start::default() };
    let provision = provider.provision(settings, &start);
    let authority = Authority::new();
    let names: Vec<_> = provision.egress_routes.iter().map(|r| r.host.as_str()).collect();
    let upstream = Upstream::tls(&authority, &names, answer);
    for name in names {
        rig.options.upstream.resolve.push(Resolve::new(name, 443, upstream.address));
    }
    let ca = rig.home.join("upstream-ca.pem");
    fs::write(&ca, &authority.pem).expect("write");
    rig.options.upstream.ca = Some(ca);
    let plan = &mut rig.plan;
    (plan.command, plan.image) = (provision.command, provision.image.name);
    if rig.options.backend != Choice::BUBBLEWRAP {
        plan.dockerfile = Dockerfile::Shipped(provision.image.dockerfile);
    }
    plan.env_vars = provision.env_vars;
    plan.dirs = provision.dirs;
    plan.files = provision.files;
    plan.pre_copy = provision.pre_copy;
    plan.verify = provision.verify;
    plan.egress_routes = provision.egress_routes;
    plan.hidden_env_names = provision.hidden_env_names;
    plan.argv = provider.argv(&start, None);
    Some(upstream)
}

fn claude(rig: &mut Rig) {
    rig.options.host.set("CLAUDE_TOKEN", secret());
    let settings = Settings { auth_token: Some("CLAUDE_TOKEN"), ..Settings::default() };
    let Some(upstream) = provision(rig, "claude", &settings, anthropic) else { return };
    let ran = rig.go().unwrap_or_else(|e| panic!("{e}\n{}", rig.ui.text()));
    assert_eq!((ran.code, ran.out.trim()), (0, SAID), "{ran:?}");
    let messages: Vec<_> =
        upstream.seen().into_iter().filter(|r| r.target.starts_with("/v1/messages")).collect();
    assert!(!messages.is_empty());
    for request in messages {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
    }
}

/// With an API key, which is in the one header and nowhere in the guest.
fn claude_with_a_key(rig: &mut Rig) {
    rig.options.host.set("KEY", secret());
    let settings = Settings { api_key: Some("KEY"), ..Settings::default() };
    let Some(upstream) = provision(rig, "claude", &settings, anthropic) else { return };
    let ran = rig.go().unwrap_or_else(|e| panic!("{e}\n{}", rig.ui.text()));
    assert_eq!((ran.code, ran.out.trim()), (0, SAID), "{ran:?}");
    let messages: Vec<_> =
        upstream.seen().into_iter().filter(|r| r.target.starts_with("/v1/messages")).collect();
    assert!(!messages.is_empty());
    for request in messages {
        assert_eq!(request.header("x-api-key"), Some(secret().as_str()));
        assert_eq!(request.header("authorization"), None);
    }
}

fn codex_with_a_key(rig: &mut Rig) {
    rig.options.host.set("KEY", secret());
    let settings = Settings { api_key: Some("KEY"), ..Settings::default() };
    let Some(upstream) = provision(rig, "codex", &settings, openai) else { return };
    let ran = rig.go().unwrap_or_else(|e| panic!("{e}\n{}", rig.ui.text()));
    assert!(ran.code == 0 && ran.out.contains(SAID), "{ran:?}");
    let asked: Vec<_> =
        upstream.seen().into_iter().filter(|r| r.target.starts_with("/v1/responses")).collect();
    assert!(!asked.is_empty());
    for request in asked {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {}", secret()).as_str()));
    }
}

fn codex(rig: &mut Rig) {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |v: Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let token =
        [part(json!({})), part(json!({ "exp": 4_000_000_000u64, "jti": secret() })), "sig".into()].join(".");
    let login =
        json!({ "tokens": { "access_token": token, "refresh_token": secret(), "account_id": "acct-7" } });
    fs::create_dir(rig.home.join(".codex")).expect("dir");
    fs::write(rig.home.join(".codex/auth.json"), login.to_string()).expect("write");
    let settings = Settings { forward_host_credentials: true, ..Settings::default() };
    let Some(upstream) = provision(rig, "codex", &settings, openai) else { return };
    let ran = rig.go().unwrap_or_else(|e| panic!("{e}\n{}", rig.ui.text()));
    assert!(ran.code == 0 && ran.out.contains(SAID), "{ran:?}");
    let asked: Vec<_> = upstream
        .seen()
        .into_iter()
        .filter(|r| r.target.starts_with("/backend-api/codex/responses"))
        .collect();
    assert!(!asked.is_empty());
    for request in asked {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {token}").as_str()));
        assert_eq!(request.header("chatgpt-account-id"), Some("acct-7"));
    }
}

#[test]
fn claude_code_runs_a_task_in_bubblewrap() {
    Rig::bubblewrap().iter_mut().for_each(claude);
}

#[test]
fn claude_code_runs_a_task_with_a_key_in_bubblewrap() {
    Rig::bubblewrap().iter_mut().for_each(claude_with_a_key);
}

#[test]
fn codex_runs_a_task_with_a_key_in_bubblewrap() {
    Rig::bubblewrap().iter_mut().for_each(codex_with_a_key);
}

#[test]
fn claude_code_runs_a_task_in_docker() {
    Rig::docker().iter_mut().for_each(claude);
}

#[test]
fn codex_runs_a_task_in_bubblewrap() {
    Rig::bubblewrap().iter_mut().for_each(codex);
}

#[test]
fn codex_runs_a_task_in_docker() {
    Rig::docker().iter_mut().for_each(codex);
}
