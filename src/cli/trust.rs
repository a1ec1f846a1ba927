//! `bot-bottle trust` and `untrust`, and the question of a launch.

use super::operator::StateArg;
use super::{CLEAN, Failure, target, terminal, ui};
use crate::check::Cleared;
use crate::disk::Disk;
use crate::engine::trust::{Proposal, Standing, Trust};
use crate::engine::{Host, Looked, StateDir, silenced};
use crate::manifest::{Catalog, Found, Layout};
use crate::provider::Start;
use crate::shown;
use std::path::Path;
use std::sync::Arc;

/// Say yes to a bottle that is not your own: show what it allows, and remember it as it is now, for
/// launches from this folder.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The bottle, or an agent that runs in it.
    #[arg(value_name = "FILE[#NAME]", required_unless_present = "list")]
    target: Option<String>,
    /// List what is trusted: the manifest's real path, and the folder of its launches.
    #[arg(long, conflicts_with = "target")]
    list: bool,
    #[command(flatten)]
    state: StateArg,
}

/// Take the yes back.
#[derive(clap::Args)]
pub(super) struct UntrustArgs {
    /// The bottle's file.
    file: std::path::PathBuf,
    #[command(flatten)]
    state: StateArg,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let settings = args.state.settings()?;
    let layout = terminal::layout();
    let trust = Trust::new(&settings.state, &layout);
    let Some(target) = &args.target else { return list(&trust) };
    let catalog = Catalog::new(&Disk, &layout);
    let found = target::open(target, &catalog)?;
    let cleared = target::cleared(&found, &catalog, &Start::default())?;
    let looked = looked(&settings.host)?;
    let bottle = bottle_of(&found, &catalog, &looked)?;
    let standing = trust.standing(&bottle);
    let summary = standing.summary(&bottle.shown()) + &silenced(&cleared);
    match standing {
        Standing::Own => terminal::print("it is your own bottle, which needs no trust\n")?,
        Standing::Trusted => terminal::print("it is trusted already, and has not changed\n")?,
        Standing::Unknown(..) | Standing::Changed(..) => {
            trust.grant(&bottle).map_err(|e| Failure::usage(format!("cannot remember it: {e}")))?;
            terminal::print(&format!(
                "{summary}trusted as it is now; after any change you are asked again\n"
            ))?;
        }
    }
    Ok(CLEAN)
}

fn list(trust: &Trust<'_>) -> Result<u8, Failure> {
    let answers = trust.answers();
    if answers.is_empty() {
        terminal::print("nothing is trusted\n")?;
    }
    for answer in answers {
        let (real, folder) = (answer.real.display(), answer.folder.display());
        let text =
            format!("{real}#{}  for launches from {folder}  (shown by {})", answer.name, answer.program);
        terminal::print(&(shown::visible(&text) + "\n"))?;
    }
    Ok(CLEAN)
}

pub(super) fn untrust(args: &UntrustArgs) -> Result<u8, Failure> {
    let settings = args.state.settings()?;
    let layout = terminal::layout();
    let path = terminal::absolute(Path::new(&args.file));
    let any = Trust::new(&settings.state, &layout).revoke(&path)?;
    terminal::print(if any { "no longer trusted\n" } else { "it was not trusted\n" })?;
    Ok(CLEAN)
}

/// The bottle that a target launches in: itself, or the agent's.
pub(super) fn bottle_of(
    found: &Found,
    catalog: &Catalog<'_>,
    looked: &Arc<Looked>,
) -> Result<Proposal, Failure> {
    Proposal::of(found, catalog, looked).map_err(|e| Failure::usage(e.to_string()))
}

/// What a launch from the working folder takes of this host, to be looked at once.
///
/// # Errors
/// When the working folder is gone.
pub(super) fn looked(host: &Host) -> Result<Arc<Looked>, Failure> {
    Ok(Arc::new(Looked::new(host.home(), std::env::current_dir()?)))
}

/// Whether the bottle may be launched; asks at a terminal, and refuses where there is none.
pub(super) fn ask_for_trust(
    bottle: &Proposal,
    cleared: &Cleared,
    state: &StateDir,
    layout: &Layout,
) -> Result<bool, Failure> {
    let trust = Trust::new(state, layout);
    let standing = trust.standing(bottle);
    if let Some(moved) = trust.read_otherwise(bottle) {
        ui::tell(&moved.explained(&bottle.shown()));
    }
    if matches!(standing, Standing::Own | Standing::Trusted) {
        return Ok(true);
    }
    ui::tell(&(standing.summary(&bottle.shown()) + &silenced(cleared)));
    match ui::ask("Launch it, and trust it as it is now? [y/N]") {
        Some(answer) if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) => {
            trust.grant(bottle).map_err(|e| Failure::usage(format!("cannot remember the answer: {e}")))?;
            Ok(true)
        }
        Some(_) => Ok(false),
        None => {
            terminal::error("this bottle is not trusted; look at it, then run `bot-bottle trust FILE`");
            Ok(false)
        }
    }
}

impl Proposal {
    /// Its file and name, for a person.
    fn shown(&self) -> String {
        format!("{}#{}", terminal::shown(self.path()), self.name())
    }
}
