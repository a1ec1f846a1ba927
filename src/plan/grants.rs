//! What a plan gives, in lines for whoever decides about it: the question of trust, the preflight.
//!
//! The plan and all its parts are taken apart field by field here, so that a new one does not compile
//! until this page says what it does with it.

use super::words::{git_access, limits, mode, mount_line, owner, shell_words};
use super::{Dockerfile, EnvValue, Mount, Plan, Resources, Workspace};
use crate::provider::{
    Content, Derived, EgressRoute, GuestFile, Match, PathKind, PathPattern, Protocol, RouteAuth,
};
use crate::shown::{decided_on, short_digest};
use std::path::Path;

/// Everything that a plan gives an agent, one line each, the workspace first. `folder` is the
/// workspace's host folder, where it is known.
pub fn grants(plan: &Plan, folder: Option<&Path>) -> Vec<String> {
    let Plan {
        // The line above says it.
        name: _,
        template,
        // The first word of `argv`.
        command: _,
        // Shown by `argv`, which it decides.
        prompt_mode: _,
        image,
        dockerfile,
        guest_env,
        env_vars,
        // The provider's own, the same for every bottle of the template and login.
        dirs: _,
        files,
        // The provider's own, run in the guest as the guest's user: they give nothing that `agent` has not.
        pre_copy: _,
        verify: _,
        egress_routes,
        hidden_env_names,
        argv,
        workspace: Workspace { path, mode: workspace_mode, mounts },
        resources,
        // A launch refuses these.
        unsupported: _,
        notes,
    } = plan;
    let folder = match (folder, path) {
        (Some(folder), _) => folder.display().to_string(),
        (None, Some(path)) => path.display().to_string(),
        (None, None) => "the folder of the launch".to_owned(),
    };
    let mut lines = vec![("workspace", format!("{folder} ({})", mode(*workspace_mode)))];
    lines.extend(mounts.iter().map(|mount: &Mount| ("mount", mount_line(mount))));
    lines.push(("agent", format!("{template}: {}", shell_words(argv))));
    lines.push(match dockerfile {
        Dockerfile::Shipped(name) => ("image", format!("{image}, from the shipped {name}")),
        Dockerfile::Own { file, context } => {
            let (file, context) = (file.display(), context.display());
            (
                "image",
                format!("built from {file} with the files it copies from {context}; the build has a network"),
            )
        }
    });
    if egress_routes.is_empty() {
        lines.push(("route", "none: no way out".to_owned()));
    }
    lines.extend(egress_routes.iter().map(|route| ("route", route_words(route).join("  "))));
    lines.extend(guest_env.iter().map(|(name, value)| ("env", env(name, value))));
    let own = env_vars.iter().filter(|(name, _)| !hidden_env_names.contains(&name.as_str()));
    lines.extend(own.map(|(name, value)| ("env", format!("{name} = {value} (the provider's)"))));
    // So are the files that are neither a prompt, a skill, a login nor the name in git.
    lines.extend(files.iter().map(file).filter(|(label, _)| *label != "file"));
    let Resources { cpus: _, memory: _, pids: _ } = resources;
    let limits = limits(resources);
    lines.push(("limits", if limits.is_empty() { "the backend's own".to_owned() } else { limits }));
    lines.extend(notes.iter().map(|note| ("note", note.clone())));
    lines.into_iter().map(|(label, text)| grant_line(label, &text)).collect()
}

/// A line of what is given: what it is, and which.
pub fn grant_line(label: &str, text: &str) -> String {
    format!("{label:<12} {}", decided_on(text))
}

/// One route: its host, its credential, its terms, whose it is.
pub(super) fn route_line(route: &EgressRoute) -> String {
    let words = route_words(route);
    let (host, rest) = (&words[0], words[1..].join("  "));
    format!("{host:<28}  {rest}")
}

fn route_words(route: &EgressRoute) -> Vec<String> {
    let mut parts: Vec<_> = route.auth.iter().map(credential).collect();
    parts.extend(terms(route));
    let terms = Some(parts.join("; ")).filter(|terms| !terms.is_empty());
    [Some(route.host.clone()), terms, Some(format!("[{}]", source(route)))].into_iter().flatten().collect()
}

/// Whose a route is: the provider's, the bottle's own, or the parent's so far below it.
pub(super) fn source(route: &EgressRoute) -> String {
    match route.layer {
        0 | 1 => owner(route.owner).to_owned(),
        below => format!("{}, layer {below}", owner(route.owner)),
    }
}

/// The credential that a route adds: its form and where it is from.
pub(super) fn credential(auth: &RouteAuth) -> String {
    let RouteAuth { scheme, token_ref } = auth;
    format!("{} from {}", scheme.words(), token_ref.name())
}

/// What a route asks of a request, and what else it opens.
pub(super) fn terms(route: &EgressRoute) -> Vec<String> {
    let EgressRoute {
        // Stands beside the terms.
        host: _,
        auth: _,
        owner: _,
        layer: _,
        ports,
        protocol,
        pass_headers,
        tls_passthrough,
        ssrf_ip_allowlist,
        path_allowlist,
        matches,
        git,
    } = route;
    let mut terms = Vec::new();
    terms.extend(ports.as_ref().map(|ports| opened(ports, *protocol)));
    if let Some(git) = git {
        terms.push(format!("git {}", git_access(*git)));
    }
    if let Some(paths) = path_allowlist {
        terms.push(if paths.is_empty() {
            "no path".to_owned()
        } else {
            format!("paths {}", paths.join(" "))
        });
    }
    terms.extend(matches.iter().flatten().map(entry));
    if matches.as_ref().is_some_and(Vec::is_empty) {
        terms.push("nothing matches".to_owned());
    }
    if !pass_headers.is_empty() {
        terms.push(format!("lets {} through", pass_headers.join(" ")));
    }
    if *tls_passthrough {
        terms.push("no DLP".to_owned());
    }
    if !ssrf_ip_allowlist.is_empty() {
        terms.push(format!("may resolve to {}", ssrf_ip_allowlist.join(" ")));
    }
    terms
}

/// The ports that are stated, and what goes through them where it is not HTTP.
pub(super) fn opened(ports: &[u16], protocol: Protocol) -> String {
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
    match (ports, protocol) {
        ([], _) => "no port".to_owned(),
        (_, Protocol::Http) => format!("port {list}"),
        (_, Protocol::Tcp) => format!("every byte to port {list}"),
    }
}

fn entry(entry: &Match) -> String {
    let Match { paths, methods, headers } = entry;
    let methods = match methods.as_deref() {
        None => "any method".to_owned(),
        Some([]) => "no method".to_owned(),
        Some(methods) => methods.join(","),
    };
    let pattern = |PathPattern { kind, value }: &PathPattern| match kind {
        PathKind::Exact => format!("{value} (exact)"),
        PathKind::Prefix => value.clone(),
        PathKind::Glob => format!("{value} (glob)"),
        PathKind::Regex => format!("{value} (regex)"),
    };
    let paths = match paths.as_deref() {
        None => "any path".to_owned(),
        Some([]) => "no path".to_owned(),
        Some(paths) => paths.iter().map(pattern).collect::<Vec<_>>().join(" "),
    };
    let headers = match headers.as_deref() {
        None => String::new(),
        Some([]) => " with no headers that match".to_owned(),
        Some(headers) => headers.iter().map(|h| format!(" with {}: {}", h.name, h.value)).collect(),
    };
    format!("{methods} {paths}{headers}")
}

fn env(name: &str, value: &EnvValue) -> String {
    let what = match value {
        EnvValue::Literal(text) => text.clone(),
        EnvValue::SecretLiteral(_) => "(hidden)".to_owned(),
        EnvValue::Host(host) => format!("the host's {host}"),
        EnvValue::Ask(question) => format!("asked: {question}"),
    };
    match obeyed(name) {
        Some(by) => format!("{name} = {what} (obeyed by {by})"),
        None => format!("{name} = {what}"),
    }
}

/// What obeys a variable as if it were a program or its configuration.
pub(super) fn obeyed(name: &str) -> Option<&'static str> {
    match name {
        "PATH" => Some("every command"),
        "BASH_ENV" | "ENV" | "PROMPT_COMMAND" => Some("every shell"),
        "NODE_OPTIONS" => Some("Node.js"),
        "PYTHONSTARTUP" | "PYTHONPATH" => Some("Python"),
        "RUSTC_WRAPPER" | "RUSTFLAGS" => Some("cargo"),
        _ if name.starts_with("LD_") => Some("the dynamic loader"),
        _ if name.starts_with("GIT_") => Some("git"),
        _ => None,
    }
}

/// A file, and where its content comes from.
pub(super) fn file(file: &GuestFile) -> (&'static str, String) {
    let GuestFile { guest_path, mode: _, owner: _, content } = file;
    let prompt = guest_path.ends_with("/.bot-bottle/prompt.md");
    match content {
        Content::Derived(Derived::HostFile(path)) => ("prompt", format!("from {}", path.display())),
        Content::Derived(Derived::Skill(name)) => ("skill", name.clone()),
        Content::Derived(Derived::HostLogin { template }) => {
            ("login", format!("{guest_path}: a dummy of the host's {template} login"))
        }
        Content::Text(text) if prompt => {
            let first = text.lines().next().unwrap_or_default();
            let (count, digest) = (text.chars().count(), short_digest(text.as_bytes()));
            ("prompt", format!("{count} characters, SHA-256 {digest}: {first}"))
        }
        Content::Text(text) if guest_path.ends_with("/.gitconfig") => {
            ("git", text.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        Content::Text(text) => ("file", format!("{guest_path}, SHA-256 {}", short_digest(text.as_bytes()))),
    }
}
