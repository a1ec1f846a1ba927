//! The language: which files are manifests, what they say, and what they inherit.

mod catalog;
mod files;
mod host_path;
mod identity;
mod instance;
mod model;
pub mod named_paths;
mod place;
mod read;
mod resolve;
mod schema;
mod secret;
mod source;
mod tolerant;

pub use catalog::{Candidate, Catalog, Found};
pub use files::{FileKind, Files, MemoryFiles, join, leads_to, project_root};
pub use host_path::HostPath;
pub use identity::{Carrier, Identity, Kind, Layout, Location, is_name, name_problem};
pub use model::{
    Agent, AgentProvider, Auth, Bottle, EnvVar, Git, HeaderSpec, LOGIN_VARIABLES, MatchEntry, MountSpec,
    PathSpec, Pipelock, PromptSource, Remotes, Resources, Route, Workspace,
};
pub use place::{Located, Place};
pub use read::{read_agent, read_bottle};
pub use resolve::{MOST_IN_A_ROW, ParentError, Resolved, overlay, resolve};
pub use schema::{Violation, ViolationKind, prepare, schema_text, violations};
pub use secret::{looks_secret, looks_secret_under, secrets_in, speaks_of_credential};
pub use source::{Body, Manifest, Source};
