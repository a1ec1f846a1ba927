//! The backends there are, and their words: one table.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What carries a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum BackendKind {
    /// bubblewrap, on the host's own system folders.
    Bubblewrap,
    /// A container of an engine.
    Container(Engine),
}

/// A container engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl Engine {
    /// All, in the order in which one is looked for.
    pub const ALL: [Self; 2] = [Self::Docker, Self::Podman];

    /// Its program, which is its name on the command line and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// Its name in a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
        }
    }
}

impl BackendKind {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::Bubblewrap, Self::Container(Engine::Docker), Self::Container(Engine::Podman)];

    /// Its name on the command line and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Container(engine) => engine.name(),
        }
    }

    /// What carries the guest, as the preflight says it.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap, which uses the host's own system folders and no image",
            Self::Container(engine) => engine.name(),
        }
    }

    /// Whether a guest is made from the plan's image.
    pub const fn uses_image(self) -> bool {
        match self {
            Self::Bubblewrap => false,
            Self::Container(_) => true,
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<BackendKind> for &'static str {
    fn from(kind: BackendKind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for BackendKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("there is no backend `{name}`"))
    }
}
