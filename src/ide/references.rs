//! Every place that names what a word names.

use super::Snapshot;
use super::definition::declaration;
use super::target::{self, Location, Target, host_variable};
use crate::manifest::named_paths;
use crate::manifest::{Found, Kind, LOGIN_VARIABLES, Source};
use crate::syntax::{Node, Span};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Every place in the workspace that names what the word at an offset names, in order of the files
/// and their text; with the declaration, if it is wanted and there is one.
pub fn references(snapshot: &Snapshot<'_>, offset: usize, declared: bool) -> Vec<Location> {
    target::at(snapshot, offset).map(|(target, _)| of(snapshot, &target, declared)).unwrap_or_default()
}

/// The references of a target: the names alone, without quotes and sigils.
pub(super) fn of(snapshot: &Snapshot<'_>, target: &Target, declared: bool) -> Vec<Location> {
    let mut found = Collector { all: BTreeSet::new() };
    match target {
        Target::Anchor(index) => anchors(snapshot.source, *index, declared, &mut found),
        Target::Bottle(bottle) => {
            bottles(snapshot, bottle, &mut found);
            if declared {
                found.add(&bottle.source, declaration(bottle).1);
            }
        }
        _ => {
            for source in files(snapshot) {
                for root in source.tree.documents.iter().filter_map(|d| d.root.as_ref()) {
                    document(snapshot, source, root, target, &mut found);
                }
            }
        }
    }
    found.all.into_iter().collect()
}

struct Collector {
    all: BTreeSet<Location>,
}

impl Collector {
    fn add(&mut self, source: &Arc<Source>, span: Span) {
        self.all.insert(Location { file: source.path.clone(), span });
    }

    fn node(&mut self, source: &Arc<Source>, node: &Node) {
        if let Some(span) = target::word(&source.text, node) {
            self.add(source, span);
        }
    }
}

/// The manifests that are known, the document itself as it is now.
fn files<'a>(snapshot: &Snapshot<'a>) -> impl Iterator<Item = &'a Arc<Source>> {
    let path: &Path = &snapshot.source.path;
    let others = snapshot.workspace.iter().filter(move |s| &*s.path != path);
    std::iter::once(snapshot.source).chain(others)
}

fn bottles(snapshot: &Snapshot<'_>, bottle: &Found, found: &mut Collector) {
    let name = Some(bottle.manifest.name.as_str());
    for source in files(snapshot) {
        for manifest in &source.manifests {
            let Some(root) = source.root(manifest) else { continue };
            let key = if manifest.kind == Kind::Agent { "bottle" } else { "extends" };
            let Some(value) = root.get(key) else { continue };
            let names = std::iter::once(value).chain(value.items()).filter(|n| n.text() == name);
            // The same name may lead elsewhere from another place.
            let leads_here = |n: &&Node| {
                let there = n.text().and_then(|name| snapshot.catalog.bottle(name, source));
                there.is_some_and(|there| target::same(&there, bottle))
            };
            for node in names.filter(leads_here) {
                found.node(source, node);
            }
        }
    }
}

fn anchors(source: &Arc<Source>, index: usize, declared: bool, found: &mut Collector) {
    let tree = &source.tree;
    let Some(anchor) = tree.anchors.get(index) else { return };
    let same = |a: &&crate::syntax::Anchor| a.document == anchor.document && a.name == anchor.name;
    let next = tree.anchors[index + 1..].iter().find(same).map_or(u32::MAX, |a| a.span.start);
    let uses = tree.aliases.iter().filter(|a| a.document == anchor.document && a.name == anchor.name);
    for alias in uses.filter(|a| a.span > anchor.span && a.span.start < next) {
        found.add(source, target::name_of(alias.span));
    }
    if declared {
        found.add(source, target::name_of(anchor.span));
    }
}

/// Whatever of a document names the target.
fn document(
    snapshot: &Snapshot<'_>,
    source: &Arc<Source>,
    root: &Node,
    target: &Target,
    found: &mut Collector,
) {
    let provider = |key: &str| root.get("agent_provider").and_then(|p| p.get(key));
    let routes = || root.get("egress").and_then(|e| e.get("routes")).map(Node::items).unwrap_or_default();
    let env = || root.get("env").map(Node::entries).unwrap_or_default();
    match target {
        Target::Skill(name) => {
            let skills = root.get("skills").map(Node::items).unwrap_or_default();
            skills.iter().filter(|n| n.text() == Some(name)).for_each(|n| found.node(source, n));
        }
        Target::File(path) => {
            for node in named_paths::nodes(root) {
                if target::path_of(source, node, snapshot.catalog).as_ref() == Some(path) {
                    found.node(source, node);
                }
            }
        }
        Target::HostVariable(name) => {
            let refs = routes().iter().filter_map(|r| r.get("auth")?.get("token_ref"));
            let own = LOGIN_VARIABLES.iter().flat_map(|key| provider(key));
            let refs = refs.chain(own).filter(|n| n.text() == Some(name));
            refs.for_each(|n| found.node(source, n));
            let values = env().iter().map(|e| &e.value);
            for node in values.filter(|n| n.text().and_then(host_variable) == Some(name)) {
                if let Some(word) = target::word(&source.text, node) {
                    found.add(source, Span { start: word.start + 2, end: word.end - 1 });
                }
            }
        }
        Target::GuestVariable(name) => {
            let keys = env().iter().map(|e| &e.key).filter(|k| *k.text == **name);
            keys.for_each(|k| found.add(source, k.origin.unwrap_or(k.span)));
        }
        Target::Host(name) => {
            let hosts = routes().iter().filter_map(|r| r.get("host"));
            let hosts = hosts.filter(|n| n.text().is_some_and(|t| t.eq_ignore_ascii_case(name)));
            hosts.for_each(|n| found.node(source, n));
        }
        Target::Bottle(_) | Target::Anchor(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    /// Each reference as `file:line:text`, the line from one.
    fn check(text: &str, expected: &[&str]) {
        let seen: Vec<_> = marked(text).ask(|snapshot, offset| {
            let all = references(snapshot, offset, true).into_iter();
            all.map(|l| {
                let source = snapshot.catalog.source(&l.file).expect("a manifest");
                let line = source.text[..l.span.start as usize].matches('\n').count() + 1;
                let name = l.file.file_name().expect("a name").to_string_lossy().into_owned();
                format!("{name}:{line}:{}", l.span.of(&source.text))
            })
            .collect()
        });
        assert_eq!(seen, expected, "{text}");
    }

    const BOTTLES: &str = "\
//- /h/.bot-bottle/agents/a.md
---
bottle: dev
---
//- /h/.bot-bottle/bottles/child.md
---
extends: [base, \"dev\"]
---
//- /p/dev.bottle.yaml
env: {}
//- /p/x.agent.yaml
bottle: dev
";

    #[test]
    fn a_bottles_users_are_found_across_files_and_no_namesakes() {
        check(
            &format!("{BOTTLES}//- /h/.bot-bottle/bottles/dev.md\n--$0-\nenv: {{}}\n---\n"),
            &["a.md:2:dev", "child.md:2:dev", "dev.md:2:"],
        );
        check(
            &format!(
                "{BOTTLES}//- /h/.bot-bottle/bottles/dev.md\n---\n---\n//- /p/y.agent.yaml\nbottle: d$0ev\n"
            ),
            &["dev.bottle.yaml:1:", "x.agent.yaml:1:dev", "y.agent.yaml:1:dev"],
        );
        check(
            "name: o$0ne\n---\nextends: one\n---\nbottle: one\n",
            &["dev.bottle.yaml:1:one", "dev.bottle.yaml:3:one", "dev.bottle.yaml:5:one"],
        );
    }

    #[test]
    fn a_host_variable_is_found_wherever_it_is_named() {
        check(
            "//- /p/a.bottle.yaml\nagent_provider: {auth_token: TOKEN}\nenv: {A: '${TOKEN}', TOKEN: x}\n//- /p/b.bottle.yaml\negress:\n  routes:\n    - host: a\n      auth: {scheme: Bearer, token_ref: TO$0KEN}\n",
            &["a.bottle.yaml:1:TOKEN", "a.bottle.yaml:2:TOKEN", "b.bottle.yaml:4:TOKEN"],
        );
    }

    #[test]
    fn other_names_are_found_by_their_kind() {
        let both = |a: &str, b: &str| format!("//- /p/a.bottle.yaml\n{a}\n//- /p/q/b.bottle.yaml\n{b}\n");
        check(&both("skills: [x, y]", "skills: [y$0]"), &["a.bottle.yaml:1:y", "b.bottle.yaml:1:y"]);
        check(
            &both("prompt_file: ./p.md", "prompt_file: ../p$0.md"),
            &["a.bottle.yaml:1:./p.md", "b.bottle.yaml:1:../p.md"],
        );
        check(&both("env: {A: x}", "env: {$0A: y, B: A}"), &["a.bottle.yaml:1:A", "b.bottle.yaml:1:A"]);
        check(
            &both("egress: {routes: [{host: A.example}]}", "egress: {routes: [{host: a.exam$0ple}]}"),
            &["a.bottle.yaml:1:A.example", "b.bottle.yaml:1:a.example"],
        );
    }

    #[test]
    fn an_anchors_uses_end_where_it_is_defined_anew() {
        let text = "x-a: &$0a 1\nx-b: *a\nx-c: &a 2\nx-d: *a\n---\nx-e: &a 1\n";
        check(text, &["dev.bottle.yaml:1:a", "dev.bottle.yaml:2:a"]);
    }

    #[test]
    fn what_an_alias_brings_is_one_place() {
        check(
            "x-t: &t TOKEN\negress:\n  routes:\n    - auth: {token_ref: *t}\n    - auth: {token_ref: *t}\n    - auth: {token_ref: TO$0KEN}\n",
            &["dev.bottle.yaml:1:TOKEN", "dev.bottle.yaml:6:TOKEN"],
        );
    }
}
