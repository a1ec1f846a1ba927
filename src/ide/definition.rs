//! Where what a word names is defined.

use super::Snapshot;
use super::target::{self, Target};
use crate::manifest::{FileKind, Found, is_name};
use crate::provider::SKILLS;
use crate::syntax::{Node, Span};
use std::path::Path;
use std::sync::Arc;

/// A definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The word that names it, in the document that was asked.
    pub from: Span,
    /// The file; for a skill without `SKILL.md`, or a mount, it may be a folder.
    pub file: Arc<Path>,
    /// All of it; empty at the start of a file that is not a manifest.
    pub whole: Span,
    /// Its name, within `whole`.
    pub name: Span,
}

/// The definition of what the word at an offset names. A variable of the host is defined nowhere:
/// its definition is the word itself, from which editors go on to its uses.
pub fn definition(snapshot: &Snapshot<'_>, offset: usize) -> Option<Definition> {
    let (target, from) = target::at(snapshot, offset)?;
    let files = snapshot.catalog.files;
    let here = |whole, name| Definition { from, file: snapshot.source.path.clone(), whole, name };
    let file = |path: &Path| {
        files.kind(path).map(|_| Definition {
            from,
            file: path.into(),
            whole: Span::default(),
            name: Span::default(),
        })
    };
    match target {
        Target::Bottle(found) => {
            let (whole, name) = declaration(&found);
            Some(Definition { from, file: found.source.path.clone(), whole, name })
        }
        Target::Skill(name) if is_name(&name) => {
            let folder = snapshot.catalog.layout.home.as_ref()?.join(SKILLS).join(name);
            let text = folder.join("SKILL.md");
            file(if files.kind(&text) == Some(FileKind::File) { &text } else { &folder })
        }
        Target::Skill(_) => None,
        Target::Anchor(index) => {
            let anchor = snapshot.source.tree.anchors.get(index)?.span;
            Some(here(anchor, anchor))
        }
        Target::File(path) => file(&path),
        Target::HostVariable(_) | Target::GuestVariable(_) | Target::Host(_) => Some(here(from, from)),
    }
}

/// A bottle's document, and its name in it; where the file's name is the bottle's, the place where
/// its text begins.
pub(super) fn declaration(found: &Found) -> (Span, Span) {
    let (source, manifest) = (&found.source, &found.manifest);
    let root = source.root(manifest);
    let start = root.map(|r| r.span.start).unwrap_or_default();
    let whole = source.document(manifest).map(|d| d.span).unwrap_or_default();
    let name = root.and_then(|r| r.get("name")).filter(|n| n.text() == Some(&manifest.name));
    let name = name.filter(|n: &&Node| n.origin.is_none()).and_then(|n| target::word(&source.text, n));
    let at = Span { start, end: start };
    (whole.join(at), name.unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    /// The word, the file, and the line from one with the text of the name.
    fn check(text: &str, from: &str, file: &str, line: usize, name: &str) {
        let marked = marked(text);
        let seen = marked.ask(|snapshot, offset| {
            definition(snapshot, offset).map(|d| {
                let from = d.from.of(&snapshot.source.text).to_owned();
                let target = snapshot.catalog.source(&d.file);
                let text = target.as_ref().map(|s| &*s.text).unwrap_or_default();
                let line = text[..d.name.start as usize].lines().count().max(1);
                assert!(d.whole.encloses(d.name), "{d:?}");
                (from, d.file.display().to_string(), line, d.name.of(text).to_owned())
            })
        });
        let expected = (from.to_owned(), file.to_owned(), line, name.to_owned());
        assert_eq!(seen, Some(expected), "{text}");
    }

    fn nothing(text: &str) {
        assert_eq!(marked(text).ask(definition), None, "{text}");
    }

    const BOTTLES: &str =
        "//- /h/.bot-bottle/bottles/dev.md\n---\nenv: {}\n---\n//- /p/near.bottle.yaml\n# near\nenv: {}\n";

    #[test]
    fn an_agent_leads_to_its_bottle_and_a_bottle_to_its_parents() {
        let agent = |yaml: &str| format!("{BOTTLES}//- /h/.bot-bottle/agents/a.md\n---\n{yaml}\n---\n");
        check(&agent("bottle: d$0ev"), "dev", "/h/.bot-bottle/bottles/dev.md", 1, "");
        check(&agent("bottle: \"dev$0\""), "dev", "/h/.bot-bottle/bottles/dev.md", 1, "");
        let bottle = |yaml: &str| format!("{BOTTLES}//- /p/x.bottle.yaml\n{yaml}\n");
        check(&bottle("extends: near$0"), "near", "/p/near.bottle.yaml", 1, "");
        check(&bottle("extends:\n  - dev\n  - $0near"), "near", "/p/near.bottle.yaml", 1, "");
        check("name: one\n---\nname: two\nextends: on$0e\n", "one", "/p/dev.bottle.yaml", 1, "one");
        nothing(&agent("bottle: no$0pe"));
        nothing(&bottle("env: {bottle: de$0v}"));
    }

    #[test]
    fn files_and_skills_are_found_where_they_are() {
        let files = "//- /p/prompts/a.md\nx\n//- /p/Dockerfile\nx\n//- /p/docs/x\nx\n//- /h/.claude/skills/review/SKILL.md\nx\n//- /h/.claude/skills/bare/run.sh\nx\n";
        let at = |yaml: &str| format!("{files}//- /p/x.bottle.yaml\n{yaml}\n");
        check(&at("prompt_file: ./promp$0ts/a.md"), "./prompts/a.md", "/p/prompts/a.md", 1, "");
        check(&at("agent_provider: {dockerfile: $0Dockerfile}"), "Dockerfile", "/p/Dockerfile", 1, "");
        check(&at("workspace: {mounts: [{source: do$0cs}]}"), "docs", "/p/docs", 1, "");
        check(&at("skills: [re$0view]"), "review", "/h/.claude/skills/review/SKILL.md", 1, "");
        check(&at("skills: [ba$0re]"), "bare", "/h/.claude/skills/bare", 1, "");
        for gone in ["prompt_file: no$0pe.md", "skills: [no$0pe]", "skills: [../review$0]"] {
            nothing(&at(gone));
        }
    }

    #[test]
    fn an_alias_leads_to_the_last_anchor_before_it() {
        let text = "x-a: &a {k: 1}\nx-b: &a {k: 2}\nenv: *$0a\n";
        check(text, "a", "/p/dev.bottle.yaml", 2, "&a");
        nothing("env: *$0a\nx-a: &a {k: 1}\n");
    }

    #[test]
    fn a_host_variable_is_its_own_definition() {
        check("env: {A: \"${$0B}\"}", "B", "/p/dev.bottle.yaml", 1, "B");
        check("agent_provider: {auth_token: T$0}", "T", "/p/dev.bottle.yaml", 1, "T");
    }
}
