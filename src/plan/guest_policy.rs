//! What a bottle may do, written for the agent inside it.
//!
//! A read-only file of every guest, so that an agent explains a refusal in place of trying again
//! in other words. It names no credential, not even the host variable that one comes from.

use super::grants::opened;
use super::words::git_access;
use super::{Mount, Plan, Workspace, WorkspaceMode};
use crate::egress::policy::narrowest_route;
use crate::provider::{
    EgressRoute, GUEST_HOME, HeaderTerm, Match, PathKind, PathPattern, Protocol, WORKSPACE,
};
use crate::shown::{code, printable};
use std::fmt::Write;

/// Where the guest finds it.
pub const GUEST_POLICY: &str = "/etc/bot-bottle/policy.md";

/// The file's text, as Markdown.
pub fn guest_policy(plan: &Plan) -> String {
    let Plan {
        name,
        egress_routes,
        workspace,
        // What an agent sees of itself, or has no need to know.
        template: _,
        command: _,
        prompt_mode: _,
        image: _,
        dockerfile: _,
        guest_env: _,
        env_vars: _,
        dirs: _,
        files: _,
        pre_copy: _,
        verify: _,
        hidden_env_names: _,
        argv: _,
        resources: _,
        unsupported: _,
        notes: _,
    } = plan;
    let mut out = format!("# What the bottle `{}` may do\n\n", code(&printable(name)));
    out.push_str(
        "This sandbox has no network of its own. One HTTP proxy leads out (the proxy variables name \
         it); it allows what stands here and answers 403 to the rest. Nothing in here can change \
         that, and no other spelling of a request does: tell the person what was refused and why \
         you need it.\n\n## Hosts\n\n",
    );
    if egress_routes.is_empty() {
        out.push_str("None: every request is refused.\n");
    } else {
        out.push_str(
            "Of the lines for a host the first that allows a request decides. HTTPS goes to port 443; plain \
             HTTP to port 80, and not to a host where a credential is added. A line that names ports \
             opens those, and no other.\n\n",
        );
        for (number, layer) in egress_routes.chunk_by(|a, b| a.layer == b.layer).enumerate() {
            if number > 0 {
                out.push_str("\nFor hosts that no line above is for:\n\n");
            }
            for route in layer {
                let _ = writeln!(out, "- {}", line(route));
            }
        }
    }
    out.push_str("\n## Files\n\n");
    for (path, how) in places(workspace) {
        let _ = writeln!(out, "- `{}`: {how}", code(&printable(&path)));
    }
    out.push_str("\nThe rest can be read at most.\n\n## How to ask for more\n\n");
    out.push_str(
        "A 403 says which lines of the manifest would allow that very request; show them to the \
         person, who decides, adds them and launches again. They look like this:\n\n```yaml\negress:\n",
    );
    out.push_str(&narrowest_route("api.example.com", "GET", Some("/what/you/need")));
    out.push_str(
        "```\n\nA host without `matches` allows every path and method. `git: read` on a route allows \
         fetch and clone over HTTPS, `git: write` also push.\n",
    );
    out
}

/// One route: its host, what it allows there, and what is done to the request.
fn line(route: &EgressRoute) -> String {
    let EgressRoute {
        host,
        ports,
        protocol,
        auth,
        path_allowlist,
        matches,
        git,
        pass_headers,
        // Of no use to an agent.
        tls_passthrough: _,
        ssrf_ip_allowlist: _,
        owner: _,
        // Told by the order.
        layer: _,
    } = route;
    let host = match host.strip_prefix("*.") {
        Some(domain) => format!("every subdomain of `{}`", code(&printable(domain))),
        None => format!("`{}`", code(&printable(host))),
    };
    let mut all = vec![host];
    if let Some(ports) = ports {
        all.push(opened(ports, *protocol));
    }
    if *protocol == Protocol::Tcp {
        return all.join(": ");
    }
    let stated = all.len();
    all.extend(git.map(|access| format!("git over HTTPS ({}) and nothing else", git_access(access))));
    if let Some(prefixes) = path_allowlist {
        all.push(match prefixes.as_slice() {
            [] => "no path at all".to_owned(),
            some => format!("paths at or below {}", join(some.iter().map(String::as_str), " or ")),
        });
    }
    if let Some(entries) = matches {
        all.push(if entries.is_empty() {
            "no request at all".to_owned()
        } else {
            entries.iter().map(entry).collect::<Vec<_>>().join(", or ")
        });
    }
    if all.len() == stated {
        all.push("every path and method".to_owned());
    }
    if auth.is_some() {
        all.push("a credential is added on the way out, and one of your own is removed".to_owned());
    }
    if !pass_headers.is_empty() {
        all.push(format!("the headers {} pass", join(pass_headers.iter().map(String::as_str), " and ")));
    }
    let (host, rest) = (&all[0], all[1..].join("; "));
    format!("{host}: {rest}")
}

fn entry(entry: &Match) -> String {
    let Match { paths: _, methods: _, headers } = entry;
    let with = |header: &HeaderTerm| {
        format!("`{}: {}`", code(&printable(&header.name)), code(&printable(&header.value)))
    };
    let headers = match headers.as_deref() {
        None => String::new(),
        Some([]) => ", never".to_owned(),
        Some(all) => format!(", with {}", all.iter().map(with).collect::<Vec<_>>().join(" and ")),
    };
    format!("{}{headers}", places_of(entry))
}

fn places_of(entry: &Match) -> String {
    let methods = entry.methods.as_ref().map_or("any method".to_owned(), |all| {
        if all.is_empty() { "no method".to_owned() } else { printable(&all.join(", ")) }
    });
    let Some(paths) = &entry.paths else { return format!("{methods} on every path") };
    if paths.is_empty() {
        return format!("{methods} on no path");
    }
    format!("{methods} on {}", paths.iter().map(pattern).collect::<Vec<_>>().join(" or "))
}

fn pattern(pattern: &PathPattern) -> String {
    let value = code(&printable(&pattern.value));
    match pattern.kind {
        PathKind::Exact => format!("the path `{value}`"),
        PathKind::Prefix => format!("paths at or below `{value}`"),
        PathKind::Glob => format!("paths like `{value}`"),
        PathKind::Regex => format!("paths that the regular expression `{value}` takes whole"),
    }
}

fn join<'a>(texts: impl Iterator<Item = &'a str>, with: &str) -> String {
    texts.map(|text| format!("`{}`", code(&printable(text)))).collect::<Vec<_>>().join(with)
}

/// What of the guest's files can be written, and what the manifest's mounts are.
fn places(Workspace { path: _, mode, mounts }: &Workspace) -> Vec<(String, &'static str)> {
    let workspace = match mode {
        WorkspaceMode::Bind => "the person's own folder; it can be written",
        WorkspaceMode::Copy => "a copy of the person's folder; it can be written",
        WorkspaceMode::ReadOnly => "the person's own folder; read-only",
    };
    let mut all = vec![
        (WORKSPACE.to_owned(), workspace),
        (GUEST_HOME.to_owned(), "your home; it can be written"),
        ("/tmp".to_owned(), "can be written, and is gone with the sandbox"),
    ];
    let shown = |Mount { source: _, target, read_only }: &Mount| {
        (target.clone(), if *read_only { "read-only" } else { "can be written" })
    };
    all.extend(mounts.iter().map(shown));
    all
}
