//! A project in a temporary folder, and the real program run in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A bottle without findings.
pub(crate) const CLEAN: &str = "egress:\n  routes:\n    - host: api.github.com\n";

/// A bottle with one error that has a safe fix.
pub(crate) const FIXABLE: &str = "agent_provider:\n  template: claude\nskills: review # why\n";

/// The same, fixed.
pub(crate) const FIXED: &str = "agent_provider:\n  template: claude\nskills: [review] # why\n";

/// A bottle with one error whose fix is a guess.
pub(crate) const GUESS: &str = "envv: {}\n";

/// A bottle with one warning, which is a matter of judgement.
pub(crate) const JUDGED: &str = "env:\n  API_TOKEN: '?the token'\n";

pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// What the program did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a folder") };
        // With the one skill that the texts name.
        std::fs::create_dir_all(project.path("~/.claude/skills/review")).expect("a home");
        std::fs::create_dir_all(project.root()).expect("a project");
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// The working folder of every run.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("a folder").join("project")
    }

    /// A path: `~/x` in the home folder, else in the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.folder.path().join("home").join(rest),
            None if path == "home" => self.folder.path().join("home"),
            None => self.folder.path().join("project").join(path),
        }
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        String::from_utf8(std::fs::read(self.path(path)).expect("a file")).expect("UTF-8")
    }

    /// The program with a clean environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bot-bottle"));
        command.args(args).current_dir(self.root()).env_clear();
        command.env("HOME", self.path("home")).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).output().expect("the program runs"))
    }

    pub(crate) fn check(&self, args: &[&str]) -> Ran {
        let all: Vec<_> = std::iter::once("check").chain(args.iter().copied()).collect();
        self.run(&all)
    }

    pub(crate) fn check_stdin(&self, args: &[&str], text: &[u8]) -> Ran {
        let all: Vec<_> = std::iter::once("check").chain(args.iter().copied()).collect();
        let mut command = self.command(&all);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        // It may refuse before it has read everything.
        let _ = child.stdin.take().expect("a pipe").write_all(text);
        ran(child.wait_with_output().expect("the program ends"))
    }
}

/// What the output of a program says.
pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

impl Ran {
    /// The exit code, with everything that was said if it is another one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in:\n{}", self.out))
    }

    /// The paths with findings in a concise report.
    pub(crate) fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<_> = self.out.lines().filter_map(|l| l.split(':').next()).collect();
        paths.dedup();
        paths
    }
}

/// Whether a tool is there. Without it the test is skipped, unless everything is required.
pub(crate) fn has_tool(tool: &str, install: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    if !there {
        let required = std::env::var_os("BOT_BOTTLE_REQUIRE_ALL").is_some_and(|v| v == "1");
        assert!(!required, "{tool} is missing; install with: {install}");
        println!("skipped: {tool} is missing; install with: {install}");
    }
    there
}

/// Runs git as a person called Ada.
pub(crate) fn git(folder: &Path, args: &[&str]) {
    let settings =
        ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"];
    let output =
        Command::new("git").args(settings).args(args).current_dir(folder).output().expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A project that is a repository with one commit; `None` without git.
pub(crate) fn repository(files: &[(&str, &str)]) -> Option<Project> {
    if !has_tool("git", "apt-get install git") {
        return None;
    }
    let project = Project::new(files);
    git(&project.root(), &["init", "-q"]);
    git(&project.root(), &["add", "."]);
    git(&project.root(), &["commit", "-qm", "first"]);
    Some(project)
}
