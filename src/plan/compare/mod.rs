//! What a change lets an agent do that it could not do before.

mod contents;
mod egress;
mod place;
mod render;

pub use place::Places;
pub use render::{DiffFormat, render_changes};

use super::{EnvValue, Plan, WorkspaceMode};
use crate::shown::decided_on;
use serde::Serialize;

/// Which way a permission moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The agent may do more. Also where it cannot be proven that it may not.
    Widened,
    /// Some of both, or another thing of the same kind.
    Changed,
    /// The agent may do less, and nothing more.
    Narrowed,
}

impl Direction {
    /// In lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Widened => "widened",
            Self::Changed => "changed",
            Self::Narrowed => "narrowed",
        }
    }

    fn of(widened: bool, narrowed: bool) -> Option<Self> {
        match (widened, narrowed) {
            (true, true) => Some(Self::Changed),
            (true, false) => Some(Self::Widened),
            (false, true) => Some(Self::Narrowed),
            (false, false) => None,
        }
    }
}

/// One permission that a change moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Which way.
    pub direction: Direction,
    /// What kind of permission: `egress`, `credential`, `env`, `workspace`, `mount`, `limit`, `agent`. What
    /// permits nothing by itself: `literal` (of the environment), `prompt`, `skill`, `login`, `git`, `file`.
    pub area: &'static str,
    /// The host, variable, folder or limit.
    pub subject: String,
    /// How it was; empty where it was not there.
    pub before: String,
    /// How it is; empty where it is gone.
    pub after: String,
}

impl Change {
    /// Whether an agent may do more by it, or something else that may be more.
    pub fn widens(&self) -> bool {
        self.direction != Direction::Narrowed && !contents::TOLD.contains(&self.area)
    }
}

/// What moves between two plans, the widened first. `None` stands for a manifest that is not there.
pub fn compare(old: Option<&Plan>, new: Option<&Plan>) -> Vec<Change> {
    let mut changes = Vec::new();
    egress::compare(routes(old), routes(new), &mut changes);
    env(old, new, &mut changes);
    workspace(old, new, &mut changes);
    own_image(old, new, &mut changes);
    if let (Some(old), Some(new)) = (old, new) {
        limits(old, new, &mut changes);
        agent(old, new, &mut changes);
        contents::contents(old, new, &mut changes);
    }
    changes.sort();
    changes
}

fn routes(plan: Option<&Plan>) -> &[crate::provider::EgressRoute] {
    plan.map(|p| p.egress_routes.as_slice()).unwrap_or_default()
}

fn push(
    changes: &mut Vec<Change>,
    direction: Option<Direction>,
    area: &'static str,
    subject: &str,
    (before, after): (String, String),
) {
    if let Some(direction) = direction {
        let (before, after) = (decided_on(&before), decided_on(&after));
        changes.push(Change { direction, area, subject: decided_on(subject), before, after });
    }
}

/// Values that come from the host or from a person; literals permit nothing.
fn env(old: Option<&Plan>, new: Option<&Plan>, changes: &mut Vec<Change>) {
    let taken = |plan: Option<&Plan>| -> Vec<(String, String)> {
        let variables = plan.map(|p| p.guest_env.as_slice()).unwrap_or_default();
        variables
            .iter()
            .filter_map(|(name, value)| match value {
                EnvValue::Host(from) => Some((name.clone(), format!("the host's {from}"))),
                EnvValue::Ask(_) => Some((name.clone(), "asked at launch".to_owned())),
                EnvValue::Literal(_) | EnvValue::SecretLiteral(_) => None,
            })
            .collect()
    };
    for (name, before, after) in paired(taken(old), taken(new)) {
        let direction = one_or_both(&before, &after);
        push(changes, direction, "env", &name, (before.unwrap_or_default(), after.unwrap_or_default()));
    }
}

/// Pairs two lists of name and value by name, in the order of both.
fn paired(
    old: Vec<(String, String)>,
    mut new: Vec<(String, String)>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let mut all = Vec::new();
    for (name, before) in old {
        let index = new.iter().position(|(n, _)| *n == name);
        let after = index.map(|i| new.remove(i).1);
        all.push((name, Some(before), after));
    }
    all.extend(new.into_iter().map(|(name, after)| (name, None, Some(after))));
    all
}

fn one_or_both(before: &Option<String>, after: &Option<String>) -> Option<Direction> {
    match (before, after) {
        (None, Some(_)) => Some(Direction::Widened),
        (Some(_), None) => Some(Direction::Narrowed),
        (Some(a), Some(b)) if a != b => Some(Direction::Changed),
        _ => None,
    }
}

fn workspace(old: Option<&Plan>, new: Option<&Plan>, changes: &mut Vec<Change>) {
    let mounts = |plan: Option<&Plan>| {
        let mounts = plan.map(|p| p.workspace.mounts.clone()).unwrap_or_default();
        mounts.into_iter().map(|m| ((m.source, m.target), m.read_only)).collect::<Vec<_>>()
    };
    let (before, after) = (mounts(old), mounts(new));
    let word = |read_only: &bool| if *read_only { "read only" } else { "writable" }.to_owned();
    let subject = |key: &(std::path::PathBuf, String)| format!("{} → {}", key.0.display(), key.1);
    for (key, was) in &before {
        let is = after.iter().find(|(k, _)| k == key).map(|(_, read_only)| read_only);
        let direction = match is {
            None => Some(Direction::Narrowed),
            Some(is) => Direction::of(*was && !*is, !*was && *is),
        };
        push(changes, direction, "mount", &subject(key), (word(was), is.map(word).unwrap_or_default()));
    }
    for (key, is) in after.iter().filter(|(k, _)| before.iter().all(|(b, _)| b != k)) {
        push(changes, Some(Direction::Widened), "mount", &subject(key), (String::new(), word(is)));
    }
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => (&old.workspace, &new.workspace),
        (None, Some(new)) => {
            let mode = (String::new(), mode_word(new.workspace.mode));
            return push(changes, Some(Direction::Widened), "workspace", "mode", mode);
        }
        (Some(old), None) => {
            let mode = (mode_word(old.workspace.mode), String::new());
            return push(changes, Some(Direction::Narrowed), "workspace", "mode", mode);
        }
        (None, None) => return,
    };
    let super::Workspace { path: _, mode: _, mounts: _ } = new;
    let writes = |mode: WorkspaceMode| mode == WorkspaceMode::Bind;
    let modes = (mode_word(old.mode), mode_word(new.mode));
    let direction =
        Direction::of(!writes(old.mode) && writes(new.mode), writes(old.mode) && !writes(new.mode));
    push(changes, direction, "workspace", "mode", modes);
    let path = |w: &super::Workspace| {
        w.path.as_ref().map_or("the folder of the launch".to_owned(), |p| p.display().to_string())
    };
    let direction = (old.path != new.path).then_some(Direction::Changed);
    push(changes, direction, "workspace", "path", (path(old), path(new)));
}

fn mode_word(mode: WorkspaceMode) -> String {
    match mode {
        WorkspaceMode::Bind => "bind: writes the folder itself",
        WorkspaceMode::Copy => "copy: writes a copy",
        WorkspaceMode::ReadOnly => "read_only",
    }
    .to_owned()
}

/// A manifest that comes or goes with an image of its own.
fn own_image(old: Option<&Plan>, new: Option<&Plan>, changes: &mut Vec<Change>) {
    let shown = |plan: &Plan| match &plan.dockerfile {
        super::Dockerfile::Shipped(_) => None,
        super::Dockerfile::Own { file: _, context: _ } => Some(plan.dockerfile.shown()),
    };
    match (old, new) {
        (None, Some(new)) => {
            let direction = shown(new).map(|_| Direction::Widened);
            push(changes, direction, "agent", "dockerfile", (String::new(), shown(new).unwrap_or_default()));
        }
        (Some(old), None) => {
            let direction = shown(old).map(|_| Direction::Narrowed);
            push(changes, direction, "agent", "dockerfile", (shown(old).unwrap_or_default(), String::new()));
        }
        _ => {}
    }
}

fn limits(old: &Plan, new: &Plan, changes: &mut Vec<Change>) {
    let (old, new) = (&old.resources, &new.resources);
    let super::Resources { cpus: _, memory: _, pids: _ } = new;
    let integer = |n: Option<u64>| n.map(|n| n as f64);
    for (subject, before, after) in [
        ("cpus", old.cpus, new.cpus),
        ("memory", integer(old.memory), integer(new.memory)),
        ("pids", integer(old.pids), integer(new.pids)),
    ] {
        let direction = match (before, after) {
            (Some(before), Some(after)) => Direction::of(after > before, after < before),
            // The backend's own default may lie on either side.
            (None, Some(_)) => Some(Direction::Changed),
            (Some(_), None) => Some(Direction::Widened),
            (None, None) => None,
        };
        let word = |n: Option<f64>| n.map_or("the backend's default".to_owned(), |n| n.to_string());
        push(changes, direction, "limit", subject, (word(before), word(after)));
    }
}

fn agent(old: &Plan, new: &Plan, changes: &mut Vec<Change>) {
    let differ = |a: &str, b: &str| (a != b).then_some(Direction::Changed);
    let pair = (old.template.to_owned(), new.template.to_owned());
    push(changes, differ(&pair.0, &pair.1), "agent", "template", pair.clone());
    // The shipped file follows the template, which is shown already.
    let context = |plan: &Plan| match &plan.dockerfile {
        super::Dockerfile::Shipped(_) => None,
        super::Dockerfile::Own { file: _, context } => Some(context.display().to_string()),
    };
    let (before, after) = (context(old), context(new));
    let own = before.is_some() || after.is_some();
    let pair = (old.dockerfile.shown(), new.dockerfile.shown());
    push(changes, differ(&pair.0, &pair.1).filter(|_| own), "agent", "dockerfile", pair.clone());
    let direction = match (&before, &after) {
        (None, Some(_)) => Some(Direction::Widened),
        (Some(_), None) => Some(Direction::Narrowed),
        (before, after) => (before != after).then_some(Direction::Changed),
    };
    let word = |context: Option<String>| context.unwrap_or_else(|| "nothing of the host".to_owned());
    push(changes, direction, "agent", "context", (word(before), word(after)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Catalog, Found, Layout, MemoryFiles};
    use crate::provider::Start;
    use std::path::Path;

    fn plan(text: &str) -> Plan {
        let mut files = MemoryFiles::default();
        files.insert("/p/a.bottle.yaml", text);
        let layout = Layout::default();
        let catalog = Catalog::new(&files, &layout);
        let source = catalog.source(Path::new("/p/a.bottle.yaml")).expect("source");
        let manifest = source.manifests[0].clone();
        crate::plan::draft(&Found { source, manifest }, &catalog, &Start::default()).expect("a plan")
    }

    fn changes(old: &str, new: &str) -> Vec<(&'static str, &'static str, String)> {
        let all = compare(Some(&plan(old)), Some(&plan(new)));
        all.into_iter().map(|c| (c.direction.word(), c.area, c.subject)).collect()
    }

    #[test]
    fn each_permission_has_its_direction() {
        let one = |direction, area, subject: &str| vec![(direction, area, subject.to_owned())];
        let literal = |name: &str| ("changed", "literal", name.to_owned());
        assert_eq!(changes("env: {A: x}", "env: {A: y, B: z}"), [literal("A"), literal("B")]);
        assert_eq!(changes("env: {}", "env: {LD_PRELOAD: /x}"), one("changed", "env", "LD_PRELOAD"));
        assert_eq!(changes("{}", "env: {A: '${B}'}"), one("widened", "env", "A"));
        assert_eq!(changes("workspace: {mode: copy}", "{}"), one("widened", "workspace", "mode"));
        assert_eq!(changes("{}", "workspace: {mode: read_only}"), one("narrowed", "workspace", "mode"));
        let mount =
            |ro: bool| format!("workspace: {{mounts: [{{source: /s, target: /t, read_only: {ro}}}]}}");
        assert_eq!(changes(&mount(true), &mount(false)), one("widened", "mount", "/s → /t"));
        assert_eq!(changes(&mount(true), "{}"), one("narrowed", "mount", "/s → /t"));
        assert_eq!(changes("resources: {pids: 5}", "resources: {pids: 4}"), one("narrowed", "limit", "pids"));
        assert_eq!(changes("resources: {memory: 1g}", "{}"), one("widened", "limit", "memory"));
    }

    #[test]
    fn what_permits_nothing_is_told_and_denies_nothing() {
        let widens = |old: &str, new: &str| {
            let all = compare(Some(&plan(old)), Some(&plan(new)));
            assert!(!all.is_empty(), "{old} to {new}");
            all.iter().any(Change::widens)
        };
        assert!(!widens("env: {A: x}", "env: {A: y}"));
        assert!(!widens("prompt: a", "prompt: b"));
        assert!(!widens(
            "git: {user: {name: a, email: a@example.com}}",
            "git: {user: {name: b, email: a@example.com}}"
        ));
        assert!(widens("env: {PATH: /a}", "env: {PATH: /b}"));
        assert!(widens("env: {A: x}", "env: {A: '${B}'}"));
    }

    #[test]
    fn a_new_manifest_is_all_widening() {
        let new = plan("egress: {routes: [{host: a.example.com}]}\nenv: {A: '${B}'}");
        assert!(compare(None, Some(&new)).iter().all(|c| c.direction == Direction::Widened));
        assert!(compare(Some(&new), None).iter().all(|c| c.direction == Direction::Narrowed));
        assert_eq!(compare(Some(&new), Some(&new)), []);
    }
}
