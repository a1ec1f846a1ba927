//! What stands here, and what it makes elsewhere.

mod effect;
pub(super) mod inherited;
mod route;

use super::Snapshot;
use super::field::field;
use super::markdown::{code, safe};
use super::query::{At, Path, Role, Step, at};
use crate::check::{Refused, clear, page, rules, suppressions};
use crate::manifest::{Found, Kind, Manifest};
use crate::plan::{Format, Plan, PlanError, draft, render};
use crate::provider::Start;
use crate::syntax::Span;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub span: Span,
    /// Markdown in which nothing of the manifest is more than text.
    pub markdown: String,
}

/// What there is to say about an offset.
pub fn hover(snapshot: &Snapshot<'_>, offset: usize) -> Option<Hover> {
    let at = at(snapshot.source, offset);
    let (span, markdown) = match at.role {
        Role::Comment(_) => rule_page(snapshot, offset)?,
        Role::Key(_) | Role::Value(_) | Role::Item(_) | Role::Alias(_) => {
            (at.span, describe(snapshot, &at, at.manifest?)?)
        }
        Role::Blank | Role::Anchor(_) | Role::Body | Role::Outside => return None,
    };
    // Behind a colon there may be nothing yet.
    let span = if span.start == span.end { at.entry.map_or(span, |e| e.key.span) } else { span };
    Some(Hover { span, markdown: safe(&markdown) })
}

/// The page of the rule whose id in a suppression the offset is on.
fn rule_page(snapshot: &Snapshot<'_>, offset: usize) -> Option<(Span, String)> {
    let suppressions = suppressions(snapshot.source);
    let (id, span) = suppressions.iter().flat_map(|s| &s.ids).find(|(_, span)| span.touches(offset))?;
    Some((*span, page(rules::get(id)?).markdown))
}

/// A field: what it is, what it makes, what it inherits, and the whole plan where that is asked for.
fn describe(snapshot: &Snapshot<'_>, at: &At<'_>, manifest: &Manifest) -> Option<String> {
    let path = &at.path;
    let found = Found { source: snapshot.source.clone(), manifest: manifest.clone() };
    let mut parts = vec![documentation(manifest.kind, path)?];
    if is_about_the_plan(path) {
        parts.extend(the_plan(snapshot, &found));
    } else if let Some(index) = route_index(path) {
        parts.extend(route::describe(snapshot, &found, index));
    } else {
        parts.extend(effect::describe(snapshot, &found, path));
    }
    parts.extend(inherited::describe(snapshot, &found, path));
    Some(parts.join("\n\n---\n\n"))
}

/// Written in the order of a reader: the field's name, then its sentence.
fn documentation(kind: Kind, path: &Path<'_>) -> Option<String> {
    let name = path.keys().last().copied()?;
    // `x-…` is the manifest's own, and means nothing here.
    let field = field(kind, path)?;
    Some(format!("**{}**\n\n{}", code(name), field.documentation()))
}

fn is_about_the_plan(path: &Path<'_>) -> bool {
    [&["agent_provider"][..], &["bottle"], &["extends"], &["extends", "[]"]].iter().any(|p| path.matches(p))
}

/// The index of the route that a path is in; a scalar within a route is about the route.
fn route_index(path: &Path<'_>) -> Option<usize> {
    match path.0.as_slice() {
        [Step::Key("egress"), Step::Key("routes"), Step::Item(index), ..] => Some(*index),
        _ => None,
    }
}

/// The whole plan; of a manifest that is refused its draft, under a line that says so.
fn the_plan(snapshot: &Snapshot<'_>, found: &Found) -> Vec<String> {
    match clear(found, snapshot.catalog, &Start::default()) {
        Ok(cleared) => vec![shown(cleared.plan())],
        Err(Refused::NoPlan(error)) => vec![no_plan(&error)],
        Err(refused) => match draft(found, snapshot.catalog, &Start::default()) {
            Ok(plan) => vec![format!("**This will not launch:** {}", code(&refused.first())), shown(&plan)],
            Err(error) => vec![no_plan(&error)],
        },
    }
}

fn shown(plan: &Plan) -> String {
    render(plan, Format::Markdown).trim_end().to_owned()
}

fn no_plan(error: &PlanError) -> String {
    let why = match error {
        PlanError::UnknownTemplate(name) => format!("there is no template {}", code(name)),
        PlanError::NoBottle => "the agent names no bottle".to_owned(),
        PlanError::UnknownBottle(name) => format!("there is no bottle {}", code(name)),
    };
    format!("There is no plan: {why}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    fn shown_at(fixture: &str) -> String {
        marked(fixture).ask(hover).expect("a hover").markdown
    }

    #[test]
    fn the_whole_plan_stands_where_a_bottle_is_chosen() {
        for fixture in [
            "agent_pro$0vider: {template: codex}\n",
            "//- /p/dev.bottle.yaml\nextends: ba$0se\n//- /p/base.bottle.yaml\nagent_provider: {template: codex}\n",
            "//- /p/a.agent.yaml\nbottle: d$0ev\n//- /p/dev.bottle.yaml\nagent_provider: {template: codex}\n",
            "/h/.bot-bottle/bottles/dev.md|---\nagent_provider$0:\n  template: codex\n---\n",
        ] {
            let shown = shown_at(fixture);
            assert!(shown.contains("**Plan of") && shown.contains("`bot-bottle-codex:latest`"), "{shown}");
            let (routes, image) = (shown.find("| `chatgpt.com` |"), shown.find("image"));
            assert!(routes.is_some() && routes < image, "{shown}");
        }
    }

    #[test]
    fn a_plan_that_cannot_be_says_why() {
        assert!(shown_at("/p/a.agent.yaml|bottle: n$0ope\n").contains("no bottle `nope`"));
        assert!(shown_at("agent$0_provider: {template: gemini}\n").contains("no template `gemini`"));
    }

    #[test]
    fn a_plan_that_is_refused_is_a_draft_and_says_so_first() {
        for fixture in [
            "agent$0_provider: {template: claude}\nenvv: {}\n",
            "//- /p/a.agent.yaml\nbottle: d$0ev\n//- /p/dev.bottle.yaml\negress: {routes: [{host: a.example.com, role: x}]}\n",
            "//- /p/dev.bottle.yaml\nextends: ba$0se\n//- /p/base.bottle.yaml\nenvv: {}\n",
        ] {
            let shown = shown_at(fixture);
            let (refused, plan) = (shown.find("**This will not launch:**"), shown.find("**Plan of"));
            assert!(refused.is_some() && refused < plan, "{shown}");
        }
        assert!(!shown_at("agent$0_provider: {template: claude}\n").contains("will not launch"));
    }

    #[test]
    fn a_field_says_what_it_is_and_what_it_makes() {
        let token = shown_at("agent_provider:\n  auth_to$0ken: MY_TOKEN\n");
        for part in
            ["claude only", "`api.anthropic.com`", "Bearer from `MY_TOKEN`", "`CLAUDE_CODE_OAUTH_TOKEN`"]
        {
            assert!(token.contains(part), "{part}: {token}");
        }
        let login = shown_at("agent_provider:\n  template: codex\n  forward_host_credentials: tr$0ue\n");
        for part in ["`chatgpt.com`", "auth.json", "before the files", "login status"] {
            assert!(login.contains(part), "{part}: {login}");
        }
        let template = shown_at("agent_provider:\n  template: co$0dex\n");
        for part in ["One of `claude`, `codex`", "`bot-bottle-codex:latest`", "`Dockerfile.codex`"] {
            assert!(template.contains(part), "{part}: {template}");
        }
        assert!(shown_at("env:\n  A$0: ${HOST_A}\n").contains("host's `HOST_A`"));
    }

    #[test]
    fn a_route_says_what_it_allows_and_adds() {
        let text = "egress:\n  routes:\n    - ho$0st: api.github.com\n      auth: {scheme: Bearer, token_ref: GH}\n\
                    \x20     git: read\n    - host: \"*.example.com\"\n";
        let shown = shown_at(text);
        for part in ["`api.github.com`", "fetch and clone", "`Authorization: Bearer", "`GH`", "never sees"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let wild = shown_at(&text.replace("ho$0st", "host").replace("- host: \"*", "- ho$0st: \"*"));
        assert!(wild.contains("subdomains") && wild.contains("unopened"), "{wild}");
    }

    #[test]
    fn a_shadowed_route_says_who_decides() {
        let shown = shown_at("egress: {routes: [{host: '*.a.com'}, {host: b.$0a.com}]}\n");
        assert!(shown.contains("never asked") && shown.contains("`*.a.com`"), "{shown}");
    }

    #[test]
    fn what_is_inherited_says_from_where() {
        let files = "//- /p/dev.bottle.yaml\nextends: base\nen$0v: {A: own}\n\
                     //- /p/base.bottle.yaml\nenv:\n  B: theirs\ngit: {user: {name: Ada}}\n";
        let env = shown_at(files);
        assert!(env.contains("`env.B`") && env.contains("`base.bottle.yaml:2`"), "{env}");
        assert!(!env.contains("git.user.name"), "{env}");
        let all = shown_at(&files.replace("$0", "").replace("extends", "ext$0ends"));
        assert!(all.contains("`git.user.name`"), "{all}");
    }

    #[test]
    fn a_rule_in_a_suppression_shows_its_page() {
        let shown = shown_at("env: {}\n# bot-bottle: ignore[unknown-f$0ield] because\n");
        assert!(shown.starts_with("# unknown-field"), "{shown}");
    }

    #[test]
    fn a_hostile_value_is_text_and_a_credential_is_hidden() {
        let secret = ["ghp", &"a1B2".repeat(9)].join("_");
        let text = format!(
            "agent_prov$0ider: {{template: claude, auth_token: {secret}}}\nenv: {{A: {secret}}}\n\
             egress:\n  routes:\n    - host: \"a`<img src=x onerror=y>[z](command:workbench.action.quit)\"\n\
             \x20     auth: {{scheme: Bearer, token_ref: \"{secret}\"}}\n"
        );
        let shown = shown_at(&text);
        assert!(!shown.contains(&secret) && !shown.contains("a`<"), "{shown}");
        for line in shown.lines().filter(|l| l.contains("<img") || l.contains("](")) {
            assert!(line.matches('`').count() % 2 == 0, "{line}");
        }
        let on_value = shown_at(&text.replace("$0", "").replace("env: {A", "env: {$0A"));
        assert!(!on_value.contains(&secret), "{on_value}");
    }

    #[test]
    fn nothing_is_said_where_nothing_stands() {
        for fixture in [
            "$0",
            "env: {}\n$0\n",
            "x-a: {b$0: 1}\n",
            "/p/.bot-bottle/agents/a.md|---\nbottle: d\n---\nbo$0dy",
        ] {
            assert_eq!(marked(fixture).ask(hover), None, "{fixture}");
        }
    }
}
