//! The engine against real sandboxes: a shell in the agent's place, stand-ins for everything else.
//!
//! `aNN_…` is the attack of that number; each group also has a case that must succeed.

#[path = "engine/rig.rs"]
mod rig;

#[path = "engine/launch.rs"]
mod launch;
