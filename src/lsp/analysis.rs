//! The findings of one document, made once a version.

use super::client::Reports;
use super::convert;
use super::position::Lines;
use crate::check::{self, Facts, Severity, check};
use crate::manifest::{Catalog, Source};
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use tower_lsp::ls_types::{Diagnostic, Uri};

/// What was found in a document.
pub(super) struct Analysis {
    /// The findings.
    pub findings: Vec<check::Diagnostic>,
    /// The same for the client, in the same order.
    pub reported: Vec<Diagnostic>,
    /// Changes with what is reported.
    pub result_id: String,
    /// The files that it depends on, those that are not there included.
    pub asked_for: HashSet<PathBuf>,
}

impl Analysis {
    /// Checks a manifest.
    pub(super) fn of(
        source: &Arc<Source>,
        catalog: &Catalog<'_>,
        facts: &Facts<'_>,
        (uri, lines): (&Uri, Lines<'_>),
        (least, reports): (Severity, Reports),
    ) -> Self {
        let mut findings = check(source, catalog, facts);
        findings.retain(|f| f.severity >= least);
        let convert = |f| convert::diagnostic(f, lines, uri, catalog, reports);
        let reported = findings.iter().map(convert).collect();
        Self::reporting(findings, reported, catalog.asked_for())
    }

    /// What there is to say of a text that is not a manifest: nothing, or why it cannot be read.
    pub(super) fn of_no_manifest(problem: Option<String>) -> Self {
        let reported = problem.map(convert::unreadable).into_iter().collect();
        Self::reporting(Vec::new(), reported, HashSet::new())
    }

    fn reporting(
        findings: Vec<check::Diagnostic>,
        reported: Vec<Diagnostic>,
        asked_for: HashSet<PathBuf>,
    ) -> Self {
        let mut hasher = DefaultHasher::new();
        findings.iter().for_each(|f| (f.severity as u8).hash(&mut hasher));
        for diagnostic in &reported {
            diagnostic.message.hash(&mut hasher);
            let range = diagnostic.range;
            let (start, end) = (range.start, range.end);
            (start.line, start.character, end.line, end.character).hash(&mut hasher);
            let related = diagnostic.related_information.iter().flatten();
            related.for_each(|r| format!("{:?}", r.location).hash(&mut hasher));
        }
        Self { findings, reported, result_id: format!("{:016x}", hasher.finish()), asked_for }
    }
}
