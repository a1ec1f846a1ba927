//! A document that the editor holds.

use super::analysis::Analysis;
use super::position::Lines;
use super::uri::file_path;
use crate::manifest::{Carrier, Identity, Kind, Layout, Location, Source};
use crate::syntax::{DecodeError, LineIndex, MAX_BYTES, Unit};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tower_lsp::ls_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

/// A document at its latest version.
pub(super) struct Document {
    /// As the client names it.
    pub uri: Uri,
    /// The file, or for a document that is in no file a path that names none.
    pub path: Arc<Path>,
    /// Whether `path` is where the document is saved.
    pub in_file: bool,
    /// The client's version.
    pub version: i32,
    /// The text.
    pub text: Arc<str>,
    /// Where its lines begin.
    pub index: LineIndex,
    /// What was found; `None` until the latest version is analysed.
    pub analysis: Option<Analysis>,
    language: Language,
    source: Parsed,
    /// What the last change made out of date: a long tree is taken apart when nobody waits.
    past: Option<(Parsed, Option<Analysis>)>,
}

/// A text's manifests, read when they are asked for; `None` in a text that is not a manifest.
type Parsed = OnceLock<Option<Arc<Source>>>;

/// What the editor says that a document is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    /// `bottle`: ours, in YAML.
    Yaml,
    /// `bottle-markdown`: ours, in Markdown.
    Markdown,
    /// Another; ours if the path says so.
    Other,
}

impl Document {
    /// Takes over what the client opens.
    pub(super) fn open(item: TextDocumentItem, root: Option<&Path>) -> Self {
        let language = match item.language_id.as_str() {
            "bottle" => Language::Yaml,
            "bottle-markdown" => Language::Markdown,
            _ => Language::Other,
        };
        let file = file_path(&item.uri);
        let path = file.clone().unwrap_or_else(|| unnamed(root, language));
        let text: Arc<str> = item.text.into();
        Self {
            uri: item.uri,
            path: path.into(),
            in_file: file.is_some(),
            version: item.version,
            index: LineIndex::new(&text),
            text,
            analysis: None,
            language,
            source: OnceLock::new(),
            past: None,
        }
    }

    /// Applies the client's changes, in order.
    pub(super) fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>, unit: Unit) {
        for change in changes {
            let text = match change.range {
                None => change.text,
                Some(range) => {
                    let span = self.lines(unit).span(range).range();
                    [&self.text[..span.start], &change.text, &self.text[span.end..]].concat()
                }
            };
            self.index = LineIndex::new(&text);
            self.text = text.into();
        }
        self.version = version;
        self.past = Some((std::mem::take(&mut self.source), self.analysis.take()));
    }

    /// Frees what earlier versions left.
    pub(super) fn forget_the_past(&mut self) {
        self.past = None;
    }

    /// The text with its lines.
    pub(super) fn lines(&self, unit: Unit) -> Lines<'_> {
        Lines { text: &self.text, index: &self.index, unit }
    }

    /// The parsed manifest file, if the document is one; parsed once a version.
    pub(super) fn source(&self, layout: &Layout) -> Option<&Arc<Source>> {
        self.source.get_or_init(|| self.parse(layout).map(Arc::new)).as_ref()
    }

    fn parse(&self, layout: &Layout) -> Option<Source> {
        if self.problem().is_some() {
            return None;
        }
        if !self.in_file {
            let carrier = match self.language {
                Language::Yaml => Carrier::Yaml,
                Language::Markdown => Carrier::Markdown,
                Language::Other => return None,
            };
            let (kind, name) = (Kind::Bottle, "untitled".to_owned());
            let identity = Identity { kind, carrier, name, location: Location::Elsewhere, tentative: false };
            return Some(Source::new(self.path.clone(), self.text.clone(), &identity));
        }
        Source::recognise(&self.path, self.text.clone(), layout, self.language != Language::Other)
    }

    /// Whether the layout or the editor says that the document is a manifest.
    pub(super) fn is_ours(&self, layout: &Layout) -> bool {
        self.language != Language::Other || layout.identify(&self.path).is_some_and(|i| !i.tentative)
    }

    /// What keeps the text from being read at all.
    pub(super) fn problem(&self) -> Option<DecodeError> {
        if self.text.len() > MAX_BYTES {
            return Some(DecodeError::TooLarge);
        }
        memchr::memchr(0, self.text.as_bytes()).map(DecodeError::Binary)
    }
}

/// Where a document that is in no file would find its neighbours.
fn unnamed(root: Option<&Path>, language: Language) -> PathBuf {
    let name = if language == Language::Markdown { "untitled.md" } else { "untitled.bottle.yaml" };
    root.unwrap_or(Path::new("/nowhere")).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tower_lsp::ls_types::{Position, Range};

    fn document(text: &str) -> Document {
        let uri = "file:///p/dev.bottle.yaml".parse().expect("a URI");
        Document::open(TextDocumentItem::new(uri, "yaml".to_owned(), 1, text.to_owned()), None)
    }

    /// Offsets of the text between characters, but not within a line break.
    fn places(text: &str) -> Vec<usize> {
        let all = text.char_indices().map(|(i, _)| i).chain([text.len()]);
        all.filter(|i| !(text[..*i].ends_with('\r') && text[*i..].starts_with('\n'))).collect()
    }

    /// A position by another way than the line index: the text before it, counted.
    fn position(text: &str, offset: usize, unit: Unit) -> Position {
        let line = text[..offset].split('\n').count() - 1;
        let before = text[..offset].rsplit('\n').next().unwrap_or("");
        let column = match unit {
            Unit::Utf8 => before.len(),
            Unit::Utf16 => before.encode_utf16().count(),
            Unit::Utf32 => before.chars().count(),
        };
        Position::new(line as u32, column as u32)
    }

    proptest! {
        #[test]
        fn increments_come_to_the_whole_text(
            start in "[a🙂漢é: \\r\\n\\t-]{0,40}",
            edits in prop::collection::vec((any::<u16>(), any::<u16>(), "[b🙂漢\\r\\n ]{0,6}"), 1..12),
            unit in prop::sample::select(vec![Unit::Utf8, Unit::Utf16, Unit::Utf32]),
        ) {
            let mut text = start;
            let mut document = document(&text);
            let mut changes = Vec::new();
            for (a, b, new) in edits {
                let places = places(&text);
                let (a, b) = (places[a as usize % places.len()], places[b as usize % places.len()]);
                let (from, to) = (a.min(b), a.max(b));
                let range = Range::new(position(&text, from, unit), position(&text, to, unit));
                changes.push(TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: new.clone() });
                text.replace_range(from..to, &new);
            }
            document.change(2, changes, unit);
            prop_assert_eq!(&*document.text, text.as_str());
            prop_assert_eq!(&document.index, &LineIndex::new(&text));
        }
    }
}
