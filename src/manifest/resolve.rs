//! `extends`: a bottle with everything that it inherits.

use super::{Bottle, Catalog, EnvVar, Found, Git, Located, Place, Route, read_bottle};
use crate::syntax::Span;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// A bottle after its parents are folded in. Every value still has the place where it is written.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The bottle.
    pub bottle: Bottle,
    /// Every bottle that took part, the nearest first, itself included.
    pub chain: Vec<Found>,
    /// What went wrong with parents; their part is missing from the bottle.
    pub errors: Vec<ParentError>,
}

/// Why a parent could not be folded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParentError {
    /// No bottle has the name.
    Missing {
        /// The name, where it is written.
        parent: Located<String>,
        /// The bottle that extends it.
        child: String,
    },
    /// The bottle comes back to itself.
    Cycle {
        /// The entry that closes the circle.
        parent: Located<String>,
        /// The names on the way, the first one again at the end.
        chain: Vec<String>,
    },
    /// There are more parents than are folded: [`MOST_IN_A_ROW`] one behind the other, or too many ways through them.
    TooMany {
        /// The entry that is one too many.
        parent: Located<String>,
    },
}

/// How many bottles may extend one another in a row.
pub const MOST_IN_A_ROW: usize = 64;

/// How many bottles a resolution may visit. Each is visited once but for those that lead into a circle, where the
/// ways through a lattice could grow without end.
const MAX_VISITS: usize = 1_000;

/// Folds the parents of a bottle, left to right, and puts the bottle itself on top.
pub fn resolve(found: &Found, catalog: &Catalog<'_>) -> Resolved {
    let mut walk = Walk {
        catalog,
        path: Vec::new(),
        chain: Vec::new(),
        errors: Vec::new(),
        visits: 0,
        folded: HashMap::new(),
    };
    let bottle = walk.visit(found);
    Resolved { bottle, chain: walk.chain, errors: walk.errors }
}

struct Walk<'a> {
    catalog: &'a Catalog<'a>,
    /// The bottles between the start and here.
    path: Vec<Found>,
    chain: Vec<Found>,
    errors: Vec<ParentError>,
    visits: usize,
    /// What bottles came to that several others extend: a lattice of them is walked once, not once a way through it.
    folded: HashMap<(Arc<Path>, usize), Bottle>,
}

impl Walk<'_> {
    fn visit(&mut self, found: &Found) -> Bottle {
        let key = (found.source.path.clone(), found.manifest.document);
        if let Some(known) = self.folded.get(&key) {
            return known.clone();
        }
        let errors = self.errors.len();
        let bottle = self.fold(found);
        // What a circle leaves out depends on where it was entered.
        if !self.errors[errors..].iter().any(|error| matches!(error, ParentError::Cycle { .. })) {
            self.folded.insert(key, bottle.clone());
        }
        bottle
    }

    fn fold(&mut self, found: &Found) -> Bottle {
        self.visits += 1;
        if !self.chain.iter().any(|f| same(f, found)) {
            self.chain.push(found.clone());
        }
        let own = read_bottle(&found.source, &found.manifest);
        self.path.push(found.clone());
        let mut base: Option<Bottle> = None;
        for parent in &own.extends {
            let Some(next) = self.parent(parent, found) else { continue };
            let layer = self.visit(&next);
            base = Some(match base {
                Some(base) => overlay(base, layer),
                None => layer,
            });
        }
        self.path.pop();
        match base {
            Some(base) => overlay(base, own),
            None => own,
        }
    }

    fn parent(&mut self, parent: &Located<String>, child: &Found) -> Option<Found> {
        let Some(next) = self.catalog.bottle(&parent.value, &child.source) else {
            let child = child.manifest.name.clone();
            self.errors.push(ParentError::Missing { parent: parent.clone(), child });
            return None;
        };
        if let Some(start) = self.path.iter().position(|f| same(f, &next)) {
            let mut chain: Vec<_> = self.path[start..].iter().map(|f| f.manifest.name.clone()).collect();
            chain.push(next.manifest.name.clone());
            self.errors.push(ParentError::Cycle { parent: parent.clone(), chain });
            return None;
        }
        if self.path.len() >= MOST_IN_A_ROW || self.visits >= MAX_VISITS {
            self.errors.push(ParentError::TooMany { parent: parent.clone() });
            return None;
        }
        Some(next)
    }
}

fn same(a: &Found, b: &Found) -> bool {
    a.source.path == b.source.path && a.manifest.document == b.manifest.document
}

/// A child on top of its base: `env` by key, git user and provider field by field, routes in layers, the
/// rest whole.
pub fn overlay(base: Bottle, child: Bottle) -> Bottle {
    let (egress, inherits_routes) =
        overlay_egress((base.egress, base.inherits_routes), (child.egress, child.inherits_routes));
    Bottle {
        name: child.name,
        file: child.file,
        location: child.location,
        extends: child.extends,
        provider: super::AgentProvider {
            place: child.provider.place.or(base.provider.place),
            template: child.provider.template.or(base.provider.template),
            dockerfile: child.provider.dockerfile.or(base.provider.dockerfile),
            context: child.provider.context.or(base.provider.context),
            auth_token: child.provider.auth_token.or(base.provider.auth_token),
            api_key: child.provider.api_key.or(base.provider.api_key),
            forward_host_credentials: child
                .provider
                .forward_host_credentials
                .or(base.provider.forward_host_credentials),
        },
        env: overlay_env(base.env, child.env),
        git: overlay_git(base.git, child.git),
        egress,
        inherits_routes,
        supervise: child.supervise.or(base.supervise),
        workspace: child.workspace.or(base.workspace),
        resources: child.resources.or(base.resources),
        prompt: if child.prompt.prompt.is_some() || child.prompt.prompt_file.is_some() {
            child.prompt
        } else {
            base.prompt
        },
        skills: if child.skills.is_empty() { base.skills } else { child.skills },
    }
}

/// What a bottle says of its way out, and whether what is below follows.
type Egress = (Option<Located<Vec<Route>>>, bool);

/// The base's routes below the child's. A bottle that speaks of no egress adds no layer.
fn overlay_egress(base: Egress, child: Egress) -> Egress {
    match (base, child) {
        (base, (None, _)) => base,
        ((None, _), child) => child,
        (_, (Some(child), false)) => (Some(child), false),
        ((Some(base), inherits), (Some(mut child), true)) => {
            let depth = child.value.iter().map(|route| route.layer + 1).max().unwrap_or(0);
            // A route that a nearer layer has already, by another parent, can decide nothing here.
            let nearer: HashSet<_> = child.value.iter().map(|route| written(&route.place)).collect();
            let below = base.value.into_iter().filter(|route| !nearer.contains(&written(&route.place)));
            let below: Vec<_> = below.map(|route| Route { layer: route.layer + depth, ..route }).collect();
            child.value.extend(below);
            // Where a bottle below takes nothing of what is behind it, nothing follows here either.
            (Some(child), inherits)
        }
    }
}

/// What tells one written value from another.
fn written(place: &Place) -> (Arc<Path>, Span, Option<Span>) {
    (place.file.clone(), place.span, place.origin)
}

fn overlay_env(mut base: Vec<EnvVar>, child: Vec<EnvVar>) -> Vec<EnvVar> {
    for variable in child {
        match base.iter_mut().find(|v| v.name.value == variable.name.value) {
            Some(inherited) => *inherited = variable,
            None => base.push(variable),
        }
    }
    base
}

/// The identity field by field; remotes whole.
pub(super) fn overlay_git(base: Git, child: Git) -> Git {
    Git {
        name: child.name.or(base.name),
        email: child.email.or(base.email),
        remotes: child.remotes.or(base.remotes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Layout, MemoryFiles};
    use std::path::Path;

    fn resolved(files: &[(&str, &str)]) -> Resolved {
        let mut memory = MemoryFiles::default();
        for (name, text) in files {
            memory.insert(format!("/p/{name}.bottle.yaml"), *text);
        }
        let layout = Layout::default();
        let catalog = Catalog::new(&memory, &layout);
        let source = catalog.source(Path::new(&format!("/p/{}.bottle.yaml", files[0].0))).expect("source");
        let manifest = source.manifests[0].clone();
        resolve(&Found { source, manifest }, &catalog)
    }

    #[test]
    fn a_child_wins_by_the_rules_of_each_field() {
        let r = resolved(&[
            ("a", "extends: [b, c]\nenv: {X: child}\ngit: {user: {name: Child}}\n"),
            (
                "b",
                "agent_provider: {template: codex, forward_host_credentials: true}\nenv: {X: b, Y: b}\n\
                 git: {user: {name: B, email: b@example.com}}\negress: {routes: [{host: b.example.com}]}\n",
            ),
            ("c", "env: {Y: c}\negress: {routes: []}\nagent_provider: {dockerfile: ./D}\n"),
        ]);
        let env: Vec<_> =
            r.bottle.env.iter().map(|v| (v.name.value.as_str(), v.value.value.as_str())).collect();
        assert_eq!(env, [("X", "child"), ("Y", "c")]);
        assert_eq!(r.bottle.git.name.map(|n| n.value).as_deref(), Some("Child"));
        assert_eq!(r.bottle.git.email.expect("email").place.file.as_ref(), Path::new("/p/b.bottle.yaml"));
        assert_eq!(r.bottle.egress.expect("egress").value, []);
        assert_eq!(r.bottle.provider.template.map(|t| t.value).as_deref(), Some("codex"));
        assert!(r.bottle.provider.dockerfile.is_some());
        assert_eq!(r.chain.len(), 3);
    }

    #[test]
    fn routes_form_layers_the_nearest_first() {
        let layers = |a: &str, b: &str, c: &str| {
            let r = resolved(&[("a", a), ("b", b), ("c", c)]);
            let routes = r.bottle.egress.map(|e| e.value).unwrap_or_default();
            let of = |r: Route| format!("{}{}", r.host.expect("a host").value, r.layer);
            routes.into_iter().map(of).collect::<Vec<_>>().join(" ")
        };
        let own = |extends: &str, egress: &str| format!("extends: {extends}\negress: {egress}\n");
        let (b, c) = ("egress: {routes: [{host: b}, {host: bb}]}", "egress: {routes: [{host: c}]}");
        // What is reached in two ways stands where it is reached first, and once: 2^30 ways lead to the last of these.
        let lattice: Vec<_> = (0..60)
            .map(|i| match i {
                58.. => (format!("n{i}"), format!("egress: {{routes: [{{host: h{i}}}]}}")),
                _ => (format!("n{i}"), format!("extends: [n{}, n{}]\n", i / 2 * 2 + 2, i / 2 * 2 + 3)),
            })
            .collect();
        let lattice: Vec<_> = lattice.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let folded = resolved(&lattice);
        assert_eq!((folded.chain.len(), folded.errors.len()), (59, 0));
        let hosts = folded.bottle.egress.expect("routes").value;
        let hosts: Vec<_> = hosts.into_iter().map(|r| (r.host.expect("a host").value, r.layer)).collect();
        assert_eq!(hosts, [("h59".to_owned(), 0), ("h58".to_owned(), 1)]);
        // Child, last parent, first parent.
        assert_eq!(layers(&own("[b, c]", "{routes: [{host: a}]}"), b, c), "a0 c1 b2 bb2");
        // One that says nothing, or has nothing to add, is not a layer.
        assert_eq!(layers("extends: [b, c]", b, c), "c0 b1 bb1");
        assert_eq!(layers(&own("[b, c]", "{}"), b, c), "c0 b1 bb1");
        assert_eq!(layers(&own("[b, c]", "{inherit: true}"), b, "env: {}"), "b0 bb0");
        // Nothing of the parents.
        assert_eq!(layers(&own("[b, c]", "{routes: []}"), b, c), "");
        assert_eq!(layers(&own("[b, c]", "{inherit: false}"), b, c), "");
        assert_eq!(layers(&own("[b, c]", "{inherit: false, routes: [{host: a}]}"), b, c), "a0");
        // A parent's own wish holds for what is below it.
        let closed = "extends: c\negress: {inherit: false, routes: [{host: b}]}";
        assert_eq!(layers(&own("b", "{routes: [{host: a}]}"), closed, c), "a0 b1");
        assert_eq!(layers(&own("[c, b]", "{routes: [{host: a}]}"), "egress: {routes: []}", c), "a0");
    }

    #[test]
    fn circles_and_gaps_are_told_apart() {
        let r = resolved(&[("a", "extends: b"), ("b", "extends: c"), ("c", "extends: [a, nope]")]);
        let ParentError::Cycle { chain, .. } = &r.errors[0] else { panic!("{:?}", r.errors) };
        assert_eq!(chain, &["a", "b", "c", "a"]);
        assert!(
            matches!(&r.errors[1], ParentError::Missing { parent, child } if parent.value == "nope" && child == "c")
        );
        let r = resolved(&[("a", "extends: a")]);
        assert!(matches!(&r.errors[0], ParentError::Cycle { chain, .. } if chain == &["a", "a"]));
    }

    #[test]
    fn a_lattice_of_parents_ends() {
        let names: Vec<_> = (0..40).map(|i| format!("n{i}")).collect();
        let texts: Vec<_> = (0..40)
            .map(|i| if i < 39 { format!("extends: [n{0}, n{0}]", i + 1) } else { "env: {}".into() })
            .collect();
        let files: Vec<_> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        assert_eq!(resolved(&files).chain.len(), 40);
    }
}
