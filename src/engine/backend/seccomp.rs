//! The guest's system call filter.
//!
//! Everything is allowed but what reaches out of a sandbox or widens the kernel's face: a coding
//! agent runs compilers, debuggers and browsers, so a list of what it may do would always be short.
//! With no capabilities and no new privileges most of these fail anyway; the filter is the second lock.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition as Condition,
    SeccompFilter, SeccompRule as Rule, sock_filter,
};
use std::collections::BTreeMap;

/// Refused whatever the arguments.
const REFUSED: &[i64] = &[
    // Mounts, namespaces, roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_kcmp,
    libc::SYS_lookup_dcookie,
    // The keyrings are not in any namespace.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Another process's descriptors: no debugger needs them, and process 1 holds the run's own.
    libc::SYS_pidfd_getfd,
    // Memory placement on the whole machine.
    libc::SYS_mbind,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_set_mempolicy,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_modify_ldt,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

/// «No such call»: programs fall back to an older one, whose arguments the filter can read.
const ABSENT: [i64; 5] = [
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Calls that carry a file's mode, and which argument it is. A program left in the workspace with a
/// set-user-id bit would run as the launcher for whoever starts it on the host. The mode of an open counts with
/// more flags than `O_CREAT` (`O_TMPFILE`), so it is looked at whatever they are. Set-group-id passes: folders
/// that several people write need it, and [`set_group_id`](crate::engine::set_group_id) takes it off programs.
const MODES: &[(i64, u8)] = &[
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (libc::SYS_fchmodat2, 2),
    (libc::SYS_mknodat, 2),
    (libc::SYS_openat, 3),
];
#[cfg(target_arch = "x86_64")]
const MODES_HERE: &[(i64, u8)] =
    &[(libc::SYS_chmod, 1), (libc::SYS_creat, 1), (libc::SYS_mknod, 1), (libc::SYS_open, 2)];
#[cfg(not(target_arch = "x86_64"))]
const MODES_HERE: &[(i64, u8)] = &[];

/// Calls that take hold of another process, and which argument names it: process 1, which ends the guest, is
/// none of an agent's to debug.
const HOLDS: [(i64, u8); 3] =
    [(libc::SYS_ptrace, 1), (libc::SYS_process_vm_readv, 0), (libc::SYS_process_vm_writev, 0)];

/// New namespaces by `clone`: a user namespace would give capabilities back.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// The socket families that a program in a network of its own needs; the others (vsock reaches the
/// hypervisor past every network namespace, packet, alg, bluetooth) are refused.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// The filter as the kernel takes it: an array of `struct sock_filter` in native byte order.
///
/// # Errors
/// What seccompiler says; on an architecture that it does not know there is no filter.
pub(crate) fn program() -> Result<Vec<u8>, String> {
    let mut rules: BTreeMap<i64, Vec<Rule>> = BTreeMap::new();
    for call in REFUSED.iter().chain(REFUSED_HERE) {
        rules.insert(*call, Vec::new());
    }
    let rule = |conditions| Rule::new(conditions).map_err(|e| e.to_string());
    let compare = |index, op, value: i32| {
        Condition::new(index, Len::Dword, op, u64::from(value.unsigned_abs())).map_err(|e| e.to_string())
    };
    let has = |index, bits: i32| compare(index, Op::MaskedEq(u64::from(bits.unsigned_abs())), bits);
    let clone = NAMESPACES.iter().map(|flag| rule(vec![has(0, *flag)?])).collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_clone, clone);
    for (call, mode) in MODES.iter().chain(MODES_HERE) {
        rules.insert(*call, vec![rule(vec![has(*mode, libc::S_ISUID as i32)?])?]);
    }
    for (call, process) in HOLDS {
        rules.insert(call, vec![rule(vec![compare(process, Op::Eq, 1)?])?]);
    }
    let other = FAMILIES.iter().map(|f| compare(0, Op::Ne, *f)).collect::<Result<Vec<_>, _>>()?;
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        rules.insert(call, vec![rule(other.clone())?]);
    }
    // Typing into a terminal (TIOCSTI) and its console twin (TIOCLINUX).
    let ioctl = [libc::TIOCSTI, libc::TIOCLINUX];
    let ioctl =
        ioctl.iter().map(|r| rule(vec![compare(1, Op::Eq, *r as i32)?])).collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_ioctl, ioctl);

    let arch = std::env::consts::ARCH.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(|e| e.to_string())?;
    let program: BpfProgram = filter.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    Ok(bytes(&absent_calls().into_iter().chain(program).collect::<Vec<_>>()))
}

/// Instructions in front of the filter: calls that are answered «no such call». Numbers of the x32
/// interface would pass every comparison by their high bit, so they are among them.
fn absent_calls() -> BpfProgram {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const X32: u32 = 0x4000_0000;
    let answer = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let jump = |code, k| {
        [sock_filter { code, jt: 0, jf: 1, k }, sock_filter { code: RETURN, jt: 0, jf: 0, k: answer }]
    };
    // The call's number is the first word of `struct seccomp_data`.
    let mut program = vec![sock_filter { code: LOAD, jt: 0, jf: 0, k: 0 }];
    for call in ABSENT {
        program.extend(jump(EQUAL, u32::try_from(call).unwrap_or(u32::MAX)));
    }
    if cfg!(target_arch = "x86_64") {
        program.extend(jump(AT_LEAST, X32));
    }
    program
}

fn bytes(program: &[sock_filter]) -> Vec<u8> {
    let instruction = |i: &sock_filter| {
        let ([a, b], [e, f, g, h]) = (i.code.to_ne_bytes(), i.k.to_ne_bytes());
        [a, b, i.jt, i.jf, e, f, g, h]
    };
    program.iter().flat_map(instruction).collect()
}
