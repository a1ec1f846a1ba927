//! What an agent is given that permits nothing by itself: literals of its environment, its prompt, its
//! skills, its name in git. Told, so that nothing moves unseen.

use super::super::grants::{file, obeyed};
use super::{Change, Direction, paired, push};
use crate::plan::{EnvValue, Plan};

/// The areas of what permits nothing by itself.
pub(super) const TOLD: [&str; 6] = ["literal", "prompt", "skill", "login", "git", "file"];

/// A part that is shown: its area, its subject, and what it is.
type Part = (&'static str, String, String);

pub(super) fn contents(old: &Plan, new: &Plan, changes: &mut Vec<Change>) {
    for area in TOLD.into_iter().chain(["env"]) {
        let of = |plan: &Plan| -> Vec<(String, String)> {
            let parts = parts(plan).into_iter().filter(|(a, ..)| *a == area);
            parts.map(|(_, subject, is)| (subject, is)).collect()
        };
        for (subject, before, after) in paired(of(old), of(new)) {
            let direction = (before != after).then_some(Direction::Changed);
            push(changes, direction, area, &subject, (before.unwrap_or_default(), after.unwrap_or_default()));
        }
    }
    secrets(old, new, changes);
}

/// Literals that look like credentials are never shown, only that they are others.
fn secrets(old: &Plan, new: &Plan, changes: &mut Vec<Change>) {
    for (name, value) in &new.guest_env {
        let EnvValue::SecretLiteral(now) = value else { continue };
        let then = old.guest_env.iter().find(|(n, _)| n == name);
        if let Some((_, EnvValue::SecretLiteral(then))) = then {
            let direction = (then != now).then_some(Direction::Changed);
            push(changes, direction, "literal", name, ("(hidden)".to_owned(), "another (hidden)".to_owned()));
        }
    }
}

fn parts(plan: &Plan) -> Vec<Part> {
    let Plan {
        // Compared as permissions, beside this.
        template: _,
        dockerfile: _,
        egress_routes: _,
        workspace: _,
        resources: _,
        guest_env,
        files,
        // How the comparison names the manifest.
        name: _,
        // What follows from the template, the login and the prompt, which are shown.
        command: _,
        prompt_mode: _,
        image: _,
        env_vars: _,
        dirs: _,
        pre_copy: _,
        verify: _,
        hidden_env_names: _,
        argv: _,
        notes: _,
        // Nothing that has an effect: findings of their own.
        unsupported: _,
    } = plan;
    let literal = |(name, value): &(String, EnvValue)| match value {
        EnvValue::Literal(text) => {
            // Some variables are obeyed like programs, and so are not mere text.
            let area = if obeyed(name).is_some() { "env" } else { "literal" };
            Some((area, name.clone(), text.clone()))
        }
        EnvValue::SecretLiteral(_) => Some(("literal", name.clone(), "(hidden)".to_owned())),
        // Permissions.
        EnvValue::Host(_) | EnvValue::Ask(_) => None,
    };
    let mut all: Vec<Part> = guest_env.iter().filter_map(literal).collect();
    all.extend(files.iter().map(|f| {
        let (label, text) = file(f);
        (label, f.guest_path.clone(), text)
    }));
    all
}
