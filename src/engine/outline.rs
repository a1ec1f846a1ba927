//! What a launch would do, told before it does anything.

use super::error::Stage;
use crate::plan::{Plan, preflight};

/// The preflight summary, the digest that `launch --digest` takes, and what each stage has to do.
pub fn outline(plan: &Plan, backend: &str, digest: &str) -> String {
    format!("{}digest       {digest}\n{}", preflight(plan, backend), stages(plan))
}

fn stages(plan: &Plan) -> String {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let lines = Stage::ALL.map(|stage| {
        let what = match stage {
            Stage::Credentials => count(plan.token_refs().len(), "credential", "credentials"),
            Stage::Egress => count(plan.egress_routes.len(), "route", "routes"),
            Stage::Dirs => count(plan.dirs.len(), "folder", "folders"),
            Stage::PreCopy => count(plan.pre_copy.len(), "command", "commands"),
            Stage::Files => count(plan.files.len(), "file", "files"),
            Stage::Verify => count(plan.verify.len(), "command", "commands"),
            Stage::Image => plan.image.to_owned(),
            _ => String::new(),
        };
        format!("  {:<12} {what}", stage.name()).trim_end().to_owned()
    });
    format!("stages\n{}\n", lines.join("\n"))
}
