//! `bot-bottle check`, `init`, the commands that make a plan, and `explain` as a person, a script and a CI service run them.
// A skipped test says so.
#![allow(clippy::print_stdout)]

mod bad_input;
mod baseline;
mod behind;
pub(crate) mod can;
mod cases;
mod console;
mod denied;
mod doors;
mod dry_run;
mod explain;
mod fix;
mod formats;
mod hostile;
mod init;
mod names;
mod pairs;
mod permissions;
mod review;
mod revisions;
mod rig;
mod selection;
mod systems;
mod team;
mod usage;
mod watch;
