//! What was shown is what runs: each thing that a launch takes from the host, put in the place of
//! another after it was looked at, at each stage. The guest gets what was seen, or there is no agent.

use crate::rig::{Recorder, Rig};
use bot_bottle::check::Cleared;
use bot_bottle::engine::{Choice, Stage, Stream, Ui, launch};
use bot_bottle::plan::Mount;
use bot_bottle::provider::{Content, Derived, GuestFile};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Swaps when a stage begins.
struct SwapAt {
    stage: Stage,
    swap: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    inner: Recorder,
}

impl Ui for SwapAt {
    fn stage(&self, stage: Stage) {
        let swap = if stage == self.stage { self.swap.lock().expect("lock").take() } else { None };
        swap.into_iter().for_each(|swap| swap());
    }
    fn note(&self, text: &str) {
        self.inner.note(text);
    }
    fn progress(&self, line: &str) {
        self.inner.progress(line);
    }
    fn ask(&self, question: &str) -> Option<String> {
        self.inner.ask(question)
    }
    fn output(&self, stream: Stream, bytes: &[u8]) {
        self.inner.output(stream, bytes);
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("mode");
}

/// The parent folder of everything that is swapped, and beside it what is put in its place.
struct Scene {
    root: PathBuf,
}

impl Scene {
    fn new(rig: &mut Rig) -> Self {
        let root = rig.workspace.parent().expect("a folder").to_owned();
        for (side, text) in [("seen", "seen"), ("other", "SWAPPED")] {
            write(&root.join(side).join("prompts/prompt.md"), text);
            write(&root.join(side).join("docs/page"), text);
            write(&root.join(side).join("skill/SKILL.md"), text);
            write(&root.join(side).join("project/page"), text);
            if rig.options.backend != Choice::BUBBLEWRAP {
                chown(root.join(side).join("project"), Some(1000), Some(1000)).expect("root");
            }
        }
        let skills = rig.home.join(".claude/skills");
        fs::create_dir_all(&skills).expect("folder");
        fs::rename(root.join("seen/skill"), skills.join("review")).expect("moved");
        rig.workspace = root.join("seen/project");
        rig.options.project = rig.workspace.clone();
        rig.plan.workspace.mounts =
            vec![Mount { source: root.join("seen/docs"), target: "/docs".into(), read_only: true }];
        let prompt = Content::Derived(Derived::HostFile(root.join("seen/prompts/prompt.md")));
        rig.plan.files = vec![
            GuestFile::new("/home/node/.bot-bottle/prompt.md", prompt),
            GuestFile::new(
                "/home/node/.claude/skills/review",
                Content::Derived(Derived::Skill("review".into())),
            ),
        ];
        let script =
            "cat ~/.bot-bottle/prompt.md ~/.claude/skills/review/SKILL.md /docs/page /workspace/page";
        rig.plan.argv = ["sh", "-c", script].map(str::to_owned).into();
        Self { root }
    }

    /// The folder that is swapped, and what is put there.
    fn swap(&self, what: &str, home: &Path) -> Box<dyn FnOnce() + Send> {
        let (from, to) = match what {
            "skill" => (home.join(".claude/skills/review"), self.root.join("other/skill")),
            other => (self.root.join("seen").join(other), self.root.join("other").join(other)),
        };
        let away = self.root.join(format!("away-{what}"));
        Box::new(move || {
            fs::rename(&from, away).expect("moved away");
            symlink(to, from).expect("a link in its place");
        })
    }
}

fn each_at_each_stage(make: fn() -> Option<Rig>, stages: &[Stage]) {
    for what in ["prompts", "docs", "project", "skill"] {
        for stage in stages {
            let Some(mut fresh) = make() else { return };
            let scene = Scene::new(&mut fresh);
            let looked = fresh.look();
            // The look that a question is made of.
            looked.digest(&fresh.plan);
            let swap = scene.swap(what, &fresh.home);
            let ui = SwapAt { stage: *stage, swap: Mutex::new(Some(swap)), inner: Recorder::default() };
            let result = launch(&Cleared::unjudged(fresh.plan.clone()), &fresh.options, &ui);
            let text = ui.inner.text();
            assert!(!text.contains("SWAPPED"), "{what} at {stage:?}: {text}");
            match result {
                Ok(outcome) if outcome.code == 0 => {
                    assert!(text.contains("seenseenseenseen"), "{what} at {stage:?}: {text}");
                }
                // The guest itself found another folder than was checked.
                Ok(outcome) => assert!(
                    text.contains("is not what was checked"),
                    "{what} at {stage:?}: {outcome:?} {text}"
                ),
                Err(error) => {
                    let said = error.to_string();
                    let known = [
                        "is not what it was",
                        "symbolic link",
                        "is not what was checked",
                        "not a directory",
                        "Not a directory",
                        "Too many levels",
                    ];
                    assert!(known.iter().any(|k| said.contains(k)), "{what} at {stage:?}: {said}");
                }
            }
        }
    }
}

#[test]
fn what_is_swapped_after_the_look_is_never_the_guests_bubblewrap() {
    each_at_each_stage(Rig::bubblewrap, &Stage::ALL);
}

#[test]
fn what_is_swapped_after_the_look_is_never_the_guests_docker() {
    each_at_each_stage(Rig::docker, &[Stage::Check, Stage::Guest, Stage::Files]);
}

on_both! {
    bytes_that_change_after_the_look_are_refused(rig) {
        let scene = Scene::new(rig);
        assert_eq!(rig.sh("cat ~/.bot-bottle/prompt.md").out, "seen");
        for file in [scene.root.join("seen/prompts/prompt.md"), rig.home.join(".claude/skills/review/SKILL.md")] {
            rig.look().digest(&rig.plan);
            fs::write(&file, "SWAPPED").expect("written");
            let error = rig.try_sh("true").expect_err("changed").to_string();
            assert!(error.contains("is not what it was") && error.contains("look at it again"), "{error}");
            fs::write(&file, "seen").expect("written");
        }
        assert!(rig.runs().is_empty());
    }
}
