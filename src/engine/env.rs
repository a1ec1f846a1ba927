//! The environment of the guest's commands.

use super::error::Problem;
use super::host::Host;
use super::relay;
use super::ui::Ui;
use crate::plan::{EnvValue, Plan};

/// Resolves the plan's variables: literals, `${NAME}` from the host, `?question` by asking.
///
/// What neither the manifest nor the engine names is absent. The engine's own variables come last,
/// so nothing overrides the way to the egress.
///
/// # Errors
/// Every variable without a value, in one problem; no value is ever in it.
pub(crate) fn resolve(
    plan: &Plan,
    host: &Host,
    terminal: bool,
    ui: &dyn Ui,
) -> Result<Vec<(String, String)>, Problem> {
    let mut env = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in &plan.guest_env {
        match one(value, host, ui) {
            Ok(value) => set(&mut env, name, value),
            Err(fault) => faults.push(format!("{name} {fault}")),
        }
    }
    if !faults.is_empty() {
        let help = "set the host variables in the environment that launches, or launch from a terminal";
        return Err(Problem::new("the guest's environment cannot be filled", faults.join("; "), help));
    }
    for (name, value) in relay::base_env().into_iter().chain(terminal_env(host, terminal)) {
        if !env.iter().any(|(n, _)| *n == name) {
            env.push((name, value));
        }
    }
    for (name, value) in plan.env_vars.iter().cloned().chain(relay::engine_env()) {
        set(&mut env, &name, value);
    }
    // Also behind a PATH of the manifest's own.
    for (_, path) in env.iter_mut().filter(|(name, _)| name == "PATH") {
        path.push_str(&format!(":{}/bin", relay::PROGRAMS));
    }
    if let Some((name, _)) =
        env.iter().find(|(n, v)| n.contains(['=', '\0']) || n.is_empty() || v.contains('\0'))
    {
        return Err(Problem::io(
            format!("the variable {name:?} cannot be set"),
            "no process can hold its text",
        ));
    }
    Ok(env)
}

fn one(value: &EnvValue, host: &Host, ui: &dyn Ui) -> Result<String, String> {
    match value {
        EnvValue::Literal(text) | EnvValue::SecretLiteral(text) => Ok(text.clone()),
        EnvValue::Host(name) => match host.var_os(name) {
            None => Err(format!("needs the host variable {name}, which is not set")),
            Some(value) => value
                .to_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("needs the host variable {name}, which is not UTF-8")),
        },
        EnvValue::Ask(question) => ui.ask(question).ok_or_else(|| {
            format!("is asked for (\u{201c}{question}\u{201d}), and nobody is there to answer")
        }),
    }
}

fn set(env: &mut Vec<(String, String)>, name: &str, value: String) {
    match env.iter_mut().find(|(n, _)| n == name) {
        Some(entry) => entry.1 = value,
        None => env.push((name.to_owned(), value)),
    }
}

/// What a program must know of the terminal that it draws on.
fn terminal_env(host: &Host, terminal: bool) -> Vec<(String, String)> {
    let names: &[&str] =
        if terminal { &["TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR"] } else { &["NO_COLOR"] };
    names.iter().filter_map(|name| Some(((*name).to_owned(), host.var(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing;
    use crate::engine::ui::Silent;

    #[test]
    fn a_plan_cannot_move_the_proxy_and_the_provider_wins_over_the_manifest() {
        let mut plan = testing::plan(&["true"]);
        plan.guest_env = vec![
            ("HTTPS_PROXY".into(), EnvValue::Literal(String::new())),
            ("A".into(), EnvValue::Literal("manifest".into())),
        ];
        plan.env_vars = vec![("A".into(), "provider".into())];
        let env = resolve(&plan, &Host::new("/h"), false, &Silent).expect("resolved");
        let get = |name: &str| env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(get("HTTPS_PROXY"), Some("http://127.0.0.1:47128"));
        assert_eq!(get("A"), Some("provider"));
        assert_eq!(get("HOME"), Some("/home/node"));
    }

    #[test]
    fn variables_without_a_value_are_named_together() {
        let mut plan = testing::plan(&["true"]);
        plan.guest_env = vec![
            ("REGION".into(), EnvValue::Host("AWS_REGION".into())),
            ("TICKET".into(), EnvValue::Ask("which ticket".into())),
        ];
        let problem = resolve(&plan, &Host::new("/h"), false, &Silent).expect_err("no values").to_string();
        assert!(problem.contains("AWS_REGION") && problem.contains("which ticket"), "{problem}");
    }
}
