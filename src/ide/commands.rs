//! What can be run from the editor, and where it is offered.

use super::Snapshot;
use crate::check::{masked, shown};
use crate::manifest::{Found, Manifest};
use crate::plan::{Format, plan, render};
use crate::provider::Start;
use crate::syntax::Span;

/// A command about one manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Shows the plan as Markdown.
    Plan,
    /// Shows what a launch would tell before it does anything.
    DryRun,
}

impl Command {
    /// Every command, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Plan, Self::DryRun];

    /// As the protocol names it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Plan => "bot-bottle.plan",
            Self::DryRun => "bot-bottle.dryRun",
        }
    }

    /// As a person sees it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plan => "Plan",
            Self::DryRun => "Dry run",
        }
    }

    /// The command with an id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.id() == id)
    }
}

/// A command that is offered above a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The manifest's first line.
    pub span: Span,
    /// What.
    pub command: Command,
    /// The manifest's name where the file holds several.
    pub name: Option<String>,
}

/// What is offered in a document.
pub fn lenses(snapshot: &Snapshot<'_>) -> Vec<Lens> {
    let source = snapshot.source;
    let several = source.manifests.len() > 1;
    let of = |manifest: &Manifest| {
        let start = source.root(manifest).map_or(0, |root| root.span.start as usize);
        let name = several.then(|| manifest.name.clone());
        Command::ALL.map(|command| Lens { span: Span::at(start), command, name: name.clone() })
    };
    source.manifests.iter().flat_map(of).collect()
}

/// Why a command gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The file holds several manifests and none was named, or another one was.
    #[error("{0}")]
    WhichManifest(String),
    /// The manifest has no plan.
    #[error("there is no plan: {0}")]
    NoPlan(String),
}

/// Runs a command about the manifest with a name, or the document's only one.
///
/// # Errors
/// When there is no such manifest, or it has no plan.
pub fn run(snapshot: &Snapshot<'_>, command: Command, name: Option<&str>) -> Result<String, CommandError> {
    let source = snapshot.source;
    let manifest = source.pick(name).cloned().ok_or_else(|| {
        let names: Vec<_> = source.manifests.iter().map(|m| shown(&m.name)).collect();
        let names = names.join(", ");
        CommandError::WhichManifest(match name {
            Some(name) => format!("there is no manifest `{}` here; there are {names}", shown(name)),
            None => format!("the file holds several manifests; name one of {names}"),
        })
    })?;
    let found = Found { source: source.clone(), manifest };
    let plan = plan(&found, snapshot.catalog, &Start::default())
        .map_err(|e| CommandError::NoPlan(shown(&e.to_string())))?;
    let format = match command {
        Command::Plan => Format::Markdown,
        Command::DryRun => Format::Text,
    };
    Ok(masked(&render(&plan, format)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    #[test]
    fn every_manifest_of_a_file_has_its_commands() {
        let text = "env: {}\n---\nname: other\nagent_provider: {template: codex}\n$0";
        marked(text).ask(|s, _| {
            let lenses = lenses(s);
            let seen: Vec<_> =
                lenses.iter().map(|l| (l.command.id(), l.name.as_deref(), l.span.start)).collect();
            let second = text.find("name").expect("name") as u32;
            assert_eq!(
                seen,
                [
                    ("bot-bottle.plan", Some("dev"), 0),
                    ("bot-bottle.dryRun", Some("dev"), 0),
                    ("bot-bottle.plan", Some("other"), second),
                    ("bot-bottle.dryRun", Some("other"), second),
                ]
            );
            assert!(run(s, Command::Plan, Some("other")).expect("a plan").contains("codex"));
            assert!(run(s, Command::DryRun, Some("dev")).expect("a plan").starts_with("name         dev"));
            let error = run(s, Command::Plan, None).expect_err("which?").to_string();
            assert_eq!(error, "the file holds several manifests; name one of dev, other");
            assert!(
                run(s, Command::Plan, Some("nope")).expect_err("which?").to_string().contains("dev, other")
            );
        });
        let unknown = marked("agent_provider: {template: x}$0\n");
        let error = unknown.ask(|s, _| run(s, Command::Plan, None)).expect_err("no plan");
        assert_eq!(error.to_string(), "there is no plan: there is no template `x`");
    }
}
