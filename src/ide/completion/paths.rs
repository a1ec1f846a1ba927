//! Files and folders of the project, as a manifest writes them.

use super::{Completion, CompletionKind, Spot};
use crate::manifest::{FileKind, join, project_root};

/// How many names of a folder are looked at.
const MOST: usize = 500;

/// What lies where the typed path points to. Nothing outside the project is looked at.
pub(super) fn complete(spot: &Spot<'_>, wanted: impl Fn(&str) -> bool) -> Vec<Completion> {
    let (files, manifest) = (spot.snapshot.catalog.files, &spot.snapshot.source.path);
    let (typed, name) = spot.prefix.rsplit_once('/').map_or((None, spot.prefix), |(d, n)| (Some(d), n));
    let Some(base) = manifest.parent() else { return Vec::new() };
    if typed.is_some_and(|d| d.is_empty() || d.starts_with(['/', '~'])) {
        return Vec::new();
    }
    let dir = join(base, typed.unwrap_or("."));
    let Some(root) = project_root(files, spot.snapshot.catalog.layout, manifest) else { return Vec::new() };
    let inside = |path: &std::path::Path| match (files.canonical(path), files.canonical(&root)) {
        (Some(path), Some(root)) => path.starts_with(root),
        _ => false,
    };
    if !inside(&dir) {
        return Vec::new();
    }
    let shown =
        files.list(&dir).into_iter().filter(|n| n != ".git" && n.starts_with('.') == name.starts_with('.'));
    let mut all: Vec<_> = shown
        .take(MOST)
        .filter_map(|file| {
            let folder = match files.kind(&dir.join(&file))? {
                FileKind::Dir => true,
                FileKind::File => false,
                FileKind::Other => return None,
            };
            let kind = if folder { CompletionKind::Folder } else { CompletionKind::File };
            let slash = if folder { "/" } else { "" };
            let text = format!("{}/{file}{slash}", typed.unwrap_or("."));
            let rank = if !folder && wanted(&file) { '0' } else { '1' };
            let mut item = spot.offer(format!("{file}{slash}"), kind, quoted(spot, &text));
            item.sort = format!("{rank}{file}");
            item.filter = if typed.is_some() || name.starts_with('.') { text } else { file };
            item.retrigger = folder;
            Some(item)
        })
        .collect();
    if typed.is_none_or(|d| d.split('/').all(|p| p == "..")) && dir.parent().is_some_and(inside) {
        let text = typed.map_or("../".to_owned(), |d| format!("{d}/../"));
        let mut item = spot.offer("../", CompletionKind::Folder, text.clone());
        item.filter = text;
        item.retrigger = true;
        all.push(item);
    }
    all
}

/// Quoted where plain YAML would read something else.
fn quoted(spot: &Spot<'_>, path: &str) -> String {
    let odd = path.contains(": ") || path.contains(" #") || path.contains(['{', '}', '[', ']', ',']);
    if odd && spot.repaired.quote.is_none() {
        format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        path.to_owned()
    }
}
