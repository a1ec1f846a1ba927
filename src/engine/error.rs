//! What can go wrong in a launch, told by stage.

use std::fmt;

/// The stages of a launch, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The plan and this machine are looked at.
    Check,
    /// Host variables and logins are read into memory.
    Credentials,
    /// The run's own folder is made.
    State,
    /// The container image is built.
    Image,
    /// The proxy starts.
    Egress,
    /// The sandbox is put together.
    Guest,
    /// The plan's folders are made.
    Dirs,
    /// The plan's commands before the files.
    PreCopy,
    /// The plan's files are put in place.
    Files,
    /// The plan's commands after the files.
    Verify,
    /// The agent runs.
    Agent,
    /// What the run made is taken away.
    CleanUp,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 12] = [
        Self::Check,
        Self::Credentials,
        Self::State,
        Self::Image,
        Self::Egress,
        Self::Guest,
        Self::Dirs,
        Self::PreCopy,
        Self::Files,
        Self::Verify,
        Self::Agent,
        Self::CleanUp,
    ];

    /// The stage's name as a person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Credentials => "credentials",
            Self::State => "state",
            Self::Image => "image",
            Self::Egress => "egress",
            Self::Guest => "guest",
            Self::Dirs => "dirs",
            Self::PreCopy => "pre_copy",
            Self::Files => "files",
            Self::Verify => "verify",
            Self::Agent => "agent",
            Self::CleanUp => "clean-up",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a launch stopped. No text in it holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// A stage could not do its work.
    #[error("{stage}: {problem}")]
    Failed {
        /// The stage.
        stage: Stage,
        /// What went wrong.
        problem: Problem,
    },
    /// The person who launched it stopped it.
    #[error("{stage}: stopped on request; nothing of the run is left")]
    Cancelled {
        /// The stage that was under way.
        stage: Stage,
    },
}

impl LaunchError {
    /// The stage that was under way.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Failed { stage, .. } | Self::Cancelled { stage } => *stage,
        }
    }
}

/// One thing that went wrong: what, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}{}{help}", if help.is_empty() { "" } else { "; " })]
pub struct Problem {
    /// What could not be done.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do; empty where nothing can be advised.
    pub help: String,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>, why: impl fmt::Display, help: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.to_string(), help: help.into() }
    }

    /// A file or process that the machine refused.
    pub(crate) fn io(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::new(what, why, "")
    }
}
