//! Attack 45, a full disk: each stage that writes says so, and takes away what it made.

use crate::rig::{Recorder, Rig, skip};
use bot_bottle::check::Cleared;
use bot_bottle::engine::{Choice, LaunchError, Stage, StateDir, Stream, Ui, launch, sweep};
use bot_bottle::plan::{Dockerfile, WorkspaceMode};
use bot_bottle::provider::{Content, GuestDir, GuestFile};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own, which can be filled.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where it cannot be mounted.
    fn mount() -> Option<Self> {
        let disk = Self(tempfile::tempdir().expect("temp"));
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m,nr_inodes=4000", "bot-bottle-test"]).arg(disk.0.path());
        let output = mount.output().expect("mount");
        if output.status.success() {
            return Some(disk);
        }
        skip(&format!("no disk can be mounted: {}", String::from_utf8_lossy(&output.stderr)), "sudo");
        None
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Takes every byte and every file that is left.
    fn fill(&self) {
        fs::create_dir(self.filler()).expect("folder");
        let mut file = File::create(self.filler().join("bytes")).expect("file");
        while file.write_all(&[1; 4096]).is_ok() {}
        for number in 0.. {
            if File::create(self.filler().join(number.to_string())).is_err() {
                break;
            }
        }
    }

    fn free(&self) {
        fs::remove_dir_all(self.filler()).expect("freed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// Fills the disk when a stage begins.
struct FillAt<'a> {
    stage: Stage,
    disk: &'a Disk,
    inner: Recorder,
}

impl Ui for FillAt<'_> {
    fn stage(&self, stage: Stage) {
        if stage == self.stage {
            self.disk.fill();
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
        self.inner.output(stream, bytes);
    }
}

/// The state folder on a small disk, and a plan that writes in every stage.
fn small(rig: &mut Rig) -> Option<Disk> {
    let disk = Disk::mount()?;
    rig.options.state = StateDir::new(disk.0.path().join("state"));
    rig.plan.workspace.mode = WorkspaceMode::Copy;
    fs::write(rig.workspace.join("work.txt"), "a person's work").expect("write");
    rig.plan.dirs = vec![GuestDir::new("/home/node/made")];
    rig.plan.files = vec![GuestFile::new("/home/node/made/file", Content::Text("text".into()))];
    Some(disk)
}

fn whole(workspace: &Path) -> bool {
    let names: Vec<_> = fs::read_dir(workspace).expect("folder").flatten().map(|e| e.file_name()).collect();
    names == ["work.txt"]
        && fs::read_to_string(workspace.join("work.txt")).is_ok_and(|t| t == "a person's work")
}

on_both! {
    a45_a_full_disk_is_said_by_each_stage_and_nothing_is_left(rig) {
        let Some(disk) = small(rig) else { return };
        assert_eq!(rig.sh("cat work.txt ~/made/file").out, "a person's worktext");
        let contained = rig.options.backend != Choice::BUBBLEWRAP;
        // Without an image nothing is written for it, so the next stage is the first to find out.
        let image = if contained { Stage::Image } else { Stage::Egress };
        for (filled, fails) in [
            (Stage::State, Stage::State),
            (Stage::Image, image),
            (Stage::Egress, Stage::Egress),
            (Stage::Guest, Stage::Guest),
            (Stage::Dirs, Stage::Dirs),
            (Stage::Files, Stage::Files),
            (Stage::Agent, Stage::Agent),
        ] {
            let ui = FillAt { stage: filled, disk: &disk, inner: Recorder::default() };
            let mut plan = rig.plan.clone();
            if let (Stage::Image, Dockerfile::Own { file, context: _ }) = (filled, &plan.dockerfile) {
                // Only an image that is not there yet is built.
                let text = fs::read_to_string(file).expect("a Dockerfile");
                let other = rig.home.join("Dockerfile");
                fs::write(&other, format!("# {}\n{text}", other.display())).expect("written");
                plan.dockerfile = Dockerfile::own(other);
            }
            match launch(&Cleared::unjudged(plan), &rig.options, &ui) {
                Err(LaunchError::Failed { stage, problem }) => {
                    assert_eq!(stage, fails, "{filled}: {problem}");
                    assert!(problem.to_string().contains("No space left on device"), "{filled}: {problem}");
                }
                other => panic!("{filled}: {other:?}"),
            }
            // Taking away needs no room.
            assert!(rig.runs().is_empty() && whole(&rig.workspace), "{filled}: {}", ui.inner.text());
            assert!(rig.containers().is_empty(), "{filled}");
            disk.free();
        }
        assert_eq!(rig.sh("cat work.txt").out, "a person's work");
    }

    a45_an_agent_that_fills_the_disk_ends_as_it_likes_and_is_cleaned_up(rig) {
        let Some(disk) = small(rig) else { return };
        let ran = rig.sh("head -c 100M /dev/zero >big 2>/dev/null && echo all; echo still here; exit 3");
        assert_eq!((ran.code, ran.out.as_str()), (3, "still here\n"), "{ran:?}");
        assert!(rig.runs().is_empty() && rig.containers().is_empty() && whole(&rig.workspace));
        // The copy is kept for --resume; a person who wants the room back removes it.
        assert_eq!(sweep(&rig.options.state, &rig.options.host), Vec::<String>::new());
        drop(disk);
    }
}
