//! What can be run from the editor, and where it is offered.

use super::Snapshot;
use crate::check::{Cleared, Refused, clear, masked, shown};
use crate::manifest::{Found, Manifest};
use crate::plan::{Format, Plan, render};
use crate::provider::Start;
use crate::syntax::Span;

/// A command about one manifest or one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Launches the manifest.
    Launch,
    /// Opens the terminal of a run.
    Attach,
    /// Ends a run.
    Stop,
    /// Shows the plan as Markdown.
    Plan,
    /// Shows what a launch would tell before it does anything.
    DryRun,
}

impl Command {
    /// Every command, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Launch, Self::Attach, Self::Stop, Self::Plan, Self::DryRun];

    /// As the protocol names it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Launch => "bot-bottle.launch",
            Self::Attach => "bot-bottle.attach",
            Self::Stop => "bot-bottle.stop",
            Self::Plan => "bot-bottle.plan",
            Self::DryRun => "bot-bottle.dryRun",
        }
    }

    /// The command with an id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.id() == id)
    }
}

/// A run that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub id: String,
    /// The name of its bottle or agent.
    pub name: String,
    /// How long it has been running, in whole minutes.
    pub minutes: u64,
    /// How many of its requests were refused.
    pub refusals: usize,
}

impl Running {
    /// «running 12 min, 3 refusals».
    fn words(&self) -> String {
        let time = match (self.minutes / 60, self.minutes % 60) {
            (0, 0) => "running".to_owned(),
            (0, minutes) => format!("running {minutes} min"),
            (hours, minutes) => format!("running {hours} h {minutes} min"),
        };
        match self.refusals {
            0 => time,
            1 => time + ", 1 refusal",
            n => format!("{time}, {n} refusals"),
        }
    }
}

/// What a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A manifest of the document: its name where the file holds several.
    Manifest(Option<String>),
    /// A run, by its id.
    Run(String),
}

/// A command that is offered above a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The manifest's first line.
    pub span: Span,
    /// As a person sees it.
    pub title: String,
    /// What.
    pub command: Command,
    /// About what.
    pub subject: Subject,
}

/// What is offered in a document. `runs` are those of its file; `terminal` is whether an agent's
/// terminal can be shown, without which a person has no way to talk to it.
pub fn lenses(snapshot: &Snapshot<'_>, runs: &[Running], terminal: bool) -> Vec<Lens> {
    let source = snapshot.source;
    let several = source.manifests.len() > 1;
    let of = |manifest: &Manifest| {
        let start = source.root(manifest).map_or(0, |root| root.span.start as usize);
        let subject = Subject::Manifest(several.then(|| manifest.name.clone()));
        let lens = |command, title: String, subject| Lens { span: Span::at(start), title, command, subject };
        let about = |command, title: &str| lens(command, title.to_owned(), subject.clone());
        let mut all = Vec::new();
        for run in runs.iter().filter(|r| r.name == manifest.name) {
            let run_lens = |command, title| lens(command, title, Subject::Run(run.id.clone()));
            if terminal {
                all.push(run_lens(Command::Attach, run.words()));
                all.push(run_lens(Command::Stop, "Stop".to_owned()));
            } else {
                all.push(run_lens(Command::Stop, format!("Stop ({})", run.words())));
            }
        }
        if all.is_empty() && terminal {
            let found = Found { source: source.clone(), manifest: manifest.clone() };
            all.push(match clear(&found, snapshot.catalog, &Start::default()) {
                Ok(_) => about(Command::Launch, "Launch"),
                // The dry run says no, and why, where the launch would.
                Err(refused) => about(Command::DryRun, &will_not_launch(&refused)),
            });
        }
        all.extend([about(Command::Plan, "Plan"), about(Command::DryRun, "Dry run")]);
        all
    };
    source.manifests.iter().flat_map(of).collect()
}

/// The longest reason that a lens shows; the finding has the rest.
const LONGEST_REASON: usize = 80;

/// The first reason, in a line.
fn will_not_launch(refused: &Refused) -> String {
    let reason = match refused {
        Refused::Errors(errors) => errors.first().map(|e| e.message.clone()).unwrap_or_default(),
        Refused::NoPlan(error) => shown(&error.to_string()),
    };
    let cut = reason.char_indices().nth(LONGEST_REASON).map_or(reason.len(), |(i, _)| i);
    let more = if cut < reason.len() { "…" } else { "" };
    format!("Will not launch: {}{more}", &reason[..cut])
}

/// Why a command gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The file holds several manifests and none was named, or another one was.
    #[error("{0}")]
    WhichManifest(String),
    /// The manifest, or a bottle that it refers to, is refused; the first reason.
    #[error("there is no plan: {0}")]
    NoPlan(String),
}

/// The manifest with a name, or the document's only one.
///
/// # Errors
/// When there is no such manifest.
pub fn pick(snapshot: &Snapshot<'_>, name: Option<&str>) -> Result<Found, CommandError> {
    let source = snapshot.source;
    let manifest = source.pick(name).cloned().ok_or_else(|| {
        let names: Vec<_> = source.manifests.iter().map(|m| shown(&m.name)).collect();
        let names = names.join(", ");
        CommandError::WhichManifest(match name {
            Some(name) => format!("there is no manifest `{}` here; there are {names}", shown(name)),
            None => format!("the file holds several manifests; name one of {names}"),
        })
    })?;
    Ok(Found { source: source.clone(), manifest })
}

/// What a launch of a manifest would carry out.
///
/// # Errors
/// When a launch would refuse it, with the first reason.
pub fn cleared(found: &Found, snapshot: &Snapshot<'_>) -> Result<Cleared, CommandError> {
    clear(found, snapshot.catalog, &Start::default()).map_err(|e| CommandError::NoPlan(e.first()))
}

/// The plan as Markdown.
pub fn page(plan: &Plan) -> String {
    masked(&render(plan, Format::Markdown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    fn titles(lenses: &[Lens]) -> Vec<(&str, &str)> {
        lenses.iter().map(|l| (l.command.id(), l.title.as_str())).collect()
    }

    #[test]
    fn every_manifest_of_a_file_has_its_commands() {
        let text = "env: {}\n---\nname: other\nagent_provider: {template: codex}\n$0";
        marked(text).ask(|s, _| {
            let lenses = lenses(s, &[], true);
            let seen: Vec<_> =
                lenses.iter().map(|l| (l.command.id(), l.subject.clone(), l.span.start)).collect();
            let second = text.find("name").expect("name") as u32;
            let of = |name: &str| Subject::Manifest(Some(name.to_owned()));
            assert_eq!(
                seen,
                [
                    ("bot-bottle.launch", of("dev"), 0),
                    ("bot-bottle.plan", of("dev"), 0),
                    ("bot-bottle.dryRun", of("dev"), 0),
                    ("bot-bottle.launch", of("other"), second),
                    ("bot-bottle.plan", of("other"), second),
                    ("bot-bottle.dryRun", of("other"), second),
                ]
            );
            let plan = |name| cleared(&pick(s, name).expect("a manifest"), s).expect("a plan");
            assert!(page(plan(Some("other")).plan()).contains("codex"));
            let error = pick(s, None).expect_err("which?").to_string();
            assert_eq!(error, "the file holds several manifests; name one of dev, other");
            assert!(pick(s, Some("nope")).expect_err("which?").to_string().contains("dev, other"));
        });
    }

    #[test]
    fn what_has_no_plan_is_not_launched() {
        marked("agent_provider: {template: x}$0\n").ask(|s, _| {
            let error = cleared(&pick(s, None).expect("a manifest"), s).expect_err("no plan");
            assert!(error.to_string().starts_with("there is no plan: there is no template `x`"), "{error}");
            let lenses = lenses(s, &[], true);
            let [(first, why), rest @ ..] = &titles(&lenses)[..] else { panic!("no lens") };
            assert_eq!(
                (*first, rest),
                ("bot-bottle.dryRun", &[("bot-bottle.plan", "Plan"), ("bot-bottle.dryRun", "Dry run")][..])
            );
            assert!(why.starts_with("Will not launch: there is no template `x`"), "{why}");
        });
        // What is wrong in another file counts here too, and another document of this one does not.
        let text = "//- /p/a.agent.yaml\nbottle: d$0ev\n//- /p/dev.bottle.yaml\nenvv: {}\n";
        marked(text).ask(|s, _| assert!(titles(&lenses(s, &[], true))[0].1.starts_with("Will not launch")));
        marked("envv: {}\n---\nname: other\nenv: {}$0\n").ask(|s, _| {
            let all = lenses(s, &[], true);
            let launches = all.iter().filter(|l| l.command == Command::Launch);
            let subjects: Vec<_> = launches.map(|l| l.subject.clone()).collect();
            assert_eq!(subjects, [Subject::Manifest(Some("other".to_owned()))]);
        });
    }

    #[test]
    fn a_run_stands_in_the_place_of_its_launch() {
        let run = |name: &str, minutes, refusals| Running {
            id: "1f".to_owned(),
            name: name.to_owned(),
            minutes,
            refusals,
        };
        marked("env: {}$0\n").ask(|s, _| {
            let first = |run, terminal| titles(&lenses(s, &[run], terminal))[0].1.to_owned();
            let lenses = lenses(s, &[run("dev", 12, 3)], true);
            assert_eq!(
                titles(&lenses)[..2],
                [("bot-bottle.attach", "running 12 min, 3 refusals"), ("bot-bottle.stop", "Stop")]
            );
            assert_eq!(lenses[1].subject, Subject::Run("1f".to_owned()));
            assert_eq!(first(run("dev", 0, 1), true), "running, 1 refusal");
            assert_eq!(first(run("dev", 61, 0), false), "Stop (running 1 h 1 min)");
            assert_eq!(first(run("other", 1, 0), true), "Launch");
            assert_eq!(first(run("other", 1, 0), false), "Plan");
        });
    }
}
