//! What a rule may look at: one manifest, read once for all rules.

use super::{LONG, both};
use crate::egress::code::Code;
use crate::manifest::{
    Agent, Bottle, Catalog, Found, Kind, Located, Manifest, Place, PromptSource, Resolved, Source, Violation,
    read_agent, read_bottle, resolve, violations,
};
use crate::plan::provisions;
use crate::provider::{self, Provider};
use crate::syntax::{Node, Span};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// What is known beyond the files; each is optional, and without it its rule is silent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The names (never the values) of this host's variables, for `token-unset`.
    pub env_names: Option<&'a HashSet<String>>,
    /// What the last runs were refused, for `denied-egress`.
    pub denied: &'a [Denied],
    /// What a change widens, where one is looked at.
    pub widened: &'a [Widened],
    /// The home's bottles are not here (as on a CI machine), so that one which is missing may be there.
    pub bottles_elsewhere: bool,
}

/// Requests that a bottle made and was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The manifest's file, links followed.
    pub file: std::path::PathBuf,
    /// The bottle's (or agent's) name in the run.
    pub bottle: String,
    /// The host.
    pub host: String,
    /// The method; `CONNECT` where nothing more was seen.
    pub method: String,
    /// The path, without its query; `None` where the connection was not opened.
    pub path: Option<String>,
    /// Why it was refused.
    pub code: Code,
    /// How often.
    pub count: u64,
    /// When first, RFC 3339.
    pub first: String,
}

/// A permission that a change widens.
#[derive(Debug, Clone)]
pub struct Widened {
    /// The manifest's file.
    pub file: std::path::PathBuf,
    /// The manifest's name.
    pub manifest: String,
    /// What moved.
    pub change: crate::plan::Change,
}

/// One manifest of a file, and what it leads to.
pub struct Context<'a> {
    /// The file.
    pub source: &'a Arc<Source>,
    /// Which of its manifests.
    pub manifest: &'a Manifest,
    /// Whether it is the file's first, which reports what concerns the whole file.
    pub first: bool,
    /// The other manifests.
    pub catalog: &'a Catalog<'a>,
    /// What is known beyond the files.
    pub facts: &'a Facts<'a>,
    /// The document's value.
    pub root: Option<&'a Node>,
    /// What the schema refuses and no rule of its own reports.
    pub violations: Vec<Violation>,
    /// The manifest's own bottle, without parents.
    pub bottle: Option<Bottle>,
    /// The manifest's own agent.
    pub agent: Option<Agent>,
    resolved: OnceLock<Option<Resolved>>,
    provided: OnceLock<Provided>,
}

/// What a provider sets by itself in a bottle.
#[derive(Debug, Default)]
pub struct Provided {
    /// The hosts of its routes.
    pub hosts: HashSet<String>,
    /// The names of its variables.
    pub env: HashSet<String>,
}

impl<'a> Context<'a> {
    /// Reads a manifest.
    pub fn new(
        source: &'a Arc<Source>,
        manifest: &'a Manifest,
        first: bool,
        catalog: &'a Catalog<'a>,
        facts: &'a Facts<'a>,
    ) -> Self {
        let root = source.root(manifest);
        let (violations, (bottle, agent)) = both(
            source.text.len() >= LONG,
            || root.map(|r| violations(manifest.kind, r)).unwrap_or_default(),
            || match manifest.kind {
                Kind::Bottle => (Some(read_bottle(source, manifest)), None),
                Kind::Agent => (None, Some(read_agent(source, manifest))),
            },
        );
        Self {
            source,
            manifest,
            first,
            catalog,
            facts,
            root,
            violations,
            bottle,
            agent,
            resolved: OnceLock::new(),
            provided: OnceLock::new(),
        }
    }

    /// The text of the file.
    pub fn text(&self) -> &'a str {
        &self.source.text
    }

    /// The bottle with its parents: the manifest's own, or the one that the agent names.
    pub fn resolved(&self) -> Option<&Resolved> {
        self.resolved
            .get_or_init(|| {
                let found = match &self.agent {
                    Some(agent) => self.catalog.bottle(&agent.bottle.as_ref()?.value, self.source)?,
                    None => Found { source: self.source.clone(), manifest: self.manifest.clone() },
                };
                Some(resolve(&found, self.catalog))
            })
            .as_ref()
    }

    /// The bottles that this one extends, each with its own parents, in order.
    pub fn parent(&self, name: &Located<String>) -> Option<Resolved> {
        Some(resolve(&self.catalog.bottle(&name.value, self.source)?, self.catalog))
    }

    /// The names of the bottles that this manifest refers to: its parents, or an agent's bottle.
    pub fn references(&self) -> Vec<&Located<String>> {
        let parents = self.bottle.iter().flat_map(|b| &b.extends);
        parents.chain(self.agent.iter().filter_map(|a| a.bottle.as_ref())).collect()
    }

    /// The provider of the resolved bottle; `None` for an unknown template.
    pub fn provider(&self) -> Option<&'static dyn Provider> {
        match self.resolved().and_then(|r| r.bottle.provider.template.as_ref()) {
            None => Some(provider::default()),
            Some(template) => provider::get(&template.value),
        }
    }

    /// What the provider sets by itself in the resolved bottle: its routes' hosts, and the variables
    /// that a manifest may not set beside it.
    pub fn provided(&self) -> &Provided {
        self.provided.get_or_init(|| {
            let bottle = self.resolved().map(|r| &r.bottle);
            let provisions = bottle.map(provisions).unwrap_or_default();
            let free = self.provider().map(|p| p.movable_env()).unwrap_or_default();
            let mut provided = Provided::default();
            for provision in provisions {
                provided.hosts.extend(provision.egress_routes.into_iter().map(|r| r.host));
                let names = provision.env_vars.into_iter().map(|(name, _)| name);
                provided.env.extend(names.filter(|name| !free.contains(&name.as_str())));
            }
            provided
        })
    }

    /// The manifest's own skills, whichever kind it is.
    pub fn skills(&self) -> &[Located<String>] {
        match (&self.bottle, &self.agent) {
            (Some(bottle), _) => &bottle.skills,
            (_, Some(agent)) => &agent.skills,
            _ => &[],
        }
    }

    /// The manifest's own prompt, whichever kind it is.
    pub fn prompt(&self) -> Option<&PromptSource> {
        match (&self.bottle, &self.agent) {
            (Some(bottle), _) => Some(&bottle.prompt),
            (_, Some(agent)) => Some(&agent.prompt),
            _ => None,
        }
    }

    /// The entry through which values of other files come here: `extends`, or an agent's `bottle`.
    pub(super) fn entry_of_inheritance(&self) -> Place {
        let own = match (&self.bottle, &self.agent) {
            (Some(bottle), _) => bottle.extends.first().map(|e| e.place.clone()),
            (_, Some(agent)) => agent.bottle.as_ref().map(|b| b.place.clone()),
            _ => None,
        };
        own.unwrap_or_else(|| self.place(self.head()))
    }

    /// Where to report what has no place of its own: the first line with content.
    pub fn head(&self) -> Span {
        let document = self.source.document(self.manifest).map(|d| d.span);
        let start = self.root.map(|r| r.span.start).or(document.map(|d| d.start)).unwrap_or(0) as usize;
        let line = self.text()[start..].lines().next().unwrap_or("");
        Span::new(start, start + line.trim_end().len())
    }

    /// A place in this file.
    pub fn place(&self, span: Span) -> Place {
        Place { file: self.source.path.clone(), span, origin: None }
    }
}
