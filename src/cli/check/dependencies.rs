//! What a manifest's findings depend on besides its own text.

use crate::engine::BuildInputs;
use crate::manifest::named_paths::{self, Purpose};
use crate::manifest::{
    Catalog, Found, HostPath, Kind, Layout, ParentError, Resolved, Source, read_agent, resolve,
};
use crate::plan::Dockerfile;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files and names that a manifest leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dependencies {
    /// Its bottle, parents, prompt file, Dockerfile and context, whether they are there or not.
    pub files: BTreeSet<PathBuf>,
    /// The names of bottles that it looks for: a file with such a name that comes or goes may
    /// change what the name means.
    pub names: BTreeSet<String>,
    /// The folders of the host that it names: its workspace, mounts and the contexts of its images.
    pub folders: BTreeSet<PathBuf>,
}

/// What the manifests of a file depend on.
pub(super) fn dependencies(source: &Arc<Source>, catalog: &Catalog<'_>) -> Dependencies {
    let mut all = Dependencies::default();
    for manifest in &source.manifests {
        let found = Found { source: source.clone(), manifest: manifest.clone() };
        match manifest.kind {
            Kind::Bottle => all.bottle(&resolve(&found, catalog), catalog.layout),
            Kind::Agent => {
                let agent = read_agent(source, manifest);
                all.paths(named_paths::of_agent(&agent), catalog.layout);
                let Some(name) = &agent.bottle else { continue };
                all.names.insert(name.value.clone());
                if let Some(bottle) = catalog.bottle(&name.value, source) {
                    all.bottle(&resolve(&bottle, catalog), catalog.layout);
                }
            }
        }
    }
    all.files.remove(&*source.path);
    all
}

impl Dependencies {
    fn bottle(&mut self, resolved: &Resolved, layout: &Layout) {
        for found in &resolved.chain {
            self.files.insert(found.source.path.to_path_buf());
            self.names.insert(found.manifest.name.clone());
        }
        for error in &resolved.errors {
            let (ParentError::Missing { parent, .. }
            | ParentError::Cycle { parent, .. }
            | ParentError::TooMany { parent }) = error;
            self.names.insert(parent.value.clone());
        }
        self.paths(named_paths::of_bottle(&resolved.bottle), layout);
        self.image(resolved, layout);
    }

    /// What the image of the manifest's own is made of.
    fn image(&mut self, resolved: &Resolved, layout: &Layout) {
        let provider = &resolved.bottle.provider;
        let path = |named: &HostPath| named.resolve(layout);
        let Some(file) = provider.dockerfile.as_ref().filter(|d| !d.value.is_empty()).map(path) else {
            return;
        };
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        let context = provider.context.as_ref().map_or(folder, path);
        let mut beside = file.clone().into_os_string();
        beside.push(".dockerignore");
        self.files.extend([PathBuf::from(beside), context.join(".dockerignore")]);
        self.folders.insert(context.clone());
        let dockerfile = Dockerfile::Own { file, context: context.clone() };
        let inputs = BuildInputs::collect(&dockerfile).map(|inputs| inputs.files).unwrap_or_default();
        self.files.extend(inputs.iter().map(|file| context.join(&file.path)));
    }

    fn paths(&mut self, named: Vec<(Purpose, &HostPath)>, layout: &Layout) {
        for (purpose, path) in named {
            match purpose {
                Purpose::Dockerfile | Purpose::Context | Purpose::Prompt => {
                    self.files.insert(path.resolve(layout));
                }
                // Whatever lies there is no part of the manifest, but where it lies is.
                Purpose::Workspace | Purpose::Mount(_) => {
                    self.folders.insert(path.resolve(layout));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Layout, MemoryFiles};

    #[test]
    fn a_manifest_depends_on_its_chain_and_on_what_that_names() {
        let mut files = MemoryFiles::default();
        files.insert("/p/a.agent.yaml", "bottle: dev\nprompt_file: ../prompt.md\n");
        files.insert("/p/dev.bottle.yaml", "extends: [base, nope]\n");
        files.insert("/p/base.bottle.yaml", "agent_provider: {dockerfile: ./D}\n");
        let layout = Layout::default();
        let catalog = Catalog::new(&files, &layout);
        let source = catalog.source(Path::new("/p/a.agent.yaml")).expect("a manifest");
        let all = dependencies(&source, &catalog);
        let expected = [
            "/p/.dockerignore",
            "/p/D",
            "/p/D.dockerignore",
            "/p/base.bottle.yaml",
            "/p/dev.bottle.yaml",
            "/prompt.md",
        ];
        assert_eq!(all.files, expected.iter().map(PathBuf::from).collect());
        assert_eq!(all.names, ["base", "dev", "nope"].iter().map(|n| (*n).to_owned()).collect());
    }
}
