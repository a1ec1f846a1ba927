//! The part of the plan that a field makes: what is in the plan with it and not without it.

use super::Path;
use crate::check::shown;
use crate::ide::Snapshot;
use crate::ide::markdown::code;
use crate::manifest::{Agent, Bottle, Found, Kind, read_agent, resolve};
use crate::plan::{Dockerfile, EnvValue, Plan, build, env_value, shell_words};
use crate::provider::{Content, Start};

/// What a field adds to the plan, as Markdown; `None` where it adds nothing of its own.
pub(super) fn describe(snapshot: &Snapshot<'_>, found: &Found, path: &Path<'_>) -> Option<String> {
    if found.manifest.kind != Kind::Bottle {
        return agent(snapshot, found, path);
    }
    let catalog = snapshot.catalog;
    let with = resolve(found, catalog).bottle;
    if let Some(variable) = variable(&with, path) {
        return Some(variable);
    }
    let template = path.matches(&["agent_provider", "template"]);
    let start = Start::default();
    let plan = build(&with, None, &start, catalog.layout).ok()?;
    let made = if template {
        made(&plan)
    } else {
        let before = build(&without(with, path)?, None, &start, catalog.layout).ok()?;
        let before = made(&before);
        made(&plan).into_iter().filter(|piece| !before.contains(piece)).collect()
    };
    listed(&made)
}

fn agent(snapshot: &Snapshot<'_>, found: &Found, path: &Path<'_>) -> Option<String> {
    let mut agent = read_agent(&found.source, &found.manifest);
    let bottle = snapshot.catalog.bottle(&agent.bottle.as_ref()?.value, &found.source)?;
    let bottle = resolve(&bottle, snapshot.catalog).bottle;
    let start = Start::default();
    let plan = |agent: &Agent| build(&bottle, Some(agent), &start, snapshot.catalog.layout).ok();
    let after = made(&plan(&agent)?);
    match path.keys().first()? {
        &"git" => agent.git = Default::default(),
        &"skills" => agent.skills.clear(),
        &"prompt" | &"prompt_file" => agent.prompt = Default::default(),
        _ => return None,
    }
    let before = made(&plan(&agent)?);
    listed(&after.into_iter().filter(|piece| !before.contains(piece)).collect::<Vec<_>>())
}

/// What a variable of the guest is.
fn variable(bottle: &Bottle, path: &Path<'_>) -> Option<String> {
    let name = path.keys().get(1).copied().filter(|_| path.matches(&["env", "*"]))?;
    let variable = bottle.env.iter().find(|v| v.name.value == name)?;
    let name = code(&shown(name));
    Some(match env_value(&variable.name.value, variable.value.value.clone()) {
        EnvValue::Literal(value) => format!("In the guest {name} is {}.", code(&value)),
        EnvValue::SecretLiteral(_) => format!("In the guest {name} is a value that looks like a credential."),
        EnvValue::Host(host) => {
            format!("In the guest {name} is the value that the host's {} has at launch.", code(&shown(&host)))
        }
        EnvValue::Ask(question) => {
            format!("In the guest {name} is the answer to {}, asked at launch.", code(&shown(&question)))
        }
    })
}

/// The bottle as if a field were not there.
fn without(mut bottle: Bottle, path: &Path<'_>) -> Option<Bottle> {
    let keys = path.keys();
    let provider = &mut bottle.provider;
    match keys.as_slice() {
        ["agent_provider", "auth_token"] => provider.auth_token = None,
        ["agent_provider", "api_key"] => provider.api_key = None,
        ["agent_provider", "forward_host_credentials"] => provider.forward_host_credentials = None,
        ["agent_provider", "dockerfile"] => provider.dockerfile = None,
        ["agent_provider", "context"] => provider.context = None,
        ["git", ..] => bottle.git = Default::default(),
        ["skills"] => bottle.skills.clear(),
        ["prompt"] => bottle.prompt.prompt = None,
        ["prompt_file"] => bottle.prompt.prompt_file = None,
        ["workspace", ..] => bottle.workspace = None,
        _ => return None,
    }
    Some(bottle)
}

/// The pieces of a plan that a provider or a field makes, in the order of a launch.
fn made(plan: &Plan) -> Vec<String> {
    let mut all = vec![
        format!("command: {}", code(&shell_words(&plan.argv))),
        format!("image: {}", code(plan.image)),
        format!("dockerfile: {}", code(&plan.dockerfile.shown())),
    ];
    if let Dockerfile::Own { file: _, context } = &plan.dockerfile {
        all.push(format!("context: {}", code(&context.display().to_string())));
    }
    for route in &plan.egress_routes {
        let credential = match &route.auth {
            Some(auth) => {
                format!(", {} from {}", shown(&auth.scheme.words()), code(&shown(auth.token_ref.name())))
            }
            None => ", no credential".to_owned(),
        };
        all.push(format!("route: {}{credential}", code(&route.host)));
    }
    for (name, value) in &plan.env_vars {
        let hidden = plan.hidden_env_names.contains(&name.as_str());
        all.push(if hidden {
            format!("placeholder: {} (hidden from summaries; never the credential)", code(name))
        } else {
            format!("variable: {}", code(&format!("{name}={value}")))
        });
    }
    all.extend(plan.dirs.iter().map(|d| format!("folder: {}", code(&d.guest_path))));
    for file in &plan.files {
        let from = match &file.content {
            Content::Text(_) => String::new(),
            Content::Derived(derived) => {
                let from = serde_json::to_value(derived).unwrap_or_default();
                format!(" from {}", code(from.as_str().unwrap_or_default()))
            }
        };
        all.push(format!("file: {}{from}", code(&file.guest_path)));
    }
    all.extend(plan.pre_copy.iter().map(|c| format!("before the files: {}", code(&shell_words(&c.argv)))));
    all.extend(plan.verify.iter().map(|c| format!("verified by: {}", code(&shell_words(&c.argv)))));
    let workspace = &plan.workspace;
    if let Some(path) = &workspace.path {
        all.push(format!("workspace: {}", code(&path.display().to_string())));
    }
    for mount in &workspace.mounts {
        let mode = if mount.read_only { "read only" } else { "writable" };
        let source = code(&mount.source.display().to_string());
        all.push(format!("mount: {source} at {} ({mode})", code(&mount.target)));
    }
    all
}

fn listed(made: &[String]) -> Option<String> {
    let lines = made.iter().map(|piece| format!("\n- {piece}"));
    (!made.is_empty()).then(|| format!("In the plan:\n{}", lines.collect::<String>()))
}
