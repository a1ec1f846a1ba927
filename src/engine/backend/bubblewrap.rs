//! bubblewrap: no daemon and no image. The guest sees the host's system folders read-only, a few
//! files of /etc, and an /etc of its own for the rest; of the host's home it sees nothing.
//!
//! Every command is a sandbox of its own over the same folders. The guest's user is `node` (1000)
//! in a user namespace: outside it is the launcher, without capabilities, or another user where root launches.
//! So there is no root inside, and what the plan would have root do, `node` does, who owns
//! everything that can be written.

use super::another_user::{AnotherUser, Gathered};
use super::limits::Limits;
use super::{Backend, BackendKind, Job, Stop, TrustStore, seccomp};
use crate::engine::child::{self, Prepared, Stopped};
use crate::engine::error::Problem;
use crate::engine::guest::{Bind, Guest};
use crate::engine::host::Host;
use crate::engine::looked::Looked;
use crate::engine::mount_points::MountPoints;
use crate::engine::relay::{self, PROGRAMS};
use crate::engine::state::Run;
use crate::engine::tree::Owner;
use crate::plan::{Plan, engine_env::CA_BUNDLE};
use crate::provider::{GUEST_HOME, WORKSPACE};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs;
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

const UID: &str = "1000";

/// System folders, as links where the host has links.
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix"];
/// Files and folders of the host's /etc that programs need and that hold no secret.
const ETC: [&str; 16] = [
    "alternatives",
    "debian_version",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "lsb-release",
    "magic",
    "mime.types",
    "os-release",
    "perl",
    "protocols",
    "services",
    "ssl/openssl.cnf",
    "terminfo",
];
/// Beginnings of further names there: a Java or Python installation keeps its settings in them.
const ETC_PREFIXES: [&str; 2] = ["java-", "python3"];
/// Where a host keeps the certificate authorities that it trusts.
const ROOTS: [&str; 4] =
    [CA_BUNDLE, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];
/// A memory-backed folder without a limit of its own would fill the host's memory.
const TMP_BYTES: u64 = 2 << 30;

/// The backend, before and after its start.
pub(crate) struct Bubblewrap {
    program: PathBuf,
    /// The agent's own files, where it is installed outside the system folders.
    agent: Vec<Bind>,
    links: Vec<(String, String)>,
    args: Vec<std::ffi::OsString>,
    mount_points: MountPoints,
    filter: Vec<u8>,
    limits: Limits,
    /// Who the guest is outside, where root launches.
    another_user: Option<AnotherUser>,
    /// What that user's guest is mounted from.
    gathered: Option<Gathered>,
}

impl Bubblewrap {
    pub(crate) fn find(host: &Host) -> Result<Self, Problem> {
        let program = host.find_program("bwrap").ok_or_else(|| {
            Problem::new(
                "there is no sandbox on this machine",
                "bubblewrap (bwrap) is not on PATH",
                "install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)",
            )
        })?;
        Ok(Self {
            program,
            agent: Vec::new(),
            links: Vec::new(),
            args: Vec::new(),
            mount_points: MountPoints::default(),
            filter: Vec::new(),
            limits: Limits::default(),
            another_user: None,
            gathered: None,
        })
    }
}

impl Backend for Bubblewrap {
    fn kind(&self) -> BackendKind {
        BackendKind::Bubblewrap
    }

    fn owner(&self) -> Owner {
        self.another_user.map_or(Owner(None), AnotherUser::owner)
    }

    /// Of the programs: those that are run in the guest, the agent's or another in its place, and
    /// what the plan's own commands need.
    fn check(&mut self, plan: &Plan, programs: &[&str], host: &Host, looked: &Looked) -> Result<(), Problem> {
        let user = AnotherUser::of(&looked.workspace_path(plan));
        self.another_user = user.map_err(|e| Problem::io("the workspace's owner is unknown", e))?;
        let mut found = Programs::default();
        for program in programs {
            found.add(program, host)?;
        }
        self.agent = found.binds;
        self.links = found.links;
        Ok(())
    }

    fn image(&mut self, _job: &Job<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn trust_stores(&self) -> Vec<TrustStore> {
        let roots = ROOTS.iter().find_map(|path| fs::read(path).ok()).unwrap_or_default();
        vec![TrustStore { guest_path: CA_BUNDLE.to_owned(), roots }]
    }

    fn start(&mut self, guest: &Guest, run: &mut Run, job: &Job<'_>) -> Result<(), Stop> {
        let failed = |e: io::Error| Problem::io("cannot prepare the sandbox", e);
        self.filter = seccomp::program().map_err(|e| Problem::io("there is no system call filter", e))?;
        self.limits = Limits::make(&guest.resources, run).map_err(failed)?;
        if !self.limits.notes.is_empty() {
            job.ui.note(&format!("no control groups here: {}", self.limits.notes.join("; ")));
        }
        relay::write_limits(&run.dir.join("guest"), &self.limits.instead).map_err(failed)?;
        let etc = Bind::new(write_etc(&run.dir, guest).map_err(failed)?, "/etc", false);
        let binds: Vec<&Bind> = [&etc].into_iter().chain(&guest.binds).chain(&self.agent).collect();
        self.gathered =
            self.another_user.map(|user| Gathered::make(user, binds.iter().copied())).transpose()?;
        self.args = self.arguments(guest, &etc.source, &binds[1..]);
        self.mount_points = guest.mount_points(self.owner());
        // A first sandbox that does nothing: what is wrong shows here, and not in the agent's place.
        // It joins no group: that costs the kernel as much as the sandbox itself.
        let trial = self.sandboxed(&["/bin/true".to_owned()]).map_err(failed)?;
        match child::run(trial, job.cancel, |_| {}) {
            Ok((0, _)) => Ok(()),
            Ok((_, output)) => Err(refused(&output).into()),
            Err(Stopped::Cancelled) => Err(Stop::Cancelled),
            Err(Stopped::Failed(e)) => Err(failed(e).into()),
        }
    }

    fn command(&self, argv: &[String], _terminal: bool) -> io::Result<Prepared> {
        // A command before this one may have put a link where the next sandbox mounts something.
        self.mount_points.make().map_err(io::Error::other)?;
        let mut prepared = self.sandboxed(argv)?;
        prepared.before.cgroups = self.limits.join_files()?;
        Ok(prepared)
    }

    fn stop(&mut self) -> Result<(), String> {
        // Each sandbox is dead when its command has ended: bubblewrap waits for process 1, and the kernel has
        // process 1 wait for all others. The groups go with the run's record.
        Ok(())
    }
}

impl Bubblewrap {
    /// A command in a sandbox of its own, without the groups that limit it.
    fn sandboxed(&self, argv: &[String]) -> io::Result<Prepared> {
        let filter = memory_file(&self.filter)?;
        let mut command = Command::new(&self.program);
        // What bubblewrap itself is given goes on to process 1 of the guest.
        command.env_clear();
        command.args(&self.args).arg("--seccomp").arg(filter.as_raw_fd().to_string());
        command.args(["--", relay::PATH, "enter", "--"]).args(as_node(argv));
        let mut prepared = Prepared::new(command);
        prepared.before.user = self.gathered.as_ref().map(Gathered::enter);
        prepared.before.keep.push(filter);
        Ok(prepared)
    }

    /// Where bubblewrap finds the n-th of what is mounted, the folder of our /etc being the first.
    fn source(&self, number: usize, own: &Path) -> PathBuf {
        self.gathered.as_ref().map_or_else(|| own.to_owned(), |gathered| gathered.source(number))
    }

    fn arguments(&self, guest: &Guest, etc: &Path, binds: &[&Bind]) -> Vec<std::ffi::OsString> {
        let mut args = Arguments::default();
        args.all(&[
            "--unshare-all",
            "--unshare-user",
            "--die-with-parent",
            "--as-pid-1",
            "--cap-drop",
            "ALL",
        ]);
        args.all(&["--uid", UID, "--gid", UID, "--hostname", &guest.hostname]);
        for folder in SYSTEM {
            match fs::read_link(folder) {
                Ok(target) => args.0.extend(["--symlink".into(), target.into(), folder.into()]),
                Err(_) => args.bind("--ro-bind-try", Path::new(folder), folder),
            }
        }
        bind_etc(&mut args, etc, &self.source(0, etc));
        let tmp = TMP_BYTES.to_string();
        args.all(&["--proc", "/proc", "--dev", "/dev"]);
        lock_proc(&mut args);
        for folder in ["/tmp", "/var/tmp", "/dev/shm"] {
            args.all(&["--perms", "1777", "--size", &tmp, "--tmpfs", folder]);
        }
        args.all(&["--dir", "/run", "--dir", GUEST_HOME, "--dir", PROGRAMS]);
        for (number, bind) in binds.iter().enumerate() {
            let how = if bind.writable { "--bind" } else { "--ro-bind" };
            args.bind(how, &self.source(number + 1, &bind.source), &bind.target);
        }
        for (target, link) in &self.links {
            args.all(&["--symlink", target, link]);
        }
        args.all(&["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORKSPACE]);
        args.0
    }
}

/// What a process without any rights may not even read.
const HIDDEN: [&str; 6] = ["kcore", "keys", "kmsg", "latency_stats", "sched_debug", "timer_list"];

/// Makes everything in /proc but the processes read-only.
///
/// The kernel asks for some of these files (`sys/kernel/core_pattern`) whose they are, not for a capability.
fn lock_proc(args: &mut Arguments) {
    use std::os::unix::fs::MetadataExt;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
        if metadata.is_symlink() || name.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let path = format!("/proc/{name}");
        if HIDDEN.contains(&name.as_str()) || name == "sysrq-trigger" {
            args.bind("--ro-bind", Path::new("/dev/null"), &path);
        } else if metadata.is_dir() || metadata.mode() & 0o222 != 0 {
            args.bind("--ro-bind", Path::new(&path), &path);
        }
    }
}

#[derive(Default)]
struct Arguments(Vec<std::ffi::OsString>);

impl Arguments {
    fn all(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|&w| w.into()));
    }

    fn bind(&mut self, how: &str, source: &Path, target: &str) {
        self.0.extend([how.into(), source.into(), target.into()]);
    }
}

/// The files of the guest's /etc that are ours; gives the folder that holds them.
fn write_etc(run: &Path, guest: &Guest) -> io::Result<PathBuf> {
    let etc = run.join("etc");
    crate::engine::state::make_dir(&etc)?;
    let write = |name: &str, text: &str| fs::write(etc.join(name), text);
    write(
        "passwd",
        "node:x:1000:1000:node:/home/node:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    )?;
    write("group", "node:x:1000:\nnogroup:x:65534:\n")?;
    write("hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    write("hostname", &format!("{}\n", guest.hostname))?;
    // No resolver: names are the egress's to resolve.
    write("resolv.conf", "")?;
    write("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")?;
    Ok(etc)
}

/// The guest's /etc: our files, which bubblewrap finds in `from`, and the host's harmless ones.
fn bind_etc(args: &mut Arguments, ours: &Path, from: &Path) {
    let names = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    for name in names(ours) {
        args.bind("--ro-bind", &from.join(&name), &format!("/etc/{name}"));
    }
    let found =
        names(Path::new("/etc")).into_iter().filter(|n| ETC_PREFIXES.iter().any(|p| n.starts_with(p)));
    for name in ETC.map(str::to_owned).into_iter().chain(found) {
        let path = format!("/etc/{name}");
        args.bind("--ro-bind-try", Path::new(&path), &path);
    }
}

fn memory_file(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = fs::File::from(memfd_create("bot-bottle-filter", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// A plan's command for `root` that changes to the guest's user anyway: the change is left out,
/// since every command here is that user's.
pub(crate) fn as_node(argv: &[String]) -> &[String] {
    match argv {
        [runuser, u, user, dashes, rest @ ..]
            if runuser == "runuser" && u == "-u" && user == crate::provider::GUEST_USER && dashes == "--" =>
        {
            rest
        }
        all => all,
    }
}

fn refused(output: &str) -> Problem {
    let help = if output.contains("namespace") || output.contains("uid map") || output.contains("RTM_NEWADDR")
    {
        "let this user make user namespaces (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu 24.04 \
         an AppArmor profile for bwrap), or choose --backend docker"
    } else {
        ""
    };
    Problem::new("the sandbox does not start", output, help)
}

/// Where programs outside the system folders lie, and how they appear in the guest.
#[derive(Default)]
struct Programs {
    binds: Vec<Bind>,
    links: Vec<(String, String)>,
}

impl Programs {
    fn add(&mut self, name: &str, host: &Host) -> Result<(), Problem> {
        let in_guest = |dir: &str| Path::new(dir).join(name).exists();
        if name.contains('/')
            || ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].into_iter().any(in_guest)
        {
            return Ok(());
        }
        let missing = |why: &str| {
            Problem::new(
                format!("{name} cannot be run"),
                why.to_owned(),
                format!("install {name} on this machine, or choose --backend docker, whose image brings it"),
            )
        };
        let found = host.find_program(name).ok_or_else(|| missing("it is not on PATH"))?;
        let real = fs::canonicalize(&found).map_err(|e| missing(&e.to_string()))?;
        let link = format!("{PROGRAMS}/bin/{name}");
        // A package of npm needs all that was installed beside it.
        let modules = real.ancestors().filter(|a| a.ends_with("node_modules")).last();
        let Some(modules) = modules else {
            let target = format!("{PROGRAMS}/program/{name}");
            self.bind(&real, target.clone());
            self.links.push((target, link));
            return Ok(());
        };
        // Two programs may come from two prefixes; Node.js wants the folder's own name.
        let known = self.binds.iter().find(|b| b.source == modules).map(|b| b.target.clone());
        let target = known.unwrap_or_else(|| format!("{PROGRAMS}/{}/node_modules", self.binds.len()));
        let inside = real.strip_prefix(modules).unwrap_or(&real).display().to_string();
        self.bind(modules, target.clone());
        self.links.push((format!("{target}/{inside}"), link));
        // The Node.js that npm came with, where it is not the system's.
        if !Path::new("/usr/bin/node").exists() && !Path::new("/usr/local/bin/node").exists() {
            let node = host.find_program("node").and_then(|n| fs::canonicalize(n).ok());
            node.into_iter().for_each(|node| self.bind(&node, format!("{PROGRAMS}/bin/node")));
        }
        Ok(())
    }

    fn bind(&mut self, source: &Path, target: String) {
        if !self.binds.iter().any(|b| b.target == target) {
            self.binds.push(Bind::new(source, target, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_to_the_guests_user_is_left_out() {
        let argv: Vec<String> = ["runuser", "-u", "node", "--", "env", "A=b"].map(str::to_owned).into();
        assert_eq!(as_node(&argv), ["env", "A=b"]);
        let other: Vec<String> = ["runuser", "-u", "root", "--", "id"].map(str::to_owned).into();
        assert_eq!(as_node(&other), other);
    }
}
