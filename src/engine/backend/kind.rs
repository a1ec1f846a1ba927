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
    pub const ALL: &'static [Self] =
        &[Self::Bubblewrap, Self::Container(Engine::Docker), Self::Container(Engine::Podman)];

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

/// `--backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Choice {
    /// A container engine that answers, else bubblewrap.
    #[default]
    Auto,
    /// This one.
    Of(BackendKind),
}

impl Choice {
    /// bubblewrap.
    pub const BUBBLEWRAP: Self = Self::Of(BackendKind::Bubblewrap);
    /// Docker.
    pub const DOCKER: Self = Self::Of(BackendKind::Container(Engine::Docker));
    /// Podman.
    pub const PODMAN: Self = Self::Of(BackendKind::Container(Engine::Podman));

    /// All that there is to choose from, the default first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Auto].into_iter().chain(BackendKind::ALL.iter().copied().map(Self::Of))
    }

    /// Its word on the command line and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Of(kind) => kind.name(),
        }
    }
}

impl TryFrom<String> for Choice {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let words = || Self::all().map(Self::name).collect::<Vec<_>>().join(", ");
        let known = Self::all().find(|choice| choice.name() == word);
        known.ok_or_else(|| format!("there is no backend `{word}`; there are {}", words()))
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
            .iter()
            .copied()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("there is no backend `{name}`"))
    }
}
