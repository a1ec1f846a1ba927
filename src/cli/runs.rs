//! `bot-bottle ps`, `logs`, `stop` and `attach`: runs seen from outside.

use super::operator::Operator;
use super::{CLEAN, Failure, terminal};
use crate::egress::{AuditLine, Verdict};
use crate::engine::{self, Attached, Record};
use crate::shown::printable;
use serde::Serialize;
use std::io::IsTerminal;

/// List the running bottles.
#[derive(clap::Args)]
pub(super) struct PsArgs {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    operator: Operator,
}

/// Show what a bottle's last run asked the egress for.
#[derive(clap::Args)]
pub(super) struct LogsArgs {
    /// The bottle's or agent's name, or a run's id.
    name: String,
    /// Only what was refused.
    #[arg(long)]
    denied: bool,
    /// The audit lines as they are, one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    operator: Operator,
}

/// End a running bottle.
#[derive(clap::Args)]
pub(super) struct StopArgs {
    /// The bottle's or agent's name, or a run's id.
    run: String,
    #[command(flatten)]
    operator: Operator,
}

/// Look at a running bottle's terminal; Ctrl-] leaves it.
#[derive(clap::Args)]
pub(super) struct AttachArgs {
    /// The bottle's or agent's name, or a run's id.
    run: String,
    #[command(flatten)]
    operator: Operator,
}

pub(super) fn ps(args: &PsArgs) -> Result<u8, Failure> {
    let settings = args.operator.settings()?;
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
    let row = |id: &str, name: &str, backend: &str, started: &str, workspace: &str| {
        format!("{id:<12} {name:<20} {backend:<11} {started:<21} {workspace}\n")
    };
    let rows =
        live.iter().map(|r| row(&r.id, &named(r), &r.backend, &r.started, &terminal::shown(&r.workspace)));
    std::iter::once(row("ID", "NAME", "BACKEND", "STARTED", "WORKSPACE")).chain(rows).collect()
}

/// A run's name, and what a person calls it.
fn named(run: &Record) -> String {
    match &run.label {
        Some(label) => format!("{} ({})", printable(&run.name), printable(label)),
        None => printable(&run.name),
    }
}

pub(super) fn logs(args: &LogsArgs) -> Result<u8, Failure> {
    let settings = args.operator.settings()?;
    // A name, or the id of a live run.
    let live = engine::ps(&settings.state, &settings.host);
    let by_id = live.iter().find(|r| r.id == args.name);
    let (name, run) = by_id.map_or((args.name.as_str(), None), |r| (r.name.as_str(), Some(r.id.as_str())));
    if engine::log_files(&settings.state, name, "audit.jsonl").is_empty() {
        return Err(Failure::usage(format!("no run of `{name}` is remembered")));
    }
    let lines = engine::logs(&settings.state, name, run, args.denied);
    let mut out = String::new();
    for line in &lines {
        if args.json {
            out.push_str(&serde_json::to_string(line).map_err(|e| Failure::Internal(e.to_string()))?);
            out.push('\n');
        } else {
            out.push_str(&shown(line));
        }
    }
    terminal::print(&out)?;
    Ok(CLEAN)
}

fn shown(line: &AuditLine) -> String {
    let verdict = if line.verdict == Verdict::Denied { "denied" } else { "allowed" };
    let code = line.code.as_deref().map(|c| format!(" ({c})")).unwrap_or_default();
    let (method, host, path) = (printable(&line.method), printable(&line.host), printable(&line.path));
    format!("{} {verdict:<7} {} {method} {host}{path}{code}\n", line.time, line.status)
}

pub(super) fn stop(args: &StopArgs) -> Result<u8, Failure> {
    let settings = args.operator.settings()?;
    let usage = |p: engine::Problem| Failure::usage(p.to_string());
    let record = engine::find(&settings.state, &settings.host, &args.run).map_err(usage)?;
    engine::stop(&settings.state, &settings.host, &record).map_err(usage)?;
    terminal::print(&format!("stopped {} ({})\n", record.id, printable(&record.name)))?;
    Ok(CLEAN)
}

pub(super) fn attach(args: &AttachArgs) -> Result<u8, Failure> {
    let settings = args.operator.settings()?;
    let usage = |p: engine::Problem| Failure::usage(p.to_string());
    let record = engine::find(&settings.state, &settings.host, &args.run).map_err(usage)?;
    let keyboard = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    match engine::attach(&settings.state, &record, keyboard, &mut std::io::stdout()).map_err(usage)? {
        Attached::Ended(code) => Ok(code),
        Attached::Detached => Ok(CLEAN),
    }
}
