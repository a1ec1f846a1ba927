//! The engine against real sandboxes: a shell in the agent's place, stand-ins for everything else.
//!
//! `aNN_…` is the attack of that number; each group also has a case that must succeed.

/// A test on every backend: `name::bubblewrap`, `name::docker`, `name::podman`.
macro_rules! on_each {
    ($($name:ident($rig:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn test($rig: &mut $crate::rig::Rig) $body

            #[test]
            fn bubblewrap() {
                if let Some(mut rig) = $crate::rig::Rig::bubblewrap() {
                    test(&mut rig);
                }
            }

            #[test]
            fn docker() {
                if let Some(mut rig) = $crate::rig::Rig::docker() {
                    test(&mut rig);
                }
            }

            #[test]
            fn podman() {
                if let Some(mut rig) = $crate::rig::Rig::podman() {
                    test(&mut rig);
                }
            }
        }
    )*};
}

#[path = "engine/containers.rs"]
mod containers;
#[path = "engine/rig.rs"]
mod rig;
#[path = "engine/upstream.rs"]
mod upstream;

#[path = "engine/agents.rs"]
mod agents;
#[path = "engine/credentials.rs"]
mod credentials;
#[path = "engine/faults.rs"]
mod faults;
#[path = "engine/files.rs"]
mod files;
#[path = "engine/launch.rs"]
mod launch;
#[path = "engine/launcher.rs"]
mod launcher;
#[path = "engine/network.rs"]
mod network;
#[path = "engine/process.rs"]
mod process;
#[path = "engine/terminal.rs"]
mod terminal;
