//! Files as a git revision has them. Runs git without anything that the repository could configure.

use super::Failure;
use crate::disk::Disk;
use crate::manifest::{FileKind, Files};
use crate::shown::printable;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A revision of the repository at the working folder. Paths outside of it are the disk's.
///
/// Links are followed within the repository, as a checkout of the revision would have them followed;
/// submodules are read where their commits are there.
pub(super) struct Revision {
    root: PathBuf,
    /// What `rev` came to, as its whole id.
    commit: String,
    /// Files by path.
    blobs: BTreeMap<PathBuf, Blob>,
    /// Links by path, and the ids of their targets' texts.
    links: BTreeMap<PathBuf, Blob>,
    dirs: BTreeSet<PathBuf>,
    /// Submodules whose commits are not there.
    unread: BTreeSet<PathBuf>,
}

/// A blob, and the working tree whose repository has it.
#[derive(Clone)]
struct Blob {
    tree: Arc<Path>,
    id: String,
    executable: bool,
}

/// As the kernel counts them.
const MOST_LINKS: usize = 40;

impl Revision {
    /// Reads the revision's list of files; their contents are read when asked for.
    pub(super) fn open(rev: &str) -> Result<Self, Failure> {
        let root = toplevel()?;
        let commit = resolve(&root, rev)?;
        Self::of(root, commit)
    }

    /// The revision that a change began at: the last common one of `rev` and the working tree's.
    ///
    /// Where histories cross there are several, and a change could choose its own among them: it is then
    /// compared with `rev` itself.
    ///
    /// # Errors
    /// When there is none, as in a shallow clone.
    pub(super) fn merge_base(rev: &str) -> Result<Self, Failure> {
        let root = toplevel()?;
        let tip = resolve(&root, rev)?;
        let found = git(&root, &["merge-base", "--all", &tip, "HEAD"]).unwrap_or_default();
        let found = String::from_utf8_lossy(&found);
        let bases: Vec<&str> = found.split_whitespace().collect();
        match bases[..] {
            [base] => Self::of(root, base.to_owned()),
            [_, ..] => Self::of(root, tip),
            [] => Err(Failure::usage(format!(
                "{} and the working tree's HEAD have no common revision here{}",
                printable(rev),
                shallow(&root)
            ))),
        }
    }

    fn of(root: PathBuf, commit: String) -> Result<Self, Failure> {
        let mut all = Self {
            root: root.clone(),
            commit: commit.clone(),
            blobs: BTreeMap::new(),
            links: BTreeMap::new(),
            dirs: BTreeSet::new(),
            unread: BTreeSet::new(),
        };
        all.add(&Arc::from(root), &commit, 0)?;
        Ok(all)
    }

    fn add(&mut self, tree: &Arc<Path>, commit: &str, depth: usize) -> Result<(), Failure> {
        let listed = git(tree, &["ls-tree", "-r", "-z", "--full-tree", commit])?;
        for line in listed.split(|b| *b == 0) {
            let Some(tab) = line.iter().position(|b| *b == b'\t') else { continue };
            let (meta, path) = (String::from_utf8_lossy(&line[..tab]), OsStr::from_bytes(&line[tab + 1..]));
            let path = tree.join(path);
            // `100644 blob ID`, `120000 blob ID` for a link, `160000 commit ID` for a submodule.
            let mut meta = meta.split(' ');
            let (Some(mode), Some(_), Some(id)) = (meta.next(), meta.next(), meta.next()) else { continue };
            let blob = Blob { tree: tree.clone(), id: id.to_owned(), executable: mode == "100755" };
            match mode {
                "100644" | "100755" => {
                    self.dirs.extend(path.ancestors().skip(1).map(Path::to_owned));
                    self.blobs.insert(path, blob);
                }
                "120000" => {
                    self.dirs.extend(path.ancestors().skip(1).map(Path::to_owned));
                    self.links.insert(path, blob);
                }
                "160000" => {
                    let there = depth < MOST_LINKS && path.join(".git").exists();
                    if !there || self.add(&Arc::from(path.as_path()), id, depth + 1).is_err() {
                        self.unread.insert(path);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The whole id of the commit.
    pub(super) fn commit(&self) -> &str {
        &self.commit
    }

    /// The absolute path of `REV:path`: from the repository's root, or from here with `./`.
    pub(super) fn absolute(&self, path: &str) -> PathBuf {
        if path.starts_with("./") || path.starts_with("../") {
            super::terminal::absolute(Path::new(path))
        } else {
            crate::manifest::join(&self.root, path)
        }
    }

    /// The repository's folder, links followed.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The id of the file at a path, or that a link there leads to.
    pub(super) fn blob(&self, path: &Path) -> Option<&str> {
        self.blobs.get(&self.followed(path)?).map(|blob| blob.id.as_str())
    }

    /// Every file and every link, in order.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.blobs.keys().chain(self.links.keys()).map(PathBuf::as_path)
    }

    /// The submodule that a path lies in, where its commit is not there.
    pub(super) fn unread(&self, path: &Path) -> Option<&Path> {
        self.unread.iter().map(PathBuf::as_path).find(|module| path.starts_with(module))
    }

    /// The files that git follows here and now, and those of them that a sparse checkout leaves out.
    pub(super) fn tracked(&self) -> Result<(Vec<PathBuf>, BTreeSet<PathBuf>), Failure> {
        tracked(&self.root)
    }

    fn inside(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    /// A path with its links followed; `None` where they lead out of the repository, or round.
    fn followed(&self, path: &Path) -> Option<PathBuf> {
        if self.links.is_empty() {
            return self.inside(path).then(|| path.to_owned());
        }
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let ancestors: Vec<_> = path.ancestors().map(Path::to_owned).collect();
            let link = ancestors.iter().rev().find(|a| self.links.contains_key(*a));
            let Some(link) = link else { return self.inside(&path).then_some(path) };
            let blob = self.links.get(link)?;
            let target = git(&blob.tree, &["cat-file", "blob", &blob.id]).ok()?;
            let folder = link.parent()?;
            let target = crate::manifest::join(folder, OsStr::from_bytes(&target));
            path = crate::manifest::join(&target, path.strip_prefix(link).ok()?);
        }
        None
    }
}

fn tracked(root: &Path) -> Result<(Vec<PathBuf>, BTreeSet<PathBuf>), Failure> {
    let listed = git(root, &["ls-files", "-v", "-z"])?;
    let (mut tracked, mut left_out) = (Vec::new(), BTreeSet::new());
    for line in listed.split(|b| *b == 0).filter(|line| line.len() > 2) {
        let path = root.join(OsStr::from_bytes(&line[2..]));
        if line[0].eq_ignore_ascii_case(&b'S') {
            left_out.insert(path.clone());
        }
        tracked.push(path);
    }
    Ok((tracked, left_out))
}

/// What a sparse checkout leaves out here, which is there all the same; nothing where git knows of none.
pub(super) fn left_out() -> BTreeSet<PathBuf> {
    toplevel().and_then(|root| tracked(&root)).map(|(_, left_out)| left_out).unwrap_or_default()
}

/// The two parts of `REV:path`. A path whose name holds `:` begins with `/`, `./` or `../`.
///
/// What lies in the working folder has no say in it: a change could add a file of that very name, and be its
/// own base.
pub(super) fn revision_and_path(text: &str) -> Option<(&str, &str)> {
    let a_path = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
    text.split_once(':').filter(|(rev, _)| !a_path && !rev.is_empty())
}

/// The folder of the repository here.
fn toplevel() -> Result<PathBuf, Failure> {
    let root = git(Path::new("."), &["rev-parse", "--show-toplevel"])?;
    Ok(PathBuf::from(OsStr::from_bytes(root.strip_suffix(b"\n").unwrap_or(&root))))
}

/// The commit that a revision means.
fn resolve(root: &Path, rev: &str) -> Result<String, Failure> {
    if rev.is_empty() || rev.starts_with('-') {
        return Err(Failure::usage(format!("`{}` is not a revision", printable(rev))));
    }
    if let [one, other, ..] = &meanings(root, rev)?[..] {
        return Err(Failure::usage(format!(
            "{} is ambiguous here: it may be {} or {}; write the one that is meant",
            printable(rev),
            printable(one),
            printable(other)
        )));
    }
    let found =
        git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{rev}^{{commit}}")]);
    let found = found.ok().map(|out| String::from_utf8_lossy(&out).trim().to_owned());
    found.filter(|id| !id.is_empty()).ok_or_else(|| {
        Failure::usage(format!("there is no revision {} here{}", printable(rev), shallow(root)))
    })
}

/// The branches and tags that a revision's name may mean. git takes a tag before a branch of the same name,
/// and whoever may push a tag `origin/main` would choose what changes are compared with.
fn meanings(root: &Path, rev: &str) -> Result<Vec<String>, Failure> {
    let name = rev.split(['~', '^', '@', ':']).next().unwrap_or(rev);
    // What lies in git's own folder comes before all of them.
    if name.is_empty() || name == "HEAD" || name.contains(['*', '?', '[']) || is_whole_id(name) {
        return Ok(Vec::new());
    }
    let places =
        ["refs/", "refs/tags/", "refs/heads/", "refs/remotes/"].map(|place| format!("{place}{name}"));
    let head = format!("refs/remotes/{name}/HEAD");
    let all: Vec<&str> = places.iter().map(String::as_str).chain([head.as_str()]).collect();
    let found = git(root, &[&["for-each-ref", "--format=%(refname)"], &all[..]].concat())?;
    // It also lists what lies below such a name.
    let found = String::from_utf8_lossy(&found);
    Ok(found.lines().filter(|line| all.contains(line)).map(str::to_owned).collect())
}

/// Whether a text is the whole id of an object, which git never takes for a name.
fn is_whole_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What to do where a clone has not the whole history; empty where it has.
fn shallow(root: &Path) -> &'static str {
    let said = git(root, &["rev-parse", "--is-shallow-repository"]).unwrap_or_default();
    if said.starts_with(b"true") {
        ": this is a shallow clone; fetch the whole history (`fetch-depth: 0` of actions/checkout, \
         `GIT_DEPTH: 0` of GitLab, `git fetch --unshallow`)"
    } else {
        ""
    }
}

impl Files for Revision {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if !self.inside(path) {
            return Disk.read(path);
        }
        let followed = self.followed(path).ok_or(io::ErrorKind::NotFound)?;
        let blob = self.blobs.get(&followed).ok_or(io::ErrorKind::NotFound)?;
        git(&blob.tree, &["cat-file", "blob", &blob.id]).map_err(|e| io::Error::other(e.to_string()))
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        if !self.inside(path) {
            return Disk.kind(path);
        }
        let path = self.followed(path)?;
        if self.blobs.contains_key(&path) {
            return Some(FileKind::File);
        }
        self.dirs.contains(&path).then_some(FileKind::Dir)
    }

    fn list(&self, dir: &Path) -> Vec<String> {
        if !self.inside(dir) {
            return Disk.list(dir);
        }
        let Some(dir) = self.followed(dir) else { return Vec::new() };
        let all = self.blobs.keys().chain(self.links.keys()).chain(&self.dirs);
        let all = all.filter(|p| p.parent() == Some(&dir));
        let mut names: Vec<_> =
            all.filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        if !self.inside(path) {
            return Disk.canonical(path);
        }
        self.kind(path)?;
        self.followed(path)
    }

    fn target(&self, path: &Path) -> Option<PathBuf> {
        if !self.inside(path) {
            return Disk.target(path);
        }
        let link = self.links.get(path)?;
        let target = git(&link.tree, &["cat-file", "blob", &link.id]).ok()?;
        Some(PathBuf::from(OsStr::from_bytes(&target)))
    }

    fn is_executable(&self, path: &Path) -> bool {
        if !self.inside(path) {
            return Disk.is_executable(path);
        }
        self.followed(path).and_then(|path| self.blobs.get(&path)).is_some_and(|blob| blob.executable)
    }
}

/// What git sets for its hooks, and anybody may set: where the repository is, and what its history is.
const PLACES: [&str; 13] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Runs git where no configuration of the repository can start another program.
pub(super) fn git(dir: &Path, args: &[&str]) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new("git");
    for name in PLACES {
        command.env_remove(name);
    }
    let begun = tracing::debug_span!("git", what = args.first().copied().unwrap_or_default()).entered();
    let output = command
        .current_dir(dir)
        .args([
            "-c",
            "core.fsmonitor=",
            "-c",
            "diff.external=",
            "-c",
            "core.hooksPath=/dev/null",
            // What a partial clone lacks is not fetched.
            "-c",
            "protocol.allow=never",
            // A folder of the working tree that looks like a repository is none.
            "-c",
            "safe.bareRepository=explicit",
            "-c",
            "advice.graftFileDeprecated=false",
            "--no-pager",
        ])
        .args(args)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        // A replaced or grafted commit is another history than the one that is reviewed.
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_GRAFT_FILE", "/dev/null")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Failure::usage(format!("cannot run git: {e}")))?;
    tracing::debug!(code = output.status.code(), "the program ended");
    drop(begun);
    if output.status.success() {
        return Ok(output.stdout);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    // What it was asked about: a revision, an object, a path.
    let about =
        args.iter().skip(1).filter(|arg| !arg.starts_with('-')).map(|arg| format!(" {}", printable(arg)));
    Err(Failure::usage(format!(
        "git {}{}: {}",
        args.first().unwrap_or(&""),
        about.collect::<String>(),
        crate::shown::lines(why.lines().next().unwrap_or("failed"))
    )))
}
