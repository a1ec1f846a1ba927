//! A plan for a person, a program, a pull request.

use super::{Dockerfile, Mount, Plan, Resources, WorkspaceMode};
use crate::egress::policy::printable;
use crate::provider::{Content, EgressRoute, GitAccess, GuestDir, GuestFile, RouteOwner};
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
        let _ = writeln!(out, "  {}", route_line(route));
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

/// What a person is shown before a launch: the bottle, the workspace and the mounts, the backend, the
/// image, the routes and whose they are, the names of the environment, the limits. `folder` is the
/// workspace's real folder, where it is known.
pub fn preflight(plan: &Plan, backend: &str, folder: Option<&Path>) -> String {
    let mut out = format!("bottle       {}\n", printable(&plan.name));
    let shown = match folder {
        Some(folder) => {
            format!("{} ({})", printable(&folder.display().to_string()), mode(plan.workspace.mode))
        }
        None => workspace(plan),
    };
    let _ = writeln!(out, "workspace    {shown}");
    for mount in &plan.workspace.mounts {
        let _ = writeln!(out, "mount        {}", mount_line(mount));
    }
    let _ = writeln!(out, "backend      {backend}");
    let image = if backend == "bubblewrap" { "the host's own system folders" } else { plan.image };
    let _ = writeln!(out, "image        {image}");
    let _ =
        writeln!(out, "routes{}", if plan.egress_routes.is_empty() { "       none: no way out" } else { "" });
    for route in &plan.egress_routes {
        let _ = writeln!(out, "  {}", route_line(route));
    }
    let names = plan.visible_env_names();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let _ = writeln!(out, "environment  {}", printable(&names));
    let limits = limits(&plan.resources);
    if !limits.is_empty() {
        let _ = writeln!(out, "limits       {limits}");
    }
    for note in &plan.notes {
        let _ = writeln!(out, "note         {}", printable(note));
    }
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
            let cell = |text: String| {
                if text.is_empty() { "–".to_owned() } else { format!("`{}`", cell_code(&text)) }
            };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                cell_code(&printable(&route.host)),
                cell(credential(route)),
                cell(terms(route).join("; ")),
                owner(route.owner)
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
    let path = match &plan.workspace.path {
        Some(path) => printable(&path.display().to_string()),
        None => "the folder of the launch".to_owned(),
    };
    format!("{path} ({})", mode(plan.workspace.mode))
}

pub(super) fn mode(mode: WorkspaceMode) -> &'static str {
    match mode {
        WorkspaceMode::Bind => "bind",
        WorkspaceMode::Copy => "copy",
        WorkspaceMode::ReadOnly => "read_only",
    }
}

pub(super) fn mount_line(mount: &Mount) -> String {
    let Mount { source, target, read_only } = mount;
    let mode = if *read_only { "read only" } else { "writable" };
    printable(&format!("{} → {target} ({mode})", source.display()))
}

pub(super) fn limits(r: &Resources) -> String {
    let parts = [
        r.cpus.map(|c| format!("{c} cpus")),
        r.memory.map(|m| format!("{} MiB", m >> 20)),
        r.pids.map(|p| format!("{p} processes")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The lists, each with its title; empty ones are left out.
fn sections(plan: &Plan) -> Vec<(&'static str, Vec<String>)> {
    let dir = |d: &GuestDir| printable(&format!("{} ({} {})", d.guest_path, d.mode, d.owner));
    let file = |f: &GuestFile| {
        let what = format!("{} ({} {})", f.guest_path, f.mode, f.owner);
        match &f.content {
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

/// One route in a line: host, credential, terms, owner.
fn route_line(route: &EgressRoute) -> String {
    let mut parts = vec![credential(route)];
    parts.extend(terms(route));
    parts.retain(|p| !p.is_empty());
    let terms = if parts.is_empty() { String::new() } else { format!("  {}", parts.join("; ")) };
    format!("{:<28}{terms}  [{}]", printable(&route.host), owner(route.owner))
}

pub(super) fn credential(route: &EgressRoute) -> String {
    let with = |a: &crate::provider::RouteAuth| {
        format!("{} from {}", a.scheme.as_str(), printable(a.token_ref.name()))
    };
    route.auth.as_ref().map(with).unwrap_or_default()
}

pub(super) fn terms(route: &EgressRoute) -> Vec<String> {
    let mut terms = Vec::new();
    if let Some(git) = route.git {
        terms.push(format!("git {}", git_access(git)));
    }
    if let Some(paths) = &route.path_allowlist {
        terms.push(if paths.is_empty() {
            "no path".to_owned()
        } else {
            format!("paths {}", paths.join(" "))
        });
    }
    for entry in route.matches.iter().flatten() {
        let methods = entry.methods.as_ref().map_or("any method".to_owned(), |m| m.join(","));
        let paths = entry.paths.as_ref().map_or("any path".to_owned(), |p| {
            p.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(" ")
        });
        terms.push(format!("{methods} {paths}"));
    }
    if route.matches.as_ref().is_some_and(Vec::is_empty) {
        terms.push("nothing matches".to_owned());
    }
    if route.tls_passthrough {
        terms.push("no DLP".to_owned());
    }
    if !route.ssrf_ip_allowlist.is_empty() {
        terms.push(format!("may resolve to {}", route.ssrf_ip_allowlist.join(" ")));
    }
    terms.into_iter().map(|t| printable(&t)).collect()
}

/// As a manifest writes it.
pub(super) fn git_access(access: GitAccess) -> &'static str {
    match access {
        GitAccess::Read => "read",
        GitAccess::Write => "write",
    }
}

fn owner(owner: RouteOwner) -> &'static str {
    match owner {
        RouteOwner::Provider => "provider",
        RouteOwner::Manifest => "manifest",
    }
}

/// A command line that a shell would read back as the same words; for showing only.
pub fn shell_words(argv: &[String]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&b);
    let word = |w: &String| {
        if !w.is_empty() && w.bytes().all(plain) {
            w.clone()
        } else {
            format!("'{}'", w.replace('\'', "'\\''"))
        }
    };
    printable_long(&argv.iter().map(word).collect::<Vec<_>>().join(" "))
}

/// As [`printable`], without its limit on length.
fn printable_long(text: &str) -> String {
    text.split_inclusive(' ').map(printable).collect()
}

/// Text within backticks.
pub(super) fn code(text: &str) -> String {
    text.replace('`', "ˋ").replace(['\n', '\r'], " ")
}

/// Text within backticks in a table.
fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}
