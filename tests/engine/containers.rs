//! The container engines of the tests: a Docker daemon of their own, Podman with a storage of its own.

use crate::rig::{skip, tool};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The name that the shipped Dockerfiles build from; scripts/base-image.sh makes it.
pub(crate) const BASE: &str = "node:22-bookworm-slim";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn target(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// The address of the tests' own Docker daemon, started where it does not run yet.
pub(crate) fn docker() -> Option<&'static str> {
    static HOST: OnceLock<Option<String>> = OnceLock::new();
    let start = || {
        let ready = tool("dockerd", "apt-get install docker.io")
            && tool("debootstrap", "apt-get install debootstrap")
            && is_root();
        let started = ready.then(|| script("dockerd.sh", &["start".into(), target("docker")], &[]))?;
        let host = started
            .map_err(|why| skip(&format!("dockerd does not start: {why}"), "see target/docker/log"))
            .ok()?;
        base_image("docker", &[("DOCKER_HOST", &host)]).then_some(host)
    };
    HOST.get_or_init(start).as_deref()
}

/// The configuration with which Podman runs on this machine.
pub(crate) fn podman() -> Option<&'static Path> {
    static CONFIG: OnceLock<Option<PathBuf>> = OnceLock::new();
    let start = || {
        let ready = tool("podman", "apt-get install podman runc")
            && tool("debootstrap", "apt-get install debootstrap")
            && is_root();
        ready.then_some(())?;
        let config = target("containers.conf");
        // Without systemd as process 1, and within the limits that this machine grants.
        let text = "[engine]\nruntime=\"runc\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n\
                    [containers]\ndefault_ulimits=[\"nofile=1024:16384\",\"nproc=16384:32768\"]\n";
        std::fs::write(&config, text).expect("containers.conf");
        base_image("podman", &[("CONTAINERS_CONF", &config.display().to_string())]).then_some(config)
    };
    CONFIG.get_or_init(start).as_deref()
}

/// The folder with the real agents' programs, installed where they are not there yet.
pub(crate) fn agents() -> Option<PathBuf> {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    tool("npm", "apt-get install npm").then_some(())?;
    match script("agents.sh", &[target("agents")], &[]) {
        Ok(_) => Some(target("agents").join("node_modules/.bin")),
        Err(why) => {
            skip(&format!("the agents cannot be installed: {why}"), "scripts/agents.sh target/agents");
            None
        }
    }
}

/// A Dockerfile that is the base and nothing else.
pub(crate) fn dockerfile(registry: &str) -> PathBuf {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let dir = target("base").join(format!("image-{}", registry.trim_end_matches('/')));
    std::fs::create_dir_all(&dir).expect("folder");
    let file = dir.join("Dockerfile");
    if !file.exists() {
        std::fs::write(&file, format!("FROM {registry}{BASE}\n")).expect("Dockerfile");
    }
    file
}

pub(crate) fn is_root() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root {
        skip("only root can start a container engine for tests", "sudo");
    }
    root
}

fn base_image(engine: &str, env: &[(&str, &str)]) -> bool {
    // Two engines may ask at once; one makes it.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match script("base-image.sh", &[target("base"), engine.into()], env) {
        Ok(_) => true,
        Err(why) => {
            skip(&format!("there is no base image: {why}"), "scripts/base-image.sh target/base");
            false
        }
    }
}

pub(crate) fn script(name: &str, args: &[PathBuf], env: &[(&str, &str)]) -> Result<String, String> {
    let mut command = Command::new(root().join("scripts").join(name));
    let output = command.args(args).envs(env.iter().copied()).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(text.lines().rev().take(3).collect::<Vec<_>>().join(" | "))
    }
}
