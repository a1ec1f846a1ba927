//! Which file a value was inherited from.

use super::Path;
use crate::check::shown;
use crate::ide::Snapshot;
use crate::ide::markdown::code;
use crate::manifest::{Bottle, Found, Kind, Place, Route, resolve};
use crate::syntax::LineIndex;

/// What of a field comes from other files, as Markdown; `None` where nothing does.
pub(super) fn describe(snapshot: &Snapshot<'_>, found: &Found, path: &Path<'_>) -> Option<String> {
    let keys = path.keys();
    let catalog = snapshot.catalog;
    let (bottle, whole) = match found.manifest.kind {
        Kind::Bottle => (found.clone(), keys == ["extends"]),
        Kind::Agent if keys == ["bottle"] => (catalog.bottle_of(found)?, true),
        Kind::Agent => return None,
    };
    let resolved = resolve(&bottle, catalog);
    let wanted =
        |name: &str| whole || keys.iter().eq(name.split('.').take(keys.len()).collect::<Vec<_>>().iter());
    let foreign = |place: &Place| place.file != found.source.path;
    let lines: Vec<_> = places(&resolved.bottle)
        .into_iter()
        .filter(|(name, place)| wanted(name) && foreign(place))
        .map(|(name, place)| format!("\n- {} from {}", code(&shown(&name)), code(&written(snapshot, place))))
        .collect();
    (!lines.is_empty()).then(|| format!("Inherited:\n{}", lines.concat()))
}

/// Every value of a bottle that stands for itself, with its place.
pub(in crate::ide) fn places(bottle: &Bottle) -> Vec<(String, &Place)> {
    let mut all: Vec<(String, &Place)> = Vec::new();
    let provider = &bottle.provider;
    let texts = [
        ("agent_provider.template", &provider.template),
        ("agent_provider.auth_token", &provider.auth_token),
        ("agent_provider.api_key", &provider.api_key),
        ("git.user.name", &bottle.git.name),
        ("git.user.email", &bottle.git.email),
        ("prompt", &bottle.prompt.prompt),
    ];
    all.extend(texts.into_iter().filter_map(|(name, l)| Some((name.to_owned(), &l.as_ref()?.place))));
    let others = [
        ("agent_provider.dockerfile", provider.dockerfile.as_ref().map(|p| &p.place)),
        ("agent_provider.context", provider.context.as_ref().map(|p| &p.place)),
        ("prompt_file", bottle.prompt.prompt_file.as_ref().map(|p| &p.place)),
        (
            "agent_provider.forward_host_credentials",
            provider.forward_host_credentials.as_ref().map(|l| &l.place),
        ),
        ("git.remotes", bottle.git.remotes.as_ref().map(|l| &l.place)),
        ("supervise", bottle.supervise.as_ref().map(|l| &l.place)),
        ("workspace", bottle.workspace.as_ref().map(|l| &l.place)),
        ("resources", bottle.resources.as_ref().map(|l| &l.place)),
        ("skills", bottle.skills.first().map(|l| &l.place)),
    ];
    all.extend(others.into_iter().filter_map(|(name, place)| Some((name.to_owned(), place?))));
    let routes = bottle.egress.iter().flat_map(|e| &e.value);
    let host = |r: &Route| r.host.as_ref().map(|h| h.value.clone()).unwrap_or_default();
    all.extend(routes.map(|r| (format!("egress.routes.{}", host(r)), &r.place)));
    all.extend(bottle.env.iter().map(|v| (format!("env.{}", v.name.value), &v.name.place)));
    all
}

/// A place as `file:line`.
fn written(snapshot: &Snapshot<'_>, place: &Place) -> String {
    let file = place.file.file_name().unwrap_or_default().to_string_lossy();
    match snapshot.catalog.source(&place.file) {
        Some(source) => {
            let line = LineIndex::new(&source.text).line_of(place.span.start as usize) + 1;
            format!("{file}:{line}")
        }
        None => file.into_owned(),
    }
}
