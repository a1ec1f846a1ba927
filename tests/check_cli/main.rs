//! `bot-bottle check` as a person, a script and a CI service run it.
// A skipped test says so.
#![allow(clippy::print_stdout)]

mod bad_input;
mod baseline;
mod fix;
mod formats;
mod rig;
mod selection;
mod usage;
mod watch;
