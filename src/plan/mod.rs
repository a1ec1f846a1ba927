//! The provision plan: everything that a launch will do, as data.
//!
//! Planning is pure. What only the launch may read (a host login, a prompt file, a host variable)
//! stands in the plan by its name.

mod bare;
mod build;
mod compare;
pub mod engine_env;
mod grants;
mod guest_policy;
mod reach;
mod render;
mod sensitive;
mod targets;
mod unsupported;
mod words;

pub use build::{PlanError, build, draft, egress_route, env_value, guest_target, memory_bytes, provisions};
pub use compare::{Change, DiffFormat, Direction, Places, compare, render_changes};
pub use grants::{grant_line, grants};
pub use guest_policy::{GUEST_POLICY, guest_policy};
pub use reach::{adds_nothing, is_open};
pub use render::{Format, preflight, render};
pub use sensitive::{obeyed_path, sensitive_path};
pub use targets::{Conflict, mount_conflict};
pub use unsupported::{Unsupported, unsupported};
pub use words::shell_words;

use crate::provider::{AuthScheme, EgressRoute, GuestCommand, GuestDir, GuestFile, PromptMode, TokenRef};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::path::PathBuf;

/// Everything that a launch of one bottle, with or without an agent, will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The agent's name, else the bottle's.
    pub name: String,
    /// `agent_provider.template`.
    pub template: &'static str,
    /// The agent's program.
    pub command: &'static str,
    /// How the prompt reaches the agent.
    pub prompt_mode: PromptMode,
    /// The image of container backends; for an own Dockerfile its name without the digest.
    pub image: &'static str,
    /// What that image is built from: the fields `dockerfile` and `context`.
    #[serde(flatten)]
    pub dockerfile: Dockerfile,
    /// The manifest's own variables.
    #[serde(serialize_with = "as_map")]
    pub guest_env: Vec<(String, EnvValue)>,
    /// The provider's variables; they win over `guest_env`.
    #[serde(serialize_with = "as_map")]
    pub env_vars: Vec<(String, String)>,
    /// Folders to make, parents first.
    pub dirs: Vec<GuestDir>,
    /// Files to put in place after `pre_copy`.
    pub files: Vec<GuestFile>,
    /// Commands run in the guest before the files are copied, as the guest's own user.
    pub pre_copy: Vec<GuestCommand>,
    /// Commands run in the guest after the files are copied, as the guest's own user.
    pub verify: Vec<GuestCommand>,
    /// The provider's routes, then the bottle's own, then its parents'; see
    /// [`crate::egress::policy`].
    pub egress_routes: Vec<EgressRoute>,
    /// Placeholders that a person is not shown.
    pub hidden_env_names: Vec<&'static str>,
    /// The agent's command line.
    pub argv: Vec<String>,
    /// The host folders that the guest sees.
    pub workspace: Workspace,
    /// Limits of the whole bottle.
    pub resources: Resources,
    /// What the manifest asks for and the engine does not carry out; a launch refuses each by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
    /// What a person who starts it so should know; grants nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Plan {
    /// The names of the guest's variables that a person is shown, sorted.
    pub fn visible_env_names(&self) -> Vec<&str> {
        let all = self.guest_env.iter().map(|(n, _)| n).chain(self.env_vars.iter().map(|(n, _)| n));
        let mut names: Vec<_> =
            all.map(String::as_str).filter(|n| !self.hidden_env_names.contains(n)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The host variables (and host logins) that routes take credentials from, each once, in order.
    pub fn token_refs(&self) -> Vec<(&TokenRef, &AuthScheme)> {
        let mut refs: Vec<(&TokenRef, &AuthScheme)> = Vec::new();
        for auth in self.egress_routes.iter().filter_map(|r| r.auth.as_ref()) {
            if !refs.iter().any(|(known, _)| **known == auth.token_ref) {
                refs.push((&auth.token_ref, &auth.scheme));
            }
        }
        refs
    }
}

/// What an image is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dockerfile {
    /// One that ships with bot-bottle, by its name.
    Shipped(&'static str),
    /// The manifest's own.
    Own {
        /// The file, as an absolute path.
        file: PathBuf,
        /// The folder that `COPY` and `ADD` read, as an absolute path.
        context: PathBuf,
    },
}

/// The name of every image that is built from a manifest's own Dockerfile. A shipped image's name
/// is never one of theirs: another bottle would run what this one built.
pub const OWN_IMAGE: &str = "bot-bottle-own";

impl Dockerfile {
    /// The manifest's own file, which reads its own folder.
    pub fn own(file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        let context = file.parent().unwrap_or(&file).to_owned();
        Self::Own { file, context }
    }

    /// Its name or path, as a person reads it.
    pub fn shown(&self) -> String {
        match self {
            Self::Shipped(name) => (*name).to_owned(),
            Self::Own { file, context: _ } => file.display().to_string(),
        }
    }
}

impl Serialize for Dockerfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let context = match self {
            Self::Shipped(_) => None,
            Self::Own { file: _, context } => Some(context.display().to_string()),
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("dockerfile", &self.shown())?;
        map.serialize_entry("context", &context)?;
        map.end()
    }
}

/// The value of a guest variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// The value itself.
    Literal(String),
    /// A literal that looks like a credential; shown as `(hidden)` wherever it is shown.
    SecretLiteral(String),
    /// `${NAME}`: the host variable's value at launch.
    Host(String),
    /// `?question`: asked at launch.
    Ask(String),
}

impl Serialize for EnvValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Literal(text) => serializer.serialize_str(text),
            Self::SecretLiteral(_) => serializer.serialize_str("(hidden)"),
            Self::Host(name) => serializer.collect_str(&format_args!("${{{name}}}")),
            Self::Ask(question) => serializer.collect_str(&format_args!("?{question}")),
        }
    }
}

/// The host folders that the guest sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workspace {
    /// The host folder at `/workspace`. A relative path counts from the folder that the launch is
    /// run in, and `None` is that folder.
    pub path: Option<PathBuf>,
    /// How it appears.
    pub mode: WorkspaceMode,
    /// Further folders.
    pub mounts: Vec<Mount>,
}

/// How the workspace appears in the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceMode {
    /// The folder itself.
    #[default]
    Bind,
    /// A copy; the host's folder is never written.
    Copy,
    /// The folder itself, without writing.
    ReadOnly,
}

/// A further host folder or file in the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Absolute host path.
    pub source: PathBuf,
    /// Absolute guest path.
    pub target: String,
    /// Without writing.
    pub read_only: bool,
}

/// Limits of a bottle; `None` leaves the backend's default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Resources {
    /// Processor cores.
    pub cpus: Option<f64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
}

// `cpus` comes from a manifest, where NaN is not a value.
impl Eq for Resources {}

fn as_map<S: Serializer, V: Serialize>(pairs: &[(String, V)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    for (name, value) in pairs {
        map.serialize_entry(name, value)?;
    }
    map.end()
}
