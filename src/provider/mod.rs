//! What each agent needs: one file a provider, and the registry.
//!
//! Everything that is true of one agent alone (its command line, its first-run state, the routes
//! and variables that its login needs) stands in that provider's file. The checker, the plan, the
//! egress and the backends merge what a [`Provision`] says and never ask which provider it is.

mod claude;
mod codex;
mod provision;
mod secret;

use std::path::{Path, PathBuf};

pub use provision::{
    AuthScheme, Content, Derived, EgressRoute, GUEST_HOME, GUEST_USER, GitAccess, GuestCommand, GuestDir,
    GuestFile, Match, PathKind, PathPattern, PromptMode, Provision, RouteAuth, RouteOwner, WORKSPACE,
};
pub use secret::Secret;

/// The providers there are; the first one is the default template.
static REGISTRY: [&dyn Provider; 2] = [&claude::Claude, &codex::Codex];

/// Every provider, the default first.
pub fn all() -> &'static [&'static dyn Provider] {
    &REGISTRY
}

/// The provider that a manifest gets which names none.
pub fn default() -> &'static dyn Provider {
    REGISTRY[0]
}

/// The provider of `agent_provider.template`, or `None` for an unknown name.
pub fn get(template: &str) -> Option<&'static dyn Provider> {
    all().iter().copied().find(|p| p.template() == template)
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

    /// The route roles of earlier manifests that this provider's fields replace.
    fn former_roles(&self) -> &'static [FormerRole];

    /// Hosts whose routes the provider makes itself; a manifest may not list them.
    fn owned_hosts(&self) -> &'static [&'static str];

    /// Guest variables that the provider sets itself; a manifest may not set them.
    fn owned_env(&self) -> &'static [&'static str];

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
    /// The name under which routes refer to the login's bearer.
    fn token_ref(&self) -> &'static str;

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
    fn a_provider_owns_the_hosts_of_the_routes_it_makes() {
        for provider in all() {
            let settings = Settings { auth_token: Some("TOKEN"), forward_host_credentials: true, env: &[] };
            let provision = provider.provision(&settings, &Start::default());
            assert!(!provision.egress_routes.is_empty());
            for route in provision.egress_routes {
                assert!(provider.owned_hosts().contains(&route.host.as_str()), "{}", route.host);
                assert_eq!(route.owner, RouteOwner::Provider);
            }
            for (name, _) in provision.env_vars {
                // A variable that is not owned is one that the manifest itself may set.
                assert!(provider.owned_env().contains(&name.as_str()) || name == "CODEX_HOME", "{name}");
            }
        }
    }
}
