//! What a plan gives beyond its ways out, in lines for whoever is asked about it.

use super::render::{limits, mode, mount_line, shell_words};
use super::{Dockerfile, EnvValue, Mount, Plan, Workspace};
use crate::egress::policy::printable;
use crate::provider::{Content, Derived, GuestFile};
use std::path::Path;

/// Everything that a plan gives an agent but its routes, which a comparison shows: the workspace
/// first. `here` is the folder of the launch, where it is known. The plan is taken apart field by field,
/// so that a new one is not forgotten here.
pub fn grants(plan: &Plan, here: Option<&Path>) -> Vec<String> {
    let Plan {
        name: _,
        template,
        command: _,
        prompt_mode: _,
        image,
        dockerfile,
        guest_env,
        // The provider's own: placeholders and switches, the same for every bottle of the template.
        env_vars: _,
        dirs: _,
        files,
        pre_copy: _,
        verify: _,
        egress_routes: _,
        hidden_env_names: _,
        argv,
        workspace: Workspace { path, mode: workspace_mode, mounts },
        resources,
        // A launch refuses these, and says these to whoever launches.
        unsupported: _,
        notes: _,
    } = plan;
    let folder = match (path, here) {
        (Some(path), Some(here)) => here.join(path).display().to_string(),
        (Some(path), None) => path.display().to_string(),
        (None, Some(here)) => here.display().to_string(),
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
    lines.extend(guest_env.iter().map(|(name, value)| ("env", env(name, value))));
    lines.extend(files.iter().filter_map(source));
    let limits = limits(resources);
    lines.push(("limits", if limits.is_empty() { "the backend's own".to_owned() } else { limits }));
    lines.into_iter().map(|(label, text)| format!("{label:<10} {}", printable(&text))).collect()
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
fn obeyed(name: &str) -> Option<&'static str> {
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

/// Where a file's content comes from, of those that are not the provider's own.
fn source(file: &GuestFile) -> Option<(&'static str, String)> {
    let prompt = file.guest_path.ends_with("/.bot-bottle/prompt.md");
    match &file.content {
        Content::Derived(Derived::HostFile(path)) => Some(("prompt", format!("from {}", path.display()))),
        Content::Derived(Derived::Skill(name)) => Some(("skill", name.clone())),
        Content::Derived(Derived::HostLogin { template }) => {
            Some(("login", format!("a dummy of the host's {template} login")))
        }
        Content::Text(text) if prompt => {
            let first = text.lines().next().unwrap_or_default();
            Some(("prompt", format!("{} characters: {first}", text.chars().count())))
        }
        Content::Text(text) if file.guest_path.ends_with("/.gitconfig") => {
            Some(("git", text.split_whitespace().collect::<Vec<_>>().join(" ")))
        }
        Content::Text(_) => None,
    }
}
