//! The one way out of a bottle.
//!
//! [`policy`] and [`address`] are pure: the checker, `can`, `diff` and the editor ask them the
//! same questions that the proxy asks before anything leaves. [`start`] runs the proxy.

pub mod address;
mod audit;
mod ca;
pub mod code;
mod credentials;
mod hosts;
mod limits;
mod options;
pub mod path;
pub mod pattern;
mod pipelock;
pub mod policy;
mod proxy;
mod resolve;
pub mod shape;
mod sni;
mod terms;

pub use audit::{Audit, AuditLine, EndLine, FileAudit, HeaderTerm, Protocol, Recorded, RequestLine, Verdict};
pub use ca::CaError;
pub use credentials::{Credentials, FixedCredentials};
pub use limits::Limits;
pub use options::{EgressError, IssuedBearer, Listen, Login, Options, Peers};
pub use pipelock::pipelock_config;
#[doc(hidden)]
pub use proxy::fuzzed;
pub use proxy::{Running, start};
pub use resolve::{Boxed, Lookup, Resolve, SystemLookup};
