//! One file a request: from the protocol's parameters to a question of [`crate::ide`], and back.

pub(super) mod code_action;
pub(super) mod code_lens;
pub(super) mod command;
pub(super) mod completion;
pub(super) mod diagnostic;
pub(super) mod format;
pub(super) mod hover;
pub(super) mod inlay;
pub(super) mod navigation;
pub(super) mod rename;
pub(super) mod save;
pub(super) mod structure;
pub(super) mod symbols;
pub(super) mod tokens;
