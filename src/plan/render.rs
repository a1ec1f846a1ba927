//! A plan for a person, a program, a pull request.

use super::grants::{credential, grants, route_line, source, terms};
use super::words::{limits, mode, mount_line, shell_words};
use super::{Dockerfile, Plan, Workspace};
use crate::provider::{Content, GuestDir, GuestFile};
use crate::shown::{cell, code, printable};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned lines for a terminal.
    Text,
    /// One object.
    Json,
    /// The same as YAML.
    Yaml,
    /// For the hover and for reviews.
    Markdown,
}

/// Writes a plan. No secret is in it, whatever the format.
pub fn render(plan: &Plan, format: Format) -> String {
    match format {
        Format::Text => text(plan),
        // A plan is made of maps with text keys, numbers and text: it always serialises.
        Format::Json => {
            serde_json::to_string_pretty(&Versioned { version: 1, plan }).unwrap_or_default() + "\n"
        }
        Format::Yaml => serde_yaml::to_string(&Versioned { version: 1, plan }).unwrap_or_default(),
        Format::Markdown => markdown(plan),
    }
}

/// The plan as programs read it. The version goes up when a field changes its meaning or goes away.
#[derive(Serialize)]
struct Versioned<'a> {
    version: u32,
    #[serde(flatten)]
    plan: &'a Plan,
}

fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for (label, value) in facts(plan) {
        let _ = writeln!(out, "{label:<12} {value}");
    }
    let _ = writeln!(
        out,
        "{:<12} {}",
        "routes",
        if plan.egress_routes.is_empty() { "none: no way out" } else { "" }
    );
    for route in &plan.egress_routes {
        let _ = writeln!(out, "  {}", printable(&route_line(route)));
    }
    for (title, lines) in sections(plan) {
        let _ = writeln!(out, "{title}");
        for line in lines {
            let _ = writeln!(out, "  {line}");
        }
    }
    // `routes` with nothing behind it would end in a space.
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

/// What a person is shown before a launch: the bottle, everything that it gives, the workspace first, and
/// the backend. `folder` is the workspace's real folder, where it is known.
pub fn preflight(plan: &Plan, backend: &str, folder: Option<&Path>) -> String {
    let mut out = format!("bottle       {}\n", printable(&plan.name));
    for line in grants(plan, folder) {
        let _ = writeln!(out, "{line}");
    }
    let _ = writeln!(out, "backend      {backend}");
    out
}

/// The routes come first: an editor's hover shows the first lines alone.
fn markdown(plan: &Plan) -> String {
    let mut out = format!("**Plan of `{}`**\n\n", code(&plan.name));
    if plan.egress_routes.is_empty() {
        out.push_str("No route: the guest has no way out.\n");
    } else {
        out.push_str("| host | credential | terms | owner |\n| --- | --- | --- | --- |\n");
        for route in &plan.egress_routes {
            let shown = |text: String| {
                if text.is_empty() { "–".to_owned() } else { format!("`{}`", cell(&text)) }
            };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                cell(&printable(&route.host)),
                shown(route.auth.as_ref().map(credential).unwrap_or_default()),
                shown(terms(route).join("; ")),
                source(route)
            );
        }
    }
    out.push('\n');
    for (label, value) in facts(plan) {
        let _ = writeln!(out, "- {label}: `{}`", code(&value));
    }
    for (title, lines) in sections(plan) {
        let _ = write!(out, "\n{title}:\n");
        for line in lines {
            let _ = writeln!(out, "- `{}`", code(&line));
        }
    }
    out
}

/// The single-valued lines, in the order in which a person asks.
fn facts(plan: &Plan) -> Vec<(&'static str, String)> {
    // Everything of a plan is here, in the routes or in the sections.
    let Plan {
        name: _,
        template: _,
        image: _,
        dockerfile: _,
        argv: _,
        workspace: _,
        guest_env: _,
        env_vars: _,
        resources: _,
        hidden_env_names: _,
        egress_routes: _,
        dirs: _,
        files: _,
        pre_copy: _,
        verify: _,
        unsupported: _,
        notes: _,
        // The first word of `argv`, and what decides how it hands over the prompt.
        command: _,
        prompt_mode: _,
    } = plan;
    let mut facts = vec![
        ("name", printable(&plan.name)),
        ("agent", plan.template.to_owned()),
        ("image", plan.image.to_owned()),
        ("dockerfile", printable(&plan.dockerfile.shown())),
        ("command", shell_words(&plan.argv)),
        ("workspace", workspace(plan)),
    ];
    if let Dockerfile::Own { file: _, context } = &plan.dockerfile {
        facts.insert(4, ("context", printable(&context.display().to_string())));
    }
    let names = plan.visible_env_names();
    if !names.is_empty() {
        facts.push(("environment", printable(&names.join(", "))));
    }
    let limits = limits(&plan.resources);
    if !limits.is_empty() {
        facts.push(("limits", limits));
    }
    facts
}

fn workspace(plan: &Plan) -> String {
    // The mounts are a section.
    let Workspace { path, mode: how, mounts: _ } = &plan.workspace;
    let path = match path {
        Some(path) => printable(&path.display().to_string()),
        None => "the folder of the launch".to_owned(),
    };
    format!("{path} ({})", mode(*how))
}

/// The lists, each with its title; empty ones are left out.
fn sections(plan: &Plan) -> Vec<(&'static str, Vec<String>)> {
    let dir = |GuestDir { guest_path, mode, owner }: &GuestDir| {
        printable(&format!("{guest_path} ({mode} {owner})"))
    };
    let file = |GuestFile { guest_path, content, mode, owner }: &GuestFile| {
        let what = format!("{guest_path} ({mode} {owner})");
        match content {
            Content::Text(_) => printable(&what),
            Content::Derived(derived) => {
                let from = serde_json::to_value(derived).ok().and_then(|v| v.as_str().map(str::to_owned));
                printable(&format!("{what} from {}", from.unwrap_or_default()))
            }
        }
    };
    let mut all = vec![
        ("mounts", plan.workspace.mounts.iter().map(mount_line).collect::<Vec<_>>()),
        ("folders", plan.dirs.iter().map(dir).collect()),
        ("files", plan.files.iter().map(file).collect()),
        ("before the files", plan.pre_copy.iter().map(|c| shell_words(&c.argv)).collect()),
        ("verified by", plan.verify.iter().map(|c| shell_words(&c.argv)).collect()),
        ("not supported; a launch refuses", plan.unsupported.clone()),
        ("notes", plan.notes.clone()),
    ];
    all.retain(|(_, lines)| !lines.is_empty());
    all
}
