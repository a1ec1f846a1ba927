//! One side of a comparison: the manifests of a file, a folder or a revision, and their plans.

use crate::check::{Widened, clear};
use crate::cli::git_files::{Revision, git, revision_and_path};
use crate::cli::{Failure, terminal};
use crate::disk::Disk;
use crate::manifest::{Catalog, FileKind, Files, Found, Layout, MemoryFiles, Source, leads_to, project_root};
use crate::plan::{Change, Plan};
use crate::provider::Start;
use crate::syntax::decode;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A manifest and its plan.
pub(in crate::cli) struct Planned {
    /// The manifest.
    pub found: Found,
    /// What it resolves to.
    pub plan: Plan,
}

impl Planned {
    /// What of these changes widens it, for the rule that reports it.
    pub(in crate::cli) fn widened(&self, changes: &[Change]) -> impl Iterator<Item = Widened> {
        let Found { source, manifest } = &self.found;
        changes.iter().filter(|change| change.widens()).map(|change| Widened {
            file: source.path.to_path_buf(),
            manifest: manifest.name.clone(),
            change: change.clone(),
        })
    }
}

/// Manifests by their name in the comparison: the path, and `#name` where a file holds several.
pub(in crate::cli) type Plans = BTreeMap<String, Planned>;

/// Adds the plan of every manifest of a file; `named` takes the file for a manifest whatever its
/// name.
pub(in crate::cli) fn add_plans(
    plans: &mut Plans,
    path: &Path,
    shown: &str,
    named: bool,
    catalog: &Catalog<'_>,
) -> Result<(), Failure> {
    let unreadable = |why: String| Failure::usage(format!("cannot read {shown}: {why}"));
    let bytes = catalog.files.read(path).map_err(|e| unreadable(e.to_string()))?;
    let text = decode(bytes).map_err(|e| unreadable(e.to_string()))?;
    let Some(source) = Source::recognise(path, text, catalog.layout, named).map(Arc::new) else {
        return Ok(());
    };
    for manifest in &source.manifests {
        let found = Found { source: source.clone(), manifest: manifest.clone() };
        let cleared = clear(&found, catalog, &Start::default())
            .map_err(|refused| Failure::usage(format!("{shown} has no plan: {}", refused.first())))?;
        let plan = cleared.plan().clone();
        let several = source.manifests.len() > 1;
        let name = if several { format!("{shown}#{}", manifest.name) } else { shown.to_owned() };
        plans.insert(name, Planned { found, plan });
    }
    Ok(())
}

/// One side of the comparison.
pub(super) struct Side {
    files: Box<dyn Files>,
    /// The file or folder, absolute.
    path: PathBuf,
    /// Whether it is a working tree's, and no revision's.
    is_disk: bool,
}

impl Side {
    pub(super) fn open(text: &str) -> Result<Self, Failure> {
        let Some((rev, path)) = revision_and_path(text) else {
            let path = terminal::absolute(Path::new(text));
            if path.exists() {
                return Ok(Self { files: Box::new(Disk), path, is_disk: true });
            }
            return Err(Failure::usage(format!("there is no file, no folder and no `REV:path` {text}")));
        };
        let files = Revision::open(rev)?;
        let path = files.absolute(path);
        if files.kind(&path).is_none() {
            // A manifest that is new in the change: nothing to compare with is not an error.
            return Ok(Self { files: Box::new(MemoryFiles::default()), path, is_disk: false });
        }
        Ok(Self { files: Box::new(files), path, is_disk: false })
    }

    /// The files of this side.
    pub(super) fn catalog<'a>(&'a self, layout: &'a Layout) -> Catalog<'a> {
        Catalog::new(&*self.files, layout)
    }

    /// The plan of every manifest, by its path below the side and its name.
    pub(super) fn plans(&self, catalog: &Catalog<'_>) -> Result<Plans, Failure> {
        let single = self.files.kind(&self.path) == Some(FileKind::File);
        let mut plans = Plans::new();
        for path in self.manifests(catalog.layout)? {
            let shown = path.strip_prefix(&self.path).ok().filter(|p| !p.as_os_str().is_empty());
            let shown = shown.map_or_else(|| terminal::shown(&path), |p| p.display().to_string());
            add_plans(&mut plans, &path, &shown, single, catalog)?;
        }
        Ok(plans)
    }

    fn manifests(&self, layout: &Layout) -> Result<Vec<PathBuf>, Failure> {
        match self.files.kind(&self.path) {
            Some(FileKind::File) => Ok(vec![self.path.clone()]),
            Some(FileKind::Dir) => {
                let mut found = Vec::new();
                self.walk(layout, &mut found)?;
                Ok(found)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Every folder below, once. What links lead to comes last, so that a new link renames nothing, and only
    /// within the project.
    fn walk(&self, layout: &Layout, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let project = project_root(&Disk, layout, &self.path.join("bottle.yaml"));
        let project = leads_to(self.files.as_ref(), project.as_deref().unwrap_or(&self.path));
        let mut seen = HashSet::new();
        let (mut folders, mut links) = (vec![self.path.clone()], VecDeque::new());
        while let Some(dir) = folders.pop().or_else(|| links.pop_front()) {
            let real = leads_to(self.files.as_ref(), &dir);
            if !real.starts_with(&project) || !seen.insert(real) {
                continue;
            }
            if dir.components().count() - self.path.components().count() > DEEPEST {
                let why = format!("its folders are nested more than {DEEPEST} deep");
                return Err(Failure::usage(format!("cannot read {}: {why}", terminal::shown(&self.path))));
            }
            for name in self.files.list(&dir).into_iter().filter(|name| name != ".git") {
                let path = dir.join(name);
                match self.files.kind(&path) {
                    Some(FileKind::Dir) if self.files.target(&path).is_some() => links.push_back(path),
                    Some(FileKind::Dir) if self.is_disk && is_built(&path) => {}
                    Some(FileKind::Dir) => folders.push(path),
                    Some(FileKind::File) if layout.identify(&path).is_some() => found.push(path),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Whether a folder holds what a build made, which no change brings: git follows nothing in it.
fn is_built(dir: &Path) -> bool {
    let named = dir.file_name().is_some_and(|name| name == "node_modules" || name == "target");
    named && git(dir, &["ls-files", "-z"]).is_ok_and(|tracked| tracked.is_empty())
}

/// Folders in folders: more than any project has.
const DEEPEST: usize = 1000;
