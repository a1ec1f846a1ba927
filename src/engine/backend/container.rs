//! Docker and Podman, by the command line that they share.
//!
//! The container is the relay and nothing else, without a network; every command is an `exec` in
//! it. What the guest reads and writes lies in the run's folder and is mounted, so nothing of a
//! launch is in the image, in the container's configuration or in an argument list.

use super::another_user::AnotherUser;
use super::bubblewrap::as_node;
use super::container_cli::{Cli, CliError, Making, START_DAEMON, label};
use super::image::{self, Image};
use super::limits::DEFAULT_PIDS;
use super::{Backend, BackendKind, Engine, Job, Stop, TrustStore};
use crate::engine::child::{self, Prepared, Stopped};
use crate::engine::error::Problem;
use crate::engine::guest::{Bind, Guest};
use crate::engine::host::Host;
use crate::engine::looked::Looked;
use crate::engine::relay;
use crate::engine::state::{Record, Run};
use crate::engine::tree::Owner;
use crate::engine::ui::Cancel;
use crate::plan::{Plan, Resources, WorkspaceMode};
use crate::provider::WORKSPACE;
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// The guest user's number where nothing speaks for another.
const NODE: u32 = 1000;

/// The backend, before and after its start.
pub(crate) struct Container {
    cli: Cli,
    /// What the engine said of itself.
    info: String,
    image: Option<Image>,
    /// The guest's user, as the engine knows it.
    user: (u32, u32),
    owner: Owner,
    /// Options that map the guest's user to the launcher.
    user_options: Vec<&'static str>,
    /// The run, once it may have made a container.
    run: Option<String>,
    /// The running container.
    container: Option<String>,
}

impl Container {
    pub(crate) fn new(cli: Cli, info: String) -> Self {
        let user_options = Vec::new();
        let (user, owner) = ((NODE, NODE), Owner(None));
        Self { cli, info, image: None, user, owner, user_options, run: None, container: None }
    }

    /// Who the guest's user is outside. The agent is never root, and what it writes should be the
    /// launcher's: so it has the launcher's number, or, where root launches, the workspace's owner's.
    fn settle_user(&mut self, workspace: &Path, mode: WorkspaceMode) -> Result<(), Problem> {
        let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        match self.cli.engine {
            Engine::Podman if uid != 0 => {
                self.user_options = vec!["--userns", "keep-id:uid=1000,gid=1000"];
                return Ok(());
            }
            Engine::Podman => {}
            Engine::Docker if self.info.contains("name=rootless") => {
                let why = "under rootless Docker only the guest's root can use the launcher's files";
                let help = "choose --backend podman or bubblewrap";
                return Err(Problem::new("this Docker cannot be used", why, help));
            }
            Engine::Docker if self.info.contains("name=userns") => {
                self.user_options = vec!["--userns", "host"];
            }
            Engine::Docker => {}
        }
        let user = AnotherUser::of(workspace);
        let Some(user) = user.map_err(|e| Problem::io("the workspace's owner is unknown", e))? else {
            self.user = (uid, gid);
            return Ok(());
        };
        if user.is_nobodys() && mode == WorkspaceMode::Bind {
            let what = format!("the workspace {} cannot be mounted", workspace.display());
            let why = format!(
                "it is root's, and {} cannot show it to the agent as another user's",
                self.cli.engine.name()
            );
            let help =
                "use `workspace.mode: copy`, give the folder to a user, or choose --backend bubblewrap";
            return Err(Problem::new(what, why, help));
        }
        (self.user, self.owner) = (user.numbers(), user.owner());
        Ok(())
    }

    fn arguments(&self, guest: &Guest, name: &str, image: &Image, run: &Run) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        let mut all = |words: &[&str]| args.extend(words.iter().map(|&w| OsString::from(w)));
        all(&["run", "--detach", "--pull", "never", "--name", name]);
        all(&["--label", &label(&run.record.id), "--hostname", &guest.hostname]);
        all(&["--network", "none", "--cap-drop", "ALL", "--read-only", "--log-driver", "none"]);
        // SELinux would need every mounted folder relabelled, the person's own among them.
        all(&["--security-opt", "no-new-privileges", "--security-opt", "label=disable"]);
        // Process 1 heeds no polite signal, and Podman would wait ten seconds for it.
        all(&["--shm-size", "1g", "--ipc", "private", "--stop-signal", "SIGKILL"]);
        all(&["--user", &format!("{}:{}", self.user.0, self.user.1), "--workdir", WORKSPACE]);
        all(&self.user_options);
        for tmp in ["/tmp", "/var/tmp"] {
            all(&["--tmpfs", &format!("{tmp}:rw,nosuid,nodev,exec,size=2g,mode=1777")]);
        }
        all(&["--tmpfs", "/run:rw,nosuid,nodev,size=64m,mode=755"]);
        for limit in limits(&guest.resources) {
            all(&[limit.0, &limit.1]);
        }
        for bind in &guest.binds {
            args.push("--mount".into());
            args.push(mount(bind));
        }
        args.extend(["--entrypoint", relay::PATH, &image.tag, "serve"].map(OsString::from));
        args
    }
}

fn limits(resources: &Resources) -> Vec<(&'static str, String)> {
    let mut limits = vec![("--pids-limit", resources.pids.unwrap_or(DEFAULT_PIDS).to_string())];
    if let Some(memory) = resources.memory {
        // The same for memory and swap together means no swap.
        limits.push(("--memory", format!("{memory}b")));
        limits.push(("--memory-swap", format!("{memory}b")));
    }
    limits.extend(resources.cpus.map(|cpus| ("--cpus", format!("{cpus:.2}"))));
    limits
}

/// A mount as the engines read it: fields as in CSV, so that a path may hold anything.
fn mount(bind: &Bind) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut text = b"type=bind,".to_vec();
    let mut field = |name: &[u8], value: &[u8]| {
        text.push(b'"');
        text.extend_from_slice(name);
        for byte in value {
            text.extend(std::iter::repeat_n(*byte, 1 + usize::from(*byte == b'"')));
        }
        text.extend_from_slice(b"\",");
    };
    field(b"source=", bind.source.as_os_str().as_bytes());
    field(b"target=", bind.target.as_bytes());
    text.extend_from_slice(if bind.writable { b"readonly=false" } else { b"readonly=true" });
    OsString::from_vec(text)
}

impl Backend for Container {
    fn kind(&self) -> BackendKind {
        BackendKind::Container(self.cli.engine)
    }

    fn owner(&self) -> Owner {
        self.owner
    }

    fn check(
        &mut self,
        plan: &Plan,
        _programs: &[&str],
        _host: &Host,
        looked: &Looked,
    ) -> Result<(), Problem> {
        self.settle_user(&looked.workspace_path(plan), plan.workspace.mode)?;
        looked.build(&plan.dockerfile).map(drop)
    }

    fn image(&mut self, job: &Job<'_>) -> Result<(), Stop> {
        self.run = Some(job.run.0.to_owned());
        self.image = Some(image::provide(&self.cli, job, &*job.looked.build(&job.plan.dockerfile)?)?);
        Ok(())
    }

    fn trust_stores(&self) -> Vec<TrustStore> {
        self.image.as_ref().map(|image| image.trust_stores()).unwrap_or_default()
    }

    fn start(&mut self, guest: &Guest, run: &mut Run, job: &Job<'_>) -> Result<(), Stop> {
        let (Some(image), Some(name)) = (&self.image, run.record.container.clone()) else {
            return Err(Problem::io("the container cannot be started", "it has no image").into());
        };
        let mut guest_args = self.arguments(guest, &name, image, run);
        let passwd = image.passwd_for(self.user, &run.dir, self.owner);
        let passwd = passwd.map_err(|e| Problem::io("cannot write the guest's list of users", e))?;
        let at = guest_args.len() - 4;
        guest_args.splice(at..at, passwd.iter().flat_map(|bind| ["--mount".into(), mount(bind)]));
        self.container = Some(name.clone());
        let _making = Making::mark(&run.dir).map_err(|e| Problem::io("cannot mark the run", e))?;
        // A client that is killed leaves the daemon to finish, after our clean-up: it is waited for.
        self.cli.run(&guest_args, &Cancel::default()).map_err(|e| {
            e.at("the container does not start", "see that the engine runs, and what it says")
        })?;
        // The relay is process 1: where it stopped, it said why.
        let trial = self.command(&["true".to_owned()], false).map_err(|e| Problem::io("no exec", e))?;
        match child::run(trial, job.cancel, |_| {}) {
            Ok((0, _)) => Ok(()),
            Ok((_, output)) => Err(Problem::io("nothing runs in the container", output).into()),
            Err(Stopped::Cancelled) => Err(Stop::Cancelled),
            Err(Stopped::Failed(e)) => Err(Problem::io("nothing runs in the container", e).into()),
        }
    }

    fn command(&self, argv: &[String], terminal: bool) -> io::Result<Prepared> {
        let container = self.container.as_deref().ok_or(io::ErrorKind::NotFound)?;
        let mut command = self.cli.command();
        command.arg("exec");
        if terminal {
            command.args(["--interactive", "--tty"]);
        }
        command.args([
            "--user",
            &format!("{}:{}", self.user.0, self.user.1),
            "--workdir",
            WORKSPACE,
            container,
        ]);
        command.args([relay::PATH, "run", "--"]).args(as_node(argv));
        Ok(Prepared::new(command))
    }

    fn stands(&self) -> Result<(), Problem> {
        let Some(container) = &self.container else { return Ok(()) };
        let what = "the container ended while the agent ran";
        let asked = ["container", "inspect", "--format", "{{.State.Running}}", container];
        match self.cli.run(&asked, &Cancel::default()) {
            Ok(answer) if answer == "true" => Ok(()),
            Ok(_) => Err(Problem::new(what, "something outside of the bottle stopped it", "launch again")),
            Err(CliError::Refused(why)) => Err(Problem::new(what, why, START_DAEMON)),
            Err(CliError::Cancelled) => Ok(()),
        }
    }

    fn stop(&mut self) -> Result<(), String> {
        match (self.container.take(), &self.run) {
            (Some(name), _) => remove(&self.cli, &[&name]),
            (None, Some(run)) => remove_labelled(&self.cli, run).map(drop),
            (None, None) => Ok(()),
        }
    }
}

/// Removes containers, by name or whole id; one that is gone already counts as removed.
fn remove(cli: &Cli, containers: &[&str]) -> Result<(), String> {
    // Not the launch's own token: clean-up goes on after a cancel.
    let removed = cli.run(&[&["rm", "--force", "--volumes"], containers].concat(), &Cancel::default());
    let Err(refused) = removed else { return Ok(()) };
    let all = ["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"];
    let left = cli.run(&all, &Cancel::default()).map_err(CliError::words)?;
    let is_there = |container: &&str| left.split_whitespace().any(|word| word == *container);
    if containers.iter().any(is_there) { Err(refused.words()) } else { Ok(()) }
}

/// Removes the containers of a run whose launcher is gone, found by their label: whatever a record
/// says, only what carries the run's own is removed.
///
/// # Errors
/// Why one may still be there, or may still come; the next command tries again.
pub(crate) fn left_behind(record: &Record, run: &Path, host: &Host) -> Result<(), String> {
    let Some(container) = &record.container else { return Ok(()) };
    let BackendKind::Container(engine) = record.backend else { return Ok(()) };
    let name = engine.name();
    let gone = || format!("{name} is not on PATH, so the container {container} may still be there");
    let cli = Cli::find(engine, host).ok_or_else(gone)?;
    if !remove_labelled(&cli, &record.id)? && Making::is_under_way(run) {
        return Err(format!("the container {container} may still come"));
    }
    Ok(())
}

/// Removes every container of a run; whether there was one.
fn remove_labelled(cli: &Cli, run: &str) -> Result<bool, String> {
    let filter = format!("label={}", label(run));
    let found = cli.run(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter], &Cancel::default());
    let found = found.map_err(CliError::words)?;
    let containers: Vec<_> = found.split_whitespace().collect();
    if containers.is_empty() { Ok(false) } else { remove(cli, &containers).map(|()| true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_may_hold_commas_quotes_and_line_breaks() {
        let bind = Bind::new(Path::new("/a,b\"c\nd=e"), "/docs", false);
        assert_eq!(mount(&bind), "type=bind,\"source=/a,b\"\"c\nd=e\",\"target=/docs\",readonly=true");
    }
}
