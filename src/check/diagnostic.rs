//! The one type of finding, for the command line and the editor alike.

use super::{Rule, Severity};
use crate::syntax::Span;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// A finding. No part of it ever holds a secret's value.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Which rule.
    pub rule: &'static Rule,
    /// How bad.
    pub severity: Severity,
    /// What is wrong and why.
    pub message: String,
    /// What to do; empty where the message says it all.
    pub help: String,
    /// In which file.
    pub file: Arc<Path>,
    /// Where.
    pub span: Span,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
    /// What mends it.
    pub fix: Option<Fix>,
}

/// Another place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// In which file.
    pub file: Arc<Path>,
    /// Where.
    pub span: Span,
    /// What it has to do with the finding.
    pub message: String,
}

/// Edits of one file that mend a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an order: «remove the route».
    pub title: String,
    /// Whether it may be applied unasked.
    pub applicability: Applicability,
    /// The edits; none overlaps another.
    pub edits: Vec<Edit>,
}

/// Whether a fix may be applied unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// It keeps what the manifest means.
    Safe,
    /// It guesses, or changes what the bottle may do.
    Unsafe,
}

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// By what; empty to remove.
    pub text: String,
}

impl Diagnostic {
    /// Says what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Says that this finding is milder or worse than its rule's others.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Adds another place of the same or another file.
    pub fn related(&mut self, place: &crate::manifest::Place, message: impl Into<String>) -> &mut Self {
        self.related.push(Related { file: place.file.clone(), span: place.span, message: message.into() });
        self
    }

    /// Adds a fix that keeps what the manifest means.
    pub fn safe_fix(&mut self, title: impl Into<String>, edits: Vec<Edit>) -> &mut Self {
        self.add_fix(title, Applicability::Safe, edits)
    }

    /// Adds a fix that a person must agree to.
    pub fn unsafe_fix(&mut self, title: impl Into<String>, edits: Vec<Edit>) -> &mut Self {
        self.add_fix(title, Applicability::Unsafe, edits)
    }

    fn add_fix(
        &mut self,
        title: impl Into<String>,
        applicability: Applicability,
        edits: Vec<Edit>,
    ) -> &mut Self {
        if !edits.is_empty() {
            self.fix = Some(Fix { title: title.into(), applicability, edits });
        }
        self
    }

    /// Whether a comment or a baseline has an effect on it.
    pub fn can_be_silenced(&self) -> bool {
        self.rule.matter.can_silence(self.severity)
    }

    /// Message and help in one text.
    pub fn full_message(&self) -> String {
        if self.help.is_empty() {
            self.message.clone()
        } else {
            format!("{}. {}", self.message, capital(&self.help))
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}
