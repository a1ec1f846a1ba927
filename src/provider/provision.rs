//! The pieces that a provider contributes to a plan, as plain data.

use serde::{Deserialize, Serialize, Serializer};
use std::path::PathBuf;

/// The guest user's home folder.
pub const GUEST_HOME: &str = "/home/node";
/// The guest user: the agent is never root.
pub const GUEST_USER: &str = "node";
/// Where the workspace appears in the guest.
pub const WORKSPACE: &str = "/workspace";

/// The image that ships for an agent. Its Dockerfile copies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippedImage {
    /// Its name and tag.
    pub name: &'static str,
    /// Its Dockerfile's name in the repository.
    pub dockerfile: &'static str,
    /// Its Dockerfile's text.
    pub text: &'static str,
}

/// What a provider adds to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    /// The agent's program.
    pub command: &'static str,
    /// How the prompt reaches the agent.
    pub prompt_mode: PromptMode,
    /// The image that container backends run.
    pub image: ShippedImage,
    /// Variables of the guest, in order.
    pub env_vars: Vec<(String, String)>,
    /// Folders to make in the guest, parents first.
    pub dirs: Vec<GuestDir>,
    /// Files to put into the guest.
    pub files: Vec<GuestFile>,
    /// Commands run in the guest before the files are copied.
    pub pre_copy: Vec<GuestCommand>,
    /// Commands run in the guest after the files are copied.
    pub verify: Vec<GuestCommand>,
    /// The provider's own routes.
    pub egress_routes: Vec<EgressRoute>,
    /// Names of placeholders that a person is not shown.
    pub hidden_env_names: Vec<&'static str>,
}

/// How the system prompt reaches the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptMode {
    /// An option names the file.
    AppendFile,
    /// The first argument tells the agent to read the file.
    ReadPromptFile,
}

/// A folder in the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestDir {
    /// Absolute path in the guest.
    pub guest_path: String,
    /// Permission bits in octal digits.
    pub mode: &'static str,
    /// `user:group`.
    pub owner: &'static str,
}

impl GuestDir {
    /// A folder with the defaults: 700, the guest user's.
    pub fn new(guest_path: impl Into<String>) -> Self {
        Self { guest_path: guest_path.into(), mode: "700", owner: "node:node" }
    }
}

/// A file (or a copied folder) in the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestFile {
    /// Absolute path in the guest.
    pub guest_path: String,
    /// Permission bits in octal digits.
    pub mode: &'static str,
    /// `user:group`.
    pub owner: &'static str,
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
}

impl GuestFile {
    /// A file with the defaults: 600, the guest user's.
    pub fn new(guest_path: impl Into<String>, content: Content) -> Self {
        Self { guest_path: guest_path.into(), mode: "600", owner: "node:node", content }
    }
}

/// Where a guest file's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Content {
    /// The bytes themselves, known while planning.
    #[serde(rename = "content")]
    Text(String),
    /// Read by the launch; planning never opens it.
    #[serde(rename = "derived_from")]
    Derived(Derived),
}

/// A source that only the launch reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derived {
    /// The dummy made of the provider's host login.
    HostLogin {
        /// The provider's template.
        template: &'static str,
    },
    /// A file of the host, copied as it is.
    HostFile(PathBuf),
    /// A skill's folder below the host's `~/.claude/skills`, copied whole.
    Skill(String),
}

impl Serialize for Derived {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::HostLogin { template } => serializer.collect_str(&format_args!("host-login:{template}")),
            Self::HostFile(path) => serializer.collect_str(&format_args!("host-file:{}", path.display())),
            Self::Skill(name) => serializer.collect_str(&format_args!("skill:{name}")),
        }
    }
}

/// A command that the backend runs in the guest, and the error if it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestCommand {
    /// The command line; no shell reads it.
    pub argv: Vec<String>,
    /// What a person reads when it exits non-zero.
    pub error: String,
}

/// How a credential is written into a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AuthScheme {
    /// `Authorization: Bearer VALUE`.
    Bearer,
    /// `Authorization: token VALUE`.
    Token,
    /// `Authorization: Basic VALUE`; a value with a colon is encoded first.
    Basic,
    /// `Authorization: Basic …` of this user, with the value as the password.
    BasicAs(String),
    /// The value alone, in the header of this name (small letters).
    Header(String),
}

impl AuthScheme {
    /// As it stands in the manifest and in the header; empty where a header has the value alone.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Token => "token",
            Self::Basic | Self::BasicAs(_) => "Basic",
            Self::Header(_) => "",
        }
    }

    /// The form of what a manifest says, case as written. `None` where it says two things or none.
    pub fn of(scheme: Option<&str>, user: Option<&str>, header: Option<&str>) -> Option<Self> {
        match (scheme, user, header) {
            (Some("Bearer"), None, None) => Some(Self::Bearer),
            (Some("token"), None, None) => Some(Self::Token),
            (Some("Basic"), None, None) => Some(Self::Basic),
            (Some("Basic"), Some(user), None) => Some(Self::BasicAs(user.to_owned())),
            (None, None, Some(header)) => Some(Self::Header(header.to_ascii_lowercase())),
            _ => None,
        }
    }

    /// The header that carries it, in small letters.
    pub fn header(&self) -> &str {
        match self {
            Self::Header(name) => name,
            _ => "authorization",
        }
    }

    /// The header that the manifest names; empty where the scheme says it.
    pub fn stated_header(&self) -> &str {
        match self {
            Self::Header(name) => name,
            _ => "",
        }
    }

    /// The user beside a `Basic` credential, or nothing.
    pub fn user(&self) -> &str {
        match self {
            Self::BasicAs(user) => user,
            _ => "",
        }
    }

    /// In a few words, for a person.
    pub fn words(&self) -> String {
        match self {
            Self::Header(name) => name.clone(),
            Self::BasicAs(user) => format!("Basic as {user}"),
            other => other.as_str().to_owned(),
        }
    }
}

/// Where the host keeps a credential: never its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TokenRef {
    /// A variable of the host, by its name.
    Variable(String),
    /// The login that a provider's own command keeps on the host.
    HostLogin(LoginRef),
}

/// A provider's login on the host. Only a provider can refer to it, and puts it on its own routes:
/// no text of a manifest ever becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LoginRef {
    template: &'static str,
    name: &'static str,
}

impl LoginRef {
    /// The login of the provider `template`, shown by `name`.
    pub(super) const fn new(template: &'static str, name: &'static str) -> Self {
        Self { template, name }
    }

    /// The provider whose login it is.
    pub fn template(&self) -> &'static str {
        self.template
    }
}

impl TokenRef {
    /// A variable of the host.
    pub fn variable(name: impl Into<String>) -> Self {
        Self::Variable(name.into())
    }

    /// As a plan and a person name it.
    pub fn name(&self) -> &str {
        match self {
            Self::Variable(name) => name,
            Self::HostLogin(login) => login.name,
        }
    }
}

/// The credential of a route: never its value, only where the host keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteAuth {
    /// How it is written into the request.
    pub scheme: AuthScheme,
    /// The host variable, or the host login, that holds it.
    pub token_ref: TokenRef,
}

/// Who put a route into the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteOwner {
    /// The provider; the manifest cannot change it.
    Provider,
    /// The manifest.
    Manifest,
}

/// One direction of git over HTTPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GitAccess {
    /// Fetch and clone.
    Read,
    /// Fetch, clone and push.
    Write,
}

/// What goes over a route's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP, in TLS or plain.
    #[default]
    Http,
    /// Bytes as they are, to the ports that the route names.
    Tcp,
}

/// How a path pattern is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PathKind {
    /// The whole path.
    Exact,
    /// The path and everything below it.
    Prefix,
    /// `*` within a segment, `**` across segments.
    Glob,
    /// A regular expression that takes the whole path.
    Regex,
}

/// A path pattern of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PathPattern {
    /// How it is compared.
    #[serde(rename = "type")]
    pub kind: PathKind,
    /// The pattern; begins with `/`.
    pub value: String,
}

/// One entry of a route's `matches`: all that it states must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Match {
    /// One of these must match; `None` means any path, an empty list none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<PathPattern>>,
    /// One of these, upper case; `None` means any method, an empty list none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// Each of these; `None` means any headers, an empty list that no request matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<HeaderTerm>>,
}

/// A header that a request must have, as it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct HeaderTerm {
    /// Its name, in small letters.
    pub name: String,
    /// The value of each header of that name.
    pub value: String,
}

/// A host that the guest may reach, and on what terms.
///
/// Of those of the first layer with one for the host, the first that allows a request decides; all that the
/// route states must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressRoute {
    /// An exact name, or `*.` and a name for its subdomains; lower case.
    pub host: String,
    /// The ports that it opens; `None`: 443, and 80 for plain HTTP. An empty list opens none.
    pub ports: Option<Vec<u16>>,
    /// What goes over its connections.
    pub protocol: Protocol,
    /// The credential that the egress adds.
    pub auth: Option<RouteAuth>,
    /// Headers of the guest, in lower case, that the egress would remove.
    pub pass_headers: Vec<String>,
    /// The DLP hop behind the egress leaves this host's TLS alone.
    pub tls_passthrough: bool,
    /// Private ranges (address or CIDR) that this host may resolve to.
    pub ssrf_ip_allowlist: Vec<String>,
    /// Path prefixes; `None` means any path, an empty list none.
    pub path_allowlist: Option<Vec<String>>,
    /// Finer terms, of which one must hold; `None` means no such terms, an empty list that none holds.
    pub matches: Option<Vec<Match>>,
    /// Only git's own requests, in this direction.
    pub git: Option<GitAccess>,
    /// Who put it here.
    pub owner: RouteOwner,
    /// Which part of the routes it stands in: the provider's are 0, then the bottle's own, then its parents'
    /// from the last to the first. The first layer with a route that matches a host decides alone.
    pub layer: u32,
}

impl EgressRoute {
    /// A route to every path of `host` without a credential.
    pub fn new(host: impl Into<String>, owner: RouteOwner) -> Self {
        Self {
            host: host.into(),
            ports: None,
            protocol: Protocol::Http,
            auth: None,
            pass_headers: Vec::new(),
            tls_passthrough: false,
            ssrf_ip_allowlist: Vec::new(),
            path_allowlist: None,
            matches: None,
            git: None,
            layer: match owner {
                RouteOwner::Provider => 0,
                RouteOwner::Manifest => 1,
            },
            owner,
        }
    }
}

impl EgressRoute {
    /// Whether it says which requests it allows; without terms it allows each.
    pub fn has_terms(&self) -> bool {
        self.path_allowlist.is_some() || self.matches.is_some() || self.git.is_some()
    }

    /// The ports that it opens, each named.
    pub fn open_ports(&self) -> &[u16] {
        match &self.ports {
            Some(ports) => ports,
            None if self.auth.is_some() => &[443],
            None => &[443, 80],
        }
    }
}

impl Serialize for EgressRoute {
    /// Flat: what a route's credential does not have is empty text, `auth_header` where a scheme says it too.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            host: &'a str,
            ports: &'a [u16],
            protocol: Protocol,
            auth_scheme: &'static str,
            auth_header: &'a str,
            auth_user: &'a str,
            token_ref: &'a str,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            pass_headers: &'a [String],
            tls_passthrough: bool,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            ssrf_ip_allowlist: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            path_allowlist: Option<&'a [String]>,
            #[serde(skip_serializing_if = "Option::is_none")]
            matches: Option<&'a [Match]>,
            #[serde(skip_serializing_if = "Option::is_none")]
            git: Option<GitAccess>,
            owner: RouteOwner,
            layer: u32,
        }
        Flat {
            host: &self.host,
            ports: self.open_ports(),
            protocol: self.protocol,
            auth_scheme: self.auth.as_ref().map_or("", |a| a.scheme.as_str()),
            auth_header: self.auth.as_ref().map_or("", |a| a.scheme.stated_header()),
            auth_user: self.auth.as_ref().map_or("", |a| a.scheme.user()),
            token_ref: self.auth.as_ref().map_or("", |a| a.token_ref.name()),
            pass_headers: &self.pass_headers,
            tls_passthrough: self.tls_passthrough,
            ssrf_ip_allowlist: &self.ssrf_ip_allowlist,
            path_allowlist: self.path_allowlist.as_deref(),
            matches: self.matches.as_deref(),
            git: self.git,
            owner: self.owner,
            layer: self.layer,
        }
        .serialize(serializer)
    }
}
