//! `check -`: a manifest from standard input, as editors and hooks pass it.

use super::emit::Emitter;
use super::examine::{Examiner, Outcome};
use super::inputs::Input;
use super::{Args, Failure, exit_code, fixing};
use crate::cli::terminal;
use crate::disk::Remembered;
use crate::manifest::{Catalog, Layout, Source};
use crate::syntax::{MAX_BYTES, decode};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(args: &Args, layout: &Layout) -> Result<u8, Failure> {
    let name = args.stdin_filename.as_deref().unwrap_or(Path::new("stdin"));
    let input = Input { path: terminal::absolute(name), named: true };
    let cannot = |why: String| Failure::usage(format!("cannot read standard input: {why}"));
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| cannot(e.to_string()))?;
    let mut text: Arc<str> = decode(bytes).map_err(|e| cannot(e.to_string()))?.into();
    let baseline = super::baseline::load(args, layout)?;
    let examiner = Examiner::new(args, layout, baseline.as_ref())?;
    let files = Remembered::default();
    let catalog = Catalog::new(&files, layout);
    let mut fixed = 0;
    if args.fix || args.diff {
        let old = text.clone();
        (text, fixed) = fixing::fixed(&input.path, text, &catalog, layout, args.unsafe_fixes);
        if args.diff {
            return fixing::print_diff(&examiner.relative(&input.path), &old, &text, fixed);
        }
        terminal::print(&text)?;
    }
    let mut emitter = Emitter::new(args)?;
    emitter.summary.fixed = fixed;
    let source = Source::recognise(&input.path, text, layout, true);
    let outcome = match source {
        Some(source) => Outcome::Checked(examiner.source(&Arc::new(source), &catalog)),
        None => Outcome::NoManifest,
    };
    emitter.outcome(&input.path, &outcome)?;
    if let Some(counts) = emitter.finish()? {
        return super::baseline::write(args, &counts, &examiner, &emitter.summary);
    }
    Ok(exit_code(&emitter.summary))
}
