//! The language server as an editor meets it: a process, and messages.

mod actions;
#[path = "../check_cli/cases.rs"]
mod cases;
mod client;
mod commands;
mod configuration;
mod diagnostics;
mod doors;
mod hostile;
mod hover;
mod launch;
mod lifecycle;
mod navigation;
mod order;
mod positions;
mod progress;
mod pull;
mod refused;
mod structure;
#[allow(dead_code)]
#[path = "../engine/upstream.rs"]
mod upstream;
