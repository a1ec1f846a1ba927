//! What an image of a bottle's own is built from, on each engine that builds.

use crate::containers::{self, BASE};
use crate::rig::{Recorder, Rig};
use bot_bottle::check::Cleared;
use bot_bottle::engine::{BuildInputs, Choice, Stage, Stream, Ui, launch};
use bot_bottle::plan::Dockerfile;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

/// A test on every engine that builds; Docker has two builders.
macro_rules! on_each_builder {
    ($($name:ident($rig:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn test($rig: &mut Rig) $body

            on!(docker);
            on!(podman);

            #[test]
            fn docker_with_buildkit() {
                if let Some(mut rig) = Rig::docker() {
                    rig.options.host.set("DOCKER_BUILDKIT", "1");
                    test(&mut rig);
                }
            }
        }
    )*};
}

/// A project with a Dockerfile below the base, which becomes the rig's own.
fn project(rig: &mut Rig, dockerfile: &str, files: &[(&str, &str)]) -> PathBuf {
    let registry = if rig.options.backend == Choice::PODMAN { "localhost/" } else { "" };
    let root = rig.home.join("project");
    // The folder's name makes each an image of its own: two tests share a daemon.
    let text = format!("# {}\nFROM {registry}{BASE}\n{dockerfile}", root.display());
    for (path, text) in files.iter().copied().chain([("docker/Dockerfile", text.as_str())]) {
        fs::create_dir_all(root.join(path).parent().expect("a folder")).expect("made");
        fs::write(root.join(path), text).expect("written");
    }
    rig.plan.dockerfile = Dockerfile::Own { file: root.join("docker/Dockerfile"), context: root.clone() };
    root
}

/// The engine's client, as a launch calls it.
fn client(rig: &Rig, args: &[&str]) -> String {
    let mut command = if rig.options.backend == Choice::PODMAN {
        let mut command = Command::new("/usr/bin/podman");
        command.env("CONTAINERS_CONF", containers::podman().expect("it ran"));
        command
    } else {
        let mut command = Command::new("/usr/bin/docker");
        command.env("DOCKER_HOST", containers::docker().expect("it ran"));
        command
    };
    let output = command.args(args).output().expect("the client");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

on_each_builder! {
    an_image_holds_what_was_named_and_nothing_else(rig) {
        let root = project(
            rig,
            "COPY scripts/setup.sh /opt/\nADD tree link /opt/tree/\nCOPY all* /opt/all/\nRUN /opt/setup.sh\n",
            &[
                ("scripts/setup.sh", "#!/bin/sh\ncat /opt/setup.sh >/opt/made\n"),
                ("scripts/other.sh", "no"),
                ("tree/deep/file", "deep"),
                ("tree/.env", "hidden"),
                ("all/a", "a"),
                ("all/b", "b"),
                (".dockerignore", "**/.env\nall/b\n"),
                ("secret", "no"),
            ],
        );
        fs::set_permissions(root.join("scripts/setup.sh"), fs::Permissions::from_mode(0o755)).expect("mode");
        symlink("tree/deep", root.join("link")).expect("link");
        symlink("/etc/hostname", root.join("tree/outside")).expect("link");
        let ran = rig.sh("cmp /opt/made /opt/setup.sh && cd /opt && find . -type f -o -type l | sort");
        let files = "./all/a\n./made\n./setup.sh\n./tree/deep/file\n./tree/file\n./tree/outside\n";
        assert_eq!(ran.out, files, "{}", rig.ui.text());
    }

    the_whole_folder_is_sent_without_what_is_ignored(rig) {
        let files = [("a/b", "b"), ("secret", "no"), (".dockerignore", "secret\n**/*Dockerfile\n!a\n")];
        project(rig, "ARG WHAT=a\nCOPY $WHAT /opt/what/\nCOPY . /opt/all/\n", &files);
        // BuildKit copies the instructions too, which lie beside the files.
        let ran = rig.sh("cd /opt && find . -type f ! -name .bot-bottle.Dockerfile | sort");
        assert_eq!(ran.out, "./all/.dockerignore\n./all/a/b\n./what/b\n", "{}", rig.ui.text());
    }

    a_build_has_no_way_to_what_listens_on_the_hosts_loopback(rig) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let text = format!("RUN ! curl --silent --max-time 5 http://127.0.0.1:{port}/ && echo kept >/kept\n");
        project(rig, &text, &[]);
        assert_eq!(rig.sh("cat /kept").out, "kept\n");
        listener.set_nonblocking(true).expect("nonblocking");
        assert_eq!(listener.accept().expect_err("nobody came").kind(), std::io::ErrorKind::WouldBlock);
    }

    an_own_image_never_has_a_shipped_name(rig) {
        project(rig, "LABEL a=1\n", &[]);
        rig.plan.image = "bot-bottle-claude:latest";
        rig.sh("true");
        let inputs = BuildInputs::collect(&rig.plan.dockerfile).expect("inputs");
        let own = format!("bot-bottle-own:{}", inputs.digest);
        let tags = client(rig, &["image", "inspect", "--format", "{{join .RepoTags \" \"}}", &own]);
        let tags: Vec<_> = tags.split(' ').map(|t| t.trim_start_matches("localhost/")).collect();
        assert!(tags.contains(&own.as_str()), "{tags:?}");
        // The same layers may have been built from another text.
        assert!(tags.iter().all(|tag| tag.starts_with("bot-bottle-own:")), "{tags:?}");
    }

    what_is_built_is_what_was_seen_or_nothing(rig) {
        let root = project(rig, "COPY a /opt/a\n", &[("a", "seen\n"), ("b", "x")]);
        rig.look().build(&rig.plan.dockerfile).expect("inputs");
        // Before the launch, and at the last moment before the archive is made.
        fs::write(root.join("a"), "swapped\n").expect("written");
        let error = rig.try_sh("cat /opt/a").expect_err("changed");
        assert_eq!(error.stage(), Stage::Image);
        assert!(error.to_string().contains("changed after it was looked at"), "{error}");
        fs::write(root.join("a"), "seen\n").expect("written");
        let swapping = Swap { file: root.join("a"), inner: Recorder::default() };
        rig.plan.argv = ["cat", "/opt/a"].map(str::to_owned).into();
        let error = launch(&Cleared::unjudged(rig.plan.clone()), &rig.options, &swapping).expect_err("changed");
        assert!(error.to_string().contains("changed after it was looked at"), "{error}");
        assert!(rig.runs().is_empty());
        // What nobody copies may change.
        fs::write(root.join("a"), "seen\n").expect("written");
        fs::write(root.join("b"), "y").expect("written");
        assert_eq!(rig.sh("cat /opt/a").out, "seen\n");
        // Once it is built it is not built again.
        rig.sh("cat /opt/a");
        let lines = rig.ui.lines.lock().expect("lock");
        assert!(!lines.iter().any(|l| l.starts_with("building ")), "{lines:?}");
    }
}

/// Writes another text into a file when the build is announced.
struct Swap {
    file: PathBuf,
    inner: Recorder,
}

impl Ui for Swap {
    fn stage(&self, stage: Stage) {
        self.inner.stage(stage);
    }
    fn note(&self, text: &str) {
        self.inner.note(text);
    }
    fn progress(&self, line: &str) {
        if line.starts_with("building ") {
            fs::write(&self.file, "swapped\n").expect("written");
        }
    }
    fn ask(&self, _: &str) -> Option<String> {
        None
    }
    fn output(&self, stream: Stream, bytes: &[u8]) {
        self.inner.output(stream, bytes);
    }
}
