//! The operator's options of `launch`, `exec`, `egress` and `lsp`: from the command line, else from
//! `$XDG_CONFIG_HOME/bot-bottle/config.yaml`. Never from a manifest.

use super::Failure;
use crate::disk::home_folder;
use crate::egress::Resolve;
use crate::engine::{Choice, Host, StateDir, Upstream};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Options that only the operator has.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Operator {
    /// Send a name to an address, as curl does; may be given again.
    #[arg(long, value_name = "HOST:PORT:ADDR:PORT")]
    resolve: Vec<String>,
    /// Also trust this certificate authority upstream.
    #[arg(long, value_name = "FILE")]
    upstream_ca: Option<PathBuf>,
    /// Hand everything to this proxy, by CONNECT.
    #[arg(long, value_name = "URL")]
    upstream_proxy: Option<String>,
    /// Write a pipelock configuration for the bottle's routes here, to start that proxy with.
    #[arg(long, value_name = "FILE")]
    pipelock_config: Option<PathBuf>,
    #[command(flatten)]
    state: StateArg,
}

/// The one operator's option of commands that look at runs or answers and open no way upstream.
#[derive(clap::Args, Clone, Default)]
pub(super) struct StateArg {
    /// Where runs and answers are remembered.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Read no configuration file: for a program that was started with all that it says already.
    #[arg(long, hide = true)]
    no_config: bool,
}

impl StateArg {
    /// As [`Operator::settings`], with everything else from the configuration file.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Operator { state: self.clone(), ..Operator::default() }.settings()
    }
}

/// The words, for the help and for completions.
pub(super) fn backends() -> impl TypedValueParser<Value = Choice> {
    let words = PossibleValuesParser::new(Choice::all().map(Choice::name));
    words.try_map(Choice::try_from)
}

/// The configuration file: defaults for the options of the same names.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Config {
    backend: Option<Choice>,
    resolve: Vec<String>,
    upstream_ca: Option<PathBuf>,
    upstream_proxy: Option<String>,
    pipelock_config: Option<PathBuf>,
    state_dir: Option<PathBuf>,
}

/// Everything that the operator decided.
pub(super) struct Settings {
    /// The environment and home of this process.
    pub host: Host,
    /// Where runs are remembered.
    pub state: StateDir,
    /// The way upstream.
    pub upstream: Upstream,
    /// What carries the guest, where the command line does not say.
    pub backend: Choice,
}

impl Operator {
    /// The options again, for a command line of this program that runs elsewhere.
    pub(super) fn words(&self) -> Vec<String> {
        // Taken apart by name, so that no option is forgotten here.
        let Self { resolve, upstream_ca, upstream_proxy, state, pipelock_config } = self;
        let StateArg { state_dir, no_config } = state;
        let path = |p: &PathBuf| super::terminal::absolute(p).display().to_string();
        let resolve = resolve.iter().map(|text| ("--resolve", text.clone()));
        let others = [
            upstream_ca.as_ref().map(|p| ("--upstream-ca", path(p))),
            upstream_proxy.clone().map(|url| ("--upstream-proxy", url)),
            state_dir.as_ref().map(|p| ("--state-dir", path(p))),
            pipelock_config.as_ref().map(|p| ("--pipelock-config", path(p))),
        ];
        let all = resolve.chain(others.into_iter().flatten());
        let all = all.flat_map(|(option, value)| [option.to_owned(), value]);
        all.chain(no_config.then(|| "--no-config".to_owned())).collect()
    }

    /// The first of the options that counts from the working folder.
    pub(super) fn relative(&self) -> Option<&Path> {
        let Self { resolve: _, upstream_ca, upstream_proxy: _, state, pipelock_config } = self;
        let StateArg { state_dir, no_config: _ } = state;
        let all = [upstream_ca, state_dir, pipelock_config].into_iter().flatten();
        all.map(PathBuf::as_path).find(|path| !path.is_absolute())
    }

    /// With what the configuration file says where the command line is silent, and nothing left to be read
    /// or to count from a folder. Paths in the file count from the file's own folder: from the working
    /// one a repository would bring them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn joined(&self) -> Result<(Self, Choice), Failure> {
        let home = home_folder().unwrap_or_default();
        let (config, folder) = if self.state.no_config { Default::default() } else { read(&home)? };
        let of_file = |path: Option<PathBuf>| path.map(|path| crate::manifest::join(&folder, path));
        let of_line = |path: &Option<PathBuf>| path.as_ref().map(|path| super::terminal::absolute(path));
        let state_dir =
            of_line(&self.state.state_dir).or_else(|| of_file(config.state_dir)).unwrap_or_else(|| {
                let base = std::env::var_os("XDG_STATE_HOME");
                StateDir::default_for(&home, base.as_deref().map(Path::new)).path().to_owned()
            });
        let joined = Self {
            resolve: if self.resolve.is_empty() { config.resolve } else { self.resolve.clone() },
            upstream_ca: of_line(&self.upstream_ca).or_else(|| of_file(config.upstream_ca)),
            upstream_proxy: self.upstream_proxy.clone().or(config.upstream_proxy),
            pipelock_config: of_line(&self.pipelock_config).or_else(|| of_file(config.pipelock_config)),
            state: StateArg { state_dir: Some(state_dir), no_config: true },
        };
        Ok((joined, config.backend.unwrap_or_default()))
    }

    /// Everything that the operator decided.
    ///
    /// # Errors
    /// When the configuration file cannot be read, or says what is none.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let host = Host::of_this_process().ok_or_else(|| Failure::usage("HOME names no folder; set it"))?;
        let (joined, backend) = self.joined()?;
        let Self { resolve, upstream_ca, upstream_proxy, pipelock_config, state } = joined;
        let resolve = resolve.iter().map(|t| Resolve::parse(t).map_err(|e| Failure::usage(e.to_string())));
        let upstream = Upstream {
            resolve: resolve.collect::<Result<_, _>>()?,
            ca: upstream_ca,
            proxy: upstream_proxy,
            pipelock_config,
            remote_control: false,
        };
        Ok(Settings { host, state: StateDir::new(state.state_dir.unwrap_or_default()), upstream, backend })
    }
}

/// The configuration file, and the folder that it lies in.
fn read(home: &Path) -> Result<(Config, PathBuf), Failure> {
    let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let folder = base.unwrap_or_else(|| home.join(".config")).join("bot-bottle");
    let path = folder.join("config.yaml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((Config::default(), folder)),
        Err(e) => return Err(Failure::usage(format!("cannot read {}: {e}", path.display()))),
    };
    if text.trim().is_empty() {
        return Ok((Config::default(), folder));
    }
    let config = serde_yaml::from_str(&text);
    let config = config.map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    Ok((config, folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        operator: Operator,
    }

    #[test]
    fn every_option_is_handed_on() {
        let said = [
            "--resolve=a.test:443:127.0.0.1:8443",
            "--upstream-ca=/ca.pem",
            "--upstream-proxy=http://127.0.0.1:1",
            "--state-dir=/state",
            "--pipelock-config=/pipelock.yaml",
        ];
        let words = Line::parse_from(std::iter::once("x").chain(said)).operator.words();
        let handed: Vec<_> = words.chunks(2).map(|pair| pair.join("=")).collect();
        assert_eq!(handed, said);
        assert_eq!(Line::parse_from(["x", "--no-config"]).operator.words(), ["--no-config"]);
    }
}
