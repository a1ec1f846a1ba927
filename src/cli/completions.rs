//! `bot-bottle completions`.

use super::{CLEAN, Failure, terminal};

/// Print the completions of a shell.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "bot-bottle", &mut out);
    terminal::print(&String::from_utf8_lossy(&out))?;
    Ok(CLEAN)
}
