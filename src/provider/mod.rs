//! What each agent needs: one file a provider, and the registry.
//!
//! Everything that is true of one agent alone (its command line, its first-run state, the routes
//! and variables that its login needs) stands in that provider's file. The checker, the plan, the
//! egress and the backends merge what a [`Provision`] says and never ask which provider it is.

mod claude;
mod codex;
pub mod guest_path;
mod provision;
mod secret;

use std::path::{Path, PathBuf};

pub use guest_path::guest_folder;
pub use provision::{
    AuthScheme, Content, Derived, EgressRoute, GUEST_HOME, GUEST_USER, GitAccess, GuestCommand, GuestDir,
    GuestFile, HeaderTerm, LoginRef, Match, PathKind, PathPattern, PromptMode, Protocol, Provision,
    RouteAuth, RouteOwner, ShippedImage, TokenRef, WORKSPACE,
};
pub use secret::Secret;

/// The providers there are; the first one is the default template.
static REGISTRY: &[&dyn Provider] = &[&claude::Claude, &codex::Codex];

/// Every provider, the default first.
pub fn all() -> &'static [&'static dyn Provider] {
    REGISTRY
}

/// The provider that a manifest gets which names none.
pub fn default() -> &'static dyn Provider {
    REGISTRY[0]
}

/// The provider of `agent_provider.template`, or `None` for an unknown name.
pub fn get(template: &str) -> Option<&'static dyn Provider> {
    all().iter().copied().find(|p| p.template() == template)
}

/// Where the skills of a person lie, below the home folder of the host.
pub const SKILLS: &str = ".claude/skills";

/// The images that ship.
pub fn images() -> impl Iterator<Item = ShippedImage> {
    all().iter().map(|p| p.image())
}

/// The names that no manifest may use for a host variable: a provider's login goes by one.
pub fn is_reserved(name: &str) -> bool {
    const PREFIX: &str = "BOT_BOTTLE_CODEX_";
    let name = name.trim().trim_start_matches(['$', '{']).trim_start();
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The provider whose login is for a host, and the field that makes its route.
pub fn login_for(host: &str) -> Option<(&'static dyn Provider, &'static str)> {
    let vendor = |p: &&&'static dyn Provider| p.vendor_hosts().iter().any(|h| h.eq_ignore_ascii_case(host));
    all().iter().find(vendor).map(|p| (*p, p.starter().field))
}

/// A field of `agent_provider` that one provider alone understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnField {
    /// The key below `agent_provider`.
    pub key: &'static str,
    /// The rule that reports the field under another template.
    pub rule: &'static str,
}

/// What a new bottle says of the agent's login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starter {
    /// The key below `agent_provider`.
    pub field: &'static str,
    /// Its value.
    pub value: &'static str,
    /// What the field means, for a comment above it.
    pub meaning: &'static str,
    /// What a person does once on the host.
    pub on_host: &'static str,
    /// The host variable that usually holds an API key of the vendor.
    pub key_variable: &'static str,
}

/// A route role of earlier manifests, and the field that took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerRole {
    /// The role as manifests wrote it.
    pub role: &'static str,
    /// The field of `agent_provider` that makes the provider's routes today.
    pub field: &'static str,
    /// The field takes the route's `token_ref`; otherwise it is switched on.
    pub takes_token_ref: bool,
}

impl FormerRole {
    /// The field's value, given the route's `token_ref`.
    pub fn value<'a>(&self, token_ref: Option<&'a str>) -> Option<&'a str> {
        if self.takes_token_ref { token_ref } else { Some("true") }
    }
}

/// What a manifest says to its provider.
#[derive(Debug, Clone, Default)]
pub struct Settings<'a> {
    /// `agent_provider.auth_token`: the name of a host variable.
    pub auth_token: Option<&'a str>,
    /// `agent_provider.api_key`: the name of a host variable.
    pub api_key: Option<&'a str>,
    /// `agent_provider.forward_host_credentials`.
    pub forward_host_credentials: bool,
    /// The guest environment as the manifest writes it.
    pub env: &'a [(String, String)],
}

impl Settings<'_> {
    /// The value that the manifest's `env` gives `name`.
    fn env(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// What an agent keeps in a home folder, and obeys in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentFiles {
    /// Below a host's home: what holds its login, which no guest may see.
    pub logins: &'static [&'static str],
    /// Below a guest's home: folders that hold records and orders side by side.
    pub mixed: &'static [&'static str],
    /// Below a guest's home: its records of what it did. Whatever is not among them is shown before it is
    /// resumed with.
    pub records: &'static [&'static str],
    /// In a project: files that it obeys on the host, too, so that a change is reported.
    pub obeyed: &'static [&'static str],
    /// In a project: folders all of whose files it obeys.
    pub obeyed_folders: &'static [&'static str],
}

/// How the agent is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// Go on with the last conversation.
    pub resume: bool,
    /// Let the vendor's remote control drive the session, where the agent has such a thing.
    pub remote_control: bool,
    /// One task without a terminal.
    pub task: Option<String>,
    /// Arguments that the operator hands to the agent, behind all others.
    pub agent_args: Vec<String>,
}

/// One coding agent.
pub trait Provider: Sync {
    /// The value of `agent_provider.template`.
    fn template(&self) -> &'static str;

    /// What a new bottle says of the login.
    fn starter(&self) -> Starter;

    /// The fields of `agent_provider` that are this provider's alone.
    fn own_fields(&self) -> &'static [OwnField];

    /// Why a host variable's value is not what the field that names it wants, and what to write; never the
    /// value. `None` where nothing is seen.
    fn wrong_login(&self, scheme: &AuthScheme, value: &str) -> Option<&'static str> {
        let _ = (scheme, value);
        None
    }

    /// The fields of `agent_provider` that set a login, as they are named to a person.
    fn login_fields(&self) -> Vec<String> {
        let own = self.own_fields().iter().map(|field| field.key).chain(["api_key"]);
        own.map(|key| format!("`agent_provider.{key}`")).collect()
    }

    /// The route roles of earlier manifests that this provider's fields replace.
    fn former_roles(&self) -> &'static [FormerRole];

    /// The hosts of the vendor's interface: those that the provider's login is for. Which of them are
    /// the provider's own in a bottle is said by the routes of its [`Provision`].
    fn vendor_hosts(&self) -> &'static [&'static str];

    /// The variable that says where the agent's own folder is in the guest, where there is one.
    fn folder_env(&self) -> Option<&'static str> {
        None
    }

    /// Variables of the [`Provision`] that a manifest may set all the same: the provider follows them.
    fn movable_env(&self) -> &'static [&'static str] {
        &[]
    }

    /// The image that ships for it.
    fn image(&self) -> ShippedImage;

    /// What it keeps in a home folder, and obeys in a project.
    fn files(&self) -> AgentFiles;

    /// Whether a path below a guest's home folder is the agent's record of what it did, and no order to any
    /// program: [`AgentFiles::records`], and what has no fixed name.
    fn is_record(&self, path: &str) -> bool {
        self.files().records.contains(&path)
    }

    /// Everything that the bottle needs for this agent.
    fn provision(&self, settings: &Settings<'_>, start: &Start) -> Provision;

    /// The agent's whole command line; `prompt` is the guest path of the prompt file.
    fn argv(&self, start: &Start, prompt: Option<&str>) -> Vec<String>;

    /// The guest folder that skills are copied to.
    fn skills_dir(&self, settings: &Settings<'_>) -> String;

    /// Whether the agent's vendor can drive a session from afar.
    fn has_remote_control(&self) -> bool {
        false
    }

    /// The host login that can stand behind the provider's routes.
    fn host_login(&self) -> Option<&'static dyn HostLogin> {
        None
    }
}

/// A login that an agent's own command keeps on the host.
pub trait HostLogin: Sync {
    /// How routes refer to the login's bearer.
    fn token_ref(&self) -> LoginRef;

    /// The host command that makes a login.
    fn fix(&self) -> &'static str;

    /// The login's file, from the host's home folder and environment.
    fn path(&self, home: &Path, env: &dyn Fn(&str) -> Option<String>) -> PathBuf;

    /// The bearer in the login file's text. `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// When the login is not one that can be forwarded, or has expired.
    fn bearer(&self, text: &str, now: u64) -> Result<Secret, LoginError>;

    /// The guest's copy: what is not secret kept, every token a placeholder of the same shape.
    ///
    /// # Errors
    /// As [`HostLogin::bearer`].
    fn dummy(&self, text: &str, now: u64) -> Result<String, LoginError>;
}

/// Why a host login cannot be forwarded. No variant carries any part of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// There is no login file.
    #[error("there is no login at {path}; run `{fix}` on the host")]
    Missing {
        /// Where it was looked for.
        path: String,
        /// The command that makes one.
        fix: &'static str,
    },
    /// The file holds an API key in place of a login.
    #[error("the host login is an API key, which cannot be forwarded; run `{fix}` on the host")]
    ApiKey {
        /// The command that makes a login of the right kind.
        fix: &'static str,
    },
    /// The file is not what the agent's own command writes.
    #[error("the host login is malformed ({what}); run `{fix}` on the host")]
    Malformed {
        /// What is missing or of the wrong shape.
        what: &'static str,
        /// The command that makes a new one.
        fix: &'static str,
    },
    /// The bearer is past its expiry.
    #[error("the host login has expired; run `{fix}` on the host")]
    Expired {
        /// The command that renews it.
        fix: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_is_the_default_and_unknown_names_are_unknown() {
        assert_eq!(default().template(), "claude");
        assert!(get("codex").is_some());
        assert!(get("Codex").is_none());
    }

    #[test]
    fn the_name_of_a_login_is_reserved_in_any_spelling() {
        for login in all().iter().filter_map(|p| p.host_login()) {
            assert!(is_reserved(TokenRef::HostLogin(login.token_ref()).name()));
        }
        for name in
            ["bot_bottle_codex_x", " BOT_BOTTLE_CODEX_A ", "${BOT_BOTTLE_CODEX_A}", "$BOT_BOTTLE_CODEX_A"]
        {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["BOT_BOTTLE_CLAUDE_OAUTH_TOKEN", "CODEX_HOME", "é", ""] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn a_provider_owns_the_hosts_of_the_routes_it_makes() {
        for provider in all() {
            let settings =
                Settings { auth_token: Some("TOKEN"), forward_host_credentials: true, ..Settings::default() };
            let provision = provider.provision(&settings, &Start::default());
            assert!(!provision.egress_routes.is_empty());
            for route in provision.egress_routes {
                assert!(provider.vendor_hosts().contains(&route.host.as_str()), "{}", route.host);
                assert_eq!(route.owner, RouteOwner::Provider);
            }
        }
    }
}
