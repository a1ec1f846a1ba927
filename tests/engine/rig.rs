//! A bottle under test: a plan, a workspace, a state folder, and what came of the launch.

use crate::containers;
use bot_bottle::check::Cleared;
use bot_bottle::engine::{
    Cancel, Choice, Host, LaunchError, Looked, Options, Outcome, Stage, StateDir, Stream, Ui, launch,
};
use bot_bottle::plan::{Dockerfile, Plan};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// One bottle and the host around it.
pub(crate) struct Rig {
    pub plan: Plan,
    pub options: Options,
    pub workspace: PathBuf,
    pub home: PathBuf,
    pub ui: Recorder,
    /// What a person was asked about, where the test asks before it launches.
    looked: Option<Arc<Looked>>,
    _temp: TempDir,
}

/// What a launch came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: u8,
    pub out: String,
    pub err: String,
}

impl Rig {
    /// A bubblewrap bottle with an empty workspace; `None` where bubblewrap is missing.
    pub(crate) fn bubblewrap() -> Option<Self> {
        tool("bwrap", "apt-get install bubblewrap").then(|| Self::on(Choice::BUBBLEWRAP))
    }

    /// A Docker bottle on the tests' own daemon; `None` where there can be none.
    pub(crate) fn docker() -> Option<Self> {
        let host = containers::docker()?;
        let mut rig = Self::on(Choice::DOCKER);
        rig.options.host.set("DOCKER_HOST", host);
        Some(rig.contained())
    }

    /// A Podman bottle; `None` where Podman does not run.
    pub(crate) fn podman() -> Option<Self> {
        let config = containers::podman()?;
        let mut rig = Self::on(Choice::PODMAN);
        rig.options.host.set("CONTAINERS_CONF", config);
        Some(rig.contained())
    }

    /// The base image itself in place of a shipped one, and a workspace that its user may write.
    pub(crate) fn contained(mut self) -> Self {
        // One path for all tests, so that they share one image.
        let podman = self.options.backend == Choice::PODMAN;
        let dockerfile = containers::dockerfile(if podman { "localhost/" } else { "" });
        self.plan.dockerfile = Dockerfile::own(dockerfile);
        std::os::unix::fs::chown(&self.workspace, Some(1000), Some(1000)).expect("root");
        self
    }

    pub(crate) fn on(backend: Choice) -> Self {
        let temp = tempfile::tempdir().expect("temp");
        let workspace = temp.path().join("project");
        let home = temp.path().join("host-home");
        std::fs::create_dir(&workspace).expect("workspace");
        std::fs::create_dir(&home).expect("home");
        let mut host = Host::new(&home);
        // Debian's own clients, which fit its daemon.
        host.set("PATH", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin");
        let mut options = Options::new(StateDir::new(temp.path().join("state")), host, &workspace);
        options.backend = backend;
        Self {
            plan: Plan::bare(),
            options,
            workspace,
            home,
            ui: Recorder::default(),
            looked: None,
            _temp: temp,
        }
    }

    /// Runs a shell script in the agent's place.
    pub(crate) fn sh(&mut self, script: &str) -> Ran {
        self.try_sh(script).unwrap_or_else(|error| panic!("{error}\n{}", self.ui.text()))
    }

    /// As [`Rig::sh`], where the launch itself may fail.
    pub(crate) fn try_sh(&mut self, script: &str) -> Result<Ran, LaunchError> {
        self.plan.argv = ["sh", "-c", script].map(str::to_owned).into();
        self.go()
    }

    pub(crate) fn go(&mut self) -> Result<Ran, LaunchError> {
        self.ui = Recorder { answers: std::mem::take(&mut self.ui.answers), ..Recorder::default() };
        self.options.cancel = Cancel::default();
        self.options.looked = self.looked.take().unwrap_or_else(|| self.fresh());
        let Outcome { code, .. } = launch(&Cleared::unjudged(self.plan.clone()), &self.options, &self.ui)?;
        let take =
            |bytes: &Mutex<Vec<u8>>| String::from_utf8_lossy(&bytes.lock().expect("lock")).into_owned();
        Ok(Ran { code, out: take(&self.ui.out), err: take(&self.ui.err) })
    }

    /// The look that the next launch is held to.
    pub(crate) fn look(&mut self) -> Arc<Looked> {
        let looked = self.fresh();
        self.options.looked = looked.clone();
        self.looked.insert(looked).clone()
    }

    fn fresh(&self) -> Arc<Looked> {
        Arc::new(Looked::new(&self.home, &self.options.project))
    }

    /// The folders of runs in the state folder.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.options.state.path().join("runs"));
        entries.into_iter().flatten().flatten().map(|e| e.path()).collect()
    }
}

/// Keeps what a launch says.
#[derive(Default)]
pub(crate) struct Recorder {
    pub answers: HashMap<String, String>,
    pub stages: Mutex<Vec<Stage>>,
    pub notes: Mutex<Vec<String>>,
    pub lines: Mutex<Vec<String>>,
    pub out: Mutex<Vec<u8>>,
    pub err: Mutex<Vec<u8>>,
}

impl Recorder {
    /// All that a person would have seen.
    pub(crate) fn text(&self) -> String {
        let notes = self.notes.lock().expect("lock").join("\n");
        let lines = self.lines.lock().expect("lock").join("\n");
        let out = String::from_utf8_lossy(&self.out.lock().expect("lock")).into_owned();
        let err = String::from_utf8_lossy(&self.err.lock().expect("lock")).into_owned();
        [notes, lines, out, err].join("\n")
    }
}

impl Ui for Recorder {
    fn stage(&self, stage: Stage) {
        self.stages.lock().expect("lock").push(stage);
    }
    fn note(&self, text: &str) {
        self.notes.lock().expect("lock").push(text.to_owned());
    }
    fn progress(&self, line: &str) {
        self.lines.lock().expect("lock").push(line.to_owned());
    }
    fn ask(&self, question: &str) -> Option<String> {
        self.answers.get(question).cloned()
    }
    fn output(&self, stream: Stream, bytes: &[u8]) {
        let kept = if stream == Stream::Out { &self.out } else { &self.err };
        kept.lock().expect("lock").extend_from_slice(bytes);
    }
}

/// A launch of the same bottle on a thread of its own.
pub(crate) struct Other {
    cancel: Cancel,
    thread: std::thread::JoinHandle<Result<Outcome, LaunchError>>,
}

impl Other {
    /// Starts it and waits for the agent's first output.
    pub(crate) fn start(rig: &Rig, script: &str) -> Self {
        let (mut plan, mut options) = (rig.plan.clone(), rig.options.clone());
        plan.argv = ["sh", "-c", script].map(str::to_owned).into();
        options.cancel = Cancel::default();
        let cancel = options.cancel.clone();
        let (sender, started) = std::sync::mpsc::channel();
        let ui = FirstOutput(Mutex::new(Some(sender)));
        let thread = std::thread::spawn(move || launch(&Cleared::unjudged(plan.clone()), &options, &ui));
        started.recv_timeout(std::time::Duration::from_secs(60)).expect("it started");
        Self { cancel, thread }
    }

    /// Stops it as Ctrl-C would.
    pub(crate) fn cancel(self) {
        self.cancel.cancel();
        let error = self.thread.join().expect("no panic").expect_err("cancelled");
        assert_eq!(error, LaunchError::Cancelled { stage: Stage::Agent });
    }
}

impl Other {
    /// Waits for its own end.
    pub(crate) fn join(self) -> Result<Outcome, LaunchError> {
        self.thread.join().expect("no panic")
    }
}

/// Tells when the agent's first output comes.
struct FirstOutput(Mutex<Option<std::sync::mpsc::Sender<()>>>);

impl Ui for FirstOutput {
    fn stage(&self, _: Stage) {}
    fn note(&self, _: &str) {}
    fn progress(&self, _: &str) {}
    fn ask(&self, _: &str) -> Option<String> {
        None
    }
    fn output(&self, _: Stream, _: &[u8]) {
        if let Some(sender) = self.0.lock().expect("lock").take() {
            let _ = sender.send(());
        }
    }
}

/// Whether a tool is there; a missing one skips the test, or fails it where all must run.
pub(crate) fn tool(name: &str, install: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    if !found {
        skip(&format!("{name} is not on PATH"), install);
    }
    found
}

/// Says that a test is skipped, and how to have it run.
pub(crate) fn skip(reason: &str, install: &str) {
    assert!(
        std::env::var_os("BOT_BOTTLE_REQUIRE_ALL").is_none_or(|v| v != "1"),
        "{reason}; install with: {install}"
    );
    println!("skipped: {reason}; install with: {install}");
}
