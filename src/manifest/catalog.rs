//! Finding bottles by name, and reading each file once.

use super::{Carrier, FileKind, Files, Kind, Layout, Location, Manifest, Source, read_agent};
use crate::syntax::decode;
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The manifests that can be reached from a file.
///
/// Reads lazily and keeps what it has read, so that a parent of a thousand bottles is read once.
pub struct Catalog<'a> {
    /// Where files come from.
    pub files: &'a dyn Files,
    /// Where the user's own manifests lie.
    pub layout: &'a Layout,
    read: Mutex<HashMap<PathBuf, Option<Arc<Source>>>>,
    derived: Mutex<HashMap<(PathBuf, usize), Box<dyn Any + Send>>>,
}

/// A bottle that a name leads to.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its file.
    pub source: Arc<Source>,
    /// Which of the file's manifests.
    pub manifest: Manifest,
}

/// A bottle that could be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl<'a> Catalog<'a> {
    /// A catalog that has read nothing yet.
    pub fn new(files: &'a dyn Files, layout: &'a Layout) -> Self {
        Self { files, layout, read: Mutex::default(), derived: Mutex::default() }
    }

    /// A catalog that knows some files already: those that an editor holds, parsed.
    pub fn knowing(
        files: &'a dyn Files,
        layout: &'a Layout,
        sources: impl IntoIterator<Item = Arc<Source>>,
    ) -> Self {
        let known = sources.into_iter().map(|s| (s.path.to_path_buf(), Some(s))).collect();
        Self { files, layout, read: Mutex::new(known), derived: Mutex::default() }
    }

    /// The files that were asked for until now, those that are not there included.
    pub fn asked_for(&self) -> HashSet<PathBuf> {
        self.lock().keys().cloned().collect()
    }

    /// The manifest file at a path, parsed; `None` where there is none that can be read.
    pub fn source(&self, path: &Path) -> Option<Arc<Source>> {
        if let Some(known) = self.lock().get(path) {
            return known.clone();
        }
        // Read without the lock: two threads may read the same file, and the first one wins.
        let source = self.load(path).map(Arc::new);
        self.lock().entry(path.to_owned()).or_insert(source).clone()
    }

    fn load(&self, path: &Path) -> Option<Source> {
        if self.files.kind(path) != Some(FileKind::File) {
            return None;
        }
        let text = decode(self.files.read(path).ok()?).ok()?;
        Source::recognise(path, text, self.layout, true)
    }

    /// What a layer above derives from a document and everything that the catalog leads to from
    /// there; made once, since the files behind a catalog do not change while it lives.
    pub(crate) fn remember<T: Any + Clone + Send>(
        &self,
        file: &Path,
        document: usize,
        make: impl FnOnce() -> T,
    ) -> T {
        let key = (file.to_owned(), document);
        let derived = || self.derived.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = derived().get(&key).and_then(|known| known.downcast_ref::<T>()) {
            return known.clone();
        }
        // Made without the lock: it may ask for other documents.
        let made = make();
        derived().insert(key, Box::new(made.clone()));
        made
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Option<Arc<Source>>>> {
        // A poisoned lock holds a cache that is still whole.
        self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The bottle that a manifest is, or that the agent names.
    pub fn bottle_of(&self, found: &Found) -> Option<Found> {
        match found.manifest.kind {
            Kind::Bottle => Some(found.clone()),
            Kind::Agent => {
                let agent = read_agent(&found.source, &found.manifest);
                self.bottle(&agent.bottle?.value, &found.source)
            }
        }
    }

    /// The bottle that `name` means in `from`: one of the same file, else of its neighbours.
    pub fn bottle(&self, name: &str, from: &Arc<Source>) -> Option<Found> {
        let pick = |source: Arc<Source>| {
            let manifest =
                source.manifests.iter().find(|m| m.kind == Kind::Bottle && m.name == name)?.clone();
            Some(Found { source, manifest })
        };
        if let Some(found) = pick(from.clone()) {
            return Some(found);
        }
        let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "..";
        if !plain(name) {
            return None;
        }
        self.places(from)
            .iter()
            .flat_map(|place| place.files(name))
            .find_map(|path| pick(self.source(&path)?))
    }

    /// Every bottle that could be named in `from`, each name once, nearest first.
    pub fn bottles(&self, from: &Source) -> Vec<Candidate> {
        let own = from.manifests.iter().filter(|m| m.kind == Kind::Bottle);
        let mut all: Vec<_> =
            own.map(|m| Candidate { name: m.name.clone(), path: from.path.to_path_buf() }).collect();
        for place in self.places(from) {
            for file in self.files.list(&place.dir) {
                let path = place.dir.join(&file);
                if path == *from.path {
                    continue;
                }
                let identity = self.layout.identify(&path).filter(|i| i.kind == Kind::Bottle);
                if let Some(identity) = identity.filter(|i| place.carrier(i.carrier)) {
                    all.push(Candidate { name: identity.name, path });
                }
            }
        }
        let mut seen = HashSet::new();
        all.retain(|c| seen.insert(c.name.clone()));
        all
    }

    /// Where the bottles lie that a file may name, the nearest first.
    fn places(&self, from: &Source) -> Vec<Place> {
        let dir = from.path.parent().unwrap_or(&from.path).to_owned();
        let home = self.layout.bottles().map(|dir| Place { dir, markdown: true });
        match (from.carrier, from.location) {
            // A project's own `bottles/` is never looked at: a clone must not bring walls.
            (Carrier::Markdown, Location::Project) => {
                let project = dir.parent().and_then(Path::parent).map(Path::to_owned);
                home.into_iter().chain(project.map(|dir| Place { dir, markdown: false })).collect()
            }
            (Carrier::Markdown, _) => {
                let bottles =
                    if dir.ends_with("bottles") { dir } else { dir.parent().unwrap_or(&dir).join("bottles") };
                let near = Place { dir: bottles, markdown: true };
                let home = home.filter(|h| h.dir != near.dir);
                std::iter::once(near).chain(home).collect()
            }
            (Carrier::Yaml, _) => {
                let near = Place { dir, markdown: false };
                std::iter::once(near).chain(home).collect()
            }
        }
    }
}

/// A folder of bottles.
struct Place {
    dir: PathBuf,
    /// Whether Markdown bottles are looked for there, besides YAML ones.
    markdown: bool,
}

impl Place {
    fn carrier(&self, carrier: Carrier) -> bool {
        carrier == Carrier::Yaml || self.markdown
    }

    /// The files that a name may stand for.
    fn files(&self, name: &str) -> Vec<PathBuf> {
        let mut files = Vec::with_capacity(5);
        if self.markdown {
            files.push(self.dir.join(format!("{name}.md")));
        }
        files.push(self.dir.join(format!("{name}.bottle.yaml")));
        files.push(self.dir.join(format!("{name}.bottle.yml")));
        if name == "bottle" {
            files.extend(["bottle.yaml", "bottle.yml"].map(|file| self.dir.join(file)));
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::MemoryFiles;

    fn files() -> MemoryFiles {
        let mut files = MemoryFiles::default();
        for path in [
            "/h/.bot-bottle/bottles/dev.md",
            "/h/.bot-bottle/bottles/base.md",
            "/p/.bot-bottle/bottles/evil.md",
        ] {
            files.insert(path, "---\nenv: {}\n---\n");
        }
        files.insert("/p/dev.bottle.yaml", "env: {}\n");
        files.insert("/p/.bot-bottle/agents/a.md", "---\nbottle: dev\n---\n");
        files.insert("/p/b.agent.yaml", "bottle: dev\n");
        files
    }

    fn found(from: &str, name: &str) -> Option<String> {
        let (files, layout) = (files(), Layout { home: Some("/h".into()) });
        let catalog = Catalog::new(&files, &layout);
        let from = catalog.source(Path::new(from)).expect("a source");
        catalog.bottle(name, &from).map(|f| f.source.path.display().to_string())
    }

    #[test]
    fn a_name_leads_to_the_nearest_bottle_and_never_to_a_projects_own() {
        let home = Some("/h/.bot-bottle/bottles/dev.md".to_owned());
        assert_eq!(found("/p/.bot-bottle/agents/a.md", "dev"), home);
        assert_eq!(found("/h/.bot-bottle/bottles/base.md", "dev"), home);
        assert_eq!(found("/p/b.agent.yaml", "dev"), Some("/p/dev.bottle.yaml".to_owned()));
        assert_eq!(found("/p/b.agent.yaml", "base"), Some("/h/.bot-bottle/bottles/base.md".to_owned()));
        for name in ["evil", "../dev", "", "nope"] {
            assert_eq!(found("/p/.bot-bottle/agents/a.md", name), None, "{name}");
        }
    }

    #[test]
    fn the_names_there_are_come_nearest_first() {
        let (files, layout) = (files(), Layout { home: Some("/h".into()) });
        let catalog = Catalog::new(&files, &layout);
        let from = catalog.source(Path::new("/p/b.agent.yaml")).expect("a source");
        let names: Vec<_> = catalog.bottles(&from).into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["dev", "base"]);
    }
}
