//! `-v` and `BOT_BOTTLE_LOG`: what is logged.

use super::{Failure, terminal};
use crate::log::{Filter, LogFile, Sink, VARIABLE, install};
use std::path::Path;

/// What the command line asks for, else the environment; `None` where neither does.
///
/// # Errors
/// When the variable says what is no filter, also where the command line decides.
pub(super) fn filter(verbose: u8) -> Result<Option<Filter>, Failure> {
    let said = std::env::var_os(VARIABLE).filter(|text| !text.is_empty());
    let said = said.map(|text| {
        let filter = Filter::parse(&text.to_string_lossy());
        filter.map_err(|error| Failure::usage(format!("{VARIABLE}: {error}")))
    });
    Ok(Filter::of_flag(verbose).or(said.transpose()?))
}

/// Logs into a file from here on.
pub(super) fn into_file(filter: Filter, path: &Path) -> Result<(), Failure> {
    let file = LogFile::open(path);
    let file = file.map_err(|e| Failure::usage(format!("cannot log into {}: {e}", terminal::shown(path))))?;
    install(filter, Sink::File(file));
    Ok(())
}
