//! A launch in a process of its own, for the tests that kill it or give it a terminal: this test
//! binary again, told by a variable what to launch.

use crate::containers;
use crate::rig::Rig;
use bot_bottle::check::Cleared;
use bot_bottle::engine::{Choice, Host, Options, StateDir, Stream, Talk, Ui, launch};
use std::io::Write;
use std::process::Command;

const VAR: &str = "BOT_BOTTLE_TEST_LAUNCH";
/// Where the launched process looks for programs first.
pub(crate) const PROGRAMS: &str = "BOT_BOTTLE_TEST_PROGRAMS";
/// What the launched process exits with when the launch itself failed.
pub(crate) const FAILED: i32 = 99;

/// The command that launches a script in this rig's bottle.
pub(crate) fn command(rig: &Rig, script: &str, talk: Talk) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "launcher::the_launching_process", "--nocapture", "--quiet"]);
    let told = [
        rig.options.backend.name().to_owned(),
        rig.options.state.path().display().to_string(),
        rig.workspace.display().to_string(),
        rig.home.display().to_string(),
        format!("{talk:?}"),
        script.to_owned(),
    ];
    command.env(VAR, told.join("\x1f"));
    command
}

struct Plain;

impl Ui for Plain {
    fn stage(&self, stage: bot_bottle::engine::Stage) {
        eprintln!("stage {stage}");
    }
    fn note(&self, text: &str) {
        eprintln!("note {text}");
    }
    fn progress(&self, _: &str) {}
    fn ask(&self, _: &str) -> Option<String> {
        None
    }
    fn output(&self, _: Stream, bytes: &[u8]) {
        let _ = std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush());
    }
}

/// Does nothing as a test; is the launcher where the variable says so.
#[test]
fn the_launching_process() {
    let Some(told) = std::env::var(VAR).ok() else { return };
    let told: Vec<_> = told.splitn(6, '\x1f').collect();
    let [backend, state, workspace, home, talk, script] = told.as_slice() else { panic!("{told:?}") };
    let backend = Choice::try_from((*backend).to_owned()).expect("a backend");
    let mut rig = Rig::on(backend);
    let mut host = Host::new(*home);
    let first = std::env::var(PROGRAMS).map(|dir| dir + ":").unwrap_or_default();
    host.set("PATH", format!("{first}/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"));
    host.set("TERM", "xterm");
    match backend {
        Choice::DOCKER => host.set("DOCKER_HOST", containers::docker().expect("docker")),
        Choice::PODMAN => host.set("CONTAINERS_CONF", containers::podman().expect("podman")),
        _ => {}
    }
    if backend != Choice::BUBBLEWRAP {
        rig = rig.contained();
    }
    rig.plan.argv = ["sh", "-c", script].map(str::to_owned).into();
    let mut options = Options::new(StateDir::new(*state), host, *workspace);
    options.backend = backend;
    options.talk = if *talk == "Terminal" { Talk::Terminal } else { Talk::Stream };
    options.watch_signals = true;
    match launch(&Cleared::unjudged(rig.plan.clone()), &options, &Plain) {
        Ok(outcome) => std::process::exit(outcome.code.into()),
        Err(error) => {
            eprintln!("error {error}");
            std::process::exit(FAILED);
        }
    }
}
