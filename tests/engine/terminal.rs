//! Attack 34, and a launch with a terminal: its size, its keys, its end.

use crate::faults::eventually;
use crate::launcher::command;
use crate::rig::Rig;
use bot_bottle::engine::Talk;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

/// A terminal with a launcher in it; this test is the screen and the keyboard.
struct Screen {
    keyboard: File,
    slave: OwnedFd,
    shown: Arc<Mutex<Vec<u8>>>,
    launcher: Child,
}

impl Screen {
    fn new(rig: &Rig, script: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("pty");
        grantpt(&master).expect("grant");
        unlockpt(&master).expect("unlock");
        let name = ptsname(&master, Vec::new()).expect("name");
        let slave = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
            .expect("slave");
        tcsetwinsize(&slave, Winsize { ws_row: 33, ws_col: 111, ws_xpixel: 0, ws_ypixel: 0 }).expect("size");
        let end = || Stdio::from(slave.try_clone().expect("slave"));
        let launcher =
            command(rig, script, Talk::Terminal).stdin(end()).stdout(end()).stderr(Stdio::null()).spawn();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, kept) = (File::from(master), Arc::clone(&shown));
        let keyboard = screen.try_clone().expect("master");
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n) = screen.read(&mut buffer) {
                kept.lock().expect("lock").extend_from_slice(&buffer[..n]);
            }
        });
        Self { keyboard, slave, shown, launcher: launcher.expect("launcher") }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("lock")).into_owned()
    }

    fn wait_for(&self, text: &str) {
        eventually(text, || self.shown().contains(text));
    }

    fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("typed");
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.slave).expect("settings").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// Answers the query that ends a launch, as a terminal would; gives the exit code.
    fn end(mut self) -> (i32, String) {
        self.wait_for("\x1b[c");
        self.type_in("\x1b[?62;22c");
        let code = self.launcher.wait().expect("waited").code().expect("code");
        assert!(self.echoes(), "the terminal's settings came back");
        (code, self.shown())
    }

    /// What a shell behind the launch would read.
    fn left_to_read(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.slave).expect("count")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A test that failed leaves no launcher behind.
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
    }
}

on_both! {
    a_terminal_is_the_agents_with_its_size_and_its_keys(rig) {
        let mut screen = Screen::new(rig, "stty size; tty -s && echo tty; read line; echo \"got $line\"; sleep 0.01; exit 4");
        screen.wait_for("33 111");
        screen.wait_for("tty");
        assert!(!screen.echoes(), "the launcher's own terminal is raw");
        screen.type_in("hello\r");
        screen.wait_for("got hello");
        assert_eq!(screen.end().0, 4);
        assert!(rig.runs().is_empty());
    }

    ctrl_c_is_the_agents_and_the_bottle_goes_on(rig) {
        let mut screen = Screen::new(rig, "trap 'echo interrupted; seen=1' INT; echo ready; \
            while [ -z \"$seen\" ]; do sleep 0.05; done; \
            curl -s -o /dev/null -w 'proxy %{http_code}' http://evil.test/");
        screen.wait_for("ready");
        screen.type_in("\x03");
        screen.wait_for("interrupted");
        screen.wait_for("proxy 403");
        assert_eq!(screen.end().0, 0);
    }

    a_new_size_reaches_the_agent(rig) {
        let mut screen = Screen::new(rig, "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done");
        screen.wait_for("ready");
        tcsetwinsize(&screen.slave, Winsize { ws_row: 20, ws_col: 50, ws_xpixel: 0, ws_ypixel: 0 }).expect("size");
        // The launcher is not in the terminal's foreground, as this test has no session of its own.
        let pid = rustix::process::Pid::from_child(&screen.launcher);
        rustix::process::kill_process(pid, rustix::process::Signal::WINCH).expect("signal");
        screen.wait_for("20 50");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signal");
        screen.wait_for("\x1b[c");
        screen.type_in("\x1b[?62;22c");
        screen.launcher.wait().expect("waited");
        assert!(screen.echoes());
    }

    a34_nothing_is_typed_into_the_hosts_terminal(rig) {
        // Queries that a terminal answers: the answers come while and after the agent runs.
        let mut screen = Screen::new(rig, "printf '\\033[6n\\033[21t\\033]11;?\\007ready'; \
            python3 -c \"import fcntl, termios\ntry:\n    [fcntl.ioctl(0, termios.TIOCSTI, c.encode()) for c in 'touch /pwned; ']\nexcept Exception as e:\n    print('refused', e.errno)\"; exit 0");
        screen.wait_for("refused 1");
        screen.wait_for("\x1b[c");
        // The terminal is slow: it answers everything only now.
        screen.type_in("\x1b[1;1R\x1b]lrm -rf ~\x1b\\\x1b]11;rgb:00/00/00\x07\x1b[?62;22c");
        screen.launcher.wait().expect("waited");
        assert_eq!(screen.left_to_read(), 0);
        assert!(screen.echoes());
    }
}
