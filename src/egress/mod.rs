//! The one way out of a bottle.
//!
//! [`policy`] and [`address`] are pure: the checker, `can`, `diff` and the editor ask them the
//! same questions that the proxy asks before anything leaves.

pub mod address;
pub mod pattern;
pub mod policy;
