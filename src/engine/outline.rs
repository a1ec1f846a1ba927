//! What a launch would do, said before it does anything.

use super::error::Stage;
use super::{BackendKind, DryRun};
use crate::check::{Cleared, Silenced};
use crate::plan::{Plan, preflight};
use crate::shown::visible;

/// The preflight summary, the digest that `launch --digest` takes, and what each stage has to do.
pub fn outline(cleared: &Cleared, run: &DryRun, digest: &str) -> String {
    let plan = cleared.plan();
    let told = silenced(cleared);
    format!(
        "{}{told}digest       {digest}\n{}",
        preflight(plan, run.backend().map_or("none", BackendKind::described), run.workspace()),
        stages(plan)
    )
}

/// What somebody silenced in the files that a plan is made of, a line each: whoever launches it
/// relies on that judgement.
pub fn silenced(cleared: &Cleared) -> String {
    let line = |s: &Silenced| {
        let file = s.finding.file.file_name().unwrap_or_default().to_string_lossy();
        let text = format!("silenced     {} at {file}:{}: {}", s.finding.rule.id, s.line, s.finding.message);
        visible(&text) + "\n"
    };
    cleared.silenced().iter().map(line).collect()
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
