//! What a person is shown of a bottle before it is trusted: the plan's grants, and what the files behind
//! them hold.

use crate::engine::Looked;
use crate::engine::build::{BuildFile, BuildInputs, LeftOut, Wanted};
use crate::plan::{Dockerfile, Plan, grant_line, grants};
use crate::shown::{decided_on, visible};

/// Lines of a Dockerfile that a question shows; of a longer one its digest stands for the rest.
const LINES: usize = 60;

/// Everything that a bottle gives, one line each, the workspace first.
pub(super) fn lines(plan: &Plan, looked: &Looked) -> Vec<String> {
    let mut lines = grants(plan, Some(&looked.workspace(plan)));
    for mount in &plan.workspace.mounts {
        if let Some(real) = looked.place(&mount.source).filter(|real| *real != mount.source) {
            let text = format!("{} is {}", mount.source.display(), real.display());
            lines.push(grant_line("leads to", &text));
        }
    }
    for file in &plan.files {
        if let Some(contents) = looked.contents(file) {
            lines.push(grant_line("holds", &format!("{}: {contents}", file.guest_path)));
        }
    }
    if let Dockerfile::Own { .. } = &plan.dockerfile {
        build(plan, looked, &mut lines);
    }
    lines
}

fn build(plan: &Plan, looked: &Looked, lines: &mut Vec<String>) {
    let inputs = match looked.build(&plan.dockerfile) {
        Ok(inputs) => inputs,
        Err(problem) => return lines.push(grant_line("build", &format!("not possible: {problem}"))),
    };
    let BuildInputs {
        text,
        syntax,
        images,
        fetched,
        has_run,
        wanted,
        files,
        left_out,
        // Of what is shown, for the digest of the whole.
        digest: _,
    } = &*inputs;
    let run = if *has_run { "runs commands as root, with a network" } else { "runs nothing" };
    let frontend = syntax.as_ref().map(|s| format!("; read by {s}")).unwrap_or_default();
    let fetches =
        if fetched.is_empty() { String::new() } else { format!("; fetches {}", fetched.join(", ")) };
    lines.push(grant_line("build", &format!("{run}; from {}{frontend}{fetches}", images.join(", "))));
    match wanted {
        // Each file of them follows.
        Wanted::Named(_) => {}
        Wanted::Whole { because } => {
            lines.push(grant_line("copies", &format!("everything in the context: {because}")));
        }
    }
    for BuildFile { path, bytes, digest } in files {
        lines.push(grant_line("copies", &format!("{path}: {bytes} bytes, SHA-256 {digest}")));
    }
    for LeftOut { path, why } in left_out {
        lines.push(grant_line("leaves out", &format!("{path}: {why}")));
    }
    let all: Vec<_> = text.lines().collect();
    lines.extend(all.iter().take(LINES).map(|line| format!("  | {}", decided_on(line))));
    if all.len() > LINES {
        let digest = crate::shown::short_digest(text.as_bytes());
        lines.push(visible(&format!("  | … {} more lines; SHA-256 of all {digest}", all.len() - LINES)));
    }
}
