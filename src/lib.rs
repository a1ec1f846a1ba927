//! bot-bottle: the tool around a bottle's manifest, from its text to its launch.
//!
//! Data flows one way: text → syntax tree → manifest → provision plan → launch. See
//! `docs/architecture.md` for the map.

pub mod check;
pub mod cli;
pub mod disk;
pub mod egress;
pub mod engine;
pub mod ide;
pub mod log;
pub mod lsp;
pub mod manifest;
pub mod plan;
pub mod provider;
pub mod shown;
pub mod syntax;
