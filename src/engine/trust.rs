//! Which bottles may be launched: the user's own, and those that the user has looked at.
//!
//! A bottle decides which host variable goes to which host, so a cloned repository must not bring
//! one unseen. What is remembered is the digest of the resolved manifest and the texts behind it,
//! so that a change can be shown as what it permits.

use super::StateDir;
use super::build::BuildInputs;
use super::error::Problem;
use super::state::private_file;
use crate::disk::Disk;
use crate::egress::policy::visible;
use crate::manifest::{Catalog, Files, Found, Kind, Layout, MemoryFiles, read_agent, resolve};
use crate::plan::{
    Change, DiffFormat, Dockerfile, EnvValue, Plan, PlanError, build, compare, draft, grants, render_changes,
};
use crate::provider::{Content, Derived, Start};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How a bottle stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Every file of it is the user's own.
    Own,
    /// It is what the user said yes to.
    Trusted,
    /// The user has not been asked; with everything that it permits, and everything else that it gives.
    Unknown(Vec<Change>, Vec<String>),
    /// It changed since; with what the change permits (empty where no permission moved), and everything
    /// that it gives now.
    Changed(Vec<Change>, Vec<String>),
}

impl Standing {
    /// What a person is asked about a bottle, shown by this name; empty where nothing is asked.
    pub fn summary(&self, shown: &str) -> String {
        let of =
            |changes: &[Change]| render_changes(&[(shown.to_owned(), changes.to_vec())], DiffFormat::Text);
        match self {
            Self::Own | Self::Trusted => String::new(),
            Self::Unknown(changes, grants) => {
                let ways_out =
                    if changes.is_empty() { format!("{shown}\n  no way out\n") } else { of(changes) };
                format!(
                    "this bottle would allow an agent:\n{}and its ways out:\n{ways_out}",
                    indented(grants)
                )
            }
            // No permission moved, so it is something else: a text, an image, a variable, a prompt.
            Self::Changed(changes, grants) if changes.is_empty() => format!(
                "this bottle has changed since you trusted it: no permission moved, and what it is made of did. \
                 It gives an agent now:\n{shown}\n{}",
                indented(grants)
            ),
            Self::Changed(changes, _) => {
                format!("this bottle has changed since you trusted it:\n{}", of(changes))
            }
        }
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// A bottle to be judged: its resolved manifest and the files behind it.
pub struct Bottle {
    path: PathBuf,
    name: String,
    /// The name of the bottle itself, where an agent is asked about.
    runs_in: String,
    /// The folder of the launch, in its real spelling.
    here: Option<PathBuf>,
    plan: Plan,
    build: Build,
    digest: String,
    files: BTreeMap<PathBuf, String>,
    own: bool,
}

impl Bottle {
    /// Resolves a bottle. `found` is the bottle itself, not an agent.
    ///
    /// # Errors
    /// When it has no plan.
    pub fn resolve(found: &Found, catalog: &Catalog<'_>) -> Result<Self, PlanError> {
        let resolved = resolve(found, catalog);
        let plan = build(&resolved.bottle, None, &Start::default(), catalog.layout)?;
        let sources = resolved.chain.iter().map(|f| &f.source);
        let files = sources.clone().map(|s| (s.path.to_path_buf(), s.text.to_string())).collect();
        let own = sources.clone().all(|s| is_own(&s.path, catalog));
        let build = Build::of(&plan.dockerfile);
        let digest = digest(&plan, &build, catalog.files);
        Ok(Self {
            path: found.source.path.to_path_buf(),
            name: found.manifest.name.clone(),
            runs_in: found.manifest.name.clone(),
            here: None,
            plan,
            build,
            digest,
            files,
            own,
        })
    }

    /// What a launch of a manifest is judged by: a bottle, or an agent together with the bottle that
    /// it runs in. An agent decides what is done with the bottle's credentials, so one that is not the
    /// user's own is asked about like a bottle.
    ///
    /// # Errors
    /// When there is no such bottle, or it has no plan.
    pub fn of(found: &Found, catalog: &Catalog<'_>) -> Result<Self, PlanError> {
        if found.manifest.kind == Kind::Bottle {
            return Self::resolve(found, catalog);
        }
        let name = read_agent(&found.source, &found.manifest).bottle.ok_or(PlanError::NoBottle)?;
        let bottle = catalog.bottle(&name.value, &found.source);
        let bottle = Self::resolve(&bottle.ok_or(PlanError::UnknownBottle(name.value))?, catalog)?;
        if is_own(&found.source.path, catalog) {
            return Ok(bottle);
        }
        let plan = draft(found, catalog, &Start::default())?;
        let mut files = bottle.files;
        files.insert(found.source.path.to_path_buf(), found.source.text.to_string());
        Ok(Self {
            path: found.source.path.to_path_buf(),
            name: found.manifest.name.clone(),
            runs_in: bottle.name,
            here: None,
            digest: digest(&plan, &bottle.build, catalog.files),
            build: bottle.build,
            plan,
            files,
            own: false,
        })
    }

    /// Says from which folder it would be launched: without another one, that is the workspace.
    pub fn launched_from(self, folder: &Path) -> Self {
        Self { here: std::fs::canonicalize(folder).ok(), ..self }
    }

    /// Everything that it gives beside its ways out, in lines.
    fn grants(&self) -> Vec<String> {
        let mut lines = grants(&self.plan, self.here.as_deref());
        match &self.build {
            Build::Shipped => {}
            Build::From(inputs) => {
                let run =
                    if inputs.has_run { "runs commands as root, with a network" } else { "runs nothing" };
                let files = inputs.files.len();
                let images = visible(&inputs.images.join(", "));
                lines.push(format!("build      {run}; from {images}; {files} of the context's files go in"));
            }
            Build::Unusable(problem) => {
                lines.push(format!("build      not possible: {}", visible(&problem.to_string())))
            }
        }
        lines
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the bottle that is launched.
    pub fn runs_in(&self) -> &str {
        &self.runs_in
    }

    /// The digest of the resolved manifest: what a question about it was about.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The digest of what its own image is built from, for [`super::Options::build`].
    pub fn build(&self) -> Option<&str> {
        match &self.build {
            Build::From(inputs) => Some(&inputs.digest),
            Build::Shipped | Build::Unusable(_) => None,
        }
    }

    /// The digest of what a launch of a manifest in this bottle would carry out: what `launch
    /// --digest` is held against. What the image is built from is what the bottle saw of it.
    ///
    /// # Errors
    /// When it has no plan.
    pub fn launch_digest(&self, found: &Found, catalog: &Catalog<'_>) -> Result<String, PlanError> {
        Ok(digest(&draft(found, catalog, &Start::default())?, &self.build, catalog.files))
    }
}

/// Whether a manifest is the user's own: it lies in the store, and not by a link that leads elsewhere,
/// where somebody else may write.
fn is_own(path: &Path, catalog: &Catalog<'_>) -> bool {
    let Some(store) = catalog.layout.store() else { return false };
    let real = |path: &Path| catalog.files.canonical(path);
    path.starts_with(&store)
        && real(path).zip(real(&store)).is_some_and(|(path, store)| path.starts_with(store))
}

/// What an image is built from, looked at once for a question and the launch behind it.
enum Build {
    /// A shipped Dockerfile, which changes with the program alone.
    Shipped,
    From(Box<BuildInputs>),
    /// It cannot be built as it is, and this is why.
    Unusable(Problem),
}

impl Build {
    fn of(dockerfile: &Dockerfile) -> Self {
        match dockerfile {
            Dockerfile::Shipped(_) => Self::Shipped,
            Dockerfile::Own { .. } => match BuildInputs::collect(dockerfile) {
                Ok(inputs) => Self::From(Box::new(inputs)),
                Err(problem) => Self::Unusable(problem),
            },
        }
    }
}

/// SHA-256 in hex of all that the bottle decides: the plan, the bytes that its own image is built from,
/// and those of its prompt's file.
fn digest(plan: &Plan, build: &Build, files: &dyn Files) -> String {
    let mut context = Context::new(&SHA256);
    context.update(serde_json::to_string(plan).unwrap_or_default().as_bytes());
    for (name, value) in &plan.guest_env {
        // The plan's own text hides these.
        if let EnvValue::SecretLiteral(value) = value {
            context.update(name.as_bytes());
            context.update(value.as_bytes());
        }
    }
    for file in &plan.files {
        if let Content::Derived(Derived::HostFile(path)) = &file.content {
            context.update(path.as_os_str().as_encoded_bytes());
            context.update(&files.read(path).unwrap_or_default());
        }
    }
    match build {
        Build::Shipped => {}
        Build::From(inputs) => context.update(inputs.digest.as_bytes()),
        Build::Unusable(problem) => context.update(problem.to_string().as_bytes()),
    }
    context.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// What was said yes to.
#[derive(Serialize, Deserialize)]
struct Remembered {
    version: u32,
    path: PathBuf,
    name: String,
    digest: String,
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
    pub fn standing(&self, bottle: &Bottle) -> Standing {
        if bottle.own {
            return Standing::Own;
        }
        match self.read(&bottle.path, &bottle.name) {
            Some(known) if known.digest == bottle.digest => Standing::Trusted,
            Some(known) => {
                let changes = compare(self.plan_of(&known).as_ref(), Some(&bottle.plan));
                Standing::Changed(changes, bottle.grants())
            }
            None => Standing::Unknown(compare(None, Some(&bottle.plan)), bottle.grants()),
        }
    }

    /// Remembers a yes.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn grant(&self, bottle: &Bottle) -> io::Result<()> {
        let remembered = Remembered {
            version: 1,
            path: bottle.path.clone(),
            name: bottle.name.clone(),
            digest: bottle.digest.clone(),
            files: bottle.files.clone(),
        };
        super::state::make_dir_all(&self.dir)?;
        let file = self.file(&bottle.path, &bottle.name);
        let fresh = file.with_extension("new");
        let _ = std::fs::remove_file(&fresh);
        let mut out = private_file(&fresh)?;
        out.write_all(&serde_json::to_vec_pretty(&remembered)?)?;
        std::fs::rename(&fresh, &file)
    }

    /// Forgets the answer for every bottle of a file, and says whether there was one.
    ///
    /// # Errors
    /// When an answer cannot be removed.
    pub fn revoke(&self, path: &Path) -> io::Result<bool> {
        let mut any = false;
        for name in Disk.list(&self.dir) {
            let file = self.dir.join(name);
            if parse(&file).is_some_and(|r| r.path == path) {
                std::fs::remove_file(&file)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// The plan as it was, from the texts as they were.
    fn plan_of(&self, known: &Remembered) -> Option<Plan> {
        let mut files = MemoryFiles::default();
        for (path, text) in &known.files {
            files.insert(path.clone(), text.as_bytes());
        }
        let catalog = Catalog::new(&files, self.layout);
        let source = catalog.source(&known.path)?;
        let manifest = source.manifests.iter().find(|m| m.name == known.name)?.clone();
        draft(&Found { source, manifest }, &catalog, &Start::default()).ok()
    }

    fn read(&self, path: &Path, name: &str) -> Option<Remembered> {
        parse(&self.file(path, name)).filter(|r| r.path == path && r.name == name)
    }

    fn file(&self, path: &Path, name: &str) -> PathBuf {
        let mut context = Context::new(&SHA256);
        context.update(path.as_os_str().as_encoded_bytes());
        context.update(b"\0");
        context.update(name.as_bytes());
        let id: String = context.finish().as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
        self.dir.join(format!("{id}.json"))
    }
}

fn parse(file: &Path) -> Option<Remembered> {
    let remembered: Remembered = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    (remembered.version == 1).then_some(remembered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bottle(dir: &Path, layout: &Layout, text: &str) -> Bottle {
        let path = dir.join("dev.bottle.yaml");
        std::fs::write(&path, text).expect("written");
        let catalog = Catalog::new(&Disk, layout);
        let source = catalog.source(&path).expect("a manifest");
        let manifest = source.manifests[0].clone();
        Bottle::resolve(&Found { source, manifest }, &catalog).expect("a plan")
    }

    fn widened(standing: Standing) -> Vec<String> {
        match standing {
            Standing::Changed(c, _) | Standing::Unknown(c, _) => c.into_iter().map(|c| c.subject).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_holds_until_the_bottle_changes_and_then_shows_the_change() {
        let dir = tempfile::tempdir().expect("a folder");
        let layout = Layout { home: Some(dir.path().join("home")) };
        let state = StateDir::new(dir.path().join("state"));
        let trust = Trust::new(&state, &layout);
        let one = "egress: {routes: [{host: a.example.com}]}";
        let seen = bottle(dir.path(), &layout, one);
        assert_eq!(widened(trust.standing(&seen)), ["a.example.com"]);
        trust.grant(&seen).expect("remembered");
        assert_eq!(
            trust.standing(&bottle(dir.path(), &layout, &format!("{one} # a comment"))),
            Standing::Trusted
        );
        let two =
            bottle(dir.path(), &layout, "egress: {routes: [{host: a.example.com}, {host: b.example.com}]}");
        assert_eq!(widened(trust.standing(&two)), ["b.example.com"]);
        // Another bottle, another answer.
        assert!(trust.revoke(&dir.path().join("dev.bottle.yaml")).expect("removed"));
        assert!(matches!(trust.standing(&seen), Standing::Unknown(..)));
    }

    #[test]
    fn a_dockerfile_is_part_of_what_was_seen() {
        let dir = tempfile::tempdir().expect("a folder");
        let layout = Layout::default();
        let state = StateDir::new(dir.path().join("state"));
        let trust = Trust::new(&state, &layout);
        let text = "agent_provider: {dockerfile: ./D}";
        std::fs::write(dir.path().join("D"), "FROM a").expect("written");
        trust.grant(&bottle(dir.path(), &layout, text)).expect("remembered");
        std::fs::write(dir.path().join("D"), "FROM b").expect("written");
        assert!(matches!(trust.standing(&bottle(dir.path(), &layout, text)), Standing::Changed(..)));
    }

    #[test]
    fn what_the_image_copies_is_part_of_what_was_seen() {
        let dir = tempfile::tempdir().expect("a folder");
        let layout = Layout::default();
        let state = StateDir::new(dir.path().join("state"));
        let trust = Trust::new(&state, &layout);
        let text = "agent_provider: {dockerfile: ./D}";
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
        write("D", "FROM a\nCOPY setup.sh /\n");
        write("setup.sh", "echo one");
        trust.grant(&bottle(dir.path(), &layout, text)).expect("remembered");
        // What nobody copies is nobody's question.
        write("other.sh", "echo other");
        let seen = bottle(dir.path(), &layout, text);
        assert_eq!(trust.standing(&seen), Standing::Trusted);
        write("setup.sh", "echo two");
        let changed = bottle(dir.path(), &layout, text);
        assert!(matches!(trust.standing(&changed), Standing::Changed(..)));
        assert_ne!(changed.build(), seen.build());
        // What cannot be built is another thing than what was seen, too.
        write("D", "FROM a\nRUN --network=host x\n");
        let unusable = bottle(dir.path(), &layout, text);
        assert!(matches!(trust.standing(&unusable), Standing::Changed(..)) && unusable.build().is_none());
    }

    #[test]
    fn the_users_own_bottles_need_no_answer() {
        let dir = tempfile::tempdir().expect("a folder");
        let layout = Layout { home: Some(dir.path().to_path_buf()) };
        let bottles = dir.path().join(".bot-bottle/bottles");
        std::fs::create_dir_all(&bottles).expect("made");
        let own = bottle(&bottles, &layout, "env: {}");
        let state = StateDir::new(dir.path().join("state"));
        assert_eq!(Trust::new(&state, &layout).standing(&own), Standing::Own);
    }
}
