//! The plan's folders and files, put into the guest's own places from the host.

use super::credentials::{login_text, unix_now};
use super::error::Problem;
use super::guest::Guest;
use super::host::Host;
use super::looked::Looked;
use super::tree::{self, Owner};
use crate::plan::Plan;
use crate::provider::{self, Content, Derived, GuestDir, GuestFile};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Makes a folder of the plan.
pub(crate) fn make_dir(dir: &GuestDir, guest: &Guest, owner: Owner) -> Result<(), Problem> {
    let what = || format!("cannot make {} in the guest", dir.guest_path);
    let (root, rest) = place(guest, &dir.guest_path)?;
    let mode = parse_mode(dir.mode).map_err(|e| Problem::io(what(), e))?;
    let made = tree::open_root(root).and_then(|fd| tree::make_dirs(fd.as_fd(), &rest, mode, owner));
    made.map(drop).map_err(|e| refused(what(), e))
}

/// A place that could not be written, and what to do about it.
fn refused(what: String, error: io::Error) -> Problem {
    let help = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room there, or name another --state-dir"
        }
        _ => "if an earlier run left a link there, launch without --resume",
    };
    Problem::new(what, error, help)
}

/// Where a launch finds what the plan's files are derived from.
pub(crate) struct Sources<'a> {
    pub host: &'a Host,
    pub looked: &'a Looked,
    pub workspace: &'a Path,
}

/// Puts one file (or a skill's folder) of the plan in place.
pub(crate) fn put(
    file: &GuestFile,
    guest: &Guest,
    sources: &Sources<'_>,
    owner: Owner,
) -> Result<(), Problem> {
    let what = || format!("cannot put {} into the guest", file.guest_path);
    let failed = |e: io::Error| refused(what(), e);
    let (root, rest) = place(guest, &file.guest_path)?;
    let mode = parse_mode(file.mode).map_err(failed)?;
    let mut content: Box<dyn Read> = match &file.content {
        Content::Text(text) => Box::new(text.as_bytes()),
        Content::Derived(Derived::HostFile(path)) => {
            let file = host_file(path, sources.workspace)?;
            Box::new(io::Cursor::new(sources.looked.same_file(path, file)?))
        }
        Content::Derived(Derived::HostLogin { template }) => {
            Box::new(io::Cursor::new(dummy(template, sources.host)?))
        }
        Content::Derived(Derived::Skill(name)) => {
            return put_skill(name, sources.looked, root, &rest, owner);
        }
    };
    if rest.as_os_str().is_empty() {
        // A place of its own: the mounted file itself is written.
        let mut target = File::options().write(true).truncate(true).open(root).map_err(failed)?;
        io::copy(&mut content, &mut target).map_err(failed)?;
        return target.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode)).map_err(failed);
    }
    tree::open_root(root)
        .and_then(|fd| tree::put(fd.as_fd(), &rest, &mut content, mode, owner))
        .map_err(failed)
}

fn place<'a>(guest: &'a Guest, path: &str) -> Result<(&'a Path, PathBuf), Problem> {
    guest
        .place(path)
        .ok_or_else(|| Problem::io(format!("cannot write {path} in the guest"), "no place was made for it"))
}

fn parse_mode(digits: &str) -> io::Result<u32> {
    u32::from_str_radix(digits, 8).map_err(|_| io::Error::other(format!("{digits} is not a mode")))
}

/// A file of the host by its planned path. The file itself may be no symbolic link, and below the
/// workspace no folder on the way either: the path was checked, and an agent may have changed it.
fn host_file(path: &Path, workspace: &Path) -> Result<File, Problem> {
    let opened = match path.strip_prefix(workspace) {
        Ok(inside) => tree::open_root(workspace).and_then(|root| tree::open_file(root.as_fd(), inside)),
        Err(_) => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => {
                tree::open_root(parent).and_then(|dir| tree::regular(dir.as_fd(), name))
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        },
    };
    opened.map_err(|e| {
        let why = if fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()) {
            "it is a symbolic link".to_owned()
        } else {
            e.to_string()
        };
        Problem::new(format!("cannot read {}", path.display()), why, "name a regular file that can be read")
    })
}

/// The provider's dummy of the host's login.
fn dummy(template: &str, host: &Host) -> Result<String, Problem> {
    let what = format!("cannot make the guest's {template} login");
    let login = provider::get(template).and_then(provider::Provider::host_login);
    let login = login.ok_or_else(|| Problem::io(what.clone(), "this provider has none"))?;
    login_text(login, host)
        .and_then(|(_, text)| login.dummy(&text, unix_now()))
        .map_err(|error| Problem::io(what, error))
}

fn put_skill(name: &str, looked: &Looked, root: &Path, rest: &Path, owner: Owner) -> Result<(), Problem> {
    let source = looked.skill(name);
    let what = || format!("cannot copy the skill {name}");
    let from = tree::open_root(&source).map_err(|e| {
        Problem::new(
            what(),
            format!("{}: {e}", source.display()),
            "add the skill, or take it out of `skills`",
        )
    })?;
    let copied = tree::open_root(root).and_then(|root| {
        if let (Some(parent), Some(name)) = (rest.parent(), rest.file_name()) {
            let parent = tree::make_dirs(root.as_fd(), parent, 0o700, owner)?;
            tree::remove(parent.as_fd(), name)?;
        }
        let target = tree::make_dirs(root.as_fd(), rest, 0o700, owner)?;
        tree::copy(from.as_fd(), target.as_fd(), owner)?;
        Ok(target)
    });
    // The copy is looked at, which nobody else writes: what was copied is what counts.
    looked.same_tree(&source, &copied.map_err(|e| refused(what(), e))?)
}

/// What the check stage can say of the sources without reading them.
pub(crate) fn check_sources(plan: &Plan, host: &Host) -> Result<(), Problem> {
    let missing: Vec<_> = plan
        .files
        .iter()
        .filter_map(|file| match &file.content {
            Content::Derived(Derived::HostFile(path)) => Some(path.clone()),
            Content::Derived(Derived::Skill(name)) => Some(host.home().join(provider::SKILLS).join(name)),
            _ => None,
        })
        .filter(|path| !path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Problem::new(
        "the plan's files cannot all be found",
        format!("missing: {}", missing.join(", ")),
        "add them, or take them out of the manifest",
    ))
}
