//! `FILE[#NAME]`: which manifest a command is about.

use super::{FINDINGS, Failure, terminal};
use crate::check::report::{Checked, Other, text};
use crate::check::{Cleared, Refused, clear};
use crate::disk::Disk;
use crate::manifest::{Catalog, Files, Found, Layout, Source, is_name};
use crate::provider::Start;
use crate::syntax::decode;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Finds what `FILE[#NAME]` means. A bare name is the user's own agent or bottle, else an agent of the
/// project; it never means a file of the working folder, which a clone may bring. `./NAME` is the
/// project's agent.
pub(super) fn open(target: &str, catalog: &Catalog<'_>) -> Result<Found, Failure> {
    let (file, name) = match target.rsplit_once('#') {
        Some((file, name)) if !Path::new(target).exists() => (file, Some(name)),
        _ => (target, None),
    };
    let path = path_of(file, catalog.layout)?;
    let source = read(&path, catalog)?;
    let manifest = source.pick(name).cloned().ok_or_else(|| no_such_manifest(&source, name))?;
    Ok(Found { source, manifest })
}

/// The plan of a manifest that is to be carried out or shown as such: of one that is refused, or
/// that refers to one, there is none.
///
/// # Errors
/// With the findings printed, where the manifest or what it is made of has errors.
pub(super) fn cleared(found: &Found, catalog: &Catalog<'_>, start: &Start) -> Result<Cleared, Failure> {
    clear(found, catalog, start).map_err(|refused| match refused {
        Refused::NoPlan(error) => Failure::usage(error.to_string()),
        Refused::Errors(errors) => {
            let source = &found.source;
            let related = errors.iter().flat_map(|f| &f.related).filter(|r| r.file != source.path);
            let others = related
                .filter_map(|r| {
                    let text = &catalog.source(&r.file)?.text;
                    Some(Other::new(r.file.clone(), terminal::shown(&r.file), text))
                })
                .collect();
            let checked = Checked::new(terminal::shown(&source.path), &source.text, errors, others);
            super::ui::tell(&text::render(&checked, text::Style::Plain));
            let kind = found.manifest.kind.word();
            terminal::error(&format!("the {kind} has errors, so it has no plan"));
            Failure::Printed(FINDINGS)
        }
    })
}

fn path_of(file: &str, layout: &Layout) -> Result<PathBuf, Failure> {
    let project = |name: &str| terminal::absolute(Path::new(".bot-bottle/agents")).join(format!("{name}.md"));
    if let Some(name) = file.strip_prefix("./").filter(|name| is_name(name)) {
        return Ok(Some(project(name))
            .filter(|p| p.is_file())
            .unwrap_or_else(|| terminal::absolute(Path::new(file))));
    }
    if !is_name(file) {
        return Ok(terminal::absolute(Path::new(file)));
    }
    let store = layout.store();
    let own = ["agents", "bottles"].into_iter().filter_map(|kind| Some(store.as_ref()?.join(kind)));
    let mut places = own.map(|dir| dir.join(format!("{file}.md"))).chain([project(file)]);
    places.find(|p| p.is_file()).ok_or_else(|| {
        let there = Path::new(file).exists();
        let hint = if there { format!("; the file here is `./{file}`") } else { String::new() };
        Failure::usage(format!("there is no agent and no bottle called `{file}`{hint}"))
    })
}

/// Reads a manifest that a person named, and says why where it cannot.
pub(super) fn read(path: &Path, catalog: &Catalog<'_>) -> Result<Arc<Source>, Failure> {
    let shown = terminal::shown(path);
    let bytes = Disk.read(path).map_err(|e| Failure::usage(format!("cannot read {shown}: {e}")))?;
    let text = decode(bytes).map_err(|e| Failure::usage(format!("cannot read {shown}: {e}")))?;
    let source = Source::recognise(path, text, catalog.layout, true);
    source.map(Arc::new).ok_or_else(|| Failure::usage(format!("{shown} is not a manifest")))
}

fn no_such_manifest(source: &Source, name: Option<&str>) -> Failure {
    let shown = terminal::shown(&source.path);
    let names: Vec<_> = source.manifests.iter().map(|m| format!("{shown}#{}", m.name)).collect();
    let names = names.join(", ");
    Failure::usage(match name {
        Some(name) => format!("{shown} holds no manifest `{name}`; there is {names}"),
        None => format!("{shown} holds several manifests; name one: {names}"),
    })
}
