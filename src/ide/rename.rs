//! Renaming: the edits of every file that names the thing, and the files that get a new name.

use super::Snapshot;
use super::target::{self, Target};
use super::{definition, references};
use crate::check::Edit;
use crate::manifest::{Carrier, Found, name_problem};
use crate::syntax::Span;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a new name changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rename {
    /// The edits of each file, in the order of its text.
    pub edits: BTreeMap<Arc<Path>, Vec<Edit>>,
    /// Files that are renamed after their edits: from, to.
    pub files: Vec<(PathBuf, PathBuf)>,
}

/// Why there is no renaming.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// The word names nothing that can be renamed here.
    #[error("there is nothing here that can be renamed")]
    Nothing,
    /// The new name is none.
    #[error("`{0}` is not a name: {1}")]
    Invalid(String, &'static str),
    /// Something else has the name.
    #[error("there is already {0} `{1}`")]
    Taken(&'static str, String),
    /// The file's name is also that of other documents in it.
    #[error("other documents of {0} are named after the file; give them a `name` first")]
    SharedFile(String),
}

/// The word that would be renamed.
pub fn prepare_rename(snapshot: &Snapshot<'_>, offset: usize) -> Option<Span> {
    let (target, word) = target::at(snapshot, offset)?;
    (can_rename(&target) && word.start < word.end).then_some(word)
}

/// What it takes to give the thing at an offset a new name.
///
/// # Errors
/// When there is nothing to rename, or the new name cannot be had.
pub fn rename(snapshot: &Snapshot<'_>, offset: usize, new: &str) -> Result<Rename, RenameError> {
    prepare_rename(snapshot, offset).ok_or(RenameError::Nothing)?;
    let (target, _) = target::at(snapshot, offset).ok_or(RenameError::Nothing)?;
    let new = new.trim();
    if let Some(problem) = problem(&target, new) {
        return Err(RenameError::Invalid(new.to_owned(), problem));
    }
    let mut out = Rename::default();
    for location in references::of(snapshot, &target, true) {
        let edit = Edit { span: location.span, text: new.to_owned() };
        out.edits.entry(location.file).or_default().push(edit);
    }
    match &target {
        Target::Bottle(found) => rename_bottle(snapshot, found, new, &mut out)?,
        Target::Anchor(index) => {
            let anchors = &snapshot.source.tree.anchors;
            let document = anchors.get(*index).map(|a| a.document);
            if anchors.iter().any(|a| Some(a.document) == document && &*a.name == new) {
                return Err(RenameError::Taken("an anchor", new.to_owned()));
            }
        }
        _ => {}
    }
    Ok(out)
}

/// A skill's folder belongs to other tools too, a host to nobody here.
fn can_rename(target: &Target) -> bool {
    matches!(target, Target::Bottle(_) | Target::Anchor(_) | Target::HostVariable(_))
}

fn problem(target: &Target, new: &str) -> Option<&'static str> {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    match target {
        Target::Bottle(_) => name_problem(new),
        Target::HostVariable(_) => {
            let good = new.bytes().all(part) && new.bytes().next().is_some_and(|b| !b.is_ascii_digit());
            (!good).then_some("a variable's name holds letters, digits and `_`, and begins with no digit")
        }
        _ => {
            let good = !new.is_empty() && new.bytes().all(|b| part(b) || b == b'-' || b == b'.');
            (!good).then_some("an anchor's name holds letters, digits, `_`, `-` and `.`")
        }
    }
}

fn rename_bottle(
    snapshot: &Snapshot<'_>,
    found: &Found,
    new: &str,
    out: &mut Rename,
) -> Result<(), RenameError> {
    let (source, manifest) = (&found.source, &found.manifest);
    let taken = |from: &Arc<crate::manifest::Source>| {
        snapshot.catalog.bottle(new, from).is_some_and(|other| !target::same(&other, found))
    };
    let users = out.edits.keys().filter_map(|path| {
        let known = snapshot.workspace.iter().chain([snapshot.source]);
        known.into_iter().find(|s| s.path == *path)
    });
    if new == manifest.name || taken(source) || users.into_iter().any(taken) {
        return Err(RenameError::Taken("a bottle", new.to_owned()));
    }
    // The place where an unnamed document begins is not a name to write over.
    let (_, name) = definition::declaration(found);
    if name.start == name.end
        && let Some(edits) = out.edits.get_mut(&source.path)
    {
        edits.retain(|e| e.span != name);
    }
    out.edits.retain(|_, edits| !edits.is_empty());
    let of_file = snapshot.catalog.layout.identify(&source.path).map(|i| i.name);
    if of_file.as_ref() != Some(&manifest.name) {
        return Ok(());
    }
    let named = |m: &crate::manifest::Manifest| source.root(m).is_some_and(|r| r.get("name").is_some());
    let others = source.manifests.iter().filter(|m| m.document != manifest.document);
    let file = source.path.file_name().unwrap_or_default().to_string_lossy();
    if others.clone().any(|m| !named(m) && m.kind == manifest.kind) {
        return Err(RenameError::SharedFile(file.into_owned()));
    }
    let to = source.path.with_file_name(file_name(&file, &manifest.name, new, source.carrier));
    if snapshot.catalog.files.kind(&to).is_some() {
        return Err(RenameError::Taken(
            "a file",
            to.file_name().unwrap_or_default().to_string_lossy().into(),
        ));
    }
    out.files.push((source.path.to_path_buf(), to));
    Ok(())
}

/// `dev.bottle.yml` → `new.bottle.yml`; `bottle.yaml` has no name of its own to replace.
fn file_name(file: &str, name: &str, new: &str, carrier: Carrier) -> String {
    match (file, carrier) {
        ("bottle.yaml", Carrier::Yaml) => format!("{new}.bottle.yaml"),
        _ => format!("{new}{}", file.strip_prefix(name).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::apply;
    use crate::ide::fixture::marked;

    /// Every changed file as it is afterwards, under its new name.
    fn renamed(text: &str, new: &str) -> Result<Vec<(String, String)>, RenameError> {
        marked(text).ask(|snapshot, offset| {
            let rename = rename(snapshot, offset, new)?;
            let name = |path: &Path| {
                let moved = rename.files.iter().find(|(from, _)| from == path);
                moved.map_or(path, |(_, to)| to).display().to_string()
            };
            let mut all: Vec<_> = rename
                .edits
                .iter()
                .map(|(path, edits)| {
                    (name(path), apply(&snapshot.catalog.source(path).expect("a manifest").text, edits))
                })
                .collect();
            let untouched = rename.files.iter().filter(|(from, _)| !rename.edits.contains_key(&**from));
            all.extend(untouched.map(|(_, to)| (to.display().to_string(), String::new())));
            Ok(all)
        })
    }

    fn check(text: &str, new: &str, expected: &[(&str, &str)]) {
        let seen = renamed(text, new).expect("a renaming");
        let seen: Vec<_> = seen.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(seen, expected, "{text}");
    }

    const HOME: &str = "\
//- /h/.bot-bottle/agents/a.md
---
bottle: d$0ev # mine
---
//- /h/.bot-bottle/bottles/child.md
---
extends: [base, \"dev\"]
---
//- /h/.bot-bottle/bottles/dev.md
---
env: {}
---
//- /h/.bot-bottle/bottles/base.md
---
---
";

    #[test]
    fn a_bottle_takes_its_agents_its_children_and_its_file_along() {
        check(
            HOME,
            "work",
            &[
                ("/h/.bot-bottle/agents/a.md", "---\nbottle: work # mine\n---\n"),
                ("/h/.bot-bottle/bottles/child.md", "---\nextends: [base, \"work\"]\n---\n"),
                ("/h/.bot-bottle/bottles/work.md", ""),
            ],
        );
        check(
            "//- /p/bottle.yaml\nname: bottle\n//- /p/a.agent.yaml\nbottle: bottle$0\n",
            "x",
            &[("/p/a.agent.yaml", "bottle: x\n"), ("/p/x.bottle.yaml", "name: x\n")],
        );
    }

    #[test]
    fn in_a_file_of_several_documents_the_name_is_written_in_the_document() {
        check(
            "name: one\n---\nname: two\n---\nbottle: tw$0o\n",
            "three",
            &[("/p/dev.bottle.yaml", "name: one\n---\nname: three\n---\nbottle: three\n")],
        );
        check(
            "env: {}\n---\nname: two\nextends: de$0v\n",
            "new",
            &[("/p/new.bottle.yaml", "env: {}\n---\nname: two\nextends: new\n")],
        );
        let shared = renamed("env: {}\n---\nenv: {}\n---\nbottle: de$0v\n", "new");
        assert_eq!(shared, Err(RenameError::SharedFile("dev.bottle.yaml".to_owned())));
    }

    #[test]
    fn names_that_are_none_or_taken_are_refused() {
        for new in ["", "Dev", "a/b", "../x", "-x"] {
            assert!(matches!(renamed(HOME, new), Err(RenameError::Invalid(..))), "{new}");
        }
        for new in ["base", "child", "dev"] {
            assert_eq!(renamed(HOME, new), Err(RenameError::Taken("a bottle", new.to_owned())));
        }
        for nothing in [
            "skills: [a$0]",
            "env: {$0A: b}",
            "e$0nv: {}",
            "egress: {routes: [{host: a$0}]}",
            "extends: no$0pe",
        ] {
            assert_eq!(renamed(nothing, "x"), Err(RenameError::Nothing), "{nothing}");
        }
    }

    #[test]
    fn a_name_that_would_lead_a_user_elsewhere_is_refused() {
        let text = "//- /h/.bot-bottle/bottles/dev.md\n---\n---\n//- /p/near.bottle.yaml\nenv: {}\n//- /p/a.agent.yaml\nbottle: de$0v\n";
        assert_eq!(renamed(text, "near"), Err(RenameError::Taken("a bottle", "near".to_owned())));
        assert!(renamed(text, "far").is_ok());
    }

    #[test]
    fn anchors_and_host_variables_are_renamed_where_they_are_named() {
        check("x-a: &a {k: 1}\nenv: *a$0\n", "b", &[("/p/dev.bottle.yaml", "x-a: &b {k: 1}\nenv: *b\n")]);
        assert!(renamed("x-a: &a 1\nx-b: &b 2\nx-c: *a$0\n", "b").is_err());
        check(
            "agent_provider: {auth_token: T$0}\nenv: {A: \"${T}\"}\n",
            "NEW",
            &[("/p/dev.bottle.yaml", "agent_provider: {auth_token: NEW}\nenv: {A: \"${NEW}\"}\n")],
        );
        assert!(renamed("agent_provider: {auth_token: T$0}", "1X").is_err());
    }

    #[test]
    fn the_word_to_rename_is_the_name_alone() {
        let word = |text: &str| {
            marked(text).ask(|snapshot, offset| {
                prepare_rename(snapshot, offset).map(|s| s.of(&snapshot.source.text).to_owned())
            })
        };
        assert_eq!(word(HOME).as_deref(), Some("dev"));
        assert_eq!(word("x: &an$0c 1").as_deref(), Some("anc"));
        assert_eq!(word("env: {A: '${B$0}'}").as_deref(), Some("B"));
        assert_eq!(word("$0"), None);
    }
}
