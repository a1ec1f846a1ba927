//! `bot-bottle plan`.

use super::{CLEAN, Failure, target, terminal};
use crate::disk::Disk;
use crate::manifest::Catalog;
use crate::plan::{Format, render};
use crate::provider::Start;

/// Show what a launch would do, without doing any of it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A manifest; `#NAME` picks one of several in a file. Or the name of an agent or a bottle.
    #[arg(value_name = "FILE[#NAME]")]
    target: String,
    /// How it is written.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,
    /// The plan of a launch that goes on with the last conversation.
    #[arg(long)]
    resume: bool,
    /// The plan of a launch with the vendor's remote control.
    #[arg(long)]
    remote_control: bool,
    /// The plan of a launch with one task and no terminal.
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    Text,
    Json,
    Yaml,
    Markdown,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let layout = terminal::layout();
    let catalog = Catalog::new(&Disk, &layout);
    let found = target::open(&args.target, &catalog)?;
    let start = Start {
        resume: args.resume,
        remote_control: args.remote_control,
        task: args.task.clone(),
        agent_args: Vec::new(),
    };
    let cleared = target::cleared(&found, &catalog, &start)?;
    let format = match args.format {
        FormatArg::Text => Format::Text,
        FormatArg::Json => Format::Json,
        FormatArg::Yaml => Format::Yaml,
        FormatArg::Markdown => Format::Markdown,
    };
    terminal::print(&render(cleared.plan(), format))?;
    Ok(CLEAN)
}
