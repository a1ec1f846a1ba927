//! `bot-bottle schema`.

use super::{CLEAN, Failure, terminal};
use crate::manifest::{Kind, schema_text};

/// Print the JSON Schema of a manifest, for editors that know nothing of bot-bottle.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Of which kind of manifest.
    #[arg(value_enum, default_value = "bottle")]
    kind: KindArg,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum KindArg {
    Bottle,
    Agent,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let kind = match args.kind {
        KindArg::Bottle => Kind::Bottle,
        KindArg::Agent => Kind::Agent,
    };
    terminal::print(schema_text(kind))?;
    Ok(CLEAN)
}
