//! Where the values of credentials come from.

use crate::provider::{Secret, TokenRef};
use std::collections::HashMap;
use std::fmt;

/// Gives a credential when a request leaves.
///
/// It is asked for each request, so that a login which the host refreshed serves at once.
pub trait Credentials: Send + Sync {
    /// The value behind a route's `token_ref`; `None` when there is none (any more).
    fn get(&self, token_ref: &TokenRef) -> Option<Secret>;
}

/// Values that were collected once, at launch.
#[derive(Default)]
pub struct FixedCredentials(HashMap<String, Secret>);

impl FixedCredentials {
    /// Values by the variable's name. A host login is never among them.
    pub fn new(values: HashMap<String, Secret>) -> Self {
        Self(values)
    }
}

impl Credentials for FixedCredentials {
    fn get(&self, token_ref: &TokenRef) -> Option<Secret> {
        match token_ref {
            TokenRef::Variable(name) => self.0.get(name).cloned(),
            TokenRef::HostLogin(_) => None,
        }
    }
}

impl fmt::Debug for FixedCredentials {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_the_credential_and_hides_its_value() {
        let value = ["very", "secret"].join("-");
        let all = FixedCredentials::new(HashMap::from([("TOKEN".to_owned(), Secret::new(value.clone()))]));
        let shown = format!("{all:?}");
        assert!(shown.contains("TOKEN") && !shown.contains(&value));
        assert!(
            all.get(&TokenRef::variable("TOKEN")).is_some()
                && all.get(&TokenRef::variable("OTHER")).is_none()
        );
    }
}
