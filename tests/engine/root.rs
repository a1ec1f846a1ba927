//! Who the guest is on the host where root launches: the workspace's owner, or nobody that the host knows; never root.

use crate::containers::is_root;
use crate::faults::eventually;
use crate::rig::{Other, Rig, tool};
use bot_bottle::engine::{Choice, LaunchError};
use bot_bottle::plan::{Mount, WorkspaceMode};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Beyond every account and every range that accounts are given.
const UNUSED: u32 = 1_879_048_192;

const WORK: &str = "id -u; echo work >made; mkdir -p deep/er; echo more >deep/er/file; cat given";

/// The number that a process of the guest has on the host.
fn outside(rig: &Rig) -> u32 {
    // Of many tests at once this one alone waits for this folder.
    let sign = rig.workspace.display().to_string().replace('/', "_");
    let other = Other::start(rig, &format!("echo started; exec env -i A={sign} sleep 1000"));
    let ours = |path: &PathBuf| {
        fs::read(path.join("environ")).is_ok_and(|env| String::from_utf8_lossy(&env).contains(&sign))
            && fs::read(path.join("comm")).is_ok_and(|comm| comm == b"sleep\n")
    };
    let mut found = None;
    eventually("the guest's process", || {
        let processes = fs::read_dir("/proc").expect("processes").flatten().map(|entry| entry.path());
        found = processes.filter(ours).find_map(|path| Some(fs::metadata(path.join("status")).ok()?.uid()));
        found.is_some()
    });
    other.cancel();
    found.expect("the guest's process")
}

fn bubblewrap() -> Option<Rig> {
    Rig::bubblewrap().filter(|_| is_root())
}

#[test]
fn what_is_roots_is_the_guests_to_write_and_stays_roots() {
    let Some(mut rig) = bubblewrap() else { return };
    fs::write(rig.workspace.join("given"), "a secret of root's\n").expect("written");
    fs::set_permissions(rig.workspace.join("given"), fs::Permissions::from_mode(0o600)).expect("mode");
    let ran = rig.sh(WORK);
    assert_eq!(outside(&rig), UNUSED);
    assert!(ran.out.starts_with("1000\na secret of root's\n"), "{ran:?}");
    for made in ["made", "deep", "deep/er/file"] {
        assert_eq!(fs::metadata(rig.workspace.join(made)).expect("made").uid(), 0, "{made}");
    }
    // Its home is its own, there to resume.
    rig.options.resume = Some(Default::default());
    assert_eq!(rig.sh("echo x >~/note; cat ~/note").out, "x\n");
    assert_eq!(rig.sh("cat ~/note").out, "x\n");
}

#[test]
fn another_users_workspace_is_worked_in_as_that_user() {
    let Some(mut rig) = bubblewrap() else { return };
    fs::write(rig.workspace.join("given"), "read by all\n").expect("written");
    chown(&rig.workspace, Some(4321), Some(4322)).expect("root");
    let ran = rig.sh(WORK);
    assert_eq!(
        (ran.out.as_str(), outside(&rig)),
        (
            "1000
read by all
",
            4321
        )
    );
    let made = fs::metadata(rig.workspace.join("deep/er/file")).expect("made");
    assert_eq!((made.uid(), made.gid()), (4321, 4322));
    // The home of another owner's run is not gone on with half readable.
    chown(&rig.workspace, Some(4323), Some(4323)).expect("root");
    rig.options.resume = Some(Default::default());
    let error = rig.try_sh("true").expect_err("another user's").to_string();
    assert!(error.contains("the user 4321's") && error.contains("without --resume"), "{error}");
}

#[test]
fn nothing_of_the_hosts_root_is_reached_by_its_number() {
    let Some(mut rig) = bubblewrap() else { return };
    let outside = rig.home.join("private");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("key"), "k").expect("written");
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o700)).expect("mode");
    chown(&rig.workspace, Some(4321), Some(4321)).expect("root");
    // A folder of root's own that is mounted to be read can be read: the manifest gives it.
    rig.plan.workspace.mounts.push(Mount { source: outside, target: "/private".into(), read_only: true });
    let ran = rig.sh("cat /private/key; (echo x >/private/key) 2>/dev/null && echo WRITTEN; ls -ln /private | tail -n 1 | cut -d' ' -f3; kill -0 1 2>/dev/null; cat /proc/sys/kernel/core_pattern >/dev/null; (echo x >/proc/sys/kernel/core_pattern) 2>/dev/null && echo WRITTEN");
    assert!(ran.out.starts_with("k1000\n") && !ran.out.contains("WRITTEN"), "{ran:?}");
}

/// An overlay, which cannot show its files as another user's.
struct Overlay(PathBuf);

impl Overlay {
    fn mount(at: &Path) -> Option<Self> {
        let below = at.with_extension("layers");
        let [lower, upper, work] = ["lower", "upper", "work"].map(|name| below.join(name));
        for folder in [&lower, &upper, &work] {
            fs::create_dir_all(folder).expect("a folder");
        }
        // Of a kind that an overlay takes as its upper layer.
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
        let mut mount = Command::new("mount");
        mount.args(["-t", "overlay", "overlay", "-o", &options]).arg(at);
        mount.status().expect("mount").success().then(|| Self(at.to_owned()))
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn where_roots_files_cannot_be_mapped_a_copy_is_named_and_works() {
    let Some(mut rig) = bubblewrap().filter(|_| tool("mount", "apt-get install mount")) else { return };
    let Some(_overlay) = Overlay::mount(&rig.workspace) else {
        println!("skipped: no overlay can be mounted here; install with: a kernel with overlayfs");
        assert!(std::env::var_os("BOT_BOTTLE_REQUIRE_ALL").is_none_or(|v| v != "1"));
        return;
    };
    fs::write(rig.workspace.join("given"), "given\n").expect("written");
    let error = rig.try_sh("true").expect_err("root's").to_string();
    assert!(error.contains("it is root's") && error.contains("workspace.mode: copy"), "{error}");
    assert!(rig.runs().is_empty());
    rig.plan.workspace.mode = WorkspaceMode::Copy;
    assert_eq!(rig.sh("cat given; echo x >made; cat made").out, "given\nx\n");
    rig.plan.workspace.mode = WorkspaceMode::ReadOnly;
    assert_eq!(rig.sh("cat given; (echo x >made) 2>/dev/null || echo no").out, "given\nno\n");
}

#[test]
fn a_container_is_not_given_a_number_that_the_host_knows() {
    for rig in [Rig::docker(), Rig::podman()] {
        let Some(mut rig) = rig.filter(|_| is_root()) else { continue };
        chown(&rig.workspace, Some(0), Some(0)).expect("root");
        let error = rig.try_sh("true").expect_err("root's").to_string();
        assert!(error.contains("it is root's") && error.contains("workspace.mode: copy"), "{error}");
        rig.plan.workspace.mode = WorkspaceMode::Copy;
        let ran = rig.sh("id -u; echo x >made; cat made");
        assert_eq!(ran.out, format!("{UNUSED}\nx\n"), "{ran:?}");
        let backend = rig.options.backend;
        assert!(matches!(backend, Choice::DOCKER | Choice::PODMAN), "{backend:?}");
        assert!(!matches!(rig.try_sh("true"), Err(LaunchError::Failed { .. })));
    }
}

/// What a process of the host gets from the egress's socket: nothing, though its number is the guest's.
#[test]
fn the_guests_way_out_is_no_way_for_a_process_of_the_host() {
    let Some(rig) = bubblewrap().filter(|_| tool("python3", "apt-get install python3")) else { return };
    chown(&rig.workspace, Some(4321), Some(4321)).expect("root");
    let other = Other::start(&rig, "echo started; exec sleep 1000");
    let socket = rig.runs().remove(0).join("net/egress.sock");
    let ask = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ntry:\n  s.sendall(b'GET http://evil.test/ HTTP/1.1\\r\\nHost: evil.test\\r\\n\\r\\n')\n  print(s.recv(100))\nexcept ConnectionError: print(b'')";
    let mut python = Command::new("python3");
    // As root too, who may do anything here: what counts is that the connection is not the guest's.
    let output = python.args(["-c", ask]).arg(socket).output().expect("python3");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    other.cancel();
    assert_eq!(said, "b''\n", "{}", String::from_utf8_lossy(&output.stderr));
}
