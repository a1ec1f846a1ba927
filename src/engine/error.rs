//! What can go wrong in a launch, by stage.

use crate::egress::EgressError;
use crate::provider::LoginError;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

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
    /// What the run made is removed.
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
        #[source]
        problem: Problem,
    },
    /// The person who launched it stopped it.
    #[error("{stage}: cancelled; everything the run made has been removed")]
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

/// One thing that went wrong: what, why, and what to do. Its text says all of that; the source is there for
/// code that asks what kind of error it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}{}{help}", if help.is_empty() { "" } else { "; " })]
pub struct Problem {
    /// What could not be done.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do; empty where nothing can be advised.
    pub help: String,
    #[source]
    cause: Option<Cause>,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<Why>, help: impl Into<String>) -> Self {
        let (why, cause) = match why.into() {
            Why::Said(text) => (text, None),
            Why::Error(error) => (error.to_string(), Some(Cause(error))),
        };
        Self { what: what.into(), why, help: help.into(), cause }
    }

    /// What nothing can be advised for, such as a file that the machine refused.
    pub(crate) fn io(what: impl Into<String>, why: impl Into<Why>) -> Self {
        Self::new(what, why, "")
    }
}

/// Why something went wrong: in our words, or in those of the error that caused it.
pub(crate) enum Why {
    Said(String),
    Error(Arc<dyn Error + Send + Sync>),
}

impl From<&str> for Why {
    fn from(text: &str) -> Self {
        Self::Said(text.to_owned())
    }
}

impl From<String> for Why {
    fn from(text: String) -> Self {
        Self::Said(text)
    }
}

// One for all errors would be in the way of text, which may be an error one day.
macro_rules! why {
    ($($error:ty),*) => {$(
        impl From<$error> for Why {
            fn from(error: $error) -> Self {
                Self::Error(Arc::new(error))
            }
        }
    )*};
}

why!(io::Error, EgressError, LoginError);

impl From<rustix::io::Errno> for Why {
    fn from(errno: rustix::io::Errno) -> Self {
        io::Error::from(errno).into()
    }
}

/// The error behind a [`Problem`]. Two are equal when they say the same.
#[derive(Debug, Clone)]
struct Cause(Arc<dyn Error + Send + Sync>);

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Cause {
    /// The caused error itself, so that it can be asked for its kind.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_that_stopped_a_launch_can_be_asked_for() {
        let problem = Problem::io("cannot write a file", io::Error::from(io::ErrorKind::StorageFull));
        let error = LaunchError::Failed { stage: Stage::State, problem };
        let mut chain = std::iter::successors(error.source(), |error| (*error).source());
        let kind = chain.find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::StorageFull));
        assert!(error.to_string().starts_with("state: cannot write a file: "), "{error}");
    }
}
