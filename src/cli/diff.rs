//! `bot-bottle diff`.

use super::git_files::Revision;
use super::{CLEAN, FINDINGS, Failure, terminal};
use crate::disk::Disk;
use crate::manifest::{Catalog, Files, Found, Layout, Source};
use crate::plan::{DiffFormat, Direction, Plan, compare, plan, render_changes};
use crate::provider::Start;
use crate::syntax::decode;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Show what a change lets an agent do that it could not do before.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A file, a folder, or `REV:path` of the git repository here.
    old: String,
    /// The same, after the change.
    new: String,
    /// How it is written.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,
    /// Exit with 1 if anything is widened, or changed so that it may be.
    #[arg(long)]
    deny_widening: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    Text,
    Json,
    Markdown,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let layout = terminal::layout();
    let old = Side::open(&args.old)?.plans(&layout)?;
    let new = Side::open(&args.new)?.plans(&layout)?;
    // Two files are one manifest before and after, whatever their names are.
    let (old, new) = match (old.len(), new.len()) {
        (1, 1) => {
            let name = new.keys().next().cloned().unwrap_or_default();
            (old.into_values().map(|p| (name.clone(), p)).collect(), new)
        }
        _ => (old, new),
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let changes: Vec<_> = names.into_iter().map(|n| (n.clone(), compare(old.get(n), new.get(n)))).collect();
    let format = match args.format {
        FormatArg::Text => DiffFormat::Text,
        FormatArg::Json => DiffFormat::Json,
        FormatArg::Markdown => DiffFormat::Markdown,
    };
    terminal::print(&render_changes(&changes, format))?;
    let widened = changes.iter().flat_map(|(_, c)| c).any(|c| c.direction != Direction::Narrowed);
    Ok(if args.deny_widening && widened { FINDINGS } else { CLEAN })
}

/// One side of the comparison.
struct Side {
    files: Box<dyn Files>,
    /// The file or folder, absolute.
    path: PathBuf,
}

impl Side {
    fn open(text: &str) -> Result<Self, Failure> {
        let plain = terminal::absolute(Path::new(text));
        if plain.exists() {
            return Ok(Self { files: Box::new(Disk), path: plain });
        }
        let Some((rev, path)) = text.split_once(':').filter(|(rev, _)| !rev.is_empty()) else {
            return Err(Failure::usage(format!("there is no file, no folder and no `REV:path` {text}")));
        };
        let files = Revision::open(rev)?;
        let path = files.absolute(path);
        if files.kind(&path).is_none() {
            // A manifest that is new in the change: nothing to compare with is no error.
            return Ok(Self { files: Box::new(crate::manifest::MemoryFiles::default()), path });
        }
        Ok(Self { files: Box::new(files), path })
    }

    /// The plan of every manifest, by its path below the side and its name.
    fn plans(&self, layout: &Layout) -> Result<BTreeMap<String, Plan>, Failure> {
        let catalog = Catalog::new(&*self.files, layout);
        let mut plans = BTreeMap::new();
        let single = self.files.kind(&self.path) == Some(crate::manifest::FileKind::File);
        for path in self.manifests(layout) {
            let shown = path.strip_prefix(&self.path).ok().filter(|p| !p.as_os_str().is_empty());
            let shown = shown.map_or_else(|| terminal::shown(&path), |p| p.display().to_string());
            let bytes =
                self.files.read(&path).map_err(|e| Failure::usage(format!("cannot read {shown}: {e}")))?;
            let text = decode(bytes).map_err(|e| Failure::usage(format!("cannot read {shown}: {e}")))?;
            let Some(source) = Source::recognise(&path, text, layout, single).map(Arc::new) else { continue };
            if let Some(problem) = source.tree.problems.first() {
                return Err(Failure::usage(format!("{shown} is no YAML: {}", problem.message)));
            }
            for manifest in &source.manifests {
                let found = Found { source: source.clone(), manifest: manifest.clone() };
                let made = plan(&found, &catalog, &Start::default())
                    .map_err(|e| Failure::usage(format!("{shown} has no plan: {e}")))?;
                let name = if source.manifests.len() > 1 {
                    format!("{shown}#{}", manifest.name)
                } else {
                    shown.clone()
                };
                plans.insert(name, made);
            }
        }
        Ok(plans)
    }

    fn manifests(&self, layout: &Layout) -> Vec<PathBuf> {
        match self.files.kind(&self.path) {
            Some(crate::manifest::FileKind::File) => vec![self.path.clone()],
            Some(crate::manifest::FileKind::Dir) => {
                let mut found = Vec::new();
                self.walk(&self.path, layout, &mut found, 0);
                found
            }
            _ => Vec::new(),
        }
    }

    fn walk(&self, dir: &Path, layout: &Layout, found: &mut Vec<PathBuf>, depth: usize) {
        const SKIPPED: [&str; 3] = [".git", "node_modules", "target"];
        // Deeper than any project; a loop of links ends here.
        if depth > 32 {
            return;
        }
        for name in self.files.list(dir).into_iter().filter(|n| !SKIPPED.contains(&n.as_str())) {
            let path = dir.join(name);
            match self.files.kind(&path) {
                Some(crate::manifest::FileKind::Dir) => self.walk(&path, layout, found, depth + 1),
                Some(crate::manifest::FileKind::File) if layout.identify(&path).is_some() => found.push(path),
                _ => {}
            }
        }
    }
}
