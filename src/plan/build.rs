//! From a resolved bottle, and an agent if there is one, to the plan.

use super::{Dockerfile, EnvValue, Mount, OWN_IMAGE, Plan, Resources, Workspace, WorkspaceMode, unsupported};
use crate::manifest::{
    self, Agent, Bottle, Catalog, Found, Kind, Layout, Located, Location, Place, PromptSource,
    looks_secret_under, read_agent, resolve,
};
use crate::provider::{
    self, AuthScheme, Content, Derived, EgressRoute, GUEST_HOME, GitAccess, GuestDir, GuestFile, HeaderTerm,
    Match, PathKind, PathPattern, Protocol, Provider, Provision, RouteAuth, RouteOwner, Settings, Start,
    TokenRef,
};
use std::path::{Path, PathBuf};

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `agent_provider.template` names no provider.
    #[error("there is no template `{0}`")]
    UnknownTemplate(String),
    /// The agent names no bottle.
    #[error("the agent names no bottle")]
    NoBottle,
    /// The agent names a bottle that is not there.
    #[error("there is no bottle `{0}`")]
    UnknownBottle(String),
}

/// The plan of a manifest as it stands: a bottle alone, or an agent in its bottle.
///
/// Good for showing. Nothing has been judged: what is to be launched comes from
/// [`crate::check::clear`], which takes the plan from here.
///
/// # Errors
/// When there is no such bottle or template.
pub fn draft(manifest: &Found, catalog: &Catalog<'_>, start: &Start) -> Result<Plan, PlanError> {
    match manifest.manifest.kind {
        Kind::Bottle => build(&resolve(manifest, catalog).bottle, None, start, catalog.layout),
        Kind::Agent => {
            let agent = read_agent(&manifest.source, &manifest.manifest);
            let name = agent.bottle.as_ref().ok_or(PlanError::NoBottle)?;
            let found = catalog.bottle(&name.value, &manifest.source);
            let found = found.ok_or_else(|| PlanError::UnknownBottle(name.value.clone()))?;
            build(&resolve(&found, catalog).bottle, Some(&agent), start, catalog.layout)
        }
    }
}

/// Makes the plan. Pure: it looks at nothing but its arguments.
///
/// Lenient where the checker is strict: an incomplete route is left out, so that the editor can
/// show the plan of a manifest that is still being written.
///
/// # Errors
/// When the template names no provider.
pub fn build(
    bottle: &Bottle,
    agent: Option<&Agent>,
    start: &Start,
    layout: &Layout,
) -> Result<Plan, PlanError> {
    let template = bottle.provider.template.as_ref().map(|t| t.value.as_str());
    let provider = match template {
        None => provider::default(),
        Some(name) => provider::get(name).ok_or_else(|| PlanError::UnknownTemplate(name.to_owned()))?,
    };
    let env = written_env(bottle);
    let settings = settings(bottle, &env);
    let provision = provider.provision(&settings, start);
    let dockerfile = dockerfile(bottle, provision.image.dockerfile, layout);
    let (mut dirs, mut files) = (provision.dirs, provision.files);
    files.extend(git_identity(bottle, agent));
    let prompt = prompt_file(bottle, agent, layout);
    let prompt_path = prompt.as_ref().map(|f| f.guest_path.clone());
    if prompt.is_some() {
        dirs.push(GuestDir::new(own_dir()));
    }
    files.extend(prompt);
    let skills = skills(bottle, agent);
    let skills_dir = provider.skills_dir(&settings);
    if !skills.is_empty() {
        dirs.push(GuestDir::new(skills_dir.clone()));
    }
    files.extend(
        skills.into_iter().map(|name| {
            GuestFile::new(format!("{skills_dir}/{name}"), Content::Derived(Derived::Skill(name)))
        }),
    );
    let mut egress_routes = provision.egress_routes;
    egress_routes.extend(manifest_routes(bottle));
    Ok(Plan {
        name: agent.map_or(&bottle.name, |a| &a.name).clone(),
        template: provider.template(),
        command: provision.command,
        prompt_mode: provision.prompt_mode,
        image: match &dockerfile {
            Dockerfile::Shipped(_) => provision.image.name,
            Dockerfile::Own { .. } => OWN_IMAGE,
        },
        dockerfile,
        guest_env: env
            .into_iter()
            .map(|(name, value)| {
                let value = env_value(&name, value);
                (name, value)
            })
            .collect(),
        env_vars: provision.env_vars,
        dirs,
        files,
        pre_copy: provision.pre_copy,
        verify: provision.verify,
        egress_routes,
        hidden_env_names: provision.hidden_env_names,
        argv: provider.argv(start, prompt_path.as_deref()),
        workspace: workspace(bottle, layout),
        resources: resources(bottle),
        unsupported: refused(bottle),
        notes: notes(provider, start),
    })
}

/// What a bottle's provider sets by itself, however the bottle is started: the provider's own routes
/// and variables. Empty for an unknown template.
pub fn provisions(bottle: &Bottle) -> Vec<Provision> {
    let template = bottle.provider.template.as_ref().map(|t| t.value.as_str());
    let Some(provider) = template.map_or(Some(provider::default()), provider::get) else { return Vec::new() };
    let env = written_env(bottle);
    let settings = settings(bottle, &env);
    let with = |remote_control| provider.provision(&settings, &Start { remote_control, ..Start::default() });
    vec![with(false), with(true)]
}

fn written_env(bottle: &Bottle) -> Vec<(String, String)> {
    bottle.env.iter().map(|v| (v.name.value.clone(), v.value.value.clone())).collect()
}

fn settings<'a>(bottle: &'a Bottle, env: &'a [(String, String)]) -> Settings<'a> {
    Settings {
        auth_token: bottle.provider.auth_token().map(|t| t.value.as_str()),
        api_key: bottle.provider.api_key().map(|t| t.value.as_str()),
        forward_host_credentials: bottle.provider.forward_host_credentials.as_ref().is_some_and(|f| f.value),
        env,
    }
}

/// The guest folder of bot-bottle's own files.
fn own_dir() -> String {
    format!("{GUEST_HOME}/.bot-bottle")
}

fn dockerfile(bottle: &Bottle, shipped: &'static str, layout: &Layout) -> Dockerfile {
    match &bottle.provider.dockerfile {
        Some(own) if !own.value.is_empty() => {
            let own = Dockerfile::own(own.resolve(layout));
            match (&bottle.provider.context, own) {
                (Some(context), Dockerfile::Own { file, context: _ }) => {
                    Dockerfile::Own { file, context: context.resolve(layout) }
                }
                (_, own) => own,
            }
        }
        _ => Dockerfile::Shipped(shipped),
    }
}

/// What a variable's value means.
pub fn env_value(name: &str, value: String) -> EnvValue {
    if let Some(name) = value.strip_prefix("${").and_then(|v| v.strip_suffix('}')) {
        return EnvValue::Host(name.to_owned());
    }
    if let Some(question) = value.strip_prefix('?') {
        return EnvValue::Ask(question.to_owned());
    }
    if looks_secret_under(name, &value).is_some() {
        EnvValue::SecretLiteral(value)
    } else {
        EnvValue::Literal(value)
    }
}

fn git_identity(bottle: &Bottle, agent: Option<&Agent>) -> Option<GuestFile> {
    let pick = |of_agent: Option<&Located<String>>, of_bottle: &Option<Located<String>>| {
        of_agent.or(of_bottle.as_ref()).map(|l| l.value.clone())
    };
    let name = pick(agent.and_then(|a| a.git.name.as_ref()), &bottle.git.name);
    let email = pick(agent.and_then(|a| a.git.email.as_ref()), &bottle.git.email);
    let lines: String = [("name", name), ("email", email)]
        .into_iter()
        .filter_map(|(key, value)| Some(format!("\t{key} = {}\n", git_quoted(&value?))))
        .collect();
    (!lines.is_empty()).then(|| {
        GuestFile::new(format!("{GUEST_HOME}/.gitconfig"), Content::Text(format!("[user]\n{lines}")))
    })
}

/// A value as git's configuration wants it.
fn git_quoted(value: &str) -> String {
    let escaped: String = value
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
        .map(|c| match c {
            '\\' => "\\\\".to_owned(),
            '"' => "\\\"".to_owned(),
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// The agent's own prompt, else its body, else the bottle's.
fn prompt_file(bottle: &Bottle, agent: Option<&Agent>, layout: &Layout) -> Option<GuestFile> {
    let of = |source: &PromptSource| match (&source.prompt, &source.prompt_file) {
        (Some(prompt), _) if !prompt.value.trim().is_empty() => Some(Content::Text(prompt.value.clone())),
        (_, Some(file)) => Some(Content::Derived(Derived::HostFile(file.resolve(layout)))),
        _ => None,
    };
    let body = || agent.filter(|a| !a.body.is_empty()).map(|a| Content::Text(a.body.clone()));
    let content = agent.and_then(|a| of(&a.prompt)).or_else(body).or_else(|| of(&bottle.prompt))?;
    Some(GuestFile::new(format!("{}/prompt.md", own_dir()), content))
}

/// The bottle's skills, then the agent's, each once. What is not a name is not a skill.
fn skills(bottle: &Bottle, agent: Option<&Agent>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for skill in bottle.skills.iter().chain(agent.iter().flat_map(|a| &a.skills)) {
        if manifest::is_name(&skill.value) && !names.contains(&skill.value) {
            names.push(skill.value.clone());
        }
    }
    names
}

fn manifest_routes(bottle: &Bottle) -> impl Iterator<Item = EgressRoute> {
    let routes = bottle.egress.as_ref().map(|e| e.value.as_slice()).unwrap_or_default();
    routes.iter().filter_map(egress_route)
}

fn text(field: &Option<Located<String>>) -> Option<&str> {
    field.as_ref().map(|l| l.value.as_str())
}

/// A route of a manifest as a plan has it; `None` for one that is still being written.
pub fn egress_route(route: &manifest::Route) -> Option<EgressRoute> {
    let host = route.host.as_ref()?.value.to_ascii_lowercase();
    let texts = |list: &[Located<String>]| list.iter().map(|l| l.value.clone()).collect::<Vec<_>>();
    let auth = route.auth.as_ref().and_then(|auth| {
        let (scheme, user, header) = (text(&auth.scheme), text(&auth.user), text(&auth.header));
        let scheme = AuthScheme::of(scheme, user, header)?;
        Some(RouteAuth { scheme, token_ref: TokenRef::Variable(auth.token_ref.as_ref()?.value.clone()) })
    });
    let mut pass_headers: Vec<String> =
        route.pass_headers.iter().map(|name| name.value.to_ascii_lowercase()).collect();
    pass_headers.sort_unstable();
    pass_headers.dedup();
    let ports = route.ports.as_ref().map(|ports| {
        let mut all: Vec<u16> = ports.value.iter().filter_map(|p| p.value.parse().ok()).collect();
        all.sort_unstable();
        all.dedup();
        all
    });
    Some(EgressRoute {
        ports,
        protocol: match text(&route.protocol) {
            Some("tcp") => Protocol::Tcp,
            _ => Protocol::Http,
        },
        auth,
        pass_headers,
        tls_passthrough: route.pipelock.tls_passthrough.as_ref().is_some_and(|t| t.value),
        ssrf_ip_allowlist: texts(&route.pipelock.ssrf_ip_allowlist),
        path_allowlist: route.path_allowlist.as_ref().map(|l| texts(&l.value)),
        matches: route.matches.as_ref().map(|m| m.value.iter().map(match_entry).collect()),
        git: route.git.as_ref().map(|g| if g.value == "write" { GitAccess::Write } else { GitAccess::Read }),
        layer: route.layer + 1,
        ..EgressRoute::new(host, RouteOwner::Manifest)
    })
}

fn match_entry(entry: &manifest::MatchEntry) -> Match {
    let path = |spec: &manifest::PathSpec| PathPattern {
        kind: match spec.kind.as_ref().map(|k| k.value.as_str()) {
            Some("exact") => PathKind::Exact,
            Some("glob") => PathKind::Glob,
            Some("regex") => PathKind::Regex,
            _ => PathKind::Prefix,
        },
        value: spec.value.value.clone(),
    };
    let header = |spec: &manifest::HeaderSpec| HeaderTerm {
        name: spec.name.value.to_ascii_lowercase(),
        value: spec.value.value.trim().to_owned(),
    };
    Match {
        headers: entry.headers.as_ref().map(|headers| headers.iter().map(header).collect()),
        paths: entry.paths.as_ref().map(|paths| paths.iter().map(path).collect()),
        methods: entry.methods.as_ref().map(|methods| methods.iter().map(|m| m.value.clone()).collect()),
    }
}

fn workspace(bottle: &Bottle, layout: &Layout) -> Workspace {
    let Some(spec) = bottle.workspace.as_ref().map(|w| &w.value) else {
        return Workspace { path: None, mode: WorkspaceMode::default(), mounts: Vec::new() };
    };
    let path = spec.path.as_ref().map(|path| {
        let own = bottle_is_home(&path.place, layout);
        // A bottle of the user's own serves many projects: its `.` is the one it is launched in.
        if own && !path.value.starts_with(['/', '~']) {
            PathBuf::from(&path.value)
        } else {
            path.resolve(layout)
        }
    });
    let mode = match spec.mode.as_ref().map(|m| m.value.as_str()) {
        Some("copy") => WorkspaceMode::Copy,
        Some("read_only") => WorkspaceMode::ReadOnly,
        _ => WorkspaceMode::Bind,
    };
    let mount = |m: &manifest::MountSpec| {
        Some(Mount {
            source: m.source.as_ref()?.resolve(layout),
            target: guest_target(&m.target.as_ref()?.value),
            read_only: m.read_only.as_ref().is_none_or(|r| r.value),
        })
    };
    Workspace { path, mode, mounts: spec.mounts.iter().filter_map(mount).collect() }
}

/// A target in one spelling, which is what mounts are compared by; one that climbs stays as it is and
/// is refused.
pub fn guest_target(written: &str) -> String {
    let climbs = written.split('/').any(|part| part == "..");
    if climbs || !written.starts_with('/') {
        return written.to_owned();
    }
    manifest::join(Path::new("/"), written).display().to_string()
}

fn bottle_is_home(place: &Place, layout: &Layout) -> bool {
    layout.location(&place.file) == Location::Home
}

fn resources(bottle: &Bottle) -> Resources {
    let Some(spec) = bottle.resources.as_ref().map(|r| &r.value) else { return Resources::default() };
    let text = |field: &Option<Located<String>>| field.as_ref().map(|l| l.value.clone());
    Resources {
        cpus: text(&spec.cpus).and_then(|t| t.parse().ok()).filter(|c: &f64| c.is_finite() && *c > 0.0),
        memory: text(&spec.memory).and_then(|t| memory_bytes(&t)),
        pids: text(&spec.pids).and_then(|t| t.parse().ok()),
    }
}

/// Bytes of `512MiB`, `4 GiB`, `2g` or a plain number. Every unit is a power of 1,024.
pub fn memory_bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" | "ki" => 10,
        "m" | "mb" | "mib" | "mi" => 20,
        "g" | "gb" | "gib" | "gi" => 30,
        "t" | "tb" | "tib" | "ti" => 40,
        _ => return None,
    };
    let number: f64 = digits.trim_end().parse().ok()?;
    let bytes = number * f64::from(2).powi(shift);
    (bytes >= 1.0 && bytes < 2f64.powi(60)).then_some(bytes as u64)
}

/// What a launch refuses the bottle for.
fn refused(bottle: &Bottle) -> Vec<String> {
    let refused = unsupported(bottle).into_iter().filter(|(what, _)| what.refused());
    refused.map(|(what, _)| what.field().to_owned()).collect()
}

/// What a person who starts it so should know.
fn notes(provider: &dyn Provider, start: &Start) -> Vec<String> {
    let no_remote = start.remote_control && !provider.has_remote_control();
    let remote =
        || format!("{} has no remote control, so --remote-control adds nothing", provider.template());
    no_remote.then(remote).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_powers_of_1024() {
        for (text, bytes) in [
            ("4GiB", Some(4 << 30)),
            ("512 MiB", Some(512 << 20)),
            ("2g", Some(2 << 30)),
            ("1.5k", Some(1536)),
            ("1048576", Some(1 << 20)),
            ("0", None),
            ("x", None),
            ("9999999999T", None),
        ] {
            assert_eq!(memory_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn an_identity_cannot_write_other_configuration() {
        assert_eq!(git_quoted("A\"\n[core]\\"), "\"A\\\"\\n[core]\\\\\"");
    }

    #[test]
    fn values_are_literals_host_names_or_questions() {
        assert_eq!(env_value("X", "${AWS_REGION}".into()), EnvValue::Host("AWS_REGION".into()));
        assert_eq!(env_value("X", "?which".into()), EnvValue::Ask("which".into()));
        assert_eq!(env_value("X", "debug".into()), EnvValue::Literal("debug".into()));
        let secret = ["ghp", &"a1B2".repeat(9)].join("_");
        assert_eq!(env_value("X", secret.clone()), EnvValue::SecretLiteral(secret));
    }
}
