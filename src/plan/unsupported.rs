//! What a manifest may say and this version does not carry out.

use crate::manifest::{Bottle, Git, Place};

/// A field that is read and checked, and has no effect yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// `git.remotes`: there is no git gate.
    GitRemotes,
    /// `supervise: true`: nobody is asked about a refused request.
    Supervise,
}

impl Unsupported {
    /// The field as a manifest writes it.
    pub fn field(self) -> &'static str {
        match self {
            Self::GitRemotes => "git.remotes",
            Self::Supervise => "supervise",
        }
    }

    /// Whether a launch refuses a manifest for it. Where the walls are only stricter without it, it
    /// does not.
    pub fn refused(self) -> bool {
        match self {
            Self::GitRemotes => true,
            Self::Supervise => false,
        }
    }
}

/// What a bottle asks for and this version does not carry out, with where it does.
///
/// The one place that knows: the checker reports it, and the plan is refused for it.
pub fn unsupported(bottle: &Bottle) -> Vec<(Unsupported, &Place)> {
    // Taken apart whole: a new field is carried out, or is named here.
    let Bottle {
        inherits_routes: _,
        name: _,
        file: _,
        location: _,
        extends: _,
        provider: _,
        env: _,
        git: Git { name: _, email: _, remotes },
        egress: _,
        supervise,
        workspace: _,
        resources: _,
        prompt: _,
        skills: _,
    } = bottle;
    let remotes = remotes.iter().filter(|remotes| !remotes.value.is_empty());
    let supervise = supervise.iter().filter(|supervise| supervise.value);
    remotes
        .map(|remotes| (Unsupported::GitRemotes, &remotes.place))
        .chain(supervise.map(|supervise| (Unsupported::Supervise, &supervise.place)))
        .collect()
}
