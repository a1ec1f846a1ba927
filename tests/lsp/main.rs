//! The language server as an editor meets it: a process, and messages.

mod actions;
mod client;
mod commands;
mod configuration;
mod diagnostics;
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
