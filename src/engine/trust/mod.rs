//! Which bottles may be launched: the user's own, and those that the user has looked at.
//!
//! A bottle decides which host variable goes to which host, so a cloned repository must not bring
//! one unseen. What is remembered is what was shown, line by line, with the digest over all of it, so that
//! a change can be shown as what it permits and as what it is.

mod remembered;
mod shown;

pub use remembered::{Answer, Trust};

use super::looked::Looked;
use super::subject::Subject;
use crate::manifest::{Catalog, Found, Kind, read_agent, resolve};
use crate::plan::{Change, DiffFormat, Plan, PlanError, build, draft, render_changes};
use crate::provider::Start;
use crate::shown::decided_on;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a bottle stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Every file of it is the user's own.
    Own,
    /// It is what the user said yes to.
    Trusted,
    /// The user has not been asked; with everything that it gives.
    Unknown(Vec<String>),
    /// It is another thing than what the user said yes to.
    Changed(Moved),
}

/// What moved since an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The permissions that moved, where both sides are read by this version.
    pub permissions: Vec<Change>,
    /// The lines of what was shown that are gone.
    pub gone: Vec<String>,
    /// The lines that have come.
    pub come: Vec<String>,
    /// The version that showed it, where it was another one.
    pub by_version: Option<String>,
}

impl Standing {
    /// What a person is asked about a bottle, shown by this name; empty where nothing is asked.
    pub fn summary(&self, shown: &str) -> String {
        // A folder's name may hold a whole question of its own.
        let shown = &decided_on(shown);
        match self {
            Self::Own | Self::Trusted => String::new(),
            Self::Unknown(lines) => {
                format!("this bottle would allow an agent:\n{shown}\n{}", indented("", lines))
            }
            Self::Changed(moved) => {
                let mut text = String::from("this bottle has changed since you trusted it:\n");
                let permissions = [(shown.clone(), moved.permissions.clone())];
                if moved.permissions.is_empty() {
                    text += &format!("{shown}\n  no permission moved, and what it is made of did\n");
                } else {
                    text += &render_changes(&permissions, DiffFormat::Text);
                }
                if let Some(version) = &moved.by_version {
                    text += &format!(
                        "  (version {version} showed it to you, and this one may read it otherwise)\n"
                    );
                }
                text + &indented("- ", &moved.gone) + &indented("+ ", &moved.come)
            }
        }
    }
}

impl Moved {
    /// What a person reads about one of their own bottles that this version reads otherwise than the one
    /// that launched it last; nothing is asked.
    pub fn explained(&self, shown: &str) -> String {
        let version = self.by_version.as_deref().unwrap_or("an earlier version");
        let lines = indented("- ", &self.gone) + &indented("+ ", &self.come);
        format!("{shown} is as it was, and this version reads it otherwise than {version}:\n{lines}")
    }
}

fn indented(mark: &str, lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {mark}{line}\n")).collect()
}

/// A bottle to be judged: its resolved manifest and the files behind it.
pub struct Proposal {
    path: PathBuf,
    name: String,
    /// The bottle itself, where an agent is asked about.
    runs_in: Subject,
    plan: Plan,
    digest: String,
    files: BTreeMap<PathBuf, String>,
    own: bool,
    looked: Arc<Looked>,
}

impl Proposal {
    /// Resolves a bottle. `found` is the bottle itself, not an agent.
    ///
    /// # Errors
    /// When it has no plan.
    fn resolve(found: &Found, catalog: &Catalog<'_>, looked: &Arc<Looked>) -> Result<Self, PlanError> {
        let resolved = resolve(found, catalog);
        let plan = build(&resolved.bottle, None, &Start::default(), catalog.layout)?;
        let sources = resolved.chain.iter().map(|f| &f.source);
        let files = sources.clone().map(|s| (s.path.to_path_buf(), s.text.to_string())).collect();
        let own = sources.clone().all(|s| is_own(&s.path, catalog));
        Ok(Self {
            path: found.source.path.to_path_buf(),
            name: found.manifest.name.clone(),
            runs_in: Subject::of(&found.source.path, &found.manifest.name),
            digest: looked.digest(&plan),
            plan,
            files,
            own,
            looked: looked.clone(),
        })
    }

    /// What a launch of a manifest is judged by: a bottle, or an agent together with the bottle that
    /// it runs in. An agent decides what is done with the bottle's credentials, so one that is not the
    /// user's own is asked about like a bottle. `looked` is what the launch is held to.
    ///
    /// # Errors
    /// When there is no such bottle, or it has no plan.
    pub fn of(found: &Found, catalog: &Catalog<'_>, looked: &Arc<Looked>) -> Result<Self, PlanError> {
        if found.manifest.kind == Kind::Bottle {
            return Self::resolve(found, catalog, looked);
        }
        let name = read_agent(&found.source, &found.manifest).bottle.ok_or(PlanError::NoBottle)?;
        let bottle = catalog.bottle(&name.value, &found.source);
        let bottle = bottle.ok_or(PlanError::UnknownBottle(name.value))?;
        let bottle = Self::resolve(&bottle, catalog, looked)?;
        if is_own(&found.source.path, catalog) {
            return Ok(bottle);
        }
        let plan = draft(found, catalog, &Start::default())?;
        let mut files = bottle.files;
        files.insert(found.source.path.to_path_buf(), found.source.text.to_string());
        Ok(Self {
            path: found.source.path.to_path_buf(),
            name: found.manifest.name.clone(),
            digest: looked.digest(&plan),
            plan,
            files,
            own: false,
            ..bottle
        })
    }

    /// Everything that it gives, in lines: what a question shows, and what a second one is compared with.
    fn given(&self) -> Vec<String> {
        shown::lines(&self.plan, &self.looked)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bottle that is launched: itself, or the one that an agent runs in.
    pub fn subject(&self) -> Subject {
        self.runs_in.clone()
    }

    /// The digest of the resolved manifest: what a question about it was about.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The digest of what a launch of a manifest in this bottle would carry out: what `launch
    /// --digest` is held against.
    ///
    /// # Errors
    /// When it has no plan.
    pub fn launch_digest(&self, found: &Found, catalog: &Catalog<'_>) -> Result<String, PlanError> {
        Ok(self.looked.digest(&draft(found, catalog, &Start::default())?))
    }

    /// The folder of the launch: without another one, that is the workspace.
    fn folder(&self) -> PathBuf {
        self.looked.folder()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::engine::StateDir;
    use crate::manifest::Layout;
    use std::os::unix::fs::symlink;

    /// A folder with a manifest, launched from there, and the answers about it.
    struct Place {
        dir: tempfile::TempDir,
        layout: Layout,
        state: StateDir,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            let home = dir.path().join("home");
            std::fs::create_dir(&home).expect("made");
            let state = StateDir::new(dir.path().join("state"));
            Self { layout: Layout { home: Some(home) }, state, dir }
        }

        fn trust(&self) -> Trust<'_> {
            Trust::new(&self.state, &self.layout)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, text).expect("written");
            path
        }

        fn at(&self, path: &Path, folder: &Path) -> Proposal {
            let catalog = Catalog::new(&Disk, &self.layout);
            let source = catalog.source(path).expect("a manifest");
            let manifest = source.manifests[0].clone();
            let looked = Arc::new(Looked::new(self.dir.path().join("home"), folder));
            Proposal::of(&Found { source, manifest }, &catalog, &looked).expect("a plan")
        }

        fn bottle(&self, text: &str) -> Proposal {
            self.at(&self.write("dev.bottle.yaml", text), self.dir.path())
        }

        fn moved(&self, bottle: &Proposal) -> Moved {
            match self.trust().standing(bottle) {
                Standing::Changed(moved) => moved,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_answer_holds_until_the_bottle_changes_and_then_shows_the_change() {
        let place = Place::new();
        let one = "egress: {routes: [{host: a.example.com}]}";
        let seen = place.bottle(one);
        let summary = place.trust().standing(&seen).summary("dev");
        assert!(summary.contains("a.example.com") && summary.contains("workspace "), "{summary}");
        place.trust().grant(&seen).expect("remembered");
        assert_eq!(place.trust().standing(&place.bottle(&format!("{one} # a comment"))), Standing::Trusted);
        let two = place.bottle("egress: {routes: [{host: a.example.com}, {host: b.example.com}]}");
        let moved = place.moved(&two);
        assert_eq!(
            moved.permissions.iter().map(|c| c.subject.as_str()).collect::<Vec<_>>(),
            ["b.example.com"]
        );
        assert!(moved.gone.is_empty() && moved.come.len() == 1, "{moved:?}");
        // Another bottle, another answer.
        assert!(place.trust().revoke(&place.dir.path().join("dev.bottle.yaml")).expect("removed"));
        assert!(matches!(place.trust().standing(&seen), Standing::Unknown(..)));
    }

    #[test]
    fn an_answer_is_for_one_folder() {
        let place = Place::new();
        let path = place.write("p/dev.bottle.yaml", "env: {A: x}");
        let (here, there) = (place.dir.path().join("p"), place.dir.path().join("home"));
        place.trust().grant(&place.at(&path, &here)).expect("remembered");
        assert_eq!(place.trust().standing(&place.at(&path, &here)), Standing::Trusted);
        assert!(matches!(place.trust().standing(&place.at(&path, &there)), Standing::Unknown(..)));
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_asked_about_again() {
        let place = Place::new();
        for folder in ["a", "b"] {
            place.write(&format!("{folder}/page"), "x");
        }
        let link = place.dir.path().join("docs");
        symlink(place.dir.path().join("a"), &link).expect("a link");
        let text = format!("workspace: {{mounts: [{{source: {}, target: /docs}}]}}", link.display());
        place.trust().grant(&place.bottle(&text)).expect("remembered");
        assert_eq!(place.trust().standing(&place.bottle(&text)), Standing::Trusted);
        std::fs::remove_file(&link).expect("removed");
        symlink(place.dir.path().join("b"), &link).expect("a link");
        let moved = place.moved(&place.bottle(&text));
        assert!(
            moved.come.iter().any(|line| line.starts_with("leads to") && line.ends_with("/b")),
            "{moved:?}"
        );
    }

    #[test]
    fn a_dockerfile_and_what_it_copies_are_part_of_what_was_seen() {
        let place = Place::new();
        let text = "agent_provider: {dockerfile: ./D}";
        place.write("D", "FROM a\nCOPY setup.sh /\n");
        place.write("setup.sh", "echo one");
        let seen = place.bottle(text);
        let summary = place.trust().standing(&seen).summary("dev");
        assert!(summary.contains("| COPY setup.sh /") && summary.contains("setup.sh: 8 bytes"), "{summary}");
        place.trust().grant(&seen).expect("remembered");
        // What nobody copies is nobody's question.
        place.write("other.sh", "echo other");
        assert_eq!(place.trust().standing(&place.bottle(text)), Standing::Trusted);
        place.write("setup.sh", "echo two");
        assert!(!place.moved(&place.bottle(text)).come.is_empty());
        place.write("setup.sh", "echo one");
        place.write("D", "FROM b\nCOPY setup.sh /\n");
        assert!(!place.moved(&place.bottle(text)).come.is_empty());
        // Where what is taken cannot be known beforehand, all of it is, and the question says so.
        place.write("D", "FROM a\nARG WHAT\nCOPY $WHAT /\n");
        let told = place.moved(&place.bottle(text)).come;
        let whole = "everything in the context: what `COPY $WHAT` names depends on the build";
        assert!(told.iter().any(|line| line.ends_with(whole)), "{told:?}");
        // What cannot be built is another thing than what was seen, too.
        place.write("D", "FROM a\nRUN --network=host x\n");
        assert!(place.moved(&place.bottle(text)).come.iter().any(|line| line.contains("not possible")));
    }

    #[test]
    fn prompts_and_skills_are_held_to_their_bytes() {
        let place = Place::new();
        place.write("home/.claude/skills/review/SKILL.md", "one");
        place.write("prompt.md", "one");
        let text = "prompt_file: ./prompt.md\nskills: [review]\n";
        let seen = place.bottle(text);
        place.trust().grant(&seen).expect("remembered");
        assert_eq!(place.trust().standing(&place.bottle(text)), Standing::Trusted);
        for file in ["home/.claude/skills/review/SKILL.md", "prompt.md"] {
            place.write(file, "two");
            let moved = place.moved(&place.bottle(text));
            assert!(moved.come.iter().any(|line| line.starts_with("holds ")), "{file}: {moved:?}");
            place.write(file, "one");
        }
    }

    #[test]
    fn trust_ends_by_whichever_path_the_file_is_named() {
        let place = Place::new();
        let path = place.write("p/dev.bottle.yaml", "env: {A: x}");
        let link = place.dir.path().join("link.bottle.yaml");
        symlink(&path, &link).expect("a link");
        place.trust().grant(&place.at(&link, place.dir.path())).expect("remembered");
        assert_eq!(place.trust().answers()[0].real, std::fs::canonicalize(&path).expect("real"));
        assert!(place.trust().revoke(&path).expect("removed"));
        assert!(matches!(place.trust().standing(&place.at(&link, place.dir.path())), Standing::Unknown(..)));
    }

    #[test]
    fn what_another_version_showed_is_compared_by_its_lines() {
        let place = Place::new();
        let text = "egress: {routes: [{host: a.example.com}]}";
        let seen = place.bottle(text);
        place.trust().grant(&seen).expect("remembered");
        // As if an earlier version had read less in the same text.
        let file = std::fs::read_dir(place.state.path().join("trust")).expect("answers").flatten().next();
        let file = file.expect("an answer").path();
        let mut answer: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).expect("read")).expect("JSON");
        answer["program"] = "0.0.1".into();
        answer["digest"] = "another".into();
        let lines = answer["shown"].as_array_mut().expect("lines");
        lines.retain(|line| !line.as_str().expect("text").starts_with("route"));
        std::fs::write(&file, answer.to_string()).expect("written");
        let moved = place.moved(&seen);
        assert_eq!(moved.by_version.as_deref(), Some("0.0.1"));
        assert!(moved.come.iter().any(|line| line.contains("a.example.com")), "{moved:?}");
    }

    #[test]
    fn the_users_own_bottles_need_no_answer_and_a_new_reading_is_told_once() {
        let place = Place::new();
        let path = place.write("home/.bot-bottle/bottles/dev.md", "---\nenv: {A: x}\n---\n");
        let own = place.at(&path, place.dir.path());
        assert_eq!(place.trust().standing(&own), Standing::Own);
        place.trust().launched(&own).expect("written");
        assert_eq!(place.trust().read_otherwise(&own), None);
        assert_eq!(place.trust().answers().len(), 0);
        let file = std::fs::read_dir(place.state.path().join("trust")).expect("kept").flatten().next();
        let file = file.expect("a file").path();
        let text = std::fs::read_to_string(&file).expect("read");
        let version = format!("\"program\": \"{}\"", env!("CARGO_PKG_VERSION"));
        let text = text.replace(&version, "\"program\": \"0.0.1\"").replace("A = x", "A = other");
        std::fs::write(&file, text).expect("written");
        let moved = place.trust().read_otherwise(&own).expect("another reading");
        assert!(moved.explained("dev").contains("A = x"), "{moved:?}");
        place.trust().launched(&own).expect("written");
        assert_eq!(place.trust().read_otherwise(&own), None);
    }
}
