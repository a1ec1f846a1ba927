//! What a rule is.

use super::{Context, Severity, Sink};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The shape of the text.
    Form,
    /// The agent.
    Provider,
    /// The way out.
    Egress,
    /// Other files.
    Files,
    /// Credentials in the wrong place.
    Secrets,
    /// The guest environment.
    Env,
    /// The prompt.
    Prompt,
    /// The host's folders.
    Workspace,
    /// What this version carries out.
    Engine,
    /// The comments that silence findings.
    Upkeep,
    /// What only an editor or a past run knows.
    Editor,
}

/// Who has the last word on a rule's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// The language: what is found has no meaning, or one that must not be launched. No comment, no
    /// baseline and no option makes it acceptable.
    Language,
    /// Judgement: whoever writes the manifest may know better, and says so with a reason.
    Judgement,
    /// Its errors are the language's, and what is milder is a matter of judgement.
    ErrorsOfLanguage,
}

impl Matter {
    /// Whether a finding of this severity can be silenced.
    pub fn can_silence(self, severity: Severity) -> bool {
        match self {
            Self::Language => false,
            Self::Judgement => true,
            Self::ErrorsOfLanguage => !severity.blocks(),
        }
    }
}

/// A rule.
pub struct Rule {
    /// Its name, as in `ignore[…]`.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// Who has the last word.
    pub matter: Matter,
    /// How bad its findings are.
    pub severity: Severity,
    /// The rule's file; its header is the page.
    pub(super) file: &'static str,
    /// Finds.
    pub(super) check: fn(&Context<'_>, &mut Sink<'_>),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
