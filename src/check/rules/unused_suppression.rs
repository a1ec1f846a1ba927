//! # unused-suppression
//!
//! ## What it finds
//! A comment `bot-bottle: ignore[…]` that silences nothing: its rule finds nothing there, or there
//! is no such rule.
//!
//! ## Why it matters
//! It would silence a later finding that nobody has looked at.
//!
//! ## Bad
//! ```yaml
//! env:
//!   LOG_LEVEL: debug # bot-bottle: ignore[secret-literal] not a secret # <- unused-suppression
//! ```
//!
//! ## Good
//! ```yaml
//! env:
//!   LOG_LEVEL: debug
//! ```

use crate::check::{Context, Sink};

/// Reported by `suppression::apply`, which alone knows what was silenced.
pub(super) fn check(_: &Context<'_>, _: &mut Sink<'_>) {}
