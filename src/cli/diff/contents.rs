//! What the files behind a manifest hold: part of the grant, and in no plan.

use super::Planned;
use crate::engine::BuildInputs;
use crate::manifest::Files;
use crate::plan::{Change, Direction, Dockerfile};
use crate::provider::{Content, Derived, GuestFile};
use crate::shown::{printable, short_digest};
use std::path::Path;

/// A manifest of one side, and the files that it is read from.
pub(super) struct Side<'a> {
    pub planned: &'a Planned,
    pub files: &'a dyn Files,
}

/// What moved in the files of a manifest that both sides have.
pub(super) fn compare(old: &Side<'_>, new: &Side<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for file in &new.planned.plan.files {
        let was = old.planned.plan.files.iter().find(|f| f.guest_path == file.guest_path);
        if let (Some(was), Some(is)) = (was.and_then(host_file), host_file(file)) {
            let subject = format!("the text of {}", file.guest_path);
            push(&mut changes, "prompt", &subject, digest(old.files, was), digest(new.files, is));
        }
    }
    let own = |side: &Side<'_>| match &side.planned.plan.dockerfile {
        Dockerfile::Shipped(_) => None,
        Dockerfile::Own { file, context } => Some((file.clone(), context.clone())),
    };
    if let (Some((was, old_context)), Some((is, new_context))) = (own(old), own(new)) {
        push(&mut changes, "agent", "the Dockerfile's text", digest(old.files, &was), digest(new.files, &is));
        // The working tree's alone: a revision has no folder to collect from, and what it lacks was copied by
        // nobody.
        let inputs = BuildInputs::collect(&new.planned.plan.dockerfile).map(|i| i.files).unwrap_or_default();
        for file in inputs {
            let subject = format!("the image's {}", file.path);
            let (was, is) = (old_context.join(&file.path), new_context.join(&file.path));
            push(&mut changes, "agent", &subject, digest(old.files, &was), digest(new.files, &is));
        }
    }
    changes
}

fn host_file(file: &GuestFile) -> Option<&Path> {
    match &file.content {
        Content::Derived(Derived::HostFile(path)) => Some(path),
        Content::Derived(Derived::Skill(_) | Derived::HostLogin { .. }) | Content::Text(_) => None,
    }
}

fn digest(files: &dyn Files, path: &Path) -> String {
    files.read(path).map_or_else(|_| String::new(), |bytes| format!("SHA-256 {}", short_digest(&bytes)))
}

fn push(changes: &mut Vec<Change>, area: &'static str, subject: &str, before: String, after: String) {
    if before != after {
        changes.push(Change {
            direction: Direction::Changed,
            area,
            subject: printable(subject),
            before,
            after,
        });
    }
}
