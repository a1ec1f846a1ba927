//! `bot-bottle ps`, `logs`, `stop` and `attach`: runs seen from outside.

use super::operator::StateArg;
use super::{CLEAN, Failure, terminal};
use crate::egress::{AuditLine, Recorded};
use crate::engine::{self, Attached, Record, StateDir, Subject};
use crate::shown::{self, printable};
use serde::Serialize;
use std::io::IsTerminal;

/// List the running bottles.
#[derive(clap::Args)]
pub(super) struct PsArgs {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: StateArg,
}

/// Show what a manifest's last run, or the run of an id, asked the egress for.
#[derive(clap::Args)]
pub(super) struct LogsArgs {
    /// The bottle's or agent's file (FILE[#NAME]) or name, or a run's id.
    #[arg(value_name = "FILE|NAME|ID")]
    which: String,
    /// Only what was refused.
    #[arg(long)]
    denied: bool,
    /// The audit lines as they are, one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: StateArg,
}

/// End a running bottle.
#[derive(clap::Args)]
pub(super) struct StopArgs {
    /// The bottle's or agent's name or file, or a run's id.
    #[arg(value_name = "FILE|NAME|ID")]
    run: String,
    #[command(flatten)]
    state: StateArg,
}

/// Look at a running bottle's terminal; Ctrl-] leaves it.
#[derive(clap::Args)]
pub(super) struct AttachArgs {
    /// The bottle's or agent's name or file, or a run's id.
    #[arg(value_name = "FILE|NAME|ID")]
    run: String,
    #[command(flatten)]
    state: StateArg,
}

pub(super) fn ps(args: &PsArgs) -> Result<u8, Failure> {
    let settings = args.state.settings()?;
    let live = engine::ps(&settings.state, &settings.host);
    let text = if args.json { json(&live)? } else { table(&live) };
    terminal::print(&text)?;
    Ok(CLEAN)
}

fn json(live: &[Record]) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Runs<'a> {
        version: u32,
        runs: &'a [Record],
    }
    let text = serde_json::to_string_pretty(&Runs { version: 1, runs: live });
    Ok(text.map_err(|e| Failure::Internal(e.to_string()))? + "\n")
}

fn table(live: &[Record]) -> String {
    if live.is_empty() {
        return "no bottle is running\n".to_owned();
    }
    let row = |[id, name, backend, started, workspace, manifest]: [&str; 6]| {
        format!("{id:<12} {name:<20} {backend:<11} {started:<21} {workspace:<30} {manifest}\n")
    };
    let of = |r: &Record| {
        let manifest = r.manifest.as_deref().map(terminal::shown).unwrap_or_default();
        let workspace = terminal::shown(&r.workspace);
        row([&r.id, &named(r), r.backend.name(), &printable(&r.started), &workspace, &manifest])
    };
    let head = row(["ID", "NAME", "BACKEND", "STARTED", "WORKSPACE", "MANIFEST"]);
    std::iter::once(head).chain(live.iter().map(of)).collect()
}

/// A run's name, and what a person calls it.
fn named(run: &Record) -> String {
    match &run.label {
        Some(label) => format!("{} ({})", printable(&run.name), printable(label)),
        None => printable(&run.name),
    }
}

pub(super) fn logs(args: &LogsArgs) -> Result<u8, Failure> {
    let settings = args.state.settings()?;
    engine::sweep(&settings.state, &settings.host);
    let (subject, run) = logged(&settings.state, &args.which)?;
    let lines = engine::logs(&settings.state, &subject, run, args.denied);
    let mut out = String::new();
    for recorded in lines {
        if args.json {
            out.push_str(&json_lines(recorded).map_err(|e| Failure::Internal(e.to_string()))?);
        } else {
            out.push_str(&shown(&recorded));
        }
    }
    terminal::print(&out)?;
    Ok(CLEAN)
}

/// Whose logs a person means, and of which run.
fn logged<'a>(state: &StateDir, which: &'a str) -> Result<(Subject, Option<&'a str>), Failure> {
    let all = engine::logged(state);
    let of_run = |s: &&Subject| {
        let files = engine::log_files(state, s, "audit.jsonl");
        files
            .iter()
            .any(|f| !f.is_symlink() && f.to_string_lossy().ends_with(&format!("-{which}.audit.jsonl")))
    };
    if let Some(subject) = all.iter().find(of_run) {
        return Ok((subject.clone(), Some(which)));
    }
    let (file, name) = which.rsplit_once('#').map_or((which, None), |(file, name)| (file, Some(name)));
    let real = file.contains(['/', '.']).then(|| std::fs::canonicalize(file).ok()).flatten();
    let meant = |s: &&Subject| match &real {
        Some(real) => s.file == *real && name.is_none_or(|name| s.name == name),
        None => s.name == which,
    };
    let shown = shown::printable(which);
    match all.iter().filter(meant).collect::<Vec<_>>().as_slice() {
        [one] => Ok(((*one).clone(), None)),
        [] => Err(Failure::usage(format!("no run of `{shown}` is remembered"))),
        several => {
            let files: Vec<_> = several.iter().map(|s| format!("{}#{}", s.file.display(), s.name)).collect();
            let files = shown::visible(&files.join(", "));
            Err(Failure::usage(format!(
                "several manifests are called `{shown}`; name one by its file: {files}"
            )))
        }
    }
}

/// A request's lines, one behind the other.
fn json_lines(recorded: Recorded) -> serde_json::Result<String> {
    let request = serde_json::to_string(&AuditLine::Request(recorded.request))?;
    let end = recorded.end.map(|end| serde_json::to_string(&AuditLine::End(end))).transpose()?;
    Ok([request].into_iter().chain(end).map(|line| line + "\n").collect())
}

fn shown(recorded: &Recorded) -> String {
    let line = &recorded.request;
    let verdict = if recorded.is_denied() { "denied" } else { "allowed" };
    let code = recorded.code().map(|c| format!(" ({c})")).unwrap_or_default();
    let status = recorded.status().map_or_else(|| "-".to_owned(), |status| status.to_string());
    let (method, host, path) = (printable(&line.method), printable(&line.host), printable(&line.path));
    format!("{} {verdict:<7} {status:<3} {method} {host}{path}{code}\n", printable(&line.time))
}

pub(super) fn stop(args: &StopArgs) -> Result<u8, Failure> {
    let settings = args.state.settings()?;
    let usage = |p: engine::Problem| Failure::usage(p.to_string());
    let record = engine::find(&settings.state, &settings.host, &args.run).map_err(usage)?;
    engine::stop(&settings.state, &settings.host, &record).map_err(usage)?;
    terminal::print(&format!("stopped {} ({})\n", record.id, printable(&record.name)))?;
    Ok(CLEAN)
}

pub(super) fn attach(args: &AttachArgs) -> Result<u8, Failure> {
    let settings = args.state.settings()?;
    let usage = |p: engine::Problem| Failure::usage(p.to_string());
    let record = engine::find(&settings.state, &settings.host, &args.run).map_err(usage)?;
    let keyboard = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    match engine::attach(&settings.state, &record, keyboard, &mut std::io::stdout()).map_err(usage)? {
        Attached::Ended(code) => Ok(code),
        Attached::Detached => Ok(CLEAN),
    }
}
