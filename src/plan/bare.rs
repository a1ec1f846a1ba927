//! The plan that tests of the engine begin with.

use super::{Dockerfile, Plan, Resources, Workspace, WorkspaceMode};
use crate::provider::PromptMode;

impl Plan {
    /// A plan that gives nothing and runs nothing: what tests add to. No manifest leads to it.
    #[doc(hidden)]
    pub fn bare() -> Self {
        Plan {
            name: "dev".into(),
            template: "claude",
            command: "claude",
            prompt_mode: PromptMode::AppendFile,
            image: "bot-bottle-claude:latest",
            dockerfile: Dockerfile::Shipped("Dockerfile.claude"),
            guest_env: Vec::new(),
            env_vars: Vec::new(),
            dirs: Vec::new(),
            files: Vec::new(),
            pre_copy: Vec::new(),
            verify: Vec::new(),
            egress_routes: Vec::new(),
            hidden_env_names: Vec::new(),
            argv: Vec::new(),
            workspace: Workspace { path: None, mode: WorkspaceMode::Bind, mounts: Vec::new() },
            resources: Resources::default(),
            unsupported: Vec::new(),
            notes: Vec::new(),
        }
    }
}
