//! The answers that were given, and what they were about.

use super::{Moved, Proposal, Standing};
use crate::disk::{Disk, replace};
use crate::engine::StateDir;
use crate::engine::state::make_dir_all;
use crate::manifest::{Catalog, Files, Found, Layout, MemoryFiles};
use crate::plan::{Plan, compare, draft};
use crate::provider::Start;
use crate::shown::hex;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Of the file format; what another version wrote is not read, and asked about again.
const FORMAT: u32 = 2;
/// What the file's name begins with that is about an own bottle, and no answer.
const OWN: &str = "own-";
/// Of this program: what it showed is what it read.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What was said yes to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    version: u32,
    /// The program's version, which read the texts and showed the lines.
    pub program: String,
    /// The file, as it was named.
    pub path: PathBuf,
    /// Where it really lay.
    pub real: PathBuf,
    /// The manifest's name.
    pub name: String,
    /// The folder of the launches that it is about, in its real spelling.
    pub folder: PathBuf,
    digest: String,
    shown: Vec<String>,
    files: BTreeMap<PathBuf, String>,
}

/// The remembered answers.
pub struct Trust<'a> {
    dir: PathBuf,
    layout: &'a Layout,
}

impl<'a> Trust<'a> {
    /// The answers that lie in a state folder.
    pub fn new(state: &StateDir, layout: &'a Layout) -> Self {
        Self { dir: state.path().join("trust"), layout }
    }

    /// How a bottle stands.
    pub fn standing(&self, bottle: &Proposal) -> Standing {
        if bottle.own {
            return Standing::Own;
        }
        match self.read(&self.file(bottle, "")) {
            Some(known) if known.digest == bottle.digest => Standing::Trusted,
            Some(known) => Standing::Changed(self.moved(&known, bottle)),
            None => Standing::Unknown(bottle.given()),
        }
    }

    /// Remembers a yes.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn grant(&self, bottle: &Proposal) -> io::Result<()> {
        self.write(&self.file(bottle, ""), bottle)
    }

    /// How one of the user's own bottles, which nobody is asked about, is read by this version where the
    /// one that launched it last read the same text otherwise.
    pub fn read_otherwise(&self, bottle: &Proposal) -> Option<Moved> {
        let known = self.read(&self.file(bottle, OWN)).filter(|_| bottle.own)?;
        let other = known.program != PROGRAM && known.files == bottle.files;
        let moved = other.then(|| self.moved(&known, bottle))?;
        (!moved.gone.is_empty() || !moved.come.is_empty()).then_some(moved)
    }

    /// Remembers how one of the user's own bottles was read when it was launched.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn launched(&self, bottle: &Proposal) -> io::Result<()> {
        let file = self.file(bottle, OWN);
        let known = self.read(&file).is_some_and(|k| k.digest == bottle.digest && k.program == PROGRAM);
        if known || !bottle.own { Ok(()) } else { self.write(&file, bottle) }
    }

    /// Forgets the answers for every bottle of a file, by whichever of its paths it was named, and says
    /// whether there was one.
    ///
    /// # Errors
    /// When an answer cannot be removed.
    pub fn revoke(&self, path: &Path) -> io::Result<bool> {
        let real = Disk.canonical(path).unwrap_or_else(|| path.to_owned());
        let mut any = false;
        for (file, answer) in self.files() {
            if [path, real.as_path()].iter().any(|p| answer.path == *p || answer.real == *p) {
                std::fs::remove_file(&file)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Every answer there is, in the order of the real paths.
    pub fn answers(&self) -> Vec<Answer> {
        let mut all: Vec<_> = self.files().into_iter().map(|(_, answer)| answer).collect();
        all.sort_by(|a, b| (&a.real, &a.name, &a.folder).cmp(&(&b.real, &b.name, &b.folder)));
        all
    }

    /// Answers alone: what is remembered of own bottles is none.
    fn files(&self) -> Vec<(PathBuf, Answer)> {
        let own = |file: &Path| file.file_name().is_some_and(|n| n.to_string_lossy().starts_with(OWN));
        let files = Disk.list(&self.dir).into_iter().map(|name| self.dir.join(name));
        files.filter(|f| !own(f)).filter_map(|file| self.read(&file).map(|answer| (file, answer))).collect()
    }

    fn moved(&self, known: &Answer, bottle: &Proposal) -> Moved {
        let shown = bottle.given();
        let other =
            |of: &[String], than: &[String]| of.iter().filter(|l| !than.contains(l)).cloned().collect();
        let same = known.program == PROGRAM;
        let permissions =
            if same { compare(self.plan_of(known).as_ref(), Some(&bottle.plan)) } else { Vec::new() };
        Moved {
            permissions,
            gone: other(&known.shown, &shown),
            come: other(&shown, &known.shown),
            by_version: (!same).then(|| known.program.clone()),
        }
    }

    fn write(&self, file: &Path, bottle: &Proposal) -> io::Result<()> {
        let answer = Answer {
            version: FORMAT,
            program: PROGRAM.to_owned(),
            path: bottle.path.clone(),
            real: Disk.canonical(&bottle.path).unwrap_or_else(|| bottle.path.clone()),
            name: bottle.name.clone(),
            folder: bottle.folder(),
            digest: bottle.digest.clone(),
            shown: bottle.given(),
            files: bottle.files.clone(),
        };
        make_dir_all(&self.dir)?;
        replace(file, &serde_json::to_vec_pretty(&answer)?, None)
    }

    /// The plan as it was, from the texts as they were.
    fn plan_of(&self, known: &Answer) -> Option<Plan> {
        let mut files = MemoryFiles::default();
        for (path, text) in &known.files {
            files.insert(path.clone(), text.as_bytes());
        }
        let catalog = Catalog::new(&files, self.layout);
        let source = catalog.source(&known.path)?;
        let manifest = source.manifests.iter().find(|m| m.name == known.name)?.clone();
        draft(&Found { source, manifest }, &catalog, &Start::default()).ok()
    }

    fn read(&self, file: &Path) -> Option<Answer> {
        let answer: Answer = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        (answer.version == FORMAT).then_some(answer)
    }

    /// One answer a manifest and folder: what is right for one folder need not be for another.
    fn file(&self, bottle: &Proposal, prefix: &str) -> PathBuf {
        let mut context = Context::new(&SHA256);
        for part in [bottle.path.as_os_str(), bottle.name.as_ref(), bottle.folder().as_os_str()] {
            context.update(part.as_encoded_bytes());
            context.update(b"\0");
        }
        let id = hex(&context.finish().as_ref()[..16]);
        self.dir.join(format!("{prefix}{id}.json"))
    }
}
