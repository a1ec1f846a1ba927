//! `bot-bottle doctor`.

use super::{CLEAN, FINDINGS, Failure, terminal};
use crate::engine::{self, BackendKind, Choice, Host};
use crate::manifest::Kind;
use std::fs::DirEntry;
use std::process::{Command, Stdio};

/// Say what this machine can run, and the command that adds what it lacks.
#[derive(clap::Args)]
pub(super) struct Args {}

/// One thing that was looked at.
struct Look {
    what: &'static str,
    /// What is there, or what is wrong and what to do.
    result: Result<String, String>,
    /// A launch needs it, or one of its kind.
    runtime: bool,
}

pub(super) fn run(_: &Args) -> Result<u8, Failure> {
    let host = Host::of_this_process().ok_or_else(|| Failure::usage("HOME names no folder; set it"))?;
    let mut looks: Vec<Look> = BackendKind::ALL
        .iter()
        .map(|&kind| {
            let found = engine::backend_kind(Choice::Of(kind), &host);
            Look {
                what: kind.name(),
                result: found.map(|_| "works".to_owned()).map_err(|p| p.to_string()),
                runtime: true,
            }
        })
        .collect();
    let install = "install it: apt-get install git";
    looks.push(Look { what: "git", result: version("git").ok_or(install.to_owned()), runtime: false });
    looks.push(Look { what: "limits", result: Ok(engine::limits_support().to_owned()), runtime: false });
    looks.push(Look { what: "bottles", result: bottles(), runtime: false });
    let mut out = String::new();
    for look in &looks {
        let (mark, text) = match &look.result {
            Ok(text) => ("ok", text),
            Err(text) => ("--", text),
        };
        out.push_str(&format!("{mark}  {:<11} {text}\n", look.what));
    }
    let can_launch = looks.iter().any(|l| l.runtime && l.result.is_ok());
    out.push_str(
        match engine::backend_kind(Choice::Auto, &host) {
            Ok(name) if can_launch => format!("a launch uses {name}\n"),
            _ => "a launch needs one runtime: apt-get install bubblewrap\n".to_owned(),
        }
        .as_str(),
    );
    terminal::print(&out)?;
    Ok(if can_launch { CLEAN } else { FINDINGS })
}

fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    tracing::debug!(program, code = output.status.code(), "the program ended");
    let text = String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned();
    output.status.success().then_some(text)
}

/// The user's own bottles.
fn bottles() -> Result<String, String> {
    let dir = terminal::layout().bottles().ok_or("HOME names no folder")?;
    let layout = terminal::layout();
    let is_bottle = |entry: &DirEntry| layout.identify(&entry.path()).is_some_and(|i| i.kind == Kind::Bottle);
    match std::fs::read_dir(&dir).map(|entries| entries.filter_map(Result::ok).filter(is_bottle).count()) {
        Ok(n) => Ok(format!("{n} in {}", dir.display())),
        Err(_) => Err(format!("there is no {}; `bot-bottle init --home` makes one", dir.display())),
    }
}
