//! `bot-bottle launch` and `bot-bottle exec`.

use super::operator::{Operator, backends};
use super::trust::{ask_for_trust, bottle_of, looked};
use super::ui::TerminalUi;
use super::{CLEAN, Failure, USAGE, target, terminal, ui};
use crate::check::Cleared;
use crate::disk::Disk;
use crate::engine::trust::Trust;
use crate::engine::{self, Cancel, Choice, LaunchError, LeftHome, Options, Resume, Subject, Talk, Upstream};
use crate::manifest::{Catalog, Found};
use crate::provider::Start;
use std::io::{self, IsTerminal};

/// Launch an agent in its bottle. The exit code is the agent's.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A manifest, or the name of an agent or a bottle.
    #[arg(value_name = "FILE[#NAME]")]
    target: String,
    /// What carries the guest.
    #[arg(long, value_name = "BACKEND", value_parser = backends())]
    backend: Option<Choice>,
    /// One task, without a terminal.
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Go on with the conversation of the last run, or of the run ID.
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    resume: Option<String>,
    /// Let the vendor's remote control drive the session.
    #[arg(long)]
    remote_control: bool,
    /// What you call the run; `ps` shows it.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Show what would be done, and do nothing. What a launch would refuse, this refuses too.
    #[arg(long)]
    dry_run: bool,
    /// Launch only if the manifest is still the one with this digest, as --dry-run shows it.
    #[arg(long)]
    digest: Option<String>,
    /// For programs: name every stage on standard error, and stop when standard input ends.
    #[arg(long, requires = "task")]
    supervised: bool,
    /// For terminals that close with their program: after a failure, wait for Enter.
    #[arg(long)]
    stay: bool,
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
    #[arg(long, value_name = "BACKEND", value_parser = backends())]
    backend: Option<Choice>,
    #[command(flatten)]
    operator: Operator,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<u8, Failure> {
    let start = Start {
        resume: args.resume.is_some(),
        remote_control: args.remote_control,
        task: args.task.clone(),
        agent_args: args.agent_args,
    };
    let ended = go(&Job {
        target: &args.target,
        backend: args.backend,
        operator: &args.operator,
        start,
        resume: args.resume.as_deref(),
        command: None,
        dry_run: args.dry_run,
        digest: args.digest.as_deref(),
        label: args.label.as_deref(),
        supervised: args.supervised,
    });
    let code = match ended {
        Ok(Ended::Done(code)) => return Ok(code),
        Ok(Ended::Refused(code)) => code,
        Err(failure) if args.stay => failure.tell(),
        Err(failure) => return Err(failure),
    };
    if args.stay && io::stdin().is_terminal() {
        terminal::note("nothing was launched; Enter closes this terminal");
        let _ = io::stdin().read_line(&mut String::new());
    }
    Ok(code)
}

/// What a launch came to.
enum Ended {
    /// The agent's exit code, or that of what was done in its place.
    Done(u8),
    /// No agent ran, and the reason has been printed.
    Refused(u8),
}

pub(super) fn exec(args: ExecArgs) -> Result<u8, Failure> {
    let ended = go(&Job {
        target: &args.target,
        backend: args.backend,
        operator: &args.operator,
        start: Start::default(),
        resume: None,
        command: Some(args.command),
        dry_run: false,
        digest: None,
        label: None,
        supervised: false,
    });
    ended.map(|(Ended::Done(code) | Ended::Refused(code))| code)
}

struct Job<'a> {
    target: &'a str,
    backend: Option<Choice>,
    operator: &'a Operator,
    start: Start,
    /// The run that is gone on with; empty for the last one.
    resume: Option<&'a str>,
    command: Option<Vec<String>>,
    dry_run: bool,
    digest: Option<&'a str>,
    label: Option<&'a str>,
    supervised: bool,
}

fn go(job: &Job<'_>) -> Result<Ended, Failure> {
    let settings = job.operator.settings()?;
    let layout = terminal::layout();
    let catalog = Catalog::new(&Disk, &layout);
    let found = target::open(job.target, &catalog)?;
    let cleared = target::cleared(&found, &catalog, &job.start)?;
    let looked = looked(&settings.host)?;
    let bottle = bottle_of(&found, &catalog, &looked)?;
    let digest = bottle.launch_digest(&found, &catalog).map_err(|e| Failure::usage(e.to_string()))?;
    if job.digest.is_some_and(|shown| shown != digest) {
        return Err(Failure::usage(changed(&found)));
    }
    let choice = job.backend.unwrap_or(settings.backend);
    let own = Subject::of(&found.source.path, &found.manifest.name);
    let mut options = Options {
        backend: choice,
        command: job.command.clone(),
        bottle: Some(bottle.subject()),
        subject: Some(own),
        digest: Some(digest.clone()),
        label: job.label.map(str::to_owned),
        resume: job.resume.map(|run| Resume { run: named(run), other_digest: false }),
        looked,
        ..Options::new(settings.state, settings.host, std::env::current_dir()?)
    };
    options.upstream = Upstream { remote_control: job.start.remote_control, ..settings.upstream };
    if job.dry_run {
        let run = engine::dry_run(&cleared, &options);
        terminal::print(&engine::outline(&cleared, &run, &digest))?;
        return run.refused.map_or(Ok(Ended::Done(CLEAN)), |error| Err(error.into()));
    }
    if !ask_for_trust(&bottle, &cleared, &options.state, &layout)? || !ask_for_home(&cleared, &mut options)? {
        return Ok(Ended::Refused(USAGE));
    }
    let state = options.state.clone();
    let code = start(job, &cleared, options)?;
    if let Err(error) = Trust::new(&state, &layout).launched(&bottle) {
        terminal::note(&format!("how this bottle is read by this version cannot be remembered: {error}"));
    }
    Ok(Ended::Done(code))
}

/// Why a digest is refused.
fn changed(found: &Found) -> String {
    let (file, name) = (terminal::shown(&found.source.path), &found.manifest.name);
    format!(
        "{file}#{name} is not launched: it, or a file behind it, has changed since it was shown; \
         look at it again (`bot-bottle launch --dry-run {file}#{name}`) and launch what it is now"
    )
}

/// A run's id, where one was given.
fn named(run: &str) -> Option<String> {
    Some(run.to_owned()).filter(|run| !run.is_empty())
}

/// Asks whether a home that another thing left may be gone on with; an agent wrote in it, and what is
/// launched now may have other credentials.
fn ask_for_home(cleared: &Cleared, options: &mut Options) -> Result<bool, Failure> {
    let Some(resume) = &options.resume else { return Ok(true) };
    let other = options.resumes_another(cleared.plan(), resume.run.as_deref());
    let Some(LeftHome { run, holds }) = other.map_err(|p| Failure::usage(p.to_string()))? else {
        return Ok(true);
    };
    if !holds.is_empty() {
        terminal::note(&format!("the home of the run {run} holds what a program may obey: {holds}"));
    }
    let question = format!(
        "The run {run} left this home, and what is launched now is another thing than it was. Go on in it? [y/N]"
    );
    match ui::ask(&question) {
        Some(answer) if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) => {
            options.resume = Some(Resume { run: Some(run), other_digest: true });
            Ok(true)
        }
        Some(_) => Ok(false),
        None => {
            terminal::error(&format!(
                "the run {run} left this home, and what is launched now is another thing than it was; resume \
                 it at a terminal, which asks, or launch without --resume"
            ));
            Ok(false)
        }
    }
}

fn start(job: &Job<'_>, cleared: &Cleared, options: Options) -> Result<u8, Failure> {
    let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let talk = if interactive && job.start.task.is_none() { Talk::Terminal } else { Talk::Stream };
    if talk == Talk::Stream && job.start.task.is_none() && job.command.is_none() {
        return Err(Failure::usage("there is no terminal for the agent; give it a task with --task"));
    }
    if job.supervised {
        stop_with_input(options.cancel.clone())?;
    }
    let options = Options { talk, watch_signals: true, ..options };
    match engine::launch(cleared, &options, &TerminalUi::new(cleared, job.supervised)) {
        Ok(outcome) => Ok(outcome.code),
        // Whoever cancels knows why, and needs no terminal that stays.
        Err(error @ LaunchError::Cancelled { .. }) => Ok(Failure::from(error).tell()),
        Err(error) => Err(error.into()),
    }
}

/// Cancels when standard input ends: also when the program that supervises the launch was killed.
fn stop_with_input(cancel: Cancel) -> io::Result<()> {
    let wait = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        cancel.cancel();
    };
    std::thread::Builder::new().name("supervisor".to_owned()).spawn(wait).map(drop)
}
