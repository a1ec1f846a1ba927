//! What can be folded away.

use super::yaml_part::yaml;
use crate::manifest::{Body, Source};
use crate::syntax::{Node, Span, Value};

/// A part of a text that covers more than one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fold {
    /// From the start of what stays visible to the end of what does not, without trailing blanks.
    pub span: Span,
    /// What it is.
    pub kind: FoldKind,
}

/// What a fold is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoldKind {
    /// A key or an item with what is below it, a document, the frontmatter.
    Region,
    /// Comments on lines of their own.
    Comment,
}

/// The folds of a document, in the order of its text.
pub fn folds(source: &Source) -> Vec<Fold> {
    let mut found = Folds { text: &source.text, all: Vec::new() };
    if let (Body::After(_), Some(part)) = (source.body, yaml(source)) {
        let start = source.text[..part.start as usize].rfind("---").unwrap_or(0);
        found.region(Span::new(start, part.end as usize));
    }
    let several = source.tree.documents.len() > 1;
    for document in &source.tree.documents {
        let Some(root) = &document.root else { continue };
        if several {
            found.region(document.span.join(root.span));
        }
        found.node(root);
    }
    found.comments(source);
    found.all.sort_unstable();
    found.all.dedup();
    found.all
}

struct Folds<'a> {
    text: &'a str,
    all: Vec<Fold>,
}

impl Folds<'_> {
    fn region(&mut self, span: Span) {
        self.push(span, FoldKind::Region);
    }

    fn push(&mut self, span: Span, kind: FoldKind) {
        let text = span.of(self.text).trim_end();
        if text.contains('\n') {
            let start = span.start as usize;
            self.all.push(Fold { span: Span::new(start, start + text.len()), kind });
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(_) => {}
            Value::Mapping(entries) => {
                for entry in entries.iter().filter(|e| e.key.origin.is_none()) {
                    self.region(entry.key.span.join(entry.value.span));
                    if entry.value.origin.is_none() {
                        self.node(&entry.value);
                    }
                }
            }
            Value::Sequence(items) => {
                for item in items.iter().filter(|n| n.origin.is_none()) {
                    self.region(item.span);
                    self.node(item);
                }
            }
        }
    }

    /// Comments on lines that follow each other.
    fn comments(&mut self, source: &Source) {
        let mut open: Option<Span> = None;
        for comment in source.tree.comments.iter().filter(|c| c.own_line) {
            let gap = |o: &Span| self.text.get(o.end as usize..comment.span.start as usize).unwrap_or("x");
            open = Some(match open {
                Some(block) if gap(&block).trim().is_empty() && gap(&block).matches('\n').count() == 1 => {
                    block.join(comment.span)
                }
                other => {
                    other.into_iter().for_each(|block| self.push(block, FoldKind::Comment));
                    comment.span
                }
            });
        }
        open.into_iter().for_each(|block| self.push(block, FoldKind::Comment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::marked;

    /// The first and the last line of each fold, from one.
    fn check(text: &str, expected: &[(usize, usize, FoldKind)]) {
        let source = marked(text).source();
        let line = |at: u32| source.text[..at as usize].matches('\n').count() + 1;
        let seen: Vec<_> =
            folds(&source).iter().map(|f| (line(f.span.start), line(f.span.end), f.kind)).collect();
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn keys_items_texts_comments_and_documents_fold() {
        use FoldKind::{Comment, Region};
        check(
            "# a\n# b\negress:\n  routes:\n    - host: a\n      git: read\n\nprompt: |\n  x\n\n# c\n\n# d\n# e\n",
            &[
                (1, 2, Comment),
                (3, 6, Region),
                (4, 6, Region),
                (5, 6, Region),
                (8, 9, Region),
                (13, 14, Comment),
            ],
        );
        check("a: [\n  1,\n]\n---\nb:\n  c: 1\n", &[(1, 3, Region), (4, 6, Region), (5, 6, Region)]);
        check("/h/.bot-bottle/agents/a.md|---\nbottle: d\n---\nbody\n", &[(1, 2, Region)]);
    }
}
