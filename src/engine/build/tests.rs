use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

/// A folder with a Dockerfile and some files.
struct Project(tempfile::TempDir);

impl Project {
    fn new(dockerfile: &str, files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().expect("temp"));
        project.write("Dockerfile", dockerfile);
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().expect("a folder")).expect("made");
        fs::write(self.path(path), text).expect("written");
    }

    fn try_collect(&self) -> Result<BuildInputs, Problem> {
        BuildInputs::collect(&Dockerfile::own(self.path("Dockerfile")))
    }

    fn collect(&self) -> BuildInputs {
        self.try_collect().expect("inputs")
    }

    fn files(&self) -> Vec<String> {
        self.collect().files.into_iter().map(|f| f.path).collect()
    }
}

#[test]
fn what_is_copied_changes_the_digest_and_nothing_else_does() {
    let project = Project::new("FROM a\nCOPY scripts/setup.sh /\n", &[("scripts/setup.sh", "x"), ("b", "x")]);
    let first = project.collect();
    assert_eq!(
        first.files.iter().map(|f| (f.path.as_str(), f.bytes)).collect::<Vec<_>>(),
        [("scripts/setup.sh", 1)]
    );
    project.write("b", "y");
    project.write("scripts/other.sh", "y");
    assert_eq!(project.collect(), first);
    project.write("scripts/setup.sh", "y");
    let second = project.collect();
    assert_ne!(second.digest, first.digest);
    assert_ne!(second.files, first.files);
    // A bit that makes it a program, a name, and the text itself.
    fs::set_permissions(project.path("scripts/setup.sh"), fs::Permissions::from_mode(0o755)).expect("mode");
    let third = project.collect();
    assert_ne!(third.digest, second.digest);
    project.write("Dockerfile", "FROM a\nCOPY scripts/setup.sh /\n# end\n");
    assert_ne!(project.collect().digest, third.digest);
}

#[test]
fn only_what_is_named_goes_in() {
    let all = [("a/x.sh", ""), ("a/y.txt", ""), ("a/deep/z.sh", ""), ("b", ""), (".env", "")];
    for (copy, files) in [
        ("", [].as_slice()),
        ("COPY a/x.sh b /", &["a/x.sh", "b"]),
        ("COPY a /", &["a/deep/z.sh", "a/x.sh", "a/y.txt"]),
        ("COPY a/*.sh /", &["a/x.sh"]),
        ("COPY a/*/*.sh /", &["a/deep/z.sh"]),
        ("COPY a/d* /", &["a/deep/z.sh"]),
        ("ADD a/**/z.sh nope /", &["a/deep/z.sh"]),
        ("COPY . /", &[".env", "Dockerfile", "a/deep/z.sh", "a/x.sh", "a/y.txt", "b"]),
        ("COPY $A /", &[".env", "Dockerfile", "a/deep/z.sh", "a/x.sh", "a/y.txt", "b"]),
    ] {
        let project = Project::new(&format!("FROM i\n{copy}\n"), &all);
        assert_eq!(project.files(), files, "{copy}");
    }
    let project = Project::new("FROM i\nCOPY . /\n", &all);
    project.write(".dockerignore", "*\n!a\na/deep\n");
    assert_eq!(project.files(), ["a/x.sh", "a/y.txt"]);
    project.write("Dockerfile.dockerignore", "a\n.*\nDockerfile*\n");
    assert_eq!(project.files(), ["b"]);
}

#[test]
fn no_link_leads_out_and_nothing_is_waited_for() {
    let outside = Project::new("", &[("secret", "host")]);
    let project = Project::new(
        "FROM i\nCOPY out abs in/deep dir/secret loop fifo /\nADD tree /\n",
        &[("real/deep", "x")],
    );
    let link = |target: &Path, name: &str| {
        fs::create_dir_all(project.path(name).parent().expect("a folder")).expect("made");
        symlink(target, project.path(name)).expect("link");
    };
    link(Path::new("../../../../../../etc/passwd"), "out");
    link(&outside.path("secret"), "abs");
    link(Path::new("real"), "in");
    link(outside.0.path(), "dir");
    link(Path::new("loop"), "loop");
    link(&outside.path("secret"), "tree/link");
    for name in ["fifo", "tree/fifo"] {
        let mode = rustix::fs::Mode::RUSR;
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, project.path(name), fifo, mode, 0).expect("a FIFO");
    }
    let inputs = project.collect();
    let files: Vec<_> = inputs.files.iter().map(|f| f.path.as_str()).collect();
    // Links are there as links; what they lead to is there where it is in the context.
    assert_eq!(files, ["in", "loop", "out", "real/deep", "tree/link"]);
    let left_out: Vec<_> = inputs.left_out.iter().map(|l| (l.path.as_str(), l.why.as_str())).collect();
    let out = "a link that leads out of the context";
    for expected in [("out", out), ("abs", out), ("dir/secret", out), ("loop", "a link in a circle")] {
        assert!(left_out.contains(&expected), "{left_out:?}");
    }
    for fifo in ["fifo", "tree/fifo"] {
        assert!(left_out.contains(&(fifo, "a socket, a pipe or a device")), "{left_out:?}");
    }
    let mut archive = Vec::new();
    let own = Dockerfile::own(project.path("Dockerfile"));
    BuildInputs::gather(&own, &mut archive).expect("an archive");
    assert!(memchr::memmem::find(&archive, b"host").is_none());
}

#[test]
fn what_is_too_much_is_said_at_once() {
    let why = |project: &Project| project.try_collect().expect_err("refused").to_string();
    let project = Project::new("FROM i\nCOPY . /\n", &[]);
    File::create(project.path("large")).and_then(|f| f.set_len(8 << 30)).expect("a sparse file");
    assert!(why(&project).contains("large: with it the files are more than 1024 MiB"), "{}", why(&project));
    let project = Project::new("", &[]);
    File::create(project.path("Dockerfile")).and_then(|f| f.set_len(100 << 20)).expect("a sparse file");
    assert!(why(&project).contains("longer than 1 MiB"), "{}", why(&project));
    let project = Project::new("FROM i\nRUN --network=host x\n", &[]);
    assert!(why(&project).contains("`RUN --network=host`"), "{}", why(&project));
    fs::remove_file(project.path("Dockerfile")).expect("removed");
    symlink("/dev/zero", project.path("Dockerfile")).expect("link");
    assert!(why(&project).contains("not an ordinary file"), "{}", why(&project));
    let project = Project::new("FROM i\nCOPY . /\n", &[]);
    let mut deep = project.path("");
    for _ in 0..110 {
        deep.push("d");
        fs::create_dir(&deep).expect("made");
    }
    assert!(why(&project).contains("nested more than 100 deep"), "{}", why(&project));
}

#[test]
fn a_context_of_a_million_files_ends_soon() {
    let project = Project::new("FROM i\nCOPY . /\n", &[]);
    for folder in 0..11 {
        let folder = project.path(&format!("{folder}"));
        fs::create_dir(&folder).expect("made");
        let first = folder.join("0");
        File::create(&first).expect("a file");
        // Names are looked at, not files, and a link is the cheapest of names.
        (1..10_000).for_each(|i| fs::hard_link(&first, folder.join(i.to_string())).expect("a name"));
    }
    let why = project.try_collect().expect_err("too many").to_string();
    assert!(why.contains("more than 100000 names") && why.contains(".dockerignore"), "{why}");
    // What COPY names alone is looked at.
    project.write("Dockerfile", "FROM i\nCOPY 0/1 /\n");
    assert_eq!(project.files(), ["0/1"]);
}

#[test]
fn patterns_that_would_go_on_for_hours_do_not() {
    let project = Project::new("FROM i\nCOPY . /\n", &[]);
    project.write(".dockerignore", &"**/*a*b**c*e\n".repeat(70_000));
    (0..1000).for_each(|i| project.write(&format!("{}/{i}", "abcd".repeat(40)), ""));
    let why = project.try_collect().expect_err("too much").to_string();
    assert!(why.contains("patterns of .dockerignore and COPY are too many"), "{why}");
}

#[test]
fn the_archive_is_what_was_digested_or_there_is_none() {
    let project = Project::new("FROM i\nCOPY a /\n", &[("a", "seen")]);
    let own = Dockerfile::own(project.path("Dockerfile"));
    let inputs = project.collect();
    let spool = || tempfile::tempfile().expect("temp");
    let mut bytes = Vec::new();
    inputs.archive(&own, spool()).expect("an archive").read_to_end(&mut bytes).expect("read");
    assert_eq!(hex(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref()), inputs.digest);
    assert!(memchr::memmem::find(&bytes, b"seen").is_some());
    project.write("a", "swap");
    let why = inputs.archive(&own, spool()).expect_err("changed").to_string();
    assert!(why.contains("changed after it was looked at"), "{why}");
}

#[test]
fn the_shipped_ones_copy_nothing() {
    for image in provider::images() {
        let inputs = BuildInputs::collect(&Dockerfile::Shipped(image.dockerfile)).expect("inputs");
        assert_eq!(inputs.text, image.text);
        assert_eq!(inputs.wanted, Wanted::Named(Default::default()));
        assert!(inputs.has_run && inputs.files.is_empty());
        assert_eq!(inputs.images, ["node:22-bookworm-slim"]);
    }
}
