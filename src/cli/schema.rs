//! `bot-bottle schema`.

use super::{CLEAN, Failure, terminal};
use crate::manifest::{Kind, schema_text};

/// Print the JSON Schema of a manifest, for editors that know nothing of bot-bottle, or of an audit's lines.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Of what.
    #[arg(value_enum, default_value = "bottle")]
    kind: KindArg,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum KindArg {
    Bottle,
    Agent,
    Audit,
}

const AUDIT: &str = include_str!("../../schema/audit.schema.json");

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let text = match args.kind {
        KindArg::Bottle => schema_text(Kind::Bottle),
        KindArg::Agent => schema_text(Kind::Agent),
        KindArg::Audit => AUDIT,
    };
    terminal::print(text)?;
    Ok(CLEAN)
}
