//! What holds without being written: what a bottle inherits, what its provider adds, defaults.

use super::Snapshot;
use super::hover::inherited::places;
use super::markdown::code;
use super::target::{self, Location};
use super::workspace::shown_path;
use crate::check::shown;
use crate::manifest::{Kind, Manifest, Place, Resolved, read_agent, resolve};
use crate::plan;
use crate::provider::{self, EgressRoute, RouteOwner, Start};
use crate::syntax::{Entry, Node, Span};
use std::fmt::Write;

/// A few words shown in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where, in bytes; the words stand behind a blank.
    pub offset: usize,
    /// The words.
    pub label: String,
    /// More, as Markdown.
    pub tooltip: String,
    /// Where they come from.
    pub target: Option<Location>,
}

/// How many names a hint lists.
const NAMES: usize = 3;

/// The hints within a range, in the order of the text.
pub fn hints(snapshot: &Snapshot<'_>, range: Span) -> Vec<Hint> {
    let mut all = Vec::new();
    for manifest in &snapshot.source.manifests {
        let Some(root) = snapshot.source.root(manifest) else { continue };
        let document = snapshot.source.document(manifest).map(|d| d.span).unwrap_or_default().join(root.span);
        if document.start <= range.end && range.start <= document.end {
            match manifest.kind {
                Kind::Agent => all.extend(of_agent(snapshot, manifest)),
                Kind::Bottle => of_bottle(snapshot, manifest, root, &mut all),
            }
        }
    }
    all.retain(|h| range.touches(h.offset));
    all.sort_by_key(|h| h.offset);
    all
}

/// Behind an agent's bottle: which agent runs there, and how many hosts it may reach.
fn of_agent(snapshot: &Snapshot<'_>, manifest: &Manifest) -> Option<Hint> {
    let name = read_agent(snapshot.source, manifest).bottle?;
    let found = snapshot.catalog.bottle(&name.value, snapshot.source)?;
    let bottle = resolve(&found, snapshot.catalog).bottle;
    let plan = plan::build(&bottle, None, &Start::default(), snapshot.catalog.layout).ok()?;
    let routes = match plan.egress_routes.len() {
        0 => "no route".to_owned(),
        1 => "1 route".to_owned(),
        n => format!("{n} routes"),
    };
    Some(Hint {
        offset: name.place.span.end as usize,
        label: format!("{}, {routes}", plan.template),
        tooltip: shown_path(&found.source.path, &snapshot.source.path, snapshot.catalog.layout),
        target: Some(Location {
            file: found.source.path.clone(),
            span: super::definition::declaration(&found).1,
        }),
    })
}

fn of_bottle(snapshot: &Snapshot<'_>, manifest: &Manifest, root: &Node, all: &mut Vec<Hint>) {
    let resolved = resolve(&target::found(snapshot.source, manifest), snapshot.catalog);
    let written = |key: &str| root.entry(key).filter(|e| e.key.origin.is_none());
    all.extend(written("extends").and_then(|entry| inherited(snapshot, manifest, &resolved, entry)));
    let text = &snapshot.source.text;
    let provider_key = written("agent_provider");
    if resolved.bottle.provider.template.is_none() {
        // Away from its key the field has its whole name, or it would seem to be of that line.
        let (offset, field) = match provider_key {
            Some(entry) => (behind_colon(text, entry), "template"),
            None => (first_line_end(text, root), "agent_provider.template"),
        };
        all.push(Hint {
            offset,
            label: format!("{field}: {}", provider::default().template()),
            tooltip: "The default of `agent_provider.template`.".to_owned(),
            target: None,
        });
    }
    if let Ok(plan) = plan::build(&resolved.bottle, None, &Start::default(), snapshot.catalog.layout) {
        let egress = written("egress").map(|e| &e.value).filter(|n| n.origin.is_none());
        let routes = egress.and_then(|e| e.entry("routes")).filter(|e| e.key.origin.is_none());
        let own = |r: &&EgressRoute| r.owner == RouteOwner::Provider;
        let added: Vec<_> = plan.egress_routes.iter().filter(own).collect();
        if let Some(entry) = routes.or(provider_key).filter(|_| !added.is_empty()) {
            all.push(routes_of_provider(plan.template, &added, behind_colon(text, entry)));
        }
    }
    mounts(root, all);
}

/// Behind `extends`: what comes from there.
fn inherited(
    snapshot: &Snapshot<'_>,
    manifest: &Manifest,
    resolved: &Resolved,
    extends: &Entry,
) -> Option<Hint> {
    let source = snapshot.source;
    let document = source.document(manifest)?.span;
    let own = |place: &Place| place.file == source.path && document.encloses(place.span);
    let fields: Vec<_> = places(&resolved.bottle).into_iter().filter(|(_, place)| !own(place)).collect();
    let first = fields.first()?.1;
    let mut tooltip = String::from("Inherited:\n");
    for (field, place) in &fields {
        let file = shown_path(&place.file, &source.path, snapshot.catalog.layout);
        let _ = write!(tooltip, "\n- {} from {}", code(&shown(field)), code(&file));
    }
    let short = |field: &str| {
        let key = ["agent_provider.", "env."].iter().find_map(|of| field.strip_prefix(of));
        shown(key.unwrap_or(field))
    };
    let names: Vec<_> = fields.iter().map(|(field, _)| short(field)).collect();
    Some(Hint {
        offset: extends.value.span.end as usize,
        label: format!("← {}", listed(&names)),
        tooltip,
        target: Some(Location { file: first.file.clone(), span: first.span }),
    })
}

fn routes_of_provider(template: &str, added: &[&EgressRoute], offset: usize) -> Hint {
    let hosts: Vec<_> = added.iter().map(|r| r.host.clone()).collect();
    let mut tooltip = format!("The provider {} adds:\n", code(template));
    for route in added {
        let _ = write!(tooltip, "\n- {}", code(&route.host));
        if let Some(auth) = &route.auth {
            let _ =
                write!(tooltip, " with {} from {}", code(&auth.scheme.words()), code(auth.token_ref.name()));
        }
    }
    Hint { offset, label: format!("+ {}", listed(&hosts)), tooltip, target: None }
}

/// Behind each mount that does not say whether it may be written to.
fn mounts(root: &Node, all: &mut Vec<Hint>) {
    let workspace = root.get("workspace").filter(|w| w.origin.is_none());
    let mounts = workspace.and_then(|w| w.get("mounts")).map(Node::items).unwrap_or_default();
    for mount in mounts.iter().filter(|m| m.origin.is_none() && m.get("read_only").is_none()) {
        let last = mount.entries().iter().rfind(|e| e.key.origin.is_none());
        if let Some(entry) = last.filter(|e| !e.value.is_null()) {
            all.push(Hint {
                offset: entry.value.span.end as usize,
                label: "read_only: true".to_owned(),
                tooltip: "The default of `read_only`.".to_owned(),
                target: None,
            });
        }
    }
}

fn behind_colon(text: &str, entry: &Entry) -> usize {
    let end = entry.key.span.end as usize;
    text[end..].find(':').map_or(end, |i| end + i + 1)
}

fn first_line_end(text: &str, root: &Node) -> usize {
    let start = root.span.start as usize;
    start + text[start..].lines().next().unwrap_or_default().trim_end().len()
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMES);
    let list = names[..names.len() - more].join(", ");
    if more == 0 { list } else { format!("{list} +{more}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    /// The text with each hint in `«»`.
    fn with_hints(text: &str) -> String {
        marked(text).ask(|snapshot, _| {
            let mut out = snapshot.source.text.to_string();
            for hint in hints(snapshot, Span::new(0, out.len())).iter().rev() {
                out.insert_str(hint.offset, &format!("«{}»", hint.label));
            }
            out
        })
    }

    #[test]
    fn the_default_template_is_shown_where_none_is_written() {
        assert_eq!(
            with_hints("env: {}\nskills: []\n"),
            "env: {}«agent_provider.template: claude»\nskills: []\n"
        );
        assert_eq!(
            with_hints("agent_provider:\n  dockerfile: ./D\n"),
            "agent_provider:«template: claude»\n  dockerfile: ./D\n"
        );
        let named = "agent_provider: {template: claude}\n";
        assert_eq!(with_hints(named), named);
    }

    #[test]
    fn what_the_provider_adds_stands_at_the_routes() {
        assert_eq!(
            with_hints("agent_provider: {template: codex}\negress:\n  routes:\n    - host: a.b\n"),
            "agent_provider: {template: codex}\negress:\n  routes:«+ api.openai.com, chatgpt.com»\n    - host: a.b\n"
        );
        assert_eq!(
            with_hints("agent_provider: {template: claude, auth_token: T}\n"),
            "agent_provider:«+ api.anthropic.com» {template: claude, auth_token: T}\n"
        );
    }

    #[test]
    fn what_is_inherited_is_named_with_its_file() {
        let base = "//- /p/base.bottle.yaml\nagent_provider: {template: codex}\nenv: {A: a, B: b}\nsupervise: false\n";
        let child = format!("{base}//- /p/dev.bottle.yaml\nextends: base\nenv:\n  A: mine$0\n");
        assert_eq!(with_hints(&child), "extends: base«← template, supervise, B»\nenv:\n  A: mine\n");
        let hint = marked(&child).ask(|snapshot, _| hints(snapshot, Span::new(0, 20)).remove(0));
        assert!(hint.tooltip.contains("- `env.B` from `base.bottle.yaml`"), "{}", hint.tooltip);
        assert_eq!(hint.target.map(|t| t.file.display().to_string()).as_deref(), Some("/p/base.bottle.yaml"));
        assert_eq!(
            with_hints("name: one\nagent_provider: {template: codex}\n---\nname: two\nextends: one\n"),
            "name: one\nagent_provider:«+ api.openai.com, chatgpt.com» {template: codex}\n---\nname: two\nextends: one«← template»\n"
        );
    }

    #[test]
    fn an_agent_says_what_its_bottle_is() {
        let text =
            "//- /p/dev.bottle.yaml\negress: {routes: [{host: a.b}]}\n//- /p/a.agent.yaml\nbottle: dev$0\n";
        assert_eq!(with_hints(text), "bottle: dev«claude, 1 route»\n");
    }

    #[test]
    fn mounts_say_that_they_are_read_only() {
        assert_eq!(
            with_hints(
                "agent_provider: {template: claude}\nworkspace:\n  mounts:\n    - source: a\n      target: /a\n    - {source: b, target: /b}\n    - {source: c, read_only: false}\n"
            ),
            "agent_provider: {template: claude}\nworkspace:\n  mounts:\n    - source: a\n      target: /a«read_only: true»\n    - {source: b, target: /b«read_only: true»}\n    - {source: c, read_only: false}\n"
        );
    }
}
