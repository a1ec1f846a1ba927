//! What an image is built from: part of the grant, so it is found, shown and digested before it is
//! built, and the bytes that were digested are the ones that the builder is given.
//!
//! The context goes to the builder as an archive that is made here. It holds the Dockerfile and
//! what its `COPY` and `ADD` name, nothing else: whatever a builder makes of the text, there is
//! nothing more to take.

mod arguments;
mod context;
mod dockerfile;
mod ignore;
mod lines;
mod pattern;
mod refused;
mod tar;

pub use dockerfile::Wanted;

use super::error::Problem;
use crate::plan::Dockerfile;
use crate::provider;
use crate::shown::hex;
use context::Context;
use ignore::Ignore;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use tar::Tar;

/// The Dockerfile's name in the archive. Podman would run a preprocessor, which reads files of the
/// host, over a name of its own choosing.
pub(super) const FILE: &str = ".bot-bottle.Dockerfile";
/// The longest Dockerfile and the longest `.dockerignore`.
const MAX_TEXT: u64 = 1 << 20;
/// Names that are looked at in a context.
const MAX_NAMES: usize = 100_000;
/// Bytes that a context may hold.
const MAX_BYTES: u64 = 1 << 30;

/// All that a build takes, as a person is shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInputs {
    /// The Dockerfile's text.
    pub text: String,
    /// The frontend that a `# syntax=` names: a program that reads the text in its own way.
    pub syntax: Option<String>,
    /// The images that it starts from or copies from, in order.
    pub images: Vec<String>,
    /// The addresses that `ADD` fetches.
    pub fetched: Vec<String>,
    /// Whether it runs commands: as root of the build, with a network.
    pub has_run: bool,
    /// Which paths of the context it takes.
    pub wanted: Wanted,
    /// The files and links that these are, in order.
    pub files: Vec<BuildFile>,
    /// What is in the context and cannot be taken.
    pub left_out: Vec<LeftOut>,
    /// SHA-256 in hex of the archive that a builder is given: of all of this.
    pub digest: String,
}

/// A file of the context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildFile {
    /// Its path, relative to the context.
    pub path: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 of them in hex; of a link, of the path that it holds.
    pub digest: String,
}

/// Something that is left out of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its path, relative to the context.
    pub path: String,
    /// What it is.
    pub why: String,
}

impl BuildInputs {
    /// Finds and digests what a Dockerfile is built from. Keeps none of the files.
    ///
    /// # Errors
    /// When something cannot be read or is too much, or the text asks for what no build is given.
    pub fn collect(dockerfile: &Dockerfile) -> Result<Self, Problem> {
        Self::gather(dockerfile, io::sink()).map(|(inputs, _)| inputs)
    }

    /// Whether a file at this path of the context would be taken. Where that takes too long to find out, it is.
    pub(crate) fn takes(&self, dockerfile: &Dockerfile, path: &str) -> bool {
        let Dockerfile::Own { file, context } = dockerfile else { return false };
        let mut work = 0;
        let takes = self.wanted.takes(path, &mut work);
        takes && !ignored(file, context).is_ok_and(|ignore| ignore.ignores(path.as_bytes(), &mut work))
    }

    /// Collects again, into an archive for the builder.
    ///
    /// # Errors
    /// As [`BuildInputs::collect`]; also where what is found now has not the digest that was seen.
    pub(crate) fn archive(&self, dockerfile: &Dockerfile, spool: File) -> Result<File, Problem> {
        let (now, mut spool) = Self::gather(dockerfile, spool)?;
        if now.digest != self.digest {
            return Err(changed());
        }
        spool.rewind().map_err(|e| Problem::io("cannot read the build's archive", e))?;
        Ok(spool)
    }

    fn gather<W: Write>(dockerfile: &Dockerfile, out: W) -> Result<(Self, W), Problem> {
        let text = text(dockerfile)?;
        let facts = dockerfile::facts(&text);
        let dockerfile::Facts { wanted, syntax, images, fetched, has_run, refused } = facts;
        if let Some(first) = refused.first() {
            return Err(Problem::new(
                "the image is not built",
                format!("the Dockerfile asks for the host: `{first}`"),
                "take that out of the Dockerfile: a build is given no network, address or file of the host",
            ));
        }
        let context = match dockerfile {
            Dockerfile::Shipped(_) => None,
            Dockerfile::Own { file, context } => Some(
                ignored(file, context)
                    .and_then(|ignore| Context::find(context, &wanted, ignore))
                    .map_err(|e| unusable(context, e))?,
            ),
        };
        let mut files = Vec::new();
        let mut tar = Tar::new(Digested { out, digest: ring::digest::Context::new(&ring::digest::SHA256) });
        let result = tar.file(FILE.as_bytes(), 0o644, text.len() as u64, text.as_bytes()).and_then(|()| {
            let written = |path: &[u8], bytes, digest: &[u8]| {
                let path = String::from_utf8_lossy(path).into_owned();
                files.push(BuildFile { path, bytes, digest: hex(digest) });
            };
            context.as_ref().map_or(Ok(()), |context| context.write(&mut tar, written))?;
            tar.finish()
        });
        let Digested { out, digest } = match (result, dockerfile) {
            (Ok(done), _) => done,
            (Err(e), Dockerfile::Own { file: _, context }) => return Err(unusable(context, e)),
            (Err(e), Dockerfile::Shipped(_)) => {
                return Err(Problem::io("cannot write the build's archive", e));
            }
        };
        let digest = hex(digest.finish().as_ref());
        let left_out = context.map(Context::left_out).unwrap_or_default();
        Ok((Self { text, syntax, images, fetched, has_run, wanted, files, left_out, digest }, out))
    }
}

/// What a launch says of a build that is no longer the one that was looked at.
pub(super) fn changed() -> Problem {
    let why = "what it is built from changed after it was looked at";
    Problem::new("the image is not built", why, "launch again")
}

fn text(dockerfile: &Dockerfile) -> Result<String, Problem> {
    match dockerfile {
        Dockerfile::Shipped(name) => {
            let found =
                provider::images().find(|image| image.dockerfile == *name).map(|image| image.text.to_owned());
            found
                .ok_or_else(|| Problem::io(format!("there is no {name}"), "it does not ship with bot-bottle"))
        }
        Dockerfile::Own { file, context: _ } => short(file).map_err(|e| {
            let help = "set agent_provider.dockerfile to a file of less than 1 MiB";
            Problem::new(format!("cannot read {}", file.display()), e, help)
        }),
    }
}

/// The file beside the Dockerfile that is named after it, else the context's.
fn ignored(file: &Path, context: &Path) -> io::Result<Ignore> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".dockerignore");
    for path in [Path::new(&beside), &context.join(".dockerignore")] {
        match short(path) {
            Ok(text) => return Ok(Ignore::new(&text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(io::Error::new(e.kind(), format!("{}: {e}", path.display()))),
        }
    }
    Ok(Ignore::default())
}

/// The text of an ordinary file of bounded length; a FIFO is not waited for.
fn short(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let mut options = File::options();
    let file = options.read(true).custom_flags(i32::try_from(flags).unwrap_or(0)).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not an ordinary file"));
    }
    let mut text = String::new();
    if file.take(MAX_TEXT + 1).read_to_string(&mut text)? as u64 > MAX_TEXT {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}

fn unusable(context: &Path, error: io::Error) -> Problem {
    Problem::new(
        format!("the build context {} cannot be used", context.display()),
        error,
        "name less in COPY and ADD, list the rest in .dockerignore, or set agent_provider.context",
    )
}

/// Digests what is written through it.
struct Digested<W> {
    out: W,
    digest: ring::digest::Context,
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
