//! The environment of the guest's commands.

use super::error::Problem;
use super::host::Host;
use super::relay;
use super::ui::Ui;
use crate::plan::{EnvValue, Plan};
use crate::provider::guest_folder;
use crate::shown::printable;

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

/// The plan with the values of host variables where its paths stand by a variable's name, `${NAME}`.
///
/// # Errors
/// When the variable is not set, or its value is not a folder that an agent can have.
pub(crate) fn fill_paths(plan: &Plan, host: &Host) -> Result<Plan, Problem> {
    let mut plan = plan.clone();
    let hosts: Vec<String> = plan
        .guest_env
        .iter()
        .filter_map(|(_, value)| match value {
            EnvValue::Host(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    for name in hosts {
        let written = format!("${{{name}}}");
        let dirs = plan.dirs.iter_mut().map(|d| &mut d.guest_path);
        let files = plan.files.iter_mut().map(|f| &mut f.guest_path);
        let commands = plan.pre_copy.iter_mut().chain(&mut plan.verify).flat_map(|c| &mut c.argv);
        let variables = plan.env_vars.iter_mut().map(|(_, value)| value);
        let mut paths: Vec<&mut String> =
            dirs.chain(files).chain(commands).chain(variables).filter(|p| p.contains(&written)).collect();
        if paths.is_empty() {
            continue;
        }
        let what = || format!("the agent's folder comes from the host variable {name}, which");
        let help = "set it to an absolute path of the guest, such as /home/node/.codex";
        let value = host.var(&name).ok_or_else(|| Problem::new(what(), "is not set", help))?;
        let folder = guest_folder(&value).map_err(|why| Problem::new(what(), why, help))?;
        let mut mounts = plan.workspace.mounts.iter();
        if mounts.any(|m| std::path::Path::new(folder).starts_with(&m.target)) {
            return Err(Problem::new(what(), "lies in a mount", help));
        }
        paths.iter_mut().for_each(|path| **path = path.replace(&written, folder));
    }
    Ok(plan)
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
            let question = printable(question);
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
    fn a_folder_that_the_host_names_is_filled_in_everywhere_and_judged() {
        let provider = crate::provider::get("codex").expect("codex");
        let env = [("CODEX_HOME".to_owned(), "${MY_CODEX}".to_owned())];
        let settings =
            crate::provider::Settings { forward_host_credentials: true, env: &env, ..Default::default() };
        let provision = provider.provision(&settings, &crate::provider::Start::default());
        let mut plan = testing::plan(&["true"]);
        plan.guest_env = vec![("CODEX_HOME".to_owned(), EnvValue::Host("MY_CODEX".to_owned()))];
        (plan.dirs, plan.files, plan.env_vars) = (provision.dirs, provision.files, provision.env_vars);
        (plan.pre_copy, plan.verify) = (provision.pre_copy, provision.verify);
        let mut host = Host::new("/h");
        assert!(fill_paths(&plan, &host).expect_err("not set").to_string().contains("MY_CODEX"));
        for bad in ["", "relative", "/", "/workspace/x", "/a/../b"] {
            host.set("MY_CODEX", bad);
            fill_paths(&plan, &host).expect_err(bad);
        }
        // In a mount, as the checker says of one that is written out.
        let mount = crate::plan::Mount { source: "/h/x".into(), target: "/data".into(), read_only: false };
        plan.workspace.mounts.push(mount);
        host.set("MY_CODEX", "/data/codex");
        assert!(fill_paths(&plan, &host).expect_err("a mount").to_string().contains("lies in a mount"));
        host.set("MY_CODEX", "/var/codex");
        let text = serde_json::to_string(&fill_paths(&plan, &host).expect("filled")).expect("JSON");
        assert!(text.contains("/var/codex/auth.json") && text.contains("CODEX_HOME=/var/codex"), "{text}");
        // What the agent is told stays the variable's name in the plan, and its value in the guest.
        assert_eq!(text.matches("${MY_CODEX}").count(), 1, "{text}");
    }

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
