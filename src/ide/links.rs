//! Links in a document: files that exist, and the pages of rules.

use super::Snapshot;
use super::target;
use crate::check::{page_url, rules, suppressions};
use crate::manifest::named_paths;
use crate::syntax::Span;
use std::path::PathBuf;

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The word.
    pub span: Span,
    /// Where it leads.
    pub target: LinkTarget,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// A file or folder of the host.
    File(PathBuf),
    /// A page of the documentation.
    Url(String),
}

/// How many paths are looked for.
const MOST: usize = 200;

/// The links of a document, in the order of its text.
pub fn links(snapshot: &Snapshot<'_>) -> Vec<Link> {
    let (source, catalog) = (snapshot.source, snapshot.catalog);
    let mut links = Vec::new();
    for root in source.tree.documents.iter().filter_map(|d| d.root.as_ref()) {
        for node in named_paths::nodes(root).into_iter().filter(|n| n.origin.is_none()).take(MOST) {
            let path = target::path_of(source, node, catalog).filter(|p| catalog.files.kind(p).is_some());
            if let (Some(path), Some(span)) = (path, target::word(&source.text, node)) {
                links.push(Link { span, target: LinkTarget::File(path) });
            }
        }
    }
    for (id, span) in suppressions(source).into_iter().flat_map(|s| s.ids) {
        if let Some(rule) = rules::get(&id) {
            links.push(Link { span, target: LinkTarget::Url(page_url(rule)) });
        }
    }
    links.sort_by_key(|l| l.span);
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    #[test]
    fn files_that_exist_and_rules_are_links() {
        let text = "//- /p/Dockerfile\nx\n//- /p/docs/a\nx\n//- /p/q/dev.bottle.yaml\n\
            agent_provider: {dockerfile: \"../Dockerfile\"}\n\
            prompt_file: nope.md # bot-bottle: ignore[prompt-conflict, syntax, nope] why\n\
            workspace: {mounts: [{source: ../docs, target: /docs}, {source: ./gone, target: /g}]}$0\n";
        let seen = marked(text).ask(|snapshot, _| {
            let shown = |l: Link| {
                let to = match l.target {
                    LinkTarget::File(path) => path.display().to_string(),
                    LinkTarget::Url(url) => url.rsplit('/').next().unwrap_or_default().to_owned(),
                };
                (l.span.of(&snapshot.source.text).to_owned(), to)
            };
            links(snapshot).into_iter().map(shown).collect::<Vec<_>>()
        });
        let seen: Vec<_> = seen.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let rules = seen.iter().filter(|(_, to)| *to == "syntax" || *to == "prompt-conflict").count();
        assert!(seen.contains(&("../Dockerfile", "/p/Dockerfile")), "{seen:?}");
        assert!(seen.contains(&("../docs", "/p/docs")), "{seen:?}");
        assert!(seen.contains(&("syntax", "syntax")), "{seen:?}");
        assert_eq!(seen.len(), 2 + rules, "{seen:?}");
    }
}
