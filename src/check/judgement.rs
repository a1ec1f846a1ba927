//! What stands in the way of a launch: every file that contributes to a plan is judged.
//!
//! A plan is made of an agent, its bottle and the bottle's parents. [`clear`] is the only way to a
//! plan that may be launched, and it looks at all of them, so that an error cannot be got round by
//! naming another file.

use super::{Diagnostic, Facts, Findings, examine_manifest};
use crate::manifest::{Catalog, Found, Kind, Manifest, Source, read_agent, resolve};
use crate::plan::{Plan, PlanError, draft};
use crate::provider::Start;
use std::path::PathBuf;
use std::sync::Arc;

/// A plan that may be launched: nothing that it is made of has an error that stands.
#[derive(Debug, Clone)]
pub struct Cleared {
    plan: Plan,
    silenced: Vec<Silenced>,
    sources: Vec<PathBuf>,
}

/// A finding of judgement that somebody silenced in a file that contributes.
#[derive(Debug, Clone)]
pub struct Silenced {
    /// The finding.
    pub finding: Diagnostic,
    /// Its line, from 1.
    pub line: usize,
}

/// Why there is no plan to launch.
#[derive(Debug)]
pub enum Refused {
    /// The manifest, or a file that it refers to, has errors: those of the manifest's own document,
    /// among them `broken-bottle` for the others'. Never empty.
    Errors(Vec<Diagnostic>),
    /// There is nothing to plan.
    NoPlan(PlanError),
}

impl Refused {
    /// The first reason, in a sentence.
    pub fn first(&self) -> String {
        match self {
            Self::Errors(errors) => errors.first().map(Diagnostic::full_message).unwrap_or_default(),
            Self::NoPlan(error) => super::shown(&error.to_string()),
        }
    }
}

impl Cleared {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was silenced in the files that the plan is made of.
    pub fn silenced(&self) -> &[Silenced] {
        &self.silenced
    }

    /// The files that the plan is made of, the manifest's own first.
    pub fn sources(&self) -> &[PathBuf] {
        &self.sources
    }

    /// A plan that nobody judged, for tests of the engine, which make plans by hand.
    #[doc(hidden)]
    pub fn unjudged(plan: Plan) -> Self {
        Self { plan, silenced: Vec::new(), sources: Vec::new() }
    }
}

/// The plan of a manifest, together with the proof that nothing that it is made of is refused.
///
/// Pure but for the catalog's [`crate::manifest::Files`].
///
/// # Errors
/// When the manifest, its bottle or one of the parents has an error, or there is no plan.
pub fn clear(found: &Found, catalog: &Catalog<'_>, start: &Start) -> Result<Cleared, Refused> {
    let judging = tracing::info_span!("judge", file = %found.source.path.display()).entered();
    let own = examine_manifest(&found.source, &found.manifest, catalog, &Facts::default(), true);
    let errors: Vec<_> = own.findings.into_iter().filter(|f| f.severity.blocks()).collect();
    if !errors.is_empty() {
        return Err(Refused::Errors(errors));
    }
    let mut silenced = silenced(&found.source, own.silenced);
    let parts = contributing(found, catalog);
    for part in parts.iter().skip(1) {
        let judged = judge(part, catalog);
        // `broken-bottle` has said so above; the proof does not rest on it.
        if let Some(error) = judged.error {
            return Err(Refused::Errors(vec![error]));
        }
        silenced.extend(self::silenced(&part.source, judged.silenced));
    }
    drop(judging);
    let _planning = tracing::info_span!("plan", name = found.manifest.name).entered();
    let plan = draft(found, catalog, start).map_err(Refused::NoPlan)?;
    let sources = parts.iter().map(|part| part.source.path.to_path_buf()).collect();
    Ok(Cleared { plan, silenced, sources })
}

/// Every document that a plan is made of, the manifest itself first.
fn contributing(found: &Found, catalog: &Catalog<'_>) -> Vec<Found> {
    let bottle = match found.manifest.kind {
        Kind::Bottle => return resolve(found, catalog).chain,
        Kind::Agent => read_agent(&found.source, &found.manifest).bottle,
    };
    let bottle = bottle.and_then(|name| catalog.bottle(&name.value, &found.source));
    let mut all = vec![found.clone()];
    all.extend(bottle.into_iter().flat_map(|bottle| resolve(&bottle, catalog).chain));
    all
}

fn silenced(source: &Source, findings: Vec<Diagnostic>) -> Vec<Silenced> {
    let line = |f: &Diagnostic| source.text[..f.span.start as usize].matches('\n').count() + 1;
    findings.into_iter().map(|finding| Silenced { line: line(&finding), finding }).collect()
}

/// A document judged by itself, without what it refers to.
#[derive(Debug, Clone, Default)]
struct Judged {
    error: Option<Diagnostic>,
    silenced: Vec<Diagnostic>,
}

/// Judges a document once for as long as the catalog lives: a thousand bottles may share a parent.
fn judge(found: &Found, catalog: &Catalog<'_>) -> Judged {
    catalog.remember(&found.source.path, found.manifest.document, || {
        let Findings { findings, silenced } =
            examine_manifest(&found.source, &found.manifest, catalog, &Facts::default(), false);
        Judged { error: findings.into_iter().find(|f| f.severity.blocks()), silenced }
    })
}

/// The first document that a bottle is made of and that has an error, with that error. `asking` is
/// left out: a manifest that refers back to itself reports its own errors itself.
pub(super) fn first_broken(
    bottle: &Found,
    catalog: &Catalog<'_>,
    asking: Option<(&Arc<Source>, &Manifest)>,
) -> Option<(Found, Diagnostic)> {
    let asks = |part: &Found| {
        asking.is_some_and(|(source, manifest)| {
            source.path == part.source.path && manifest.document == part.manifest.document
        })
    };
    let chain = resolve(bottle, catalog).chain.into_iter().filter(|part| !asks(part));
    chain.into_iter().find_map(|part| Some((part.clone(), judge(&part, catalog).error?)))
}
