//! The egress against stand-in upstreams on loopback.
//!
//! `aNN_…` is the test of an attack; the number is the attack's in `docs/security.md`. The
//! stand-ins judge: what must not leave was seen by none of them.

mod addresses;
mod audit;
mod basics;
mod candidates;
mod client;
mod credentials;
mod faults;
mod headers;
mod login;
mod memory;
mod names;
mod parent;
mod paths;
mod ports;
mod real_clients;
mod requests;
mod rig;
mod streams;
mod upstream;
mod websockets;
