//! What of the host a launch takes, looked at once.
//!
//! A person is asked about a prompt file, a skill, a folder or a Dockerfile, and while the question is
//! open any of them can be swapped. So the first look is remembered: the question and the digest are
//! made of it, and the launch compares what it uses with it and refuses what is another thing by then.

use super::build::BuildInputs;
use super::error::Problem;
use super::tree;
use crate::plan::{Dockerfile, EnvValue, Plan};
use crate::provider::{Content, Derived, GuestFile, SKILLS};
use crate::shown::hex;
use ring::digest::{Context, SHA256, digest};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest file that goes into a guest.
const MAX_FILE: u64 = 16 << 20;

/// The first look at each thing of the host that one launch takes.
#[derive(Debug)]
pub struct Looked {
    home: PathBuf,
    folder: PathBuf,
    things: Mutex<BTreeMap<Thing, Seen>>,
    builds: Mutex<Vec<(Dockerfile, Build)>>,
}

/// Something of the host, by the path that the plan has for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    /// A folder or file that is mounted.
    Mounted(PathBuf),
    /// A file whose bytes are copied.
    File(PathBuf),
    /// A folder that is copied with all that is in it.
    Tree(PathBuf),
}

/// What an image is built from, or why that is unknown.
type Build = Result<Arc<BuildInputs>, Problem>;

/// How it was. Of what cannot be looked at, why.
type Seen = Result<Sight, String>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sight {
    /// The real path, the device and the inode.
    Place(PathBuf, u64, u64),
    /// SHA-256 in hex, and the number of bytes.
    Bytes(String, u64),
}

impl Looked {
    /// Nothing yet. `home` is the user's home folder, `folder` the one of the launch.
    pub fn new(home: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), folder: folder.into(), things: Mutex::default(), builds: Mutex::default() }
    }

    /// The folder of the launch, in its real spelling where there is one.
    pub fn folder(&self) -> PathBuf {
        self.place(&self.folder).unwrap_or_else(|| self.folder.clone())
    }

    /// The host folder that a plan's workspace is, in its real spelling where there is one.
    pub fn workspace(&self, plan: &Plan) -> PathBuf {
        let folder = self.workspace_path(plan);
        self.place(&folder).unwrap_or(folder)
    }

    /// The host folder that a plan's workspace is, as it is written.
    pub(crate) fn workspace_path(&self, plan: &Plan) -> PathBuf {
        plan.workspace.path.as_ref().map_or_else(|| self.folder.clone(), |path| self.folder.join(path))
    }

    /// The real path of something that is mounted, as it was at the first look.
    pub(crate) fn place(&self, path: &Path) -> Option<PathBuf> {
        match self.see(Thing::Mounted(path.to_owned())) {
            Ok(Sight::Place(real, ..)) => Some(real),
            _ => None,
        }
    }

    /// SHA-256 in hex of all that a plan decides and takes: the plan, the bytes of its prompt's file and
    /// its skills, what its own image is built from, and the real path of each folder.
    pub fn digest(&self, plan: &Plan) -> String {
        let mut context = Context::new(&SHA256);
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        };
        part(serde_json::to_string(plan).unwrap_or_default().as_bytes());
        for (name, value) in &plan.guest_env {
            // The plan's own text hides these.
            if let EnvValue::SecretLiteral(value) = value {
                part(name.as_bytes());
                part(value.as_bytes());
            }
        }
        let mounts = plan.workspace.mounts.iter().map(|m| m.source.clone());
        for path in std::iter::once(self.workspace_path(plan)).chain(mounts) {
            let real = self.place(&path).unwrap_or(path);
            part(real.as_os_str().as_encoded_bytes());
        }
        for thing in plan.files.iter().filter_map(|file| self.thing(file)) {
            part(self.described(&thing).as_bytes());
        }
        if let Dockerfile::Own { .. } = &plan.dockerfile {
            part(
                match &self.build(&plan.dockerfile) {
                    Ok(inputs) => inputs.digest.clone(),
                    Err(problem) => problem.to_string(),
                }
                .as_bytes(),
            );
        }
        hex(context.finish().as_ref())
    }

    /// What a file of a plan is made of, in words: its size and the beginning of its digest.
    pub fn contents(&self, file: &GuestFile) -> Option<String> {
        self.thing(file).map(|thing| self.described(&thing))
    }

    fn described(&self, thing: &Thing) -> String {
        match self.see(thing.clone()) {
            Ok(Sight::Bytes(digest, bytes)) => format!("{bytes} bytes, SHA-256 {digest}"),
            Ok(Sight::Place(real, ..)) => real.display().to_string(),
            Err(why) => format!("not readable: {why}"),
        }
    }

    fn thing(&self, file: &GuestFile) -> Option<Thing> {
        match &file.content {
            Content::Derived(Derived::HostFile(path)) => Some(Thing::File(path.clone())),
            Content::Derived(Derived::Skill(name)) => Some(Thing::Tree(self.skill(name))),
            // The login's own bytes change with each renewal and are never the guest's.
            Content::Derived(Derived::HostLogin { template: _ }) | Content::Text(_) => None,
        }
    }

    /// The host folder of a skill.
    pub(crate) fn skill(&self, name: &str) -> PathBuf {
        self.home.join(SKILLS).join(name)
    }

    /// What an image is built from.
    ///
    /// # Errors
    /// As [`BuildInputs::collect`].
    pub fn build(&self, dockerfile: &Dockerfile) -> Result<Arc<BuildInputs>, Problem> {
        let mut builds = lock(&self.builds);
        if let Some((_, known)) = builds.iter().find(|(of, _)| of == dockerfile) {
            return known.clone();
        }
        let inputs = BuildInputs::collect(dockerfile).map(Arc::new);
        builds.push((dockerfile.clone(), inputs.clone()));
        inputs
    }

    fn see(&self, thing: Thing) -> Seen {
        lock(&self.things).entry(thing).or_insert_with_key(look).clone()
    }

    /// Refuses a mounted folder or file that is another one than it was.
    pub(crate) fn same_place(&self, path: &Path, real: &Path, now: &Metadata) -> Result<(), Problem> {
        self.same(Thing::Mounted(path.to_owned()), Sight::Place(real.to_owned(), now.dev(), now.ino()))
    }

    /// A file's bytes, read once; refused where they are others than they were.
    pub(crate) fn same_file(&self, path: &Path, file: File) -> Result<Vec<u8>, Problem> {
        let (bytes, sight) = read(file).map_err(|e| unreadable(path, e))?;
        self.same(Thing::File(path.to_owned()), sight)?;
        Ok(bytes)
    }

    /// Refuses the copy of a folder where what was copied is something else than it was.
    pub(crate) fn same_tree(&self, path: &Path, copy: &impl AsFd) -> Result<(), Problem> {
        let (digest, bytes) = tree::digest(copy.as_fd()).map_err(|e| unreadable(path, e))?;
        self.same(Thing::Tree(path.to_owned()), Sight::Bytes(digest, bytes))
    }

    fn same(&self, thing: Thing, now: Sight) -> Result<(), Problem> {
        let path = match &thing {
            Thing::Mounted(path) | Thing::File(path) | Thing::Tree(path) => path.display().to_string(),
        };
        match self.see(thing) {
            Ok(then) if then == now => Ok(()),
            // What could not be read at first was shown as such.
            _ => Err(Problem::new(
                format!("{path} is not what it was"),
                "it was changed, or put in the place of another, after it was shown",
                "look at it again, and launch again",
            )),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is whole after each step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unreadable(path: &Path, error: io::Error) -> Problem {
    Problem::new(format!("cannot read {}", path.display()), error, "name what can be read")
}

fn look(thing: &Thing) -> Seen {
    let seen = match thing {
        Thing::Mounted(path) => fs::canonicalize(path).and_then(|real| {
            let now = fs::symlink_metadata(&real)?;
            Ok(Sight::Place(real, now.dev(), now.ino()))
        }),
        Thing::File(path) => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => tree::open_root(parent)
                .and_then(|dir| tree::regular(dir.as_fd(), name))
                .and_then(|file| Ok(read(file)?.1)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        },
        Thing::Tree(path) => tree::open_root(path)
            .and_then(|dir| tree::digest(dir.as_fd()))
            .map(|(digest, bytes)| Sight::Bytes(digest, bytes)),
    };
    seen.map_err(|error| error.to_string())
}

fn read(file: File) -> io::Result<(Vec<u8>, Sight)> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it has more than {} MiB", MAX_FILE >> 20)));
    }
    let sight = Sight::Bytes(hex(digest(&SHA256, &bytes).as_ref()), bytes.len() as u64);
    Ok((bytes, sight))
}
