//! Attack 45, the container engine: a daemon that stops under a launch, a launcher that is killed
//! while its container is being made.

use crate::containers;
use crate::faults::{Launcher, eventually};
use crate::launcher::{PROGRAMS, command};
use crate::rig::{Recorder, Rig, skip, tool};
use bot_bottle::check::Cleared;
use bot_bottle::engine::{Choice, LaunchError, Stage, Stream, Talk, Ui, launch, sweep};
use bot_bottle::plan::Dockerfile;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A Docker daemon that a test may stop: its own, with one small image.
struct Daemon {
    dir: tempfile::TempDir,
    host: String,
}

impl Daemon {
    fn start() -> Option<Self> {
        if !tool("dockerd", "apt-get install docker.io") || !containers::is_root() {
            return None;
        }
        let dir = tempfile::tempdir().expect("temp");
        let mut daemon = Self { dir, host: String::new() };
        if let Err(why) = daemon.restart() {
            skip(&format!("dockerd does not start: {why}"), "see scripts/dockerd.sh");
            return None;
        }
        daemon.make_image();
        Some(daemon)
    }

    fn restart(&mut self) -> Result<(), String> {
        // The machine's packet filter belongs to the daemons that use it.
        let options = ["--iptables=false"].map(PathBuf::from);
        let args = [PathBuf::from("start"), self.folder()].into_iter().chain(options).collect::<Vec<_>>();
        self.host = containers::script("dockerd.sh", &args, &[])?;
        Ok(())
    }

    fn stop(&self) {
        containers::script("dockerd.sh", &["stop".into(), self.folder()], &[]).expect("stopped");
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("docker")
    }

    fn client(&self, args: &[&str]) -> String {
        let output = Command::new("/usr/bin/docker")
            .env("DOCKER_HOST", &self.host)
            .args(args)
            .output()
            .expect("client");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A shell, what it calls, and their libraries, as the image `tiny`.
    fn make_image(&self) {
        let script = format!(
            "set -e; cd {dir}; mkdir root; for p in /bin/sh /bin/sleep /bin/true; do cp -L --parents $p root; \
             for l in $(ldd $p | grep -o '/[^ ]*'); do cp -L --parents $l root; done; done; \
             tar -C root -c . | DOCKER_HOST={host} /usr/bin/docker import - tiny; \
             mkdir build; echo FROM tiny >build/Dockerfile",
            dir = self.dir.path().display(),
            host = self.host
        );
        let output = Command::new("sh").args(["-c", &script]).output().expect("sh");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A bottle on this daemon.
    fn rig(&self) -> Rig {
        let mut rig = Rig::on(Choice::DOCKER);
        rig.options.host.set("DOCKER_HOST", &self.host);
        rig.plan.dockerfile = Dockerfile::own(self.dir.path().join("build/Dockerfile"));
        std::os::unix::fs::chown(&rig.workspace, Some(1000), Some(1000)).expect("root");
        rig
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = containers::script("dockerd.sh", &["stop".into(), self.folder()], &[]);
    }
}

/// Stops the daemon when a stage begins, or (in the agent's) at its first output.
struct StopAt<'a> {
    stage: Stage,
    daemon: &'a Daemon,
    inner: Recorder,
}

impl Ui for StopAt<'_> {
    fn stage(&self, stage: Stage) {
        if stage == self.stage && stage != Stage::Agent {
            self.daemon.stop();
        }
    }
    fn note(&self, text: &str) {
        self.inner.note(text);
    }
    fn progress(&self, line: &str) {
        self.inner.progress(line);
    }
    fn ask(&self, _: &str) -> Option<String> {
        None
    }
    fn output(&self, stream: Stream, bytes: &[u8]) {
        if self.stage == Stage::Agent && bytes.starts_with(b"started") {
            self.daemon.stop();
        }
        self.inner.output(stream, bytes);
    }
}

#[test]
fn a45_a_daemon_that_stops_in_mid_launch_is_said_and_the_next_command_cleans_up() {
    let Some(mut daemon) = Daemon::start() else { return };
    let mut rig = daemon.rig();
    assert_eq!(rig.sh("echo good").out, "good\n");
    rig.plan.argv = ["sh", "-c", "echo started; exec sleep 60"].map(str::to_owned).into();
    fs::write(rig.workspace.join("work.txt"), "a person's work").expect("write");
    for (stops, fails) in [
        (Stage::Image, Stage::Image),
        (Stage::Guest, Stage::Guest),
        (Stage::Files, Stage::Agent),
        (Stage::Agent, Stage::Agent),
    ] {
        let ui = StopAt { stage: stops, daemon: &daemon, inner: Recorder::default() };
        let Err(LaunchError::Failed { stage, problem }) =
            launch(&Cleared::unjudged(rig.plan.clone()), &rig.options, &ui)
        else {
            panic!("{stops}: it ended well");
        };
        assert_eq!(stage, fails, "{stops}: {problem}");
        let said = problem.to_string().to_lowercase();
        assert!(said.contains("docker daemon") || said.contains("does not answer"), "{stops}: {problem}");
        assert!(ui.inner.text().contains("the next command tries again"), "{stops}: {}", ui.inner.text());
        assert_eq!(rig.runs().len(), 1, "{stops}: the record stays");
        daemon.restart().expect("back");
        assert_eq!(sweep(&rig.options.state, &rig.options.host), Vec::<String>::new(), "{stops}");
        assert!(rig.runs().is_empty(), "{stops}");
        assert_eq!(daemon.client(&["ps", "--all", "--quiet"]), "", "{stops}");
        assert_eq!(fs::read_to_string(rig.workspace.join("work.txt")).expect("text"), "a person's work");
    }
    assert_eq!(rig.sh("echo good again").out, "good again\n");
}

#[test]
fn a45_a_launcher_killed_while_its_container_is_made_leaves_none() {
    let Some(rig) = Rig::docker() else { return };
    // A client that waits before it has the container made.
    let slow = tempfile::tempdir().expect("temp");
    let (began, go) = (slow.path().join("began"), slow.path().join("go"));
    let client = slow.path().join("docker");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = run ]; then : >{}; until [ -e {} ]; do sleep 0.02; done; fi\nexec /usr/bin/docker \"$@\"\n",
        began.display(),
        go.display()
    );
    fs::write(&client, text).expect("write");
    fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).expect("mode");
    let child = command(&rig, "exec sleep 60", Talk::Stream)
        .env(PROGRAMS, slow.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("launcher");
    let mut launcher = Launcher(child);
    eventually("the client", || began.exists());
    launcher.kill();
    let run = rig.runs().remove(0);
    let id = run.file_name().expect("name").to_string_lossy().into_owned();
    let label = format!("label=bot-bottle.run={id}");
    let containers = || rig.engine(&["ps", "--all", "--quiet", "--filter", &label]);
    // Nothing is there yet, and something may still come: the record stays.
    let left = sweep(&rig.options.state, &rig.options.host);
    assert!(left.len() == 1 && left[0].contains("may still come"), "{left:?}");
    assert_eq!((rig.runs().len(), containers().as_str()), (1, ""));
    fs::write(go, "").expect("go");
    eventually("the container", || !containers().is_empty());
    assert_eq!(sweep(&rig.options.state, &rig.options.host), Vec::<String>::new());
    assert!(rig.runs().is_empty());
    assert_eq!(containers(), "");
}

#[test]
fn a45_a_container_of_a_dead_run_is_found_by_its_label_whatever_it_is_called() {
    let Some(rig) = Rig::docker() else { return };
    let mut launcher = Launcher(
        command(&rig, "echo started; exec sleep 60", Talk::Stream)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("launcher"),
    );
    eventually("the run", || !rig.containers().is_empty());
    let id = rig.runs()[0].file_name().expect("name").to_string_lossy().into_owned();
    launcher.kill();
    rig.engine(&["rename", &format!("bot-bottle-{id}"), &format!("other-{id}")]);
    assert_eq!(sweep(&rig.options.state, &rig.options.host), Vec::<String>::new());
    assert!(rig.runs().is_empty() && rig.containers().is_empty());
}
