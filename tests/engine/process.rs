//! Attacks 33, 35, 37, 61 and 65: what a process in the guest may do to the kernel and to others.

use crate::launcher::command;
use crate::rig::{Other, Rig, tool};
use bot_bottle::engine::{Choice, Talk, ps};
use bot_bottle::plan::Resources;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Calls the kernel directly; prints each call that was not refused.
const CALLS: &str = r#"python3 - <<'PY'
import ctypes, ctypes.util, os
libc = ctypes.CDLL(None, use_errno=True)
calls = {
    'mount': (165, b'none', b'/tmp', b'tmpfs', 0, 0), 'umount2': (166, b'/tmp', 0), 'pivot_root': (155, b'/', b'/'),
    'chroot': (161, b'/tmp'), 'unshare user': (272, 0x10000000), 'unshare net': (272, 0x40000000), 'setns': (308, 0, 0),
    'clone newuser': (56, 0x10000000 | 17, 0, 0, 0, 0), 'clone3': (435, 0, 0),
    'bpf': (321, 0, 0, 0), 'perf_event_open': (298, 0, 0, -1, -1, 0), 'userfaultfd': (323, 0),
    'keyctl': (250, 0, -3, 0), 'add_key': (248, b'user', b'x', b'y', 1, -2), 'request_key': (249, b'user', b'x', 0, 0),
    'init_module': (175, 0, 0, b''), 'finit_module': (313, 0, b'', 0), 'delete_module': (176, b'x', 0),
    'kexec_load': (246, 0, 0, 0, 0), 'reboot': (169, 0xfee1dead, 672274793, 0), 'swapon': (167, b'/x', 0),
    'settimeofday': (164, 0, 0), 'sethostname': (170, b'x', 1), 'iopl': (172, 3), 'acct': (163, 0),
    'open_by_handle_at': (304, 0, 0, 0), 'io_uring_setup': (425, 1, 0), 'open_tree': (428, -100, b'/', 1),
    'fsopen': (430, b'tmpfs', 0), 'move_mount': (429, -1, b'', -1, b'', 0), 'mount_setattr': (442, -100, b'/', 0, 0, 0),
    'x32 getpid': (0x40000000 + 39,), 'vsock': (41, 40, 1, 0), 'packet': (41, 17, 3, 0), 'alg': (41, 38, 5, 0),
    'setuid': (105, 0), 'tiocsti': (16, 0, 0x5412, b'x'),
}
for name, (number, *args) in calls.items():
    args = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in args]
    got = libc.syscall(ctypes.c_long(number), *args)
    error = ctypes.get_errno()
    # EPERM, ENOSYS, EAFNOSUPPORT; a user that is not there is EINVAL.
    if got >= 0 or error not in (1, 38, 97) + ((22,) if name == 'setuid' else ()):
        print('ALLOWED', name, got, error)
status = dict(l.split(':', 1) for l in open('/proc/self/status'))
print(status['CapEff'].strip(), status['CapBnd'].strip(), status['NoNewPrivs'].strip(), status['Seccomp'].strip())
PY"#;

/// A number of seconds that no other test sleeps.
fn seconds(rig: &Rig) -> usize {
    6_200 + Choice::all().position(|choice| choice == rig.options.backend).unwrap_or_default()
}

on_each! {
    a33_what_widens_a_sandbox_is_refused(rig) {
        let ran = rig.sh(CALLS);
        let lines: Vec<_> = ran.out.lines().collect();
        let [last] = lines.as_slice() else { panic!("{}\n{}", ran.out, ran.err) };
        let words: Vec<_> = last.split(' ').collect();
        // The bounding set of bubblewrap's user namespace is full, and worth nothing without new privileges.
        assert_eq!((words[0], words[2], words[3]), ("0000000000000000", "1", "2"), "{last}");
    }

    what_the_launchers_shell_left_open_is_not_the_guests(rig) {
        let outside = rig.workspace.parent().expect("parent").join("outside");
        std::fs::create_dir(&outside).expect("folder");
        std::fs::write(outside.join("secret"), "host").expect("write");
        let launcher = command(rig, "ls /proc/self/fd; readlink /proc/[0-9]*/fd/*; cat /proc/[0-9]*/fd/*/secret", Talk::Stream);
        // As `bot-bottle launch dev 8<file 9<folder`, and as a service manager that leaves many open.
        let opening = format!("for n in $(seq 3 200); do eval \"exec $n<'{}'\"; done; exec \"$0\" \"$@\"", outside.display());
        let mut shell = Command::new("bash");
        shell.args(["-c", &opening]).arg(launcher.get_program()).args(launcher.get_args());
        shell.envs(launcher.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = shell.output().expect("bash");
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        // The fourth is the listing's own.
        assert!(out.contains("0\n1\n2\n3\n") && !out.contains("\n4\n"), "{out}{err}");
        assert!(!out.contains("outside") && !out.contains("host"), "{out}{err}");
    }

    a33_the_agent_holds_no_capability_and_its_root_cannot_be_written(rig) {
        let ran = rig.sh(
            "grep -E '^(Cap|NoNewPrivs:|Seccomp:)' /proc/self/status | tr -s '\\t\\n' ' '; echo
             awk '$2 == \"/\" { split($4, o, \",\"); print o[1] }' /proc/mounts | tail -n 1");
        let none = "0".repeat(16);
        let caps = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|cap| format!("{cap}: {none} ")).concat();
        assert_eq!(ran.out, format!("{caps}NoNewPrivs: 1 Seccomp: 2 \nro\n"), "{ran:?}");
        if rig.options.backend == Choice::BUBBLEWRAP {
            return;
        }
        // Our own program says it too, so that the engine was told shows on its side alone.
        let other = Other::start(rig, "echo started; exec sleep 60");
        let container = ps(&rig.options.state, &rig.options.host)[0].container.clone().expect("a container");
        let told = rig.engine(&["container", "inspect", "--format", "{{.HostConfig.SecurityOpt}}", &container]);
        other.cancel();
        assert!(told.contains("no-new-privileges"), "{told}");
    }

    a61_a74_no_process_of_the_guest_has_the_launchers_environment(rig) {
        let mark = ["launchers", "own", "value"].join("-");
        let script = "cat /proc/[0-9]*/environ | tr '\\0' '\\n'; echo end";
        let launcher = command(rig, script, Talk::Stream).env("SSH_AUTH_SOCK", &mark).output().expect("launcher");
        let out = String::from_utf8_lossy(&launcher.stdout);
        assert!(out.contains("HOME=/home/node\n") && out.contains("end\n"), "{out}");
        assert!(!out.contains(&mark) && !out.contains("SSH_AUTH_SOCK"), "{out}");
    }

    a33_setuid_gives_nothing(rig) {
        let ran = rig.sh("for p in su mount passwd chsh; do p=$(command -v $p) && test -u $p && echo found; done | sort -u; su -c id </dev/null; id -u");
        assert!(ran.out.starts_with("found\n") && ran.out.trim_end().ends_with("1000"), "{ran:?}");
        assert!(!ran.out.contains("uid=0"), "{ran:?}");
    }

    a33_no_program_is_left_with_a_set_user_id_bit(rig) {
        let ran = rig.sh("cp /bin/true x && for m in 4755 6711 u+s; do chmod $m x && echo CHMOD; done; \
            python3 -c \"import os\nfor flags in os.O_CREAT | os.O_WRONLY, os.O_TMPFILE | os.O_RDWR:\n    try:\n        fd = os.open('y' if flags & os.O_CREAT else '.', flags, 0o4755)\n        print('OPENED', oct(os.fstat(fd).st_mode))\n        os.link(f'/proc/self/fd/{fd}', 'z', follow_symlinks=True)\n    except PermissionError:\n        pass\"; chmod 755 x && ./x && echo fine");
        assert_eq!(ran.out, "fine\n", "{ran:?}");
    }

    set_group_id_stays_on_folders_and_goes_from_programs(rig) {
        let ran = rig.sh("cp /bin/true x && chmod 2755 x && mkdir -p d/e && chmod 2775 d && cp x d/e/y && chmod g+s d/e/y && \
            git init -q --shared repo && tar cf t.tar d && mkdir out && tar xpf t.tar -C out && \
            python3 -c \"import shutil; shutil.copytree('d', 'f')\" && stat -c %a x d d/e/y out/d f repo/.git");
        assert_eq!(ran.out, "2755\n2775\n2755\n2775\n2775\n2775\n", "{ran:?}");
        let workspace = rig.workspace.clone();
        let mode = |name: &str| std::fs::metadata(workspace.join(name)).expect(name).permissions().mode() & 0o7777;
        let modes = ["x", "d/e/y", "out/d/e/y", "f/e/y", "d", "out/d", "f", "repo/.git"].map(mode);
        assert_eq!(modes, [0o755, 0o755, 0o755, 0o755, 0o2775, 0o2775, 0o2775, 0o2775]);
        assert_eq!(rig.ui.text().matches("which is off now").count(), 4, "{}", rig.ui.text());
    }

    process_one_cannot_be_read_or_written(rig) {
        let ran = rig.sh("cat > t.py <<'E'\nimport os\nfor name, flags in (('mem', os.O_RDWR), ('mem', os.O_RDONLY), \
            ('environ', os.O_RDONLY), ('maps', os.O_RDONLY)):\n    try:\n        print(name, os.read(os.open('/proc/1/' + name, flags), 1))\n    \
            except OSError as e:\n        print('no')\ntry:\n    print(os.readlink('/proc/1/fd/0'))\nexcept OSError:\n    print('no')\nE\npython3 t.py");
        assert_eq!(ran.out, "no\nno\nno\nno\nno\n", "{ran:?}");
    }

    nothing_of_the_guest_outlives_its_run(rig) {
        let mark = seconds(rig);
        // A daemon, a tracer that catches its children's ends, an ignorer of every signal, a stopped one, and one
        // that keeps the terminal; then the agent ends at once.
        let ran = rig.sh(&format!("cat > t.py <<'E'\nimport ctypes, os, signal, time\nlibc = ctypes.CDLL(None)\n\
            libc.ptrace.argtypes = [ctypes.c_long] * 4\nfor n in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork():\n            os._exit(0)\n        \
            for s in range(1, 32):\n            try: signal.signal(s, signal.SIG_IGN)\n            except OSError: pass\n        \
            if n == 1:\n            p = os.fork()\n            if p == 0:\n                time.sleep({mark})\n            libc.ptrace(0x4206, p, 0, 0x40)\n            libc.ptrace(0x4206, 1, 0, 0x40)\n        \
            if n == 2: os.kill(os.getpid(), signal.SIGSTOP)\n        os.execvp('sleep', ['sleep', '{mark}'])\ntime.sleep(0.3)\nE\npython3 t.py; echo ended"));
        assert_eq!(ran.out, "ended\n", "{ran:?}");
        let left = Command::new("pgrep").args(["-f", &format!("^sleep {mark}$")]).output().expect("pgrep");
        assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    }

    process_one_is_nobodys_to_hold(rig) {
        let ran = rig.sh("cat > t.py <<'E'\nimport ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n\
            libc.ptrace.argtypes = [ctypes.c_long] * 4\nfor what in (0x4206, 16):\n    \
            print('HELD' if libc.ptrace(what, 1, 0, 0) == 0 else ctypes.get_errno())\nE\npython3 t.py; \
            sleep 5 & python3 -c \"import ctypes, sys; libc = ctypes.CDLL(None); libc.ptrace.argtypes = [ctypes.c_long] * 4; print(libc.ptrace(0x4206, $!, 0, 0))\"");
        assert_eq!(ran.out, "1\n1\n0\n", "{ran:?}");
    }

    a35_a_fork_bomb_stays_inside(rig) {
        rig.plan.resources = Resources { pids: Some(60), ..Resources::default() };
        let ran = rig.sh(
            "python3 -c \"\nimport os, time\nn = 0\ntry:\n    for i in range(500):\n        if os.fork() == 0:\n            time.sleep(60)\n        n += 1\nexcept OSError as e:\n    print('stopped', 20 < n < 60, flush=True)\nos._exit(0)\"");
        assert_eq!(ran.out, "stopped True\n", "{ran:?} {}", rig.ui.text());
    }

    a35_full_memory_stays_inside(rig) {
        rig.plan.resources = Resources { memory: Some(96 << 20), ..Resources::default() };
        let ran = rig.sh("python3 -c \"x = bytearray(400 << 20); print('had it')\"; echo code $?; echo alive");
        assert!(!ran.out.contains("had it") && ran.out.ends_with("alive\n"), "{ran:?} {}", rig.ui.text());
    }

    a35_a_full_temporary_folder_stays_inside(rig) {
        let ran = rig.sh("df --output=size -B1 /tmp | tail -1");
        assert_eq!(ran.out.trim(), (2u64 << 30).to_string());
    }

    a37_a47_a65_two_launches_of_one_bottle_see_nothing_of_each_other(rig) {
        let state = rig.options.state.path().to_path_buf();
        let other = Other::start(rig, "echo started; echo mine > /tmp/mine; exec sleep 77");
        let ran = rig.sh(&format!(
            "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'slee[p] 77'; \
             ls /tmp/mine; ls '{}'; find / -name egress.sock -not -path '/proc/*' 2>/dev/null | wc -l; ls -A ~", state.display()));
        assert_eq!(ran.out, "0\n1\n", "{ran:?}");
        let live = bot_bottle::engine::ps(&rig.options.state, &rig.options.host);
        assert_eq!(live.len(), 1, "{live:?}");
        other.cancel();
        assert!(rig.runs().is_empty());
    }

    a61_process_one_tells_nothing(rig) {
        rig.options.host.set("HOST_ONLY", ["from", "the", "host"].join("-"));
        let ran = rig.sh("cat /proc/[0-9]*/environ | tr '\\0' '\\n'; cat /proc/1/cmdline | tr '\\0' ' '; ls -l /proc/1/cwd /proc/1/root/root 2>&1");
        assert!(!ran.out.contains("HOST_ONLY") && !ran.out.contains("from-the-host"), "{ran:?}");
        assert!(!ran.out.contains("DOCKER_HOST") && !ran.out.contains("SSH_AUTH_SOCK"), "{ran:?}");
    }

    a74_variables_that_the_manifest_does_not_name_are_absent(rig) {
        use bot_bottle::plan::EnvValue;
        for (name, value) in [("AWS_REGION", "eu-1"), ("GITHUB_TOKEN", "x"), ("SSH_AUTH_SOCK", "/tmp/agent"), ("DBUS_SESSION_BUS_ADDRESS", "x")] {
            rig.options.host.set(name, value);
        }
        rig.ui.answers.insert("which ticket".into(), "T-1 'quoted' $x\nline".into());
        rig.plan.guest_env = vec![
            ("REGION".into(), EnvValue::Host("AWS_REGION".into())),
            ("LEVEL".into(), EnvValue::Literal("debug".into())),
            ("TICKET".into(), EnvValue::Ask("which ticket".into())),
        ];
        let ran = rig.sh("printf '%s|' \"$REGION\" \"$LEVEL\" \"$TICKET\"; env | cut -d= -f1 | sort | tr '\\n' ' '");
        let (values, names) = ran.out.rsplit_once('|').expect("values");
        assert_eq!(values, "eu-1|debug|T-1 'quoted' $x\nline");
        for absent in ["AWS_REGION", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "DBUS", "DOCKER", "NODE_VERSION", "CONTAINER", "HOSTNAME"] {
            assert!(!names.contains(absent), "{absent} in {names}");
        }
        assert!(names.contains("HTTPS_PROXY") && names.contains("SSL_CERT_FILE"), "{names}");
    }
}

#[test]
fn the_egress_takes_more_files_than_its_shell_grants_and_the_guest_does_not() {
    let Some(rig) = Rig::bubblewrap() else { return };
    let script = r#"ulimit -Sn; python3 - <<'PY'
import socket
open_ones = [socket.create_connection(('127.0.0.1', 47128)) for _ in range(200)]
for s in open_ones:
    s.sendall(b'GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n')
print(sum(s.recv(12) == b'HTTP/1.1 403' for s in open_ones))
PY"#;
    let launcher = command(&rig, script, Talk::Stream);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -Sn 300; exec \"$@\"", "sh"])
        .arg(launcher.get_program())
        .args(launcher.get_args());
    limited.envs(launcher.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.stderr(Stdio::inherit()).output().expect("launcher");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("300\n200\n"), "{out}");
}

/// Gives a tree to another user.
fn give(path: &Path, user: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).expect("root");
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        give(&entry.path(), user);
    }
}

#[test]
fn an_ordinary_users_bottle_has_the_same_walls() {
    const USER: u32 = 4321;
    let Some(rig) = Rig::bubblewrap() else { return };
    if !crate::containers::is_root() || !tool("setpriv", "apt-get install util-linux") {
        return;
    }
    let script = "id -u; echo work >f; cat f; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t\\n' '  '; echo
        for f in /usr/x /etc/x /run/bot-bottle/x /proc/sys/kernel/hostname; do (echo x >$f) 2>/dev/null && echo WRITTEN $f; done
        grep -q '^Max processes *4096 ' /proc/self/limits && echo limited
        curl -sS -m 3 --noproxy '*' http://1.1.1.1/ 2>/dev/null && echo REACHED; curl -sS http://evil.test/ | head -n 1";
    let launcher = command(&rig, script, Talk::Stream);
    // Where that user can reach it, and with all of the bottle's folders as its own.
    let all = rig.workspace.parent().expect("folder").to_owned();
    let program = all.join("launcher");
    std::fs::copy(launcher.get_program(), &program).expect("copied");
    give(&all, USER);
    let user = USER.to_string();
    let mut other = Command::new("setpriv");
    other
        .args(["--reuid", &user, "--regid", &user, "--clear-groups"])
        .arg(&program)
        .args(launcher.get_args());
    other.envs(launcher.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(&all);
    let output = other.stderr(Stdio::inherit()).output().expect("launcher");
    let out = String::from_utf8_lossy(&output.stdout);
    let wanted =
        "1000\nwork\nCapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 \nlimited\n";
    assert!(out.contains(wanted), "{out}");
    assert!(out.contains("bot-bottle refused this request") && !out.contains("REACHED"), "{out}");
    assert!(!out.contains("WRITTEN") && rig.runs().is_empty(), "{out}");
    let made = std::fs::metadata(rig.workspace.join("f")).expect("the work");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), USER);
}
