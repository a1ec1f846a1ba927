//! `bot-bottle explain`.

use super::{CLEAN, Failure, terminal};
use crate::check::{page, rules};

/// Print a rule's page: what it finds, why it matters, examples, how to silence it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The rule's id; without one, every rule in a line.
    rule: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let Some(id) = &args.rule else {
        let line = |r: &rules::Rule| format!("{:<28}{}\n", r.id, r.severity.word());
        terminal::print(&rules::all().iter().map(line).collect::<String>())?;
        return Ok(CLEAN);
    };
    let rule = rules::get(id).ok_or_else(|| {
        let near = rules::nearest_id(id).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        Failure::usage(format!("there is no rule `{id}`{near}"))
    })?;
    terminal::print(&page(rule).markdown)?;
    Ok(CLEAN)
}
