//! Completion: what may be written at an offset, also on lines that are half-typed.

mod keys;
mod names;
mod paths;
mod suppression;
mod values;

use super::Snapshot;
use super::field::{self, Field, Shape};
use super::query::{self, At, Path, Role};
use super::yaml_part::yaml;
use crate::check::Edit;
use crate::manifest::{Carrier, Identity, Kind, Source};
use crate::shown::lines;
use crate::syntax::{Node, Repair, Repaired, repair};

/// Something that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What is shown.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words beside the label; may be empty.
    pub detail: String,
    /// Markdown; may be empty.
    pub documentation: String,
    /// What to write. Its span holds the offset and lies on one line. Lines behind the first are
    /// indented relative to the line's own indentation, which the editor adds.
    pub edit: Edit,
    /// The edit's text with tab stops, in the protocol's snippet syntax, where it has any.
    pub snippet: Option<String>,
    /// Sorts the list.
    pub sort: String,
    /// What the typed text is compared with.
    pub filter: String,
    /// Whether there is more to choose from once it is written.
    pub retrigger: bool,
}

/// What is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompletionKind {
    /// A key.
    Key,
    /// One of a field's values.
    Value,
    /// A bottle.
    Bottle,
    /// A skill.
    Skill,
    /// A variable of the host.
    Variable,
    /// A host name.
    Host,
    /// A rule of the checker.
    Rule,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Several lines at once.
    Snippet,
}

/// What may be written at an offset.
pub fn completion(snapshot: &Snapshot<'_>, offset: usize) -> Vec<Completion> {
    let source = snapshot.source;
    let Some(part) = yaml(source) else { return keys::frontmatter(snapshot, offset) };
    let mut all = match repair(&source.text, part, offset) {
        Repair::Nowhere => Vec::new(),
        Repair::Comment(comment) => suppression::complete(source, comment, offset),
        Repair::Word(repaired) => at_word(snapshot, &repaired, offset),
    };
    // Names of files and hosts come from elsewhere: what moves a terminal or hides is not offered, since
    // taking it would write it.
    all.retain(|one| {
        [&one.label, &one.sort, &one.filter, &one.edit.text].into_iter().all(|text| lines(text) == *text)
    });
    all
}

/// The word at the cursor with everything that the lists ask of it.
struct Spot<'a> {
    snapshot: &'a Snapshot<'a>,
    repaired: &'a Repaired,
    kind: Kind,
    at: At<'a>,
    /// What is typed before the cursor.
    prefix: &'a str,
}

fn at_word(snapshot: &Snapshot<'_>, repaired: &Repaired, offset: usize) -> Vec<Completion> {
    let source = snapshot.source;
    let identity = Identity {
        kind: kind_at(source, offset),
        carrier: Carrier::Yaml,
        name: String::new(),
        location: source.location,
        tentative: false,
    };
    let small = Source::new(source.path.clone(), repaired.text.as_str().into(), &identity);
    let start = repaired.word.start as usize;
    let spot = Spot {
        snapshot,
        repaired,
        kind: identity.kind,
        at: query::at(&small, repaired.cursor),
        prefix: source.text.get(start..offset).unwrap_or_default(),
    };
    spot.complete()
}

/// The kind of the manifest that an offset belongs to.
fn kind_at(source: &Source, offset: usize) -> Kind {
    let begins =
        |m: &&crate::manifest::Manifest| source.document(m).is_none_or(|d| (d.span.start as usize) <= offset);
    let manifest = source.manifests.iter().rev().find(begins).or(source.manifests.first());
    manifest.map_or(Kind::Bottle, |m| m.kind)
}

impl<'a> Spot<'a> {
    fn complete(&self) -> Vec<Completion> {
        let path = &self.at.path;
        match self.at.role {
            Role::Key(_) => {
                let parent = path.parent();
                let Some(field) = field::field(self.kind, &parent) else { return Vec::new() };
                match field.shape() {
                    Shape::Mapping => keys::complete(self, field, &parent, self.container()),
                    // A word below a list's key: an item that lacks its dash.
                    Shape::List if !self.repaired.colon => {
                        field.item().map(|item| self.item(item, &parent, "- ")).unwrap_or_default()
                    }
                    _ if self.repaired.colon => Vec::new(),
                    _ => values::complete(self, field, &parent),
                }
            }
            Role::Value(_) => {
                let Some(field) = field::field(self.kind, path) else { return Vec::new() };
                match field.shape() {
                    Shape::Mapping => keys::in_braces(self, field),
                    Shape::List => {
                        let items = field.item().map(|item| self.item(item, path, "[")).unwrap_or_default();
                        items.into_iter().filter(|i| i.kind != CompletionKind::Key).collect()
                    }
                    _ => values::complete(self, field, path),
                }
            }
            Role::Item(_) => {
                let Some(item) = field::field(self.kind, path) else { return Vec::new() };
                self.item(item, &path.parent(), self.repaired.before)
            }
            _ => Vec::new(),
        }
    }

    /// An item of a list, with what must stand before it.
    fn item(&self, item: Field, list: &Path<'_>, before: &str) -> Vec<Completion> {
        let path = Path(list.0.iter().copied().chain([query::Step::Item(0)]).collect());
        let mut all = match item.shape() {
            Shape::Mapping if before == "[" => return Vec::new(),
            Shape::Mapping if self.repaired.quote.is_some() => return Vec::new(),
            Shape::Mapping => keys::of_item(self, item, &path, before),
            _ => values::complete(self, item, &path),
        };
        if item.shape() != Shape::Mapping {
            for completion in &mut all {
                wrap(completion, self.repaired.before, before);
            }
        }
        all
    }

    /// The mapping that the word is a key of.
    fn container(&self) -> Option<&'a Node> {
        self.at.container()
    }

    /// A completion that writes `text` in place of the word.
    fn offer(&self, label: impl Into<String>, kind: CompletionKind, text: impl Into<String>) -> Completion {
        let label = label.into();
        Completion {
            filter: label.clone(),
            sort: format!("5{label}"),
            label,
            kind,
            detail: String::new(),
            documentation: String::new(),
            edit: Edit { span: self.repaired.word, text: format!("{}{}", self.repaired.before, text.into()) },
            snippet: None,
            retrigger: false,
        }
    }
}

/// Puts an item behind a dash that is not there yet, or into a list in brackets.
fn wrap(completion: &mut Completion, written: &str, before: &str) {
    let texts = [Some(&mut completion.edit.text), completion.snippet.as_mut()];
    for text in texts.into_iter().flatten() {
        if before == "[" {
            let inner = text[written.len().min(text.len())..].to_owned();
            *text = format!("{written}[{inner}]");
        } else if before != written {
            *text = format!("{before}{text}");
        }
    }
}

/// Text as a snippet shows it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('$', "\\$").replace('}', "\\}")
}

#[cfg(test)]
mod tests;
