//! What would be launched, read from the disk: the launch itself reads nothing else.

use crate::check::{Facts, clear};
use crate::disk::Disk;
use crate::engine::trust::Proposal;
use crate::engine::{Looked, silenced};
use crate::ide::Snapshot;
use crate::ide::commands::pick;
use crate::manifest::{Catalog, Files, Layout, Source};
use crate::provider::Start;
use crate::syntax::decode;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A manifest that can be launched as it is on the disk.
pub(in crate::lsp) struct Ready {
    /// Its file.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
    /// The bottle that it is launched in.
    pub bottle: Proposal,
    /// What of it a launch is held to.
    pub digest: String,
    /// What comments of its files silence, a line each.
    pub silenced: String,
}

/// Why there is nothing to launch.
#[derive(Debug, thiserror::Error)]
pub(in crate::lsp) enum Refusal {
    #[error("{} is not saved as it is shown, and a launch reads the file; save it and launch again", .0.display())]
    Unsaved(PathBuf),
    #[error("{} cannot be read as a manifest; nothing is launched", .0.display())]
    Unreadable(PathBuf),
    #[error("the {kind} has errors, so it has no plan and is not launched; the first is: {first}")]
    Errors { kind: &'static str, first: String },
    #[error("{0}; nothing is launched")]
    Other(String),
}

impl Ready {
    /// Reads a manifest; `looked` is what the launch takes of the host. `open` is the text of a file that the editor holds.
    pub(in crate::lsp) fn read(
        file: &Path,
        name: Option<&str>,
        layout: &Layout,
        looked: &Arc<Looked>,
        open: impl Fn(&Path) -> Option<Arc<str>>,
    ) -> Result<Self, Refusal> {
        let saved = |path: &Path| {
            let differs = open(path).is_some_and(|text| on_disk(path).as_deref() != Some(&*text));
            if differs { Err(Refusal::Unsaved(path.to_owned())) } else { Ok(()) }
        };
        saved(file)?;
        let text = on_disk(file).ok_or_else(|| Refusal::Unreadable(file.to_owned()))?;
        let source = Source::recognise(file, text, layout, true).map(Arc::new);
        let source = source.ok_or_else(|| Refusal::Unreadable(file.to_owned()))?;
        let catalog = Catalog::new(&Disk, layout);
        let snapshot =
            Snapshot { source: &source, catalog: &catalog, facts: Facts::default(), workspace: &[] };
        let other = |e: &dyn std::fmt::Display| Refusal::Other(e.to_string());
        let found = pick(&snapshot, name).map_err(|e| other(&e))?;
        let cleared = clear(&found, &catalog, &Start::default())
            .map_err(|e| Refusal::Errors { kind: found.manifest.kind.word(), first: e.first() })?;
        let bottle = Proposal::of(&found, &catalog, looked).map_err(|e| other(&e))?;
        let digest = bottle.launch_digest(&found, &catalog).map_err(|e| other(&e))?;
        catalog.asked_for().iter().try_for_each(|path| saved(path))?;
        Ok(Self {
            file: file.to_owned(),
            name: found.manifest.name.clone(),
            bottle,
            digest,
            silenced: silenced(&cleared),
        })
    }

    /// `FILE#NAME`, as the command line takes it.
    pub(in crate::lsp) fn target(&self) -> String {
        format!("{}#{}", self.file.display(), self.name)
    }
}

fn on_disk(path: &Path) -> Option<String> {
    decode(Disk.read(path).ok()?).ok()
}
