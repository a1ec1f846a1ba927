//! Files of the host that a manifest names.

use super::Context;
use crate::manifest::{FileKind, Location, project_root};
use std::path::Path;

/// What keeps a path from being a file that this manifest may name.
///
/// A manifest of the user's own may name any file. Another must stay in its project, by its text
/// and through links; what lies outside is not even looked at.
pub(super) fn file_problem(ctx: &Context<'_>, path: &Path) -> Option<&'static str> {
    problem(ctx, path, FileKind::File)
}

/// As [`file_problem`], for a folder.
pub(super) fn folder_problem(ctx: &Context<'_>, path: &Path) -> Option<&'static str> {
    problem(ctx, path, FileKind::Dir)
}

fn problem(ctx: &Context<'_>, path: &Path, wanted: FileKind) -> Option<&'static str> {
    let files = ctx.catalog.files;
    let root = match ctx.source.location {
        Location::Home => None,
        Location::Project | Location::Elsewhere => {
            match project_root(files, ctx.catalog.layout, &ctx.source.path) {
                Some(root) => Some(root),
                None => {
                    return Some(
                        "a manifest in the home folder itself is in no project, and may name no file",
                    );
                }
            }
        }
    };
    if root.as_ref().is_some_and(|root| !path.starts_with(root)) {
        return Some("it lies outside the project");
    }
    match (files.kind(path), wanted) {
        (None, FileKind::Dir) => return Some("there is no such folder"),
        (None, _) => return Some("there is no such file"),
        (Some(FileKind::File), FileKind::File) | (Some(FileKind::Dir), FileKind::Dir) => {}
        (Some(FileKind::Dir), _) => return Some("it is a folder"),
        (Some(_), FileKind::Dir) => return Some("it is not a folder"),
        (Some(_), _) => return Some("it is not an ordinary file"),
    }
    let real = |path: &Path| files.canonical(path);
    let inside = root.is_none_or(|root| match (real(path), real(&root)) {
        (Some(path), Some(root)) => path.starts_with(root),
        _ => false,
    });
    (!inside).then_some("it leads out of the project through a link")
}
