//! `--watch`: the report follows the files, and Ctrl-C ends it with the last state's code.

use crate::rig::{CLEAN, GUESS, Project};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(project: &Project) -> Self {
        // One pipe for both, so that what is said keeps its order.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = project.command(&["check", "--watch", "--format", "concise"]);
        command.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        let child = command.spawn().expect("it runs");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Everything that is said until something is.
    fn until(&self, wanted: &str) -> String {
        let mut seen = String::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(20)) {
            seen.push_str(&line);
            seen.push('\n');
            if line.contains(wanted) {
                return seen;
            }
        }
        panic!("`{wanted}` was not said, but:\n{seen}");
    }

    fn interrupt(mut self) -> Option<i32> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, Signal::INT).expect("a signal");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn changes_and_their_dependants_are_checked_again() {
    let project = Project::new(&[("base.bottle.yaml", CLEAN), ("dev.bottle.yaml", "extends: base\n")]);
    let watching = Watching::start(&project);
    let first = watching.until("watching for changes");
    assert!(!first.contains("error") && !first.contains('\x1b'), "{first}");
    // The provider changes in the parent; the child's own field is then a stranger's.
    project.write("dev.bottle.yaml", "extends: base\nagent_provider: {auth_token: T}\n");
    project.write("base.bottle.yaml", "agent_provider: {template: codex}\n");
    watching.until("dev.bottle.yaml:2:30: error[claude-only-field]");
    project.write("new/x.bottle.yaml", GUESS);
    watching.until("new/x.bottle.yaml:1:1: error[unknown-field]");
    assert_eq!(watching.interrupt(), Some(1));
}

#[test]
fn it_ends_clean_when_the_last_finding_is_gone() {
    let project = Project::new(&[("a.bottle.yaml", GUESS)]);
    let watching = Watching::start(&project);
    watching.until("error[unknown-field]");
    watching.until("watching for changes");
    project.write("a.bottle.yaml", CLEAN);
    // A report may come while the file is half written.
    while watching.until("watching for changes").contains("error[") {}
    assert_eq!(watching.interrupt(), Some(0));
}
