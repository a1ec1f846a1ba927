//! `bot-bottle check`.

use super::{CLEAN, FINDINGS, Failure, target, terminal};
use crate::check::report::{Checked, Other, text};
use crate::check::{Facts, check};
use crate::disk::Disk;
use crate::manifest::Files;
use crate::manifest::{Catalog, Source};
use crate::syntax::decode;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Check manifests.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Files and folders; by default the tree below the working folder.
    paths: Vec<PathBuf>,
}

pub(super) fn run(args: Args) -> Result<u8, Failure> {
    let layout = terminal::layout();
    let catalog = Catalog::new(&Disk, &layout);
    let paths = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths };
    let (mut files, mut findings) = (0, 0);
    for path in &paths {
        let path = terminal::absolute(path);
        if path.is_dir() {
            let walk = ignore::WalkBuilder::new(&path)
                .hidden(false)
                .filter_entry(|e| e.file_name() != ".git")
                .build();
            for entry in walk.filter_map(Result::ok).filter(|e| layout.identify(e.path()).is_some()) {
                let text = Disk.read(entry.path()).ok().and_then(|b| decode(b).ok());
                let source = text.and_then(|t| Source::recognise(entry.path(), t, &layout, false));
                if let Some(source) = source {
                    files += 1;
                    findings += one(&Arc::new(source), &catalog)?;
                }
            }
        } else {
            files += 1;
            findings += one(&target::read(&path, &catalog)?, &catalog)?;
        }
    }
    terminal::print(&format!("checked {files} manifests: {findings} findings\n"))?;
    Ok(if findings == 0 { CLEAN } else { FINDINGS })
}

fn one(source: &Arc<Source>, catalog: &Catalog<'_>) -> Result<usize, Failure> {
    let findings = check(source, catalog, &Facts::default());
    let count = findings.len();
    if count > 0 {
        let others = findings.iter().flat_map(|f| &f.related).filter(|r| r.file != source.path);
        let others = others.filter_map(|r| Some((r.file.clone(), catalog.source(&r.file)?)));
        let others = others.map(|(p, s)| Other::new(p.clone(), terminal::shown(&p), &s.text)).collect();
        let shown = terminal::shown(Path::new(&*source.path));
        let checked = Checked::new(shown, &source.text, findings, others);
        terminal::print(&text::render(&checked, terminal::styled()))?;
    }
    Ok(count)
}
