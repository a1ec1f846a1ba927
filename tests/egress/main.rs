//! The egress against stand-in upstreams on loopback.
//!
//! `aNN_…` is the test of an attack; the number is the attack's in `docs/security.md`. The
//! stand-ins judge: what must not leave was seen by none of them.

mod basics;
mod client;
mod names;
mod real_clients;
mod rig;
mod upstream;
