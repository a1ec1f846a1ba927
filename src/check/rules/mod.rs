//! The rules: one file each. A file's header is the page that `explain` prints, and the examples
//! in it are the rule's fixtures.

// The fence of an example names its file, which rustdoc takes for options of its own.
#![allow(rustdoc::invalid_codeblock_attributes)]

use super::{Context, Edit, Group, Matter, Rule, Severity, Sink, edit, listed, shown};
use crate::manifest::{Located, Location, Place, Route};
use crate::provider;
use crate::syntax::{Node, Span};
use std::collections::HashMap;

/// Every rule, by group.
pub fn all() -> &'static [Rule] {
    &ALL
}

/// The rule with an id.
pub fn get(id: &str) -> Option<&'static Rule> {
    ALL.iter().find(|r| r.id == id)
}

mod idle;

macro_rules! registry {
    ($($id:literal => $module:ident, $group:ident, $matter:ident, $severity:ident;)*) => {
        $(mod $module;)*
        static ALL: [Rule; [$($id),*].len()] = [$(Rule {
            id: $id,
            group: Group::$group,
            matter: Matter::$matter,
            severity: Severity::$severity,
            file: include_str!(concat!(stringify!($module), ".rs")),
            check: $module::check,
        }),*];
    };
}

registry! {
    "syntax" => syntax, Form, Language, Error;
    "duplicate-key" => duplicate_key, Form, Language, Error;
    "unknown-field" => unknown_field, Form, Language, Error;
    "missing-field" => missing_field, Form, Language, Error;
    "wrong-type" => wrong_type, Form, Language, Error;
    "invalid-value" => invalid_value, Form, Language, Error;
    "empty-manifest" => empty_manifest, Form, Language, Error;
    "unknown-template" => unknown_template, Provider, Language, Error;
    "claude-only-field" => claude_only_field, Provider, Language, Error;
    "codex-only-field" => codex_only_field, Provider, Language, Error;
    "login-conflict" => login_conflict, Provider, Language, Error;
    "dockerfile-not-found" => dockerfile_not_found, Provider, Judgement, Error;
    "context-not-found" => context_not_found, Provider, Judgement, Error;
    "unknown-role" => unknown_role, Egress, Language, Error;
    "provider-owned-route" => provider_owned_route, Egress, Language, Error;
    "duplicate-route" => duplicate_route, Egress, Judgement, Warning;
    "shadowed-route" => shadowed_route, Egress, Judgement, Warning;
    "incomplete-auth" => incomplete_auth, Egress, Language, Error;
    "signed-host" => signed_host, Egress, Judgement, Warning;
    "invalid-token-ref" => invalid_token_ref, Egress, Language, Error;
    "invalid-host" => invalid_host, Egress, Language, Error;
    "private-host" => private_host, Egress, Judgement, Error;
    "broad-wildcard" => broad_wildcard, Egress, Judgement, Error;
    "invalid-header" => invalid_header, Egress, Language, Error;
    "invalid-protocol" => invalid_protocol, Egress, Language, Error;
    "invalid-path" => invalid_path, Egress, Language, Error;
    "invalid-method" => invalid_method, Egress, Language, Error;
    "unknown-bottle" => unknown_bottle, Files, Language, Error;
    "unknown-parent" => unknown_parent, Files, Language, Error;
    "loosened-parent" => loosened_parent, Files, Judgement, Warning;
    "broken-bottle" => broken_bottle, Files, Language, Error;
    "extends-cycle" => extends_cycle, Files, Language, Error;
    "invalid-name" => invalid_name, Files, Language, Error;
    "unquoted-description" => unquoted_description, Files, Judgement, Warning;
    "agent-shadowed" => agent_shadowed, Files, Judgement, Warning;
    "skill-not-found" => skill_not_found, Files, Judgement, Warning;
    "untrusted-location" => untrusted_location, Files, Judgement, Warning;
    "secret-literal" => secret_literal, Secrets, Judgement, Error;
    "credential-in-env" => credential_in_env, Secrets, ErrorsOfLanguage, Warning;
    "invalid-env-name" => invalid_env_name, Env, Language, Error;
    "provider-owned-env" => provider_owned_env, Env, Language, Error;
    "engine-owned-env" => engine_owned_env, Env, Language, Error;
    "prompt-conflict" => prompt_conflict, Prompt, Language, Error;
    "prompt-file-not-found" => prompt_file_not_found, Prompt, Judgement, Error;
    "empty-prompt" => empty_prompt, Prompt, Judgement, Warning;
    "sensitive-mount" => sensitive_mount, Workspace, Judgement, Error;
    "mount-not-found" => mount_not_found, Workspace, Judgement, Warning;
    "mount-conflict" => mount_conflict, Workspace, Language, Error;
    "unsupported" => unsupported, Engine, ErrorsOfLanguage, Error;
    "unused-suppression" => unused_suppression, Upkeep, Judgement, Warning;
    "suppression-without-reason" => suppression_without_reason, Upkeep, Judgement, Warning;
    "token-unset" => token_unset, Editor, Judgement, Hint;
    "denied-egress" => denied_egress, Editor, Judgement, Info;
    "widened-permission" => widened_permission, Editor, Language, Error;
}

/// The manifest's own routes, in order.
fn routes<'c>(ctx: &'c Context<'_>) -> &'c [Route] {
    ctx.bottle.iter().flat_map(|b| &b.egress).map(|e| e.value.as_slice()).next().unwrap_or_default()
}

/// For each host of the routes, in lower case, the first route that has it. Comparing every pair
/// of routes instead is felt at each keystroke in a long manifest.
fn first_by_host(routes: &[Route]) -> HashMap<String, usize> {
    let mut first = HashMap::with_capacity(routes.len());
    for (index, route) in routes.iter().enumerate() {
        if let Some(host) = &route.host {
            first.entry(host.value.to_ascii_lowercase()).or_insert(index);
        }
    }
    first
}

/// The node of one of them.
fn route_node<'c>(ctx: &'c Context<'_>, index: usize) -> Option<&'c Node> {
    ctx.root?.get("egress")?.get("routes")?.items().get(index)
}

/// Reports a name that leads to no bottle, with the names that would.
fn missing_bottle(ctx: &Context<'_>, out: &mut Sink<'_>, name: &Located<String>) {
    // Empty text is not a name at all, which the form's own rules report.
    if name.value.is_empty() || ctx.catalog.bottle(&name.value, ctx.source).is_some() {
        return;
    }
    let mut names: Vec<String> = ctx.catalog.bottles(ctx.source).into_iter().map(|c| c.name).collect();
    names.retain(|n| ctx.bottle.is_none() || *n != ctx.manifest.name);
    let names = names.iter().map(String::as_str);
    // A project's own agents run in bottles of whoever launches them. What lies anywhere else in a repository
    // names its neighbours, and one that is deleted must not pass for one that is elsewhere.
    let of_a_person = ctx.bottle.is_none() && ctx.source.location == Location::Project;
    if of_a_person && ctx.facts.bottles_elsewhere && nearest(&name.value, names.clone()).is_none() {
        let message =
            format!("the bottle `{}` cannot be judged here: it may lie in a home", shown(&name.value));
        let finding = out.at(&name.place, message);
        finding
            .severity(Severity::Info)
            .help("give the folder with `.bot-bottle` in it (`check --home DIR`)");
        return;
    }
    let finding = out.at(&name.place, format!("there is no bottle `{}`", shown(&name.value)));
    match nearest(&name.value, names.clone()) {
        Some(meant) => {
            finding.help(format!("did you mean `{meant}`? The bottles are {}", listed(names)));
            finding.unsafe_fix(format!("use `{meant}`"), replaced(&name.place, meant));
        }
        None if names.len() == 0 => {
            finding.help("there are no bottles yet; they lie beside this file, as `NAME.bottle.yaml`, or in `~/.bot-bottle/bottles`");
        }
        None => {
            finding.help(format!("the bottles are {}", listed(names)));
        }
    }
}

/// Every token_ref of the manifest itself: its routes', and the provider's.
fn token_refs<'c>(ctx: &'c Context<'_>) -> impl Iterator<Item = &'c Located<String>> {
    let of_routes = routes(ctx).iter().filter_map(|r| r.auth.as_ref()?.token_ref.as_ref());
    of_routes.chain(ctx.bottle.iter().flat_map(|b| b.provider.variables()))
}

/// Puts another value in a value's place; nothing where an alias brings it.
fn replaced(place: &Place, value: &str) -> Vec<Edit> {
    let edit = || Edit { span: place.span, text: edit::scalar(value) };
    place.origin.is_none().then(edit).into_iter().collect()
}

/// The span of the first line of something long.
fn first_line(ctx: &Context<'_>, span: Span) -> Span {
    let line = span.of(ctx.text()).lines().next().unwrap_or("").trim_end();
    Span::new(span.start as usize, span.start as usize + line.len())
}

/// The nearest of some names, if one is near enough to have been meant.
fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // A short name with two letters swapped is near, which Jaro-Winkler does not see.
    let one_off = |name: &str| wrong.len() > 2 && strsim::osa_distance(wrong, name) == 1;
    let score = |name| strsim::jaro_winkler(wrong, name).max(if one_off(name) { 0.85 } else { 0.0 });
    let scored = names.into_iter().map(|name| (score(name), name));
    scored.filter(|(score, _)| *score >= 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Reports a field of `agent_provider` that belongs to a template other than the bottle's.
fn foreign_field(ctx: &Context<'_>, out: &mut Sink<'_>, rule: &str, place: &Place) {
    let Some(provider) = ctx.provider() else { return };
    let owner = provider::all()
        .iter()
        .find_map(|p| p.own_fields().iter().find(|f| f.rule == rule).map(|field| (p.template(), field.key)));
    let Some((owner, key)) = owner.filter(|(owner, _)| *owner != provider.template()) else { return };
    let message = format!(
        "only the template `{owner}` may have `agent_provider.{key}`, and this bottle's template is `{}`",
        provider.template()
    );
    let finding = out.at(place, message);
    finding.help(format!("remove it, or set `template: {owner}`"));
    if place.file == ctx.source.path
        && let Some(edit) = ctx
            .root
            .and_then(|r| r.get("agent_provider"))
            .and_then(|node| edit::remove_entry(ctx.text(), node, key))
    {
        finding.unsafe_fix(format!("remove `{key}`"), vec![edit]);
    }
}

/// Removes a variable of this file: with the last one goes `env` itself.
fn remove_variable(ctx: &Context<'_>, name: &str) -> Option<Edit> {
    let (root, env) = (ctx.root?, ctx.root?.get("env")?);
    if env.entries().len() > 1 {
        return edit::remove_entry(ctx.text(), env, name);
    }
    if root.entries().len() > 1 {
        return edit::remove_entry(ctx.text(), root, "env");
    }
    edit::empty(ctx.text(), root.entry("env")?, "{}")
}

/// Removes a route of this file: with the last one goes `egress` itself, unless a parent's routes
/// would come through then, or nothing would be left.
fn remove_route(ctx: &Context<'_>, index: usize) -> Option<Vec<Edit>> {
    remove_route_beside(ctx, index, false)
}

/// The same where another edit adds to the manifest.
fn remove_route_beside(ctx: &Context<'_>, index: usize, added: bool) -> Option<Vec<Edit>> {
    let egress = ctx.root?.get("egress")?;
    let routes = egress.get("routes")?;
    if routes.items().len() > 1 {
        return Some(vec![edit::remove_item(ctx.text(), routes, index)?]);
    }
    let inherits = ctx.bottle.as_ref().is_some_and(|b| !b.extends.is_empty());
    let alone = !added && ctx.root?.entries().len() == 1;
    if inherits || alone || egress.entries().len() > 1 || routes.origin.is_some() {
        return Some(vec![edit::empty(ctx.text(), egress.entry("routes")?, "[]")?]);
    }
    Some(vec![edit::remove_entry(ctx.text(), ctx.root?, "egress")?])
}

/// The rule id that a person probably meant.
pub fn nearest_id(id: &str) -> Option<&'static str> {
    nearest(id, ALL.iter().map(|r| r.id))
}
