//! What the files behind a manifest hold, and where its folders lead: part of the grant, and in no plan.

use super::Planned;
use crate::cli::checkout::{stored, without_carriage_returns};
use crate::cli::terminal;
use crate::engine::BuildInputs;
use crate::manifest::{Files, leads_to};
use crate::plan::{Change, Direction, Dockerfile};
use crate::provider::{Content, Derived, GuestFile};
use crate::shown::{decided_on, hex};
use crate::syntax::MAX_BYTES;
use ring::digest::{SHA256, digest};
use std::path::{Path, PathBuf};

/// A manifest of one side, and the files that it is read from.
pub(super) struct Side<'a> {
    pub planned: &'a Planned,
    pub files: &'a dyn Files,
}

/// What moved behind a manifest that both sides have.
pub(super) struct Behind {
    pub changes: Vec<Change>,
    /// Whether both have an image of their own that is built from the same, wherever that lies.
    pub same_image: bool,
}

/// Compares what is behind a manifest. `gone` are files of the old side that are gone in the new one; `named` is
/// how a path of the host is shown.
pub(super) fn compare(
    old: &Side<'_>,
    new: &Side<'_>,
    gone: &[PathBuf],
    named: &dyn Fn(&Path) -> PathBuf,
) -> Behind {
    let mut changes = Vec::new();
    for file in &new.planned.plan.files {
        let was = old.planned.plan.files.iter().find(|f| f.guest_path == file.guest_path);
        if let (Some(was), Some(is)) = (was.and_then(host_file), host_file(file)) {
            let subject = format!("the text of {}", file.guest_path);
            push(&mut changes, "prompt", &subject, &held(old.files, was), &held(new.files, is));
        }
    }
    folders(old, new, named, &mut changes);
    let same_image = image(old, new, gone, &mut changes);
    Behind { changes, same_image }
}

/// Where a folder leads is not in its name: a link on the way may have come, or have another end.
fn folders(old: &Side<'_>, new: &Side<'_>, named: &dyn Fn(&Path) -> PathBuf, changes: &mut Vec<Change>) {
    let mut moved = |area, subject: String, path: &Path| {
        let [before, after] = [old.files, new.files].map(|files| leads_to(files, path));
        if before != after {
            let [before, after] = [before, after].map(|p| format!("leads to {}", named(&p).display()));
            let (direction, subject) = (Direction::Changed, decided_on(&subject));
            changes.push(Change { direction, area, subject, before, after });
        }
    };
    let (was, is) = (&old.planned.plan.workspace, &new.planned.plan.workspace);
    if let Some(path) = is.path.as_ref().filter(|path| was.path.as_ref() == Some(path) && path.is_absolute())
    {
        moved("workspace", "path".to_owned(), path);
    }
    for mount in &is.mounts {
        if was.mounts.iter().any(|m| (&m.source, &m.target) == (&mount.source, &mount.target)) {
            let subject = format!("{} → {}", named(&mount.source).display(), mount.target);
            moved("mount", subject, &mount.source);
        }
    }
}

/// What an image of the manifest's own is built from; whether it is the same.
fn image(old: &Side<'_>, new: &Side<'_>, gone: &[PathBuf], changes: &mut Vec<Change>) -> bool {
    let own = |side: &Side<'_>| match &side.planned.plan.dockerfile {
        Dockerfile::Shipped(_) => None,
        Dockerfile::Own { file, context } => Some((file.clone(), context.clone())),
    };
    let (Some((was, old_context)), Some((is, new_context))) = (own(old), own(new)) else { return false };
    let before = changes.len();
    push(changes, "agent", "the Dockerfile's text", &held(old.files, &was), &held(new.files, &is));
    let lists = (ignored(old.files, &was, &old_context), ignored(new.files, &is, &new_context));
    push(changes, "agent", "the image's .dockerignore", &lists.0, &lists.1);
    // The working tree's alone: a revision has no folder to collect from.
    let dockerfile = &new.planned.plan.dockerfile;
    match BuildInputs::collect(dockerfile) {
        Ok(inputs) => {
            for file in &inputs.files {
                let path = new_context.join(&file.path);
                let is = match held(new.files, &path) {
                    // Longer than what is read of a manifest.
                    Held::Cut { executable } => {
                        Held::File { digest: file.digest.clone(), plain: None, stored: None, executable }
                    }
                    is => is,
                };
                let subject = format!("the image's {}", file.path);
                push(changes, "agent", &subject, &held(old.files, &old_context.join(&file.path)), &is);
            }
            let real = leads_to(old.files, &old_context);
            for path in gone {
                let Some(name) = path.strip_prefix(&real).ok().and_then(Path::to_str) else { continue };
                if inputs.files.iter().all(|file| file.path != name) && inputs.takes(dockerfile, name) {
                    let subject = format!("the image's {name}");
                    let now = held(new.files, &new_context.join(name));
                    push(changes, "agent", &subject, &held(old.files, path), &now);
                }
            }
        }
        // What cannot be looked at is no proof that it is the same.
        Err(why) => {
            terminal::note(&format!("what the image is built from is unknown: {}: {}", why.what, why.why));
            changes.push(Change {
                direction: Direction::Changed,
                area: "agent",
                subject: "what the image is built from".to_owned(),
                before: String::new(),
                after: "not known".to_owned(),
            });
        }
    }
    changes.len() == before
}

/// The list beside the Dockerfile that is named after it, else the context's.
fn ignored(files: &dyn Files, file: &Path, context: &Path) -> Held {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".dockerignore");
    match held(files, Path::new(&beside)) {
        Held::Nothing => held(files, &context.join(".dockerignore")),
        list => list,
    }
}

fn host_file(file: &GuestFile) -> Option<&Path> {
    match &file.content {
        Content::Derived(Derived::HostFile(path)) => Some(path),
        Content::Derived(Derived::Skill(_) | Derived::HostLogin { .. }) | Content::Text(_) => None,
    }
}

/// What stands at a path.
#[derive(PartialEq, Eq)]
enum Held {
    Nothing,
    Link(PathBuf),
    File {
        /// SHA-256 in hex: whole, since somebody may be held to it.
        digest: String,
        /// The same without the carriage returns that a checkout may add.
        plain: Option<String>,
        /// That of the file that this one is a pointer to.
        stored: Option<String>,
        executable: bool,
    },
    /// A file that is too long to be read here.
    Cut {
        executable: bool,
    },
}

impl Held {
    fn shown(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Link(target) => format!("a link to {}", decided_on(&target.to_string_lossy())),
            Self::File { digest, plain: _, stored: _, executable } => {
                format!("SHA-256 {digest}{}", if *executable { ", executable" } else { "" })
            }
            Self::Cut { executable: _ } => "too long to be compared".to_owned(),
        }
    }

    /// Whether a working tree's is what a revision has, as a checkout writes it.
    fn is_checkout_of(&self, old: &Self) -> bool {
        match (self, old) {
            (
                Self::File { digest, plain, stored: _, executable },
                Self::File { digest: was, plain: _, stored, executable: could },
            ) => {
                let same = digest == was || plain.as_ref() == Some(was) || stored.as_ref() == Some(digest);
                same && executable == could
            }
            (Self::Cut { .. }, _) | (_, Self::Cut { .. }) => false,
            (is, was) => is == was,
        }
    }
}

fn held(files: &dyn Files, path: &Path) -> Held {
    if let Some(target) = files.target(path) {
        return Held::Link(target);
    }
    let Ok(bytes) = files.read(path) else { return Held::Nothing };
    let executable = files.is_executable(path);
    let sum = |bytes: &[u8]| hex(digest(&SHA256, bytes).as_ref());
    // Only what comes from a disk is cut; a revision's is whole.
    if bytes.len() == MAX_BYTES + 1 {
        return Held::Cut { executable };
    }
    let plain = without_carriage_returns(&bytes).map(|b| sum(&b));
    let stored = stored(&bytes).map(str::to_owned);
    Held::File { digest: sum(&bytes), plain, stored, executable }
}

fn push(changes: &mut Vec<Change>, area: &'static str, subject: &str, before: &Held, after: &Held) {
    if !after.is_checkout_of(before) {
        changes.push(Change {
            direction: Direction::Changed,
            area,
            subject: decided_on(subject),
            before: before.shown(),
            after: after.shown(),
        });
    }
}
