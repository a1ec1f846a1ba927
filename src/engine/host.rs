//! The host as a launch sees it: its environment and its home folder, taken once.

use crate::disk::home_folder;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The environment and home of the person who launches.
#[derive(Clone)]
pub struct Host {
    env: HashMap<OsString, OsString>,
    home: PathBuf,
}

impl std::fmt::Debug for Host {
    /// Without the environment, which holds credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("home", &self.home).finish_non_exhaustive()
    }
}

impl Host {
    /// A host with this home and an empty environment.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { env: HashMap::new(), home: home.into() }
    }

    /// This process's environment; `None` without a home folder in it.
    pub fn of_this_process() -> Option<Self> {
        let home = home_folder()?;
        Some(Self { env: std::env::vars_os().collect(), home })
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.env.insert(name.into(), value.into());
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn var_os(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        self.env.get(name.as_ref()).map(OsString::as_os_str)
    }

    /// A variable's value where it is UTF-8.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        self.var_os(name).and_then(OsStr::to_str).map(str::to_owned)
    }

    pub(crate) fn vars(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.env.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The program that this name stands for on the host's PATH.
    pub(crate) fn find_program(&self, name: &str) -> Option<PathBuf> {
        let path = self.var_os("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"));
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(|p| rustix::fs::access(p, rustix::fs::Access::EXEC_OK).is_ok() && p.is_file())
    }
}
