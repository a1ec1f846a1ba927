//! `bot-bottle launch` and `bot-bottle exec`.

use super::operator::{BackendArg, Operator, Settings};
use super::trust::{ask_for_trust, bottle_of};
use super::ui::TerminalUi;
use super::{CLEAN, Failure, USAGE, target, terminal};
use crate::disk::Disk;
use crate::engine::{self, Cancel, LaunchError, Options, Talk, Upstream};
use crate::manifest::Catalog;
use crate::plan::{Plan, plan, preflight};
use crate::provider::Start;
use std::io::IsTerminal;

/// Launch an agent in its bottle. The exit code is the agent's.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A manifest, or the name of an agent or a bottle.
    #[arg(value_name = "FILE[#NAME]")]
    target: String,
    /// What carries the guest.
    #[arg(long, value_enum)]
    backend: Option<BackendArg>,
    /// One task, without a terminal.
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Go on with the last conversation.
    #[arg(long)]
    resume: bool,
    /// Let the vendor's remote control drive the session.
    #[arg(long)]
    remote_control: bool,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    operator: Operator,
    /// Arguments for the agent.
    #[arg(last = true, value_name = "AGENT ARGS")]
    agent_args: Vec<String>,
}

/// Run another command in a bottle, in the agent's place.
#[derive(clap::Args)]
pub(super) struct ExecArgs {
    /// A manifest, or the name of an agent or a bottle.
    #[arg(value_name = "FILE[#NAME]")]
    target: String,
    /// What carries the guest.
    #[arg(long, value_enum)]
    backend: Option<BackendArg>,
    #[command(flatten)]
    operator: Operator,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<u8, Failure> {
    let start = Start {
        resume: args.resume,
        remote_control: args.remote_control,
        task: args.task.clone(),
        agent_args: args.agent_args,
    };
    go(&Job {
        target: &args.target,
        backend: args.backend,
        operator: &args.operator,
        start,
        command: None,
        dry_run: args.dry_run,
    })
}

pub(super) fn exec(args: ExecArgs) -> Result<u8, Failure> {
    go(&Job {
        target: &args.target,
        backend: args.backend,
        operator: &args.operator,
        start: Start::default(),
        command: Some(args.command),
        dry_run: false,
    })
}

struct Job<'a> {
    target: &'a str,
    backend: Option<BackendArg>,
    operator: &'a Operator,
    start: Start,
    command: Option<Vec<String>>,
    dry_run: bool,
}

fn go(job: &Job<'_>) -> Result<u8, Failure> {
    let settings = job.operator.settings()?;
    let layout = terminal::layout();
    let catalog = Catalog::new(&Disk, &layout);
    let target = target::open(job.target, &catalog)?;
    if let Some(code) = target.refused() {
        return Ok(code);
    }
    let plan = plan(&target.found, &catalog, &job.start).map_err(|e| Failure::usage(e.to_string()))?;
    let choice = job.backend.map_or(settings.backend, Into::into);
    if job.dry_run {
        let backend = engine::backend_name(choice, &settings.host);
        let backend = backend.map_err(|problem| Failure::usage(problem.to_string()))?;
        terminal::print(&format!("{}{}", preflight(&plan, backend), stages(&plan)))?;
        return Ok(CLEAN);
    }
    let bottle = bottle_of(&target.found, &catalog)?;
    if !ask_for_trust(&bottle, &settings.state, &layout)? {
        return Ok(USAGE);
    }
    start(job, &plan, choice, settings)
}

fn start(job: &Job<'_>, plan: &Plan, choice: engine::Choice, settings: Settings) -> Result<u8, Failure> {
    let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let talk = if interactive && job.start.task.is_none() { Talk::Terminal } else { Talk::Stream };
    if talk == Talk::Stream && job.start.task.is_none() && job.command.is_none() {
        return Err(Failure::usage("there is no terminal for the agent; give it a task with --task"));
    }
    let project = std::env::current_dir()?;
    let options = Options {
        backend: choice,
        command: job.command.clone(),
        resume: job.start.resume,
        talk,
        upstream: Upstream { remote_control: job.start.remote_control, ..settings.upstream },
        cancel: Cancel::default(),
        watch_signals: true,
        ..Options::new(settings.state, settings.host, project)
    };
    match engine::launch(plan, &options, &TerminalUi::new(plan)) {
        Ok(outcome) => Ok(outcome.code),
        Err(LaunchError::Cancelled { stage }) => {
            terminal::error(&LaunchError::Cancelled { stage }.to_string());
            // What a shell gives a program that Ctrl-C ended.
            Ok(130)
        }
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}

fn stages(plan: &Plan) -> String {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let lines = engine::Stage::ALL.map(|stage| {
        let what = match stage {
            engine::Stage::Credentials => count(plan.token_refs().len(), "credential", "credentials"),
            engine::Stage::Egress => count(plan.egress_routes.len(), "route", "routes"),
            engine::Stage::Dirs => count(plan.dirs.len(), "folder", "folders"),
            engine::Stage::PreCopy => count(plan.pre_copy.len(), "command", "commands"),
            engine::Stage::Files => count(plan.files.len(), "file", "files"),
            engine::Stage::Verify => count(plan.verify.len(), "command", "commands"),
            engine::Stage::Image => plan.image.to_owned(),
            _ => String::new(),
        };
        format!("  {:<12} {what}", stage.name()).trim_end().to_owned()
    });
    format!("stages\n{}\n", lines.join("\n"))
}
