//! The credentials of a launch: collected into memory, given to the egress, written nowhere.

use super::error::Problem;
use super::host::Host;
use crate::plan::Plan;
use crate::provider::{self, HostLogin, LoginError, LoginRef, RouteOwner, Secret, TokenRef};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::debug;

/// What the egress asks for each request.
pub struct HostCredentials {
    variables: HashMap<String, Secret>,
    logins: HashMap<LoginRef, FollowedLogin>,
}

impl HostCredentials {
    /// Reads every credential that the plan's routes name.
    ///
    /// # Errors
    /// All that are missing or unusable, in one problem.
    pub fn collect(plan: &Plan, host: &Host) -> Result<Self, Problem> {
        let (mut variables, mut logins) = (HashMap::new(), HashMap::new());
        let (mut faults, mut help) = (Vec::new(), Vec::new());
        for (token_ref, _) in plan.token_refs() {
            match token_ref {
                TokenRef::Variable(name) => match variable(name, host) {
                    Ok(secret) => {
                        faults.extend(wrong_login(plan, name, &secret));
                        variables.insert(name.clone(), secret);
                    }
                    Err(fault) => {
                        faults.push(format!("{name} {fault}"));
                        help.push(format!("set {name} in the environment that launches"));
                    }
                },
                // What to do about a login is part of its fault: there is no variable to set.
                TokenRef::HostLogin(login) => match followed(*login, host) {
                    Ok(followed) => drop(logins.insert(*login, followed)),
                    Err(fault) => faults.push(fault),
                },
            }
        }
        // Names alone.
        for name in variables.keys() {
            debug!(variable = name.as_str(), "taken");
        }
        for login in logins.keys() {
            debug!(login = login.template(), "taken");
        }
        if faults.is_empty() {
            return Ok(Self { variables, logins });
        }
        Err(Problem::new("the routes' credentials cannot be collected", faults.join("; "), help.join("; ")))
    }

    /// The credential behind `token_ref` now; a login that was refreshed on the host serves at once.
    pub(crate) fn get(&self, token_ref: &TokenRef) -> Option<Secret> {
        match token_ref {
            TokenRef::Variable(name) => self.variables.get(name).cloned(),
            TokenRef::HostLogin(login) => self.logins.get(login)?.bearer(),
        }
    }
}

/// That the value of a provider's own variable is a credential of another kind than its field says.
fn wrong_login(plan: &Plan, name: &str, secret: &Secret) -> Option<String> {
    let provider = provider::get(plan.template)?;
    let own = plan.egress_routes.iter().filter(|r| r.owner == RouteOwner::Provider);
    let auth = own.filter_map(|r| r.auth.as_ref()).find(|auth| auth.token_ref.name() == name)?;
    let why = provider.wrong_login(&auth.scheme, secret.expose())?;
    Some(format!("{name} {why}"))
}

/// A provider's login on this host, opened.
fn followed(login: LoginRef, host: &Host) -> Result<FollowedLogin, String> {
    let provider = provider::get(login.template()).and_then(|p| p.host_login());
    let login = provider.ok_or_else(|| format!("{} keeps no login on the host", login.template()))?;
    FollowedLogin::open(login, host).map_err(|error| error.to_string())
}

fn variable(name: &str, host: &Host) -> Result<Secret, &'static str> {
    let value = host.var_os(name).ok_or("is not set")?;
    let value = value.to_str().ok_or("is not UTF-8")?;
    if value.is_empty() {
        return Err("is empty");
    }
    if value.contains(['\n', '\r']) {
        return Err("holds a line break, which no header can carry");
    }
    if value.contains(char::is_control) {
        return Err("holds a control character, which no header can carry");
    }
    Ok(Secret::new(value))
}

/// The text of a provider's login file on the host.
///
/// # Errors
/// As [`LoginError`].
pub(crate) fn login_text(login: &dyn HostLogin, host: &Host) -> Result<(PathBuf, String), LoginError> {
    let path = login.path(host.home(), &|name| host.var(name));
    let missing = || LoginError::Missing { path: path.display().to_string(), fix: login.fix() };
    let text = fs::read_to_string(&path).map_err(|_| missing())?;
    Ok((path, text))
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// A login file that is read anew when it changes.
struct FollowedLogin {
    login: &'static dyn HostLogin,
    path: PathBuf,
    last: Mutex<(Version, Secret)>,
}

/// What tells one version of a file from the next: device, inode, size, time of change.
type Version = (u64, u64, u64, i64, i64);

impl FollowedLogin {
    fn open(login: &'static dyn HostLogin, host: &Host) -> Result<Self, LoginError> {
        let (path, text) = login_text(login, host)?;
        let secret = login.bearer(&text, unix_now())?;
        // No file has this version, so the first request reads it again: no change is missed.
        Ok(Self { login, path, last: Mutex::new(((0, 0, 0, 0, 0), secret)) })
    }

    fn bearer(&self) -> Option<Secret> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let version =
            fs::metadata(&self.path).ok().map(|m| (m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec()));
        if let Some(version) = version.filter(|v| *v != last.0) {
            // A file that is half written keeps the last good login, and is looked at again.
            let text = fs::read_to_string(&self.path).unwrap_or_default();
            if let Ok(secret) = self.login.bearer(&text, unix_now()) {
                *last = (version, secret);
            }
        }
        Some(last.1.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn every_fault_is_named_at_once_and_no_value_is() {
        let mut plan = testing::plan(&["true"]);
        for name in ["GONE", "EMPTY", "LINES", "BYTES", "GOOD"] {
            plan.egress_routes.push(testing::route_with_token("a.example", name));
        }
        let mut host = Host::new("/nowhere");
        host.set("EMPTY", "");
        host.set("LINES", "tok\nen");
        host.set("BYTES", OsString::from_vec(vec![b't', 0xff]));
        host.set("GOOD", "good-value");
        let Err(problem) = HostCredentials::collect(&plan, &host) else { panic!("collected") };
        let text = problem.to_string();
        for wanted in ["GONE is not set", "EMPTY is empty", "LINES holds a line break", "BYTES is not UTF-8"]
        {
            assert!(text.contains(wanted), "{text}");
        }
        assert!(!text.contains("GOOD is") && !text.contains("good-value") && !text.contains("tok"), "{text}");
    }

    #[test]
    fn a_refreshed_login_serves_at_once_and_a_broken_one_keeps_the_last() {
        let home = tempfile::tempdir().expect("temp");
        let file = home.path().join(".codex/auth.json");
        fs::create_dir(file.parent().expect("parent")).expect("dir");
        fs::write(&file, testing::codex_login("first")).expect("write");
        let login = provider::get("codex").and_then(|p| p.host_login()).expect("codex");
        let followed = FollowedLogin::open(login, &Host::new(home.path())).expect("login");
        let first = followed.bearer().expect("bearer");
        fs::write(&file, testing::codex_login("second, longer")).expect("write");
        let second = followed.bearer().expect("bearer");
        assert_ne!(first.expose(), second.expose());
        fs::write(&file, "{").expect("write");
        assert_eq!(followed.bearer().expect("bearer").expose(), second.expose());
    }
}
