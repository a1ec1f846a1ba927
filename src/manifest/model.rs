//! What a manifest says, each value with its place.

use super::place::{Located, Place};
use super::{HostPath, Location};
use std::path::Path;
use std::sync::Arc;

/// A bottle: the walls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bottle {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: Arc<Path>,
    /// Whose it is.
    pub location: Location,
    /// Its parents, in the order in which they are folded.
    pub extends: Vec<Located<String>>,
    /// The agent that runs in it.
    pub provider: AgentProvider,
    /// The guest environment.
    pub env: Vec<EnvVar>,
    /// The guest's git.
    pub git: Git,
    /// The routes, the bottle's own first, then its parents' from the last to the first; `None` where no
    /// manifest speaks of egress.
    pub egress: Option<Located<Vec<Route>>>,
    /// Whether routes of parents follow its own: neither `egress.inherit: false` nor `routes: []`.
    pub inherits_routes: bool,
    /// Recognised, and carried nowhere yet.
    pub supervise: Option<Located<bool>>,
    /// The host folders that the guest sees.
    pub workspace: Option<Located<Workspace>>,
    /// Limits.
    pub resources: Option<Located<Resources>>,
    /// A prompt of its own, so that the bottle is complete alone.
    pub prompt: PromptSource,
    /// Skills of its own.
    pub skills: Vec<Located<String>>,
}

/// An agent: the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: Arc<Path>,
    /// Whose it is.
    pub location: Location,
    /// The bottle that it runs in.
    pub bottle: Option<Located<String>>,
    /// Skills.
    pub skills: Vec<Located<String>>,
    /// Overlays the bottle's.
    pub git: Git,
    /// `prompt` or `prompt_file`; a Markdown agent's body is its prompt.
    pub prompt: PromptSource,
    /// The Markdown body, trimmed; empty in YAML.
    pub body: String,
}

/// `agent_provider`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentProvider {
    /// The whole entry, key included.
    pub place: Option<Place>,
    /// `template`.
    pub template: Option<Located<String>>,
    /// `dockerfile`, relative to the file that names it.
    pub dockerfile: Option<HostPath>,
    /// `context`: the folder that the Dockerfile's `COPY` and `ADD` read.
    pub context: Option<HostPath>,
    /// `auth_token` as written: the name of a host variable, or empty text; see
    /// [`AgentProvider::auth_token`].
    pub auth_token: Option<Located<String>>,
    /// `api_key` as written: the name of a host variable, or empty text.
    pub api_key: Option<Located<String>>,
    /// `forward_host_credentials`.
    pub forward_host_credentials: Option<Located<bool>>,
}

/// The keys of `agent_provider` that hold the name of a host variable with a credential.
pub const LOGIN_VARIABLES: [&str; 2] = ["auth_token", "api_key"];

impl AgentProvider {
    /// The host variable that holds the login's token. Empty text says that there is none, also over
    /// a parent's.
    pub fn auth_token(&self) -> Option<&Located<String>> {
        self.auth_token.as_ref().filter(|name| !name.value.is_empty())
    }

    /// The host variable that holds an API key. Empty text as for [`AgentProvider::auth_token`].
    pub fn api_key(&self) -> Option<&Located<String>> {
        self.api_key.as_ref().filter(|name| !name.value.is_empty())
    }

    /// The host variables that hold the provider's credential; more than one is a mistake.
    pub fn variables(&self) -> impl Iterator<Item = &Located<String>> {
        self.auth_token().into_iter().chain(self.api_key())
    }
}

/// One variable of `env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: Located<String>,
    /// Its value as written: a literal, `${NAME}` or `?question`.
    pub value: Located<String>,
}

/// `git`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Git {
    /// `user.name`.
    pub name: Option<Located<String>>,
    /// `user.email`.
    pub email: Option<Located<String>>,
    /// `remotes`; the engine does not carry them out.
    pub remotes: Remotes,
}

/// `git.remotes`, by host; `None` where the manifest does not speak of them.
pub type Remotes = Option<Located<Vec<Located<String>>>>;

/// One entry of `egress.routes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The whole entry.
    pub place: Place,
    /// How many bottles stand between this one and the bottle that it is read for: 0 is its own.
    pub layer: u32,
    /// `host`.
    pub host: Option<Located<String>>,
    /// `ports`, as written.
    pub ports: Option<Located<Vec<Located<String>>>>,
    /// `protocol`: `http` (the default) or `tcp`.
    pub protocol: Option<Located<String>>,
    /// `auth`.
    pub auth: Option<Auth>,
    /// `pass_headers`.
    pub pass_headers: Vec<Located<String>>,
    /// `path_allowlist`.
    pub path_allowlist: Option<Located<Vec<Located<String>>>>,
    /// `matches`.
    pub matches: Option<Located<Vec<MatchEntry>>>,
    /// `git`: `read` or `write`.
    pub git: Option<Located<String>>,
    /// `pipelock`.
    pub pipelock: Pipelock,
    /// `role`: the entry, key included, with the role's text where it is text.
    pub role: Option<Located<String>>,
}

impl Route {
    /// Whether it says which requests it allows; without terms it allows each.
    pub fn has_terms(&self) -> bool {
        self.path_allowlist.is_some() || self.matches.is_some() || self.git.is_some()
    }
}

/// `auth` of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The whole mapping.
    pub place: Place,
    /// `scheme`.
    pub scheme: Option<Located<String>>,
    /// `user`, beside the scheme `Basic`.
    pub user: Option<Located<String>>,
    /// `header`, in place of a scheme.
    pub header: Option<Located<String>>,
    /// `token_ref`.
    pub token_ref: Option<Located<String>>,
}

/// One entry of `matches`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchEntry {
    /// `paths`.
    pub paths: Option<Vec<PathSpec>>,
    /// `methods`.
    pub methods: Option<Vec<Located<String>>>,
    /// `headers`.
    pub headers: Option<Vec<HeaderSpec>>,
}

/// One entry of `headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSpec {
    /// `name`.
    pub name: Located<String>,
    /// `value`.
    pub value: Located<String>,
}

/// One entry of `paths`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathSpec {
    /// `type`: `exact`, `prefix` (the default), `glob` or `regex`.
    pub kind: Option<Located<String>>,
    /// `value`.
    pub value: Located<String>,
}

/// `pipelock` of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pipelock {
    /// `tls_passthrough`.
    pub tls_passthrough: Option<Located<bool>>,
    /// `ssrf_ip_allowlist`.
    pub ssrf_ip_allowlist: Vec<Located<String>>,
}

/// `workspace`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// `path`, relative to the file that names it.
    pub path: Option<HostPath>,
    /// `mode`.
    pub mode: Option<Located<String>>,
    /// `mounts`.
    pub mounts: Vec<MountSpec>,
}

/// One entry of `mounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountSpec {
    /// The whole entry.
    pub place: Place,
    /// `source`, relative to the file that names it.
    pub source: Option<HostPath>,
    /// `target`, absolute in the guest.
    pub target: Option<Located<String>>,
    /// `read_only`; the default is `true`.
    pub read_only: Option<Located<bool>>,
}

/// `resources`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// `cpus`, as written.
    pub cpus: Option<Located<String>>,
    /// `memory`, as written: `512MiB`, `4GiB`.
    pub memory: Option<Located<String>>,
    /// `pids`, as written.
    pub pids: Option<Located<String>>,
}

/// `prompt` and `prompt_file`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptSource {
    /// `prompt`.
    pub prompt: Option<Located<String>>,
    /// `prompt_file`, relative to the file that names it.
    pub prompt_file: Option<HostPath>,
}
