//! The engine against real sandboxes: a shell in the agent's place, stand-ins for everything else.
//!
//! `aNN_…` is the attack of that number; each group also has a case that must succeed.
#![allow(clippy::print_stdout, clippy::print_stderr)]

/// A test on one backend.
macro_rules! on {
    ($backend:ident) => {
        #[test]
        fn $backend() {
            if let Some(mut rig) = $crate::rig::Rig::$backend() {
                test(&mut rig);
            }
        }
    };
}

/// A test on every backend: `name::bubblewrap`, `name::docker`, `name::podman`.
macro_rules! on_each {
    ($($name:ident($rig:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn test($rig: &mut $crate::rig::Rig) $body

            on!(bubblewrap);
            on!(docker);
            on!(podman);
        }
    )*};
}

/// A test of what does not differ between the two container engines: `name::bubblewrap`, `name::docker`.
macro_rules! on_both {
    ($($name:ident($rig:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn test($rig: &mut $crate::rig::Rig) $body

            on!(bubblewrap);
            on!(docker);
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
#[path = "engine/daemon.rs"]
mod daemon;
#[path = "engine/disk.rs"]
mod disk;
#[path = "engine/faults.rs"]
mod faults;
#[path = "engine/files.rs"]
mod files;
#[path = "engine/gateways.rs"]
mod gateways;
#[path = "engine/images.rs"]
mod images;
#[path = "engine/kept.rs"]
mod kept;
#[path = "engine/launch.rs"]
mod launch;
#[path = "engine/launcher.rs"]
mod launcher;
#[path = "engine/mounts.rs"]
mod mounts;
#[path = "engine/network.rs"]
mod network;
#[path = "engine/process.rs"]
mod process;
#[path = "engine/root.rs"]
mod root;
#[path = "engine/swaps.rs"]
mod swaps;
#[path = "engine/terminal.rs"]
mod terminal;
