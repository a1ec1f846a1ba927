//! The one program of ours that runs inside a guest. Compiled by build.rs, on its own, static.
//!
//! `enter` (bubblewrap, process 1): checks the mounts, starts the relay, runs the agent and ends with it.
//! `serve` (containers, process 1): checks the mounts and is the relay until the guest ends.
//! `run` (containers): becomes a command, once the relay answers.
//!
//! The relay listens on the guest's loopback and joins each connection to the egress socket; it
//! gives nothing but the proxy. What the program needs stands in files beside it, so that no
//! value is seen in an argument list: `env`, `mounts` and `filter`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// As `PROXY_PORT` in src/plan/engine_env.rs; a test holds the two together.
const PROXY_PORT: u16 = 47128;
/// The exit code for «the guest could not be set up», as container engines use it.
const SETUP_FAILED: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
/// Connections at once; more are refused, so that a guest cannot make the relay grow.
const MAX_CONNECTIONS: usize = 512;
const STACK: usize = 64 * 1024;
const BUFFER: usize = 32 * 1024;

fn main() -> ExitCode {
    // Before anything is opened: what a launcher's shell or a container engine left open is the host's.
    if let Err(error) = sys::close_inherited() {
        return fail(&format!("cannot close what it inherited: {error}"));
    }
    let args: Vec<OsString> = std::env::args_os().collect();
    let mode = args.get(1).and_then(|a| a.to_str()).unwrap_or("");
    let home = std::env::current_exe().ok().and_then(|p| p.parent().map(Path::to_path_buf));
    let Some(home) = home else { return fail("cannot tell where it lies") };
    let result = match mode {
        "enter" => enter(&home, &args[2..]),
        // Process 1 of a container inherits variables of the image and of the engine's client,
        // which the guest could read in /proc: it begins anew without them.
        "serve" if std::env::vars_os().next().is_some() => Err(begin_anew(&home)),
        "serve" => serve_guest(&home),
        "run" => run(&home, &args[2..]),
        "relay" => relay_of_stdin(&home),
        _ => Err(Failure::setup("unknown mode")),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "bot-bottle guest: {}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

fn fail(text: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "bot-bottle guest: {text}");
    ExitCode::from(SETUP_FAILED)
}

struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    fn setup(text: impl Into<String>) -> Self {
        Self { code: SETUP_FAILED, text: text.into() }
    }
}

/// Process 1 of a guest. When it ends, the kernel kills whatever is left, and only then does the launcher hear of
/// it; so no process of the guest may trace it, write its memory or stop it.
fn enter(home: &Path, argv: &[OsString]) -> Result<u8, Failure> {
    sys::undumpable();
    check_mounts(home)?;
    // Inside, where only the guest's own processes count.
    for line in fs::read_to_string(home.join("limits")).unwrap_or_default().lines() {
        let limit = line.split_once(' ').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        let set = limit.is_some_and(|(name, number)| sys::limit(name, number));
        set.then_some(()).ok_or_else(|| Failure::setup(format!("cannot set the limit {line:?}")))?;
    }
    // bubblewrap has loaded the filter already.
    if home.join("net").exists() {
        let listener = listen()?;
        // A process group of its own: Ctrl-C in the terminal is the agent's, not the relay's.
        Command::new(home.join("guest"))
            .arg("relay")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|e| Failure::setup(format!("cannot start the relay: {e}")))?;
    }
    let mut command = command(home, argv)?;
    // SAFETY: between fork and exec only calls that are allowed there.
    unsafe {
        command.pre_exec(|| {
            sys::take_foreground();
            Ok(())
        })
    };
    let child = command.spawn().map_err(|e| cannot_run(&command, &e))?;
    sys::bury_until(child.id()).map_err(|e| Failure::setup(format!("cannot wait for the agent: {e}")))
}

fn serve_guest(home: &Path) -> Result<u8, Failure> {
    sys::undumpable();
    check_mounts(home)?;
    load_filter(home)?;
    sys::reap_children();
    let listener = listen()?;
    serve(listener, home.join("net/egress.sock"))
}

fn begin_anew(home: &Path) -> Failure {
    let error = Command::new(home.join("guest")).arg("serve").env_clear().exec();
    Failure::setup(format!("cannot begin without variables: {error}"))
}

fn run(home: &Path, argv: &[OsString]) -> Result<u8, Failure> {
    load_filter(home)?;
    // A client of a container engine tells the terminal's size a moment after the start.
    let patience = Instant::now() + Duration::from_millis(500);
    while sys::sizeless_terminal() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(2));
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, PROXY_PORT)).is_err() {
        if Instant::now() > deadline {
            return Err(Failure::setup("the relay does not answer"));
        }
        thread::sleep(Duration::from_millis(2));
    }
    sys::take_foreground();
    let mut command = command(home, argv)?;
    let error = command.exec();
    Err(cannot_run(&command, &error))
}

fn relay_of_stdin(home: &Path) -> Result<u8, Failure> {
    sys::undumpable();
    let fd = io::stdin().as_fd().try_clone_to_owned().map_err(|e| Failure::setup(e.to_string()))?;
    serve(TcpListener::from(fd), home.join("net/egress.sock"))
}

fn listen() -> Result<TcpListener, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, PROXY_PORT))
        .map_err(|e| Failure::setup(format!("cannot listen for the agent's requests: {e}")))
}

/// Compares each mount with what the launch opened before: a source that was swapped for a
/// symbolic link in between leads elsewhere, and the guest does not start.
fn check_mounts(home: &Path) -> Result<(), Failure> {
    let list =
        fs::read(home.join("mounts")).map_err(|e| Failure::setup(format!("no list of mounts: {e}")))?;
    for entry in list.split(|b| *b == 0).filter(|e| !e.is_empty()) {
        let mut parts = entry.splitn(3, |b| *b == b' ');
        let mut number = || parts.next().and_then(|p| std::str::from_utf8(p).ok()?.parse::<u64>().ok());
        let (dev, ino) = (number(), number());
        let path = Path::new(OsStr::from_bytes(parts.next().unwrap_or_default()));
        let found = fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
        if found.is_none() || found != dev.zip(ino) {
            return Err(Failure::setup(format!(
                "what is mounted at {} is not what was checked; was its source replaced meanwhile?",
                path.display()
            )));
        }
    }
    Ok(())
}

/// The command, with the guest's environment and nothing else.
fn command(home: &Path, argv: &[OsString]) -> Result<Command, Failure> {
    let argv = argv.strip_prefix(&[OsString::from("--")]).unwrap_or(argv);
    let Some((program, args)) = argv.split_first() else { return Err(Failure::setup("no command")) };
    let env = fs::read(home.join("env")).map_err(|e| Failure::setup(format!("no environment: {e}")))?;
    let mut command = Command::new(program);
    command.args(args).env_clear();
    for entry in env.split(|b| *b == 0) {
        if let Some(at) = entry.iter().position(|b| *b == b'=') {
            command.env(OsStr::from_bytes(&entry[..at]), OsStr::from_bytes(&entry[at + 1..]));
        }
    }
    Ok(command)
}

fn cannot_run(command: &Command, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    Failure { code, text: format!("cannot run {}: {error}", command.get_program().to_string_lossy()) }
}

fn serve(listener: TcpListener, socket: PathBuf) -> ! {
    // A connection takes four files.
    sys::raise_open_files();
    let socket = Arc::new(socket);
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((client, _)) = listener.accept() else {
            // Out of descriptors or memory for a moment.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        if open.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            open.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let (socket, count) = (Arc::clone(&socket), Arc::clone(&open));
        let joined = thread::Builder::new().stack_size(STACK).spawn(move || {
            let _ = join(client, &socket);
            count.fetch_sub(1, Ordering::AcqRel);
        });
        if joined.is_err() {
            open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Passes bytes both ways until both sides have ended.
fn join(client: TcpStream, socket: &Path) -> io::Result<()> {
    let egress = UnixStream::connect(socket)?;
    client.set_nodelay(true)?;
    let (client_out, egress_in) = (client.try_clone()?, egress.try_clone()?);
    let up = thread::Builder::new().stack_size(STACK).spawn(move || {
        let (mut from, mut to) = (client, egress);
        let how = end(pump(&mut from, &mut to));
        let _ = to.shutdown(how);
        if how == Shutdown::Both {
            let _ = from.shutdown(how);
        }
    })?;
    let (mut from, mut to) = (egress_in, client_out);
    let how = end(pump(&mut from, &mut to));
    let _ = to.shutdown(how);
    if how == Shutdown::Both {
        let _ = from.shutdown(how);
    }
    let _ = up.join();
    Ok(())
}

/// A side that ended cleanly is half closed; one that failed takes the other with it.
fn end(result: io::Result<()>) -> Shutdown {
    if result.is_ok() { Shutdown::Write } else { Shutdown::Both }
}

fn pump(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => to.write_all(&buffer[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Adds our system call filter to the container engine's own.
fn load_filter(home: &Path) -> Result<(), Failure> {
    let filter = fs::read(home.join("filter")).map_err(|e| Failure::setup(format!("no filter: {e}")))?;
    sys::load_filter(&filter).map_err(|e| Failure::setup(format!("cannot load the system call filter: {e}")))
}

/// The calls that the standard library has no name for.
mod sys {
    use std::{fs, io};

    unsafe extern "C" {
        fn prctl(option: i32, a: usize, b: usize, c: usize, d: usize) -> i32;
        fn signal(number: i32, handler: usize) -> usize;
        fn getpid() -> i32;
        fn isatty(fd: i32) -> i32;
        fn getrlimit(resource: i32, limit: *mut [u64; 2]) -> i32;
        fn setrlimit(resource: i32, limit: *const [u64; 2]) -> i32;
        fn setpgid(pid: i32, group: i32) -> i32;
        fn tcsetpgrp(fd: i32, group: i32) -> i32;
        fn ioctl(fd: i32, request: usize, ...) -> i32;
        fn close(fd: i32) -> i32;
        fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    }

    const PR_SET_SECCOMP: i32 = 22;
    const PR_SET_NO_NEW_PRIVS: i32 = 38;
    const SECCOMP_MODE_FILTER: usize = 2;
    const SIGCHLD: i32 = 17;
    const SIGTTOU: i32 = 22;
    const SIG_DFL: usize = 0;
    const SIG_IGN: usize = 1;
    /// Bytes of one filter instruction.
    const INSTRUCTION: usize = 8;

    #[repr(C)]
    struct Program {
        length: u16,
        instructions: *const u8,
    }

    /// `filter` is an array of `struct sock_filter` in native byte order.
    pub fn load_filter(filter: &[u8]) -> io::Result<()> {
        // The kernel reads eight-byte instructions; a Vec<u64> is aligned for them.
        let words: Vec<u64> = filter
            .chunks_exact(INSTRUCTION)
            .map(|c| u64::from_ne_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]))
            .collect();
        let length = u16::try_from(words.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let program = Program { length, instructions: words.as_ptr().cast() };
        // SAFETY: the calls take integers and a pointer to `program`, which outlives them.
        let ok = unsafe {
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const program as usize, 0, 0) == 0
        };
        if ok { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Closes everything but the standard streams.
    pub fn close_inherited() -> io::Result<()> {
        let numbers = fs::read_dir("/proc/self/fd")?.flatten();
        let numbers: Vec<i32> = numbers.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
        for fd in numbers.into_iter().filter(|fd| *fd > 2) {
            // SAFETY: nothing of this program owns a descriptor yet; the list's own is closed already,
            // and closing its number again is an error without effect.
            unsafe { close(fd) };
        }
        Ok(())
    }

    /// Limits memory (`data`) or processes (`nproc`), for good.
    pub fn limit(name: &str, number: u64) -> bool {
        const RLIMIT_DATA: i32 = 2;
        const RLIMIT_NPROC: i32 = 6;
        let resource = match name {
            "data" => RLIMIT_DATA,
            "nproc" => RLIMIT_NPROC,
            _ => return false,
        };
        // SAFETY: the two numbers are `struct rlimit` of a 64-bit system, and outlive the call.
        unsafe { setrlimit(resource, &[number, number]) == 0 }
    }

    /// Takes as many open files as this process may have; where that is refused, it has fewer.
    pub fn raise_open_files() {
        const RLIMIT_NOFILE: i32 = 7;
        let mut limit = [0; 2];
        // SAFETY: the two numbers are `struct rlimit` of a 64-bit system, and outlive the calls.
        unsafe {
            if getrlimit(RLIMIT_NOFILE, &mut limit) == 0 {
                setrlimit(RLIMIT_NOFILE, &[limit[1], limit[1]]);
            }
        }
    }

    /// On a terminal, becomes its foreground group: Ctrl-C is the agent's, not its sandbox's.
    pub fn take_foreground() {
        // SAFETY: the calls take integers alone. SIGTTOU would stop a process that takes the
        // terminal from the background.
        unsafe {
            if isatty(0) == 1 {
                setpgid(0, 0);
                signal(SIGTTOU, SIG_IGN);
                tcsetpgrp(0, getpid());
                signal(SIGTTOU, SIG_DFL);
            }
        }
    }

    /// Whether standard input is a terminal that does not know its size.
    pub fn sizeless_terminal() -> bool {
        const TIOCGWINSZ: usize = 0x5413;
        let mut size = [0u16; 4];
        // SAFETY: the call fills the four numbers of `struct winsize`.
        let answered = unsafe { ioctl(0, TIOCGWINSZ, size.as_mut_ptr()) == 0 };
        answered && size[..2] == [0, 0]
    }

    /// Keeps processes of the same user from tracing this one and from reading and writing its memory.
    pub fn undumpable() {
        const PR_SET_DUMPABLE: i32 = 4;
        // SAFETY: the call takes integers alone, and cannot fail with these.
        unsafe { prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) };
    }

    /// Buries every process that ends here until that child does; gives its exit code, as a shell has it.
    pub fn bury_until(child: u32) -> io::Result<u8> {
        loop {
            let mut status = 0;
            // SAFETY: the call fills `status`.
            let ended = unsafe { waitpid(-1, &mut status, 0) };
            if ended < 0 {
                let error = io::Error::last_os_error();
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                return Err(error);
            }
            if u32::try_from(ended) == Ok(child) {
                let [low, high, ..] = status.to_le_bytes();
                return Ok(if low & 0x7f == 0 { high } else { 128 + (low & 0x7f) });
            }
        }
    }

    /// Process 1 inherits every orphan; with SIGCHLD ignored the kernel buries them.
    pub fn reap_children() {
        // SAFETY: SIG_IGN is a valid disposition for SIGCHLD.
        unsafe { signal(SIGCHLD, SIG_IGN) };
    }
}
