//! The program that runs in the guest, and what is put beside it.

use crate::plan::engine_env;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::{fs, io, io::Write};

/// Static where the build machine had a static libc, so that it runs in any guest.
static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bot-bottle-guest"));

/// The guest folder that holds the program and its files; read-only there.
pub(crate) const DIR: &str = crate::provider::guest_path::ENGINE;
/// The program in the guest.
pub(crate) const PATH: &str = "/run/bot-bottle/guest";
/// The egress socket's folder within the program's.
pub(crate) const NET: &str = "net";

/// Writes the program and its filter into the host folder that the guest sees as [`DIR`].
pub(crate) fn install(dir: &Path, filter: &[u8]) -> io::Result<()> {
    write(&dir.join("guest"), PROGRAM, 0o555)?;
    write(&dir.join("filter"), filter, 0o444)
}

/// Writes the environment of the guest's commands.
pub(crate) fn write_env(dir: &Path, env: &[(String, String)]) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (name, value) in env {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b'=');
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
    }
    write(&dir.join("env"), &bytes, 0o444)
}

/// Writes what the guest must find at its mounts: device and inode of each source.
pub(crate) fn write_mounts<'a>(
    dir: &Path,
    mounts: impl Iterator<Item = (&'a str, &'a fs::Metadata)>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (target, metadata) in mounts {
        bytes.extend_from_slice(format!("{} {} {target}\0", metadata.dev(), metadata.ino()).as_bytes());
    }
    write(&dir.join("mounts"), &bytes, 0o444)
}

/// Writes the resource limits that the guest's program sets for itself and all that it becomes.
pub(crate) fn write_limits(dir: &Path, limits: &[(&str, u64)]) -> io::Result<()> {
    let lines: String = limits.iter().map(|(name, number)| format!("{name} {number}\n")).collect();
    write(&dir.join("limits"), lines.as_bytes(), 0o444)
}

/// The run's folder is 0700, so these are read by the guest alone, whatever its user's number.
fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

/// The guest folder in which a bubblewrap guest finds programs from outside the system folders.
pub(crate) const PROGRAMS: &str = crate::provider::guest_path::PROGRAMS;

/// The environment that every command in the guest begins with, before the plan's.
pub(crate) fn base_env() -> Vec<(String, String)> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    [
        ("HOME", crate::provider::GUEST_HOME),
        ("USER", crate::provider::GUEST_USER),
        ("LOGNAME", crate::provider::GUEST_USER),
        ("SHELL", "/bin/sh"),
        ("LANG", "C.UTF-8"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ]
    .map(owned)
    .into()
}

/// The engine's own variables, which nothing overrides.
pub(crate) fn engine_env() -> impl Iterator<Item = (String, String)> {
    engine_env::all().into_iter().map(|(name, value)| (name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Runs the guest's program outside of any sandbox, with this as the only mount.
    fn enter(target: &Path, pinned: &Path) -> (Option<i32>, String) {
        let dir = tempfile::tempdir().expect("temp");
        install(dir.path(), &[]).expect("program");
        write_env(dir.path(), &[("A".into(), "b".into())]).expect("env");
        let metadata = fs::metadata(pinned).expect("metadata");
        let target = target.display().to_string();
        write_mounts(dir.path(), [(target.as_str(), &metadata)].into_iter()).expect("mounts");
        let mut command = Command::new(dir.path().join("guest"));
        let output = command.args(["enter", "--", "/usr/bin/env"]).output().expect("run");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    #[test]
    fn a_guest_whose_mount_is_not_what_was_checked_does_not_start() {
        let temp = tempfile::tempdir().expect("temp");
        let (docs, other) = (temp.path().join("docs"), temp.path().join("other"));
        fs::create_dir(&docs).expect("dir");
        fs::create_dir(&other).expect("dir");
        assert_eq!(enter(&docs, &docs), (Some(0), "A=b\n".to_owned()));
        let (code, said) = enter(&docs, &other);
        assert_eq!(code, Some(125));
        assert!(said.contains("is not what was checked"), "{said}");
    }

    #[test]
    fn the_guest_program_listens_where_the_variables_point() {
        let source = include_str!("guest/program.rs");
        let line = format!("const PROXY_PORT: u16 = {};", crate::plan::engine_env::PROXY_PORT);
        assert!(source.contains(&line), "{line}");
    }
}
