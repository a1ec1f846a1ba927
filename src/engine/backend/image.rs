//! The image of a container guest: built once for what it is built from, and what we must know of it.

use super::container_cli::{Cli, Making, START_DAEMON, label};
use super::{Engine, Job, Stop, TrustStore};
use crate::engine::build::{self, BuildInputs, LeftOut};
use crate::engine::child::{self, Prepared, Stopped};
use crate::engine::error::{Problem, Why};
use crate::engine::guest::Bind;
use crate::engine::state::make_dir_all;
use crate::engine::tree::Owner;
use crate::plan::{Dockerfile, OWN_IMAGE, engine_env::CA_BUNDLE};
use crate::provider::{GUEST_HOME, GUEST_USER};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where distributions keep their trust store; each that is there gets the launch's CA.
const ROOTS: [&str; 3] =
    [CA_BUNDLE, "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"];

/// An image that is there, and copies of the files of it that a launch adds to.
pub(crate) struct Image {
    pub tag: String,
    /// What was copied out of it: one folder an image, by its id.
    copies: PathBuf,
}

/// Builds the plan's image where it is not there yet.
pub(crate) fn provide(cli: &Cli, job: &Job<'_>, inputs: &BuildInputs) -> Result<Image, Stop> {
    let dockerfile = &job.plan.dockerfile;
    for LeftOut { path, why } in &inputs.left_out {
        job.ui.note(&format!("not sent to the build: {path}: {why}"));
    }
    // All of the digest: with a part of it, a second text could be made to have the same tag.
    let tag = match dockerfile {
        Dockerfile::Shipped(_) => format!("{}:{}", repository(job.plan.image), inputs.digest),
        Dockerfile::Own { .. } => format!("{OWN_IMAGE}:{}", inputs.digest),
    };
    let mut id = id_of(cli, &tag, job)?;
    if id.is_none() {
        build(cli, job, inputs, &tag)?;
        id = id_of(cli, &tag, job)?;
    }
    let id =
        id.ok_or_else(|| Problem::io(format!("the image {tag} is gone"), "another program removed it"))?;
    let copies = job.state.path().join("images").join(id.trim_start_matches("sha256:"));
    copy_out(cli, job, &tag, &copies)?;
    Ok(Image { tag, copies })
}

fn repository(image: &str) -> &str {
    image.split(':').next().unwrap_or(image)
}

/// The image's id, where there is one. Asked as a list, since that tells «none» from «no answer» by the exit code;
/// `image inspect` says either in words of its own.
fn id_of(cli: &Cli, tag: &str, job: &Job<'_>) -> Result<Option<String>, Stop> {
    let listed = cli.run(&["image", "ls", "--quiet", "--no-trunc", tag], job.cancel);
    let listed = listed.map_err(|e| e.at(&format!("{} does not answer", cli.engine.name()), START_DAEMON))?;
    // A client may have a warning to print first.
    Ok(listed.lines().find(|line| line.starts_with("sha256:")).map(str::to_owned))
}

fn unbuilt(tag: &str, why: impl Into<Why>) -> Problem {
    Problem::new(format!("the image {tag} cannot be built"), why, "")
}

/// Builds from an archive with exactly what was looked at.
fn build(cli: &Cli, job: &Job<'_>, inputs: &BuildInputs, tag: &str) -> Result<(), Stop> {
    job.ui.progress(&format!("building {tag}"));
    let spool = spool(job.run.1).map_err(|e| unbuilt(tag, e))?;
    let archive = inputs.archive(&job.plan.dockerfile, spool)?;
    let mut command = cli.command();
    tracing::info!(engine = cli.engine.name(), tag, "build");
    command.args(["build", "--tag", tag, "--file", build::FILE]);
    // Only what is built from a shipped text may have a shipped image's name.
    if let Dockerfile::Shipped(_) = &job.plan.dockerfile {
        command.args(["--tag", job.plan.image]);
    }
    command.args(walls(cli.engine, inputs.has_run)).arg("-");
    let mut prepared = Prepared::new(command);
    prepared.input = Some(archive);
    match child::run(prepared, job.cancel, |line| job.ui.progress(line)) {
        Ok((0, _)) => Ok(()),
        Ok((_, output)) => Err(unbuilt(tag, last_lines(&output)).into()),
        Err(Stopped::Cancelled) => Err(Stop::Cancelled),
        Err(Stopped::Failed(e)) => Err(unbuilt(tag, e).into()),
    }
}

/// What keeps a build's commands from the host's own network, whatever the engine's configuration
/// says. A build without commands has no network at all.
fn walls(engine: Engine, has_run: bool) -> Vec<&'static str> {
    match (engine, has_run) {
        // The other isolation of Podman shares the host's network.
        (Engine::Podman, true) => vec!["--isolation", "oci", "--network", "private"],
        (Engine::Podman, false) => vec!["--isolation", "oci", "--network", "none"],
        (Engine::Docker, true) => vec!["--network", "default"],
        (Engine::Docker, false) => vec!["--network", "none"],
    }
}

/// A file without a name in the run's folder: it goes with the last who has it open.
fn spool(run: &Path) -> io::Result<File> {
    let path = run.join("context.tar");
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

fn last_lines(output: &str) -> String {
    let lines: Vec<_> = output.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

/// Copies the trust stores and the list of users out of an image, once an image.
fn copy_out(cli: &Cli, job: &Job<'_>, tag: &str, copies: &Path) -> Result<(), Stop> {
    if copies.join("passwd").exists() {
        return Ok(());
    }
    let what = format!("the image {tag} cannot be read");
    let next = copies.with_extension(format!("next{}", rustix::process::getpid().as_raw_nonzero()));
    make_dir_all(&next).map_err(|e| Problem::io(what.clone(), e))?;
    let (run, folder) = job.run;
    let _making = Making::mark(folder).map_err(|e| Problem::io(what.clone(), e))?;
    let create = ["create", "--pull", "never", "--network", "none", "--label", &label(run), tag, "true"];
    let container = cli.run(&create, job.cancel);
    let container = container.map_err(|e| e.at(&what, ""))?;
    let container = container.lines().last().unwrap_or_default().to_owned();
    for (name, path) in files() {
        // What an image does not have is not an error: a small one has no trust store.
        let to = next.join(&name).display().to_string();
        let _ = cli.run(&["cp", "--follow-link", &format!("{container}:{path}"), &to], job.cancel);
    }
    let _ = cli.run(&["rm", "--force", &container], &crate::engine::ui::Cancel::default());
    if job.cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    if !next.join("passwd").exists() {
        fs::write(next.join("passwd"), "").map_err(|e| Problem::io(what.clone(), e))?;
    }
    // Another launch may have been first; either copy is as good.
    let _ = fs::rename(&next, copies);
    let _ = fs::remove_dir_all(&next);
    Ok(())
}

/// What is copied out: our name for it, and its path in the image.
fn files() -> Vec<(String, &'static str)> {
    roots().chain([("passwd".to_owned(), "/etc/passwd")]).collect()
}

fn roots() -> impl Iterator<Item = (String, &'static str)> {
    ROOTS.iter().enumerate().map(|(i, path)| (format!("roots{i}"), *path))
}

impl Image {
    pub(crate) fn trust_stores(&self) -> Vec<TrustStore> {
        let read = |(name, path): (String, &str)| {
            let roots = fs::read(self.copies.join(name)).ok()?;
            Some(TrustStore { guest_path: path.to_owned(), roots })
        };
        let mut stores: Vec<_> = roots().filter_map(read).collect();
        if !stores.iter().any(|s| s.guest_path == CA_BUNDLE) {
            stores.push(TrustStore { guest_path: CA_BUNDLE.to_owned(), roots: Vec::new() });
        }
        stores
    }

    /// The guest's list of users, with `node` at the number that it runs as.
    pub(crate) fn passwd_for(&self, user: (u32, u32), run: &Path, owner: Owner) -> io::Result<Option<Bind>> {
        let text = fs::read_to_string(self.copies.join("passwd"))?;
        let line = format!("{GUEST_USER}:x:{}:{}:{GUEST_USER}:{GUEST_HOME}:/bin/sh", user.0, user.1);
        let same = |l: &str| l.starts_with(&format!("{GUEST_USER}:x:{}:{}:", user.0, user.1));
        if text.lines().any(same) {
            return Ok(None);
        }
        let others = text.lines().filter(|l| !l.starts_with(&format!("{GUEST_USER}:")));
        let mut lines: Vec<_> = others.map(str::to_owned).collect();
        lines.push(line);
        let text = lines.join("\n") + "\n";
        Bind::file(run.join("passwd"), text.as_bytes(), "/etc/passwd", owner).map(Some)
    }
}
