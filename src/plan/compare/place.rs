//! Where a manifest says what a change is about.

use super::Change;
use crate::egress::policy::host_matches;
use crate::manifest::{Bottle, Place, Route, Workspace};
use crate::shown::printable;
use std::collections::HashMap;

/// Where a resolved bottle says what changes are about. Made once for all changes of a bottle: a bottle of
/// twenty thousand routes may have as many.
pub struct Places<'b> {
    bottle: &'b Bottle,
    /// The first route of each host, by the host as it is shown.
    routes: HashMap<String, &'b Route>,
    env: HashMap<&'b str, &'b Place>,
}

impl<'b> Places<'b> {
    /// The places of a bottle.
    pub fn of(bottle: &'b Bottle) -> Self {
        let mut routes = HashMap::new();
        for route in bottle.egress.iter().flat_map(|e| &e.value) {
            if let Some(host) = &route.host {
                routes.entry(printable(&host.value.to_ascii_lowercase())).or_insert(route);
            }
        }
        let mut env = HashMap::new();
        for var in &bottle.env {
            env.entry(var.name.value.as_str()).or_insert(&var.name.place);
        }
        Self { bottle, routes, env }
    }

    /// The place that makes the change: the value itself, else the part that it stands in. `None` where the
    /// manifest does not speak of it.
    pub fn place(&self, change: &Change) -> Option<Place> {
        let bottle = self.bottle;
        let workspace = bottle.workspace.as_ref();
        let whole_workspace = || workspace.map(|w| w.place.clone());
        let provider = &bottle.provider;
        match change.area {
            "egress" | "credential" => self.route(change),
            "env" | "literal" => self.env.get(change.subject.as_str()).map(|place| (*place).clone()),
            "mount" => workspace.and_then(|w| mount(change, &w.value)).or_else(whole_workspace),
            "workspace" => {
                let field = workspace.and_then(|w| match change.subject.as_str() {
                    "mode" => w.value.mode.as_ref().map(|f| &f.place),
                    _ => w.value.path.as_ref().map(|f| &f.place),
                });
                field.cloned().or_else(whole_workspace)
            }
            "limit" => {
                let resources = bottle.resources.as_ref()?;
                let field = match change.subject.as_str() {
                    "cpus" => &resources.value.cpus,
                    "memory" => &resources.value.memory,
                    _ => &resources.value.pids,
                };
                Some(field.as_ref().map_or_else(|| resources.place.clone(), |f| f.place.clone()))
            }
            // An agent's own, or a folder's: no field of the bottle.
            "prompt" | "skill" | "git" | "login" | "file" => None,
            _ => {
                let field = match change.subject.as_str() {
                    "template" => provider.template.as_ref().map(|f| &f.place),
                    "context" => provider.context.as_ref().or(provider.dockerfile.as_ref()).map(|f| &f.place),
                    _ => provider.dockerfile.as_ref().map(|f| &f.place),
                };
                field.cloned().or_else(|| provider.place.clone())
            }
        }
    }

    /// The route of the change's host, the one that decides it now, or the provider's entry, which
    /// makes routes of its own.
    fn route(&self, change: &Change) -> Option<Place> {
        let bottle = self.bottle;
        let decides = |route: &&Route| {
            route.host.as_ref().is_some_and(|h| host_matches(&h.value.to_ascii_lowercase(), &change.subject))
        };
        let all = || bottle.egress.iter().flat_map(|e| &e.value);
        let known = self.routes.get(&change.subject).copied();
        if let Some(route) = known.or_else(|| all().find(decides)) {
            // The part that holds the change, where a line can be named.
            let auth = route.auth.as_ref().filter(|_| change.area == "credential").map(|a| &a.place);
            return auth.or(route.host.as_ref().map(|h| &h.place)).cloned();
        }
        let token = bottle.provider.variables().next().map(|t| &t.place);
        let login = bottle.provider.forward_host_credentials.as_ref().map(|f| &f.place);
        let provider = bottle.provider.template.as_ref().map(|t| &t.place).or(bottle.provider.place.as_ref());
        token.or(login).or(provider).or(bottle.egress.as_ref().map(|e| &e.place)).cloned()
    }
}

fn mount(change: &Change, workspace: &Workspace) -> Option<Place> {
    let target = change.subject.rsplit(" → ").next()?;
    let same = |m: &&crate::manifest::MountSpec| {
        m.target.as_ref().is_some_and(|t| printable(t.value.trim_end_matches('/')) == target)
    };
    workspace.mounts.iter().find(same).map(|m| m.place.clone())
}
