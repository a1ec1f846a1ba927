//! The launch of a plan: from a value to a running agent, and back to nothing.
//!
//! The stages stand in [`launch`], in order. Everything that a run makes on this machine lies in
//! its own folder or is written down there first, and goes when the run goes; what a killed run
//! left behind, the next command sweeps.

mod agent;
mod attach;
mod backend;
mod build;
mod check_stage;
mod child;
mod credentials;
mod egress;
mod env;
mod error;
mod files;
mod guard;
mod guest;
mod host;
mod kept;
mod left;
mod looked;
mod mount_points;
mod open_files;
mod outline;
mod own_file;
mod raw_mode;
mod refusals;
mod relay;
mod runs;
mod set_group_id;
mod signals;
mod state;
mod subject;
mod sweep;
mod sys;
pub mod terminal;
#[cfg(test)]
mod testing;
mod tree;
pub mod trust;
mod trust_store;
mod ui;
mod watch;
mod workspace;

pub use agent::Talk;
pub use attach::{Attached, attach};
pub use backend::{BackendKind, Choice, Engine, limits::support as limits_support};
pub use build::{BuildFile, BuildInputs, LeftOut, Wanted};
pub use check_stage::{DryRun, backend_kind, dry_run};
pub use credentials::HostCredentials;
pub use egress::Upstream;
pub use error::{LaunchError, Problem, Stage};
pub use guard::{Change, How};
pub use host::Host;
pub use looked::Looked;
pub use open_files::raise_open_files;
pub use outline::{outline, silenced};
pub use refusals::refusals;
pub use runs::{find, live, log_files, logged, logged_in, logs, ps, refusal_count, stop};
pub use state::{Record, StateDir};
pub use subject::Subject;
pub use sweep::sweep;
pub use ui::{Cancel, Silent, Stream, Ui};
pub use watch::{StateChange, watch};

use crate::check::Cleared;
use crate::plan::{GUEST_POLICY, Plan, WorkspaceMode, guest_policy};
use attach::Hub;
use backend::{Backend, Job, Stop};
use check_stage::Checked;
use child::Stopped;
use egress::Gate;
use guest::{Bind, Guest};
use left::Left;
use state::{NewRun, Run};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use terminal::Pty;
use tracing::span::EnteredSpan;
use tracing::{debug, info, info_span, warn};
use tree::Owner;

/// What the operator says to a launch; nothing here comes from a manifest.
#[derive(Debug, Clone)]
pub struct Options {
    /// What carries the guest.
    pub backend: Choice,
    /// Where runs are remembered.
    pub state: StateDir,
    /// The environment and home of the person who launches.
    pub host: Host,
    /// The workspace of a plan that names none.
    pub project: PathBuf,
    /// The manifest that the plan is of: what the run leaves is its own.
    pub subject: Option<Subject>,
    /// The bottle, where the plan is an agent's.
    pub bottle: Option<Subject>,
    /// The digest of what is launched, as a person was shown it.
    pub digest: Option<String>,
    /// What a person calls the run.
    pub label: Option<String>,
    /// What a person was asked about: the launch takes nothing else from the host.
    pub looked: Arc<Looked>,
    /// Another command in the agent's place.
    pub command: Option<Vec<String>>,
    /// Go on in the home (and workspace copy) of an earlier run.
    pub resume: Option<Resume>,
    /// How the agent talks.
    pub talk: Talk,
    /// The way upstream.
    pub upstream: Upstream,
    /// Stops the launch.
    pub cancel: Cancel,
    /// Ctrl-C, a polite kill and a lost terminal of this process cancel the launch.
    pub watch_signals: bool,
}

impl Options {
    /// The usual settings for a project.
    pub fn new(state: StateDir, host: Host, project: impl Into<PathBuf>) -> Self {
        let project = project.into();
        let looked = Arc::new(Looked::new(host.home(), &project));
        Self {
            backend: Choice::Auto,
            state,
            host,
            project,
            subject: None,
            bottle: None,
            digest: None,
            label: None,
            looked,
            command: None,
            resume: None,
            talk: Talk::Stream,
            upstream: Upstream::default(),
            cancel: Cancel::default(),
            watch_signals: false,
        }
    }
}

impl Options {
    fn subject_of(&self, plan: &Plan) -> Subject {
        // A plan of no file is one of a caller's own making.
        let own = || Subject { file: PathBuf::new(), name: plan.name.clone() };
        self.subject.clone().unwrap_or_else(own)
    }

    /// Of whom an earlier run's home can be resumed: the same manifest with the same bottle in the same
    /// workspace.
    fn kept_key(&self, plan: &Plan, workspace: &Path) -> String {
        let bottle = self.bottle.as_ref().map(|b| b.file.as_path()).unwrap_or(Path::new(""));
        self.subject_of(plan).keyed([bottle, workspace])
    }

    /// Whether what `--resume` would go on with was left by another thing than what is launched now: the
    /// run that left it, and what a program may obey in it.
    ///
    /// # Errors
    /// When there is nothing to resume.
    pub fn resumes_another(&self, plan: &Plan, run: Option<&str>) -> Result<Option<LeftHome>, Problem> {
        let workspace = workspace::host_folder(plan, &self.looked, &self.host, &self.state)?;
        let kept = kept::pick(&self.state, &self.kept_key(plan, &workspace), run)?;
        Ok((kept.run.digest != self.digest)
            .then(|| LeftHome { holds: kept::listed(&left_in(&kept, plan)), run: kept.run.id }))
    }
}

/// A home that another thing left than what is launched now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftHome {
    /// The id of the run that left it.
    pub run: String,
    /// What it holds beside the agent's records, in a line; empty where there is nothing.
    pub holds: String,
}

/// What a kept home holds that this plan does not write itself.
fn left_in(kept: &kept::Kept, plan: &Plan) -> Vec<String> {
    let written: Vec<_> = plan.files.iter().map(|f| f.guest_path.as_str()).collect();
    kept::left_behind(&kept.dir.join("home"), &written)
}

/// Which earlier run is gone on with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resume {
    /// Its id; the last one where there is none.
    pub run: Option<String>,
    /// A person said that what is launched may be another thing than what left the home.
    pub other_digest: bool,
}

/// How a launch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The agent's exit code.
    pub code: u8,
    /// The run's id.
    pub run: String,
    /// The audit of what it asked for.
    pub audit: PathBuf,
    /// Files of the workspace that the host obeys and that the run changed.
    pub changes: Vec<Change>,
}

/// Carries out a plan and gives the agent's exit code. Blocks until everything it made is removed again.
///
/// # Errors
/// The stage that failed, what, why and what to do; what was made until then has been removed.
pub fn launch(cleared: &Cleared, options: &Options, ui: &dyn Ui) -> Result<Outcome, LaunchError> {
    let failed = |problem| LaunchError::Failed { stage: Stage::Check, problem };
    let plan = &env::fill_paths(cleared.plan(), &options.host).map_err(failed)?;
    let no_terminal =
        |why: error::Why| failed(Problem::new("there is no terminal", why, "give the agent a task"));
    let pty = match options.talk {
        Talk::Terminal if !rustix::termios::isatty(std::io::stdin()) => {
            return Err(no_terminal("standard input is not one".into()));
        }
        Talk::Terminal => Some(Pty::open().map_err(|e| no_terminal(e.into()))?),
        Talk::Stream => None,
    };
    let resize = pty.as_ref().map(Pty::sizer);
    if let Some(resize) = &resize {
        resize();
    }
    let _watch = options.watch_signals.then(|| {
        signals::Watch::start(options.cancel.clone(), move || resize.as_ref().map_or((), |resize| resize()))
    });
    let _span = info_span!("launch", name = plan.name).entered();
    Launch { plan, sources: cleared.sources(), options, ui, stage: Stage::Check, span: None }.go(pty)
}

/// What somebody who joined sees when the agent is stopped.
const EXIT_STOPPED: u8 = 130;

/// A launch under way.
struct Launch<'a> {
    plan: &'a Plan,
    /// The manifests that the plan is made of.
    sources: &'a [PathBuf],
    options: &'a Options,
    ui: &'a dyn Ui,
    stage: Stage,
    /// That stage in the log.
    span: Option<EnteredSpan>,
}

impl Launch<'_> {
    fn go(mut self, pty: Option<Pty>) -> Result<Outcome, LaunchError> {
        let mut made = Made::default();
        let result = self.stages(pty, &mut made);
        let outcome = result.map_err(|stop| stop.at(self.stage));
        match &outcome {
            Ok(outcome) => info!(run = outcome.run, code = outcome.code, "the agent ended"),
            Err(LaunchError::Cancelled { stage }) => info!(stage = stage.name(), "cancelled"),
            // Why it failed may quote a program of the guest; a person reads it in the error itself.
            Err(LaunchError::Failed { stage, .. }) => warn!(stage = stage.name(), "failed"),
        }
        self.log(Stage::CleanUp);
        self.ui.stage(Stage::CleanUp);
        let stopped = made.stop();
        // Also after an agent that was stopped: what it planted is there all the same. By now the guest is dead,
        // so nothing changes while it is looked at.
        let changes = made.left.take().map(|left| left.look(self.ui)).unwrap_or_default();
        if let Err(why) = stopped.and_then(|()| made.take_away(&self.options.state)) {
            warn!("not everything could be removed");
            self.ui.note(&format!("clean-up: {why}; the next command tries again"));
        }
        outcome.map(|outcome| Outcome { changes, ..outcome })
    }

    /// Says which stage begins; a launch that was cancelled goes no further.
    fn begin(&mut self, stage: Stage) -> Result<(), Stop> {
        self.stage = stage;
        if self.options.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        self.log(stage);
        self.ui.stage(stage);
        Ok(())
    }

    /// One stage ends in the log, the next begins.
    fn log(&mut self, stage: Stage) {
        drop(self.span.take());
        self.span = Some(info_span!("stage", name = stage.name()).entered());
    }

    fn stages(&mut self, pty: Option<Pty>, made: &mut Made) -> Result<Outcome, Stop> {
        let (plan, options) = (self.plan, self.options);
        self.begin(Stage::Check)?;
        let Checked { argv, workspace, backend } =
            check_stage::check(plan, self.sources, options, |kind, folder| self.ui.backend(kind, folder))?;
        info!(backend = backend.kind().name(), workspace = %workspace.display(), "found");
        for left in sweep(&options.state, &options.host) {
            self.ui.note(&format!("an earlier run could not be cleaned up: {left}"));
        }

        self.begin(Stage::Credentials)?;
        let (credentials, env) = check_stage::credentials(plan, &options.host, pty.is_some(), self.ui)?;

        self.begin(Stage::State)?;
        let container = backend.kind().uses_image();
        let subject = self.subject();
        let kept_key = options.kept_key(plan, &workspace);
        let new = NewRun {
            subject: &subject,
            bottle: options.bottle.as_ref(),
            label: options.label.as_deref(),
            backend: backend.kind(),
            workspace: &workspace,
            kept_key: &kept_key,
            digest: options.digest.as_deref(),
            container,
        };
        let run = made.run.insert(Run::create(&options.state, &new)?);
        info!(run = run.record.id, folder = %run.dir.display(), "made");

        self.begin(Stage::Image)?;
        let (id, dir) = (run.record.id.clone(), run.dir.clone());
        let job = Job {
            plan,
            looked: &options.looked,
            state: &options.state,
            run: (&id, &dir),
            ui: self.ui,
            cancel: &options.cancel,
        };
        let backend = made.backend.insert(backend);
        backend.image(&job)?;
        let owner = backend.owner();

        self.begin(Stage::Egress)?;
        let gate = made.gate.insert(Gate::open(plan, credentials, &options.upstream, run, owner)?);

        self.begin(Stage::Guest)?;
        let mut guest = self.lay_out(run, &workspace, owner)?;
        let stores = trust_store::write(backend.trust_stores(), gate.certificate(), &run.dir, owner);
        guest.binds.extend(stores.map_err(|e| Problem::io("cannot write the trust store", e))?);
        let policy =
            Bind::file(run.dir.join("policy.md"), guest_policy(plan).as_bytes(), GUEST_POLICY, owner);
        guest.binds.push(policy.map_err(|e| Problem::io("cannot write the guest's policy", e))?);
        guest.sort();
        for bind in &guest.binds {
            debug!(target = bind.target, writable = bind.writable, "mount");
        }
        guest.mount_points(owner).make()?;
        write_program(&run.dir, &env, &guest, owner)?;
        backend.start(&guest, run, &job)?;

        self.begin(Stage::Dirs)?;
        plan.dirs.iter().try_for_each(|dir| {
            debug!(path = dir.guest_path, "make");
            files::make_dir(dir, &guest, owner)
        })?;
        self.begin(Stage::PreCopy)?;
        self.guest_commands(&plan.pre_copy, backend.as_ref())?;
        self.begin(Stage::Files)?;
        let sources = files::Sources { host: &options.host, looked: &options.looked, workspace: &workspace };
        plan.files.iter().try_for_each(|file| {
            debug!(path = file.guest_path, "put");
            files::put(file, &guest, &sources, owner)
        })?;
        self.begin(Stage::Verify)?;
        self.guest_commands(&plan.verify, backend.as_ref())?;

        self.begin(Stage::Agent)?;
        // From here on the home holds an agent's work, which is kept. Another command in its place
        // leaves what the last agent's run kept as it is.
        if options.command.is_none() {
            mark_started(run)?;
        }
        made.left = Some(Left::before(plan, &workspace));
        let code = self.agent(&argv, pty, backend.as_ref(), run)?;
        let (run, audit) = (run.record.id.clone(), run.record.audit.clone());
        Ok(Outcome { code, run, audit, changes: Vec::new() })
    }

    fn lay_out(&self, run: &Run, workspace: &Path, owner: Owner) -> Result<Guest, Problem> {
        let options = self.options;
        let kept = match &options.resume {
            None => None,
            Some(resume) => Some(self.resumed(resume, &run.record.key)?),
        };
        let from = kept.as_ref().map(|kept| kept.dir.as_path());
        let home = guest::make_home(run, from, owner)?;
        if from.is_some() {
            // It holds an agent's work from here on, whatever becomes of this launch.
            mark_started(run)?;
        }
        let copy = run.dir.join("workspace");
        if let Some(from) = from.filter(|_| self.plan.workspace.mode == WorkspaceMode::Copy) {
            // Without a copy of an earlier run a new one is made.
            let _ = std::fs::rename(from.join("workspace"), &copy);
        }
        let failed = |e| Problem::io("cannot make the guest's folders", e);
        let mut guest = Guest::lay_out(self.plan, run, home, from, owner).map_err(failed)?;
        if let Some(from) = from {
            // The rest is another run's by now.
            let _ = tree::remove_path(from);
        }
        guest.binds.extend(workspace::binds(self.plan, &self.options.looked, workspace, &copy, owner)?);
        Ok(guest)
    }

    /// What is gone on with, once a person knows what that means.
    fn resumed(&self, resume: &Resume, key: &str) -> Result<kept::Kept, Problem> {
        let kept = kept::pick(&self.options.state, key, resume.run.as_deref())?;
        if kept.run.digest != self.options.digest && !resume.other_digest {
            return Err(Problem::new(
                format!("the home of the run {} is not resumed", kept.run.id),
                "what is launched now is another thing than what left it, and nobody said that it may have it",
                "resume it at a terminal, which asks, or launch without --resume",
            ));
        }
        let left = left_in(&kept, self.plan);
        // Whoever was asked has seen it.
        if !left.is_empty() && !resume.other_digest {
            let told = kept::listed(&left);
            self.ui.note(&format!("the resumed home holds what a program may obey: {told}"));
        }
        Ok(kept)
    }

    fn subject(&self) -> Subject {
        self.options.subject_of(self.plan)
    }

    fn guest_commands(
        &self,
        commands: &[crate::provider::GuestCommand],
        backend: &dyn Backend,
    ) -> Result<(), Stop> {
        for command in commands {
            debug!(program = child::name(command.argv.first()), "in the guest");
            let prepared = backend.command(&command.argv, false);
            let prepared = prepared.map_err(|e| Problem::io(command.error.clone(), e))?;
            match child::run(prepared, &self.options.cancel, |line| self.ui.progress(line)) {
                Ok((0, _)) => {}
                // A shell's and `env`'s codes for a program that is not there or cannot be run: then
                // nothing has been said of what the command was to find out.
                Ok((code @ (126 | 127), output)) => {
                    let why = format!("`{}` exited {code}: {output}", command.argv.join(" "));
                    let agents = command.argv.iter().find(|word| *word == self.plan.command);
                    let program = agents.or(command.argv.first()).cloned().unwrap_or_default();
                    let what = format!("{program} cannot be run in the guest");
                    return Err(Problem::new(what, why, "the bottle's image must bring it").into());
                }
                Ok((code, output)) => {
                    let why = format!("`{}` exited {code}: {output}", command.argv.join(" "));
                    return Err(Problem::io(command.error.clone(), why).into());
                }
                Err(Stopped::Cancelled) => return Err(Stop::Cancelled),
                Err(Stopped::Failed(e)) => return Err(Problem::io(command.error.clone(), e).into()),
            }
        }
        Ok(())
    }

    fn agent(&self, argv: &[String], pty: Option<Pty>, backend: &dyn Backend, run: &Run) -> Result<u8, Stop> {
        let failed = |e| Problem::io(format!("{} cannot be run", argv[0]), e);
        info!(program = child::name(argv.first()), terminal = pty.is_some(), "in the guest");
        let prepared = backend.command(argv, pty.is_some()).map_err(failed)?;
        let cancel = &self.options.cancel;
        // Without the socket the agent runs all the same; only nobody can join.
        let hub = Hub::open(&run.dir, pty.as_ref().map(Pty::keyboard)).ok();
        let ended = match pty {
            Some(pty) => terminal::run(prepared, pty, hub.as_ref(), cancel),
            None => agent::streamed(prepared, &run.record.output, self.ui, hub.as_ref(), cancel),
        };
        let code = ended.as_ref().map_or(EXIT_STOPPED, |code| *code);
        hub.inspect(|hub| hub.end(code));
        ended.map_err(|stopped| match stopped {
            Stopped::Cancelled => Stop::Cancelled,
            Stopped::Failed(e) => failed(e).into(),
        })?;
        if code != 0 {
            backend.stands()?;
        }
        Ok(code)
    }
}

/// Says that the run's home is to be kept.
fn mark_started(run: &Run) -> Result<(), Problem> {
    let marked = state::private_file(&run.dir.join("started"));
    marked.map(drop).map_err(|e| Problem::io("cannot mark the run", e))
}

/// The guest's program and the files that it reads.
fn write_program(run: &Path, env: &[(String, String)], guest: &Guest, owner: Owner) -> Result<(), Problem> {
    let dir = run.join("guest");
    let pins = guest.binds.iter().filter_map(|b| Some((b.target.as_str(), b.pinned.as_ref()?)));
    let written = backend::seccomp::program()
        .map_err(std::io::Error::other)
        .and_then(|filter| relay::install(&dir, &filter))
        .and_then(|()| relay::write_env(&dir, env))
        .and_then(|()| relay::write_mounts(&dir, pins))
        .and_then(|()| owner.give_all(&dir));
    written.map_err(|e| Problem::io("cannot write the guest's program", e))
}

/// What a launch has made so far; removed in the opposite order.
#[derive(Default)]
struct Made {
    run: Option<Run>,
    gate: Option<Gate>,
    backend: Option<Box<dyn Backend>>,
    left: Option<Left>,
}

impl Made {
    /// Ends the guest and its way out. Where that fails the run's record stays, by which the next command finds
    /// what could not be stopped.
    fn stop(&mut self) -> Result<(), String> {
        let stopped = self.backend.take().map_or(Ok(()), |mut backend| backend.stop());
        drop(self.gate.take());
        stopped
    }

    fn take_away(mut self, state: &StateDir) -> Result<(), String> {
        match self.run.take() {
            Some(run) => sweep::clear(state, &run.dir, &run.record),
            None => Ok(()),
        }
    }
}
