//! `check --since` and `--deny-widening` against real histories: what is compared is what the change
//! began at, whatever the repository's files, links and configuration say.

use crate::rig::{Project, Ran, git, repository};
use std::os::unix::fs::symlink;

const NARROW: &str = "egress:\n  routes:\n    - host: api.github.com\n      path_allowlist: [/repos/acme/]\n";
const WIDE: &str = "egress:\n  routes:\n    - host: api.github.com\n";

fn deny(project: &Project, more: &[&str]) -> Ran {
    project.check(&[&["--since", "main", "--deny-widening"], more].concat())
}

/// A repository with a branch `main` and a second branch, which is checked out.
fn branched(files: &[(&str, &str)]) -> Option<Project> {
    let project = repository(files)?;
    git(&project.root(), &["branch", "-M", "main"]);
    git(&project.root(), &["checkout", "-qb", "change"]);
    Some(project)
}

fn commit(project: &Project) {
    git(&project.root(), &["add", "-Af", "."]);
    git(&project.root(), &["commit", "-qm", "change"]);
}

#[test]
fn a_change_is_compared_with_what_it_began_at() {
    let Some(project) = branched(&[("dev.bottle.yaml", WIDE), ("other.bottle.yaml", WIDE)]) else { return };
    // The main branch narrows meanwhile: that is not a widening of this one.
    git(&project.root(), &["checkout", "-q", "main"]);
    project.write("dev.bottle.yaml", NARROW);
    commit(&project);
    git(&project.root(), &["checkout", "-q", "change"]);
    project.write("other.bottle.yaml", NARROW);
    let ran = deny(&project, &[]).expect(0);
    assert!(ran.out.contains("narrowed") && !ran.out.contains("dev.bottle"), "{}", ran.out);
}

#[test]
fn a_renamed_manifest_is_compared_with_itself() {
    let Some(project) = branched(&[("dev.bottle.yaml", NARROW), ("a/lab.bottle.yaml", NARROW)]) else {
        return;
    };
    // By its content, and by its name where the content has changed.
    git(&project.root(), &["mv", "dev.bottle.yaml", "new-name.bottle.yaml"]);
    std::fs::create_dir(project.path("b")).expect("a folder");
    git(&project.root(), &["mv", "a/lab.bottle.yaml", "b/lab.bottle.yaml"]);
    project.write("b/lab.bottle.yaml", format!("{NARROW}env: {{A: b}}\n"));
    let ran = deny(&project, &[]).expect(0);
    assert!(!ran.out.contains("widened "), "{}", ran.out);
    project.write("b/lab.bottle.yaml", WIDE);
    let ran = deny(&project, &[]).expect(1);
    assert!(ran.out.contains("paths /repos/acme/ → every path"), "{}", ran.out);
}

#[test]
fn what_a_change_removes_is_narrowed() {
    let Some(project) =
        branched(&[("dev.bottle.yaml", WIDE), ("a/lab.bottle.yaml", WIDE), ("b/x.bottle.yaml", WIDE)])
    else {
        return;
    };
    std::fs::remove_file(project.path("dev.bottle.yaml")).expect("removed");
    std::fs::remove_dir_all(project.path("a")).expect("removed");
    let ran = deny(&project, &[]).expect(0);
    assert!(ran.out.contains("a/lab.bottle.yaml") && ran.out.contains("no longer"), "{}", ran.out);
    // A folder that is named and gone is not a mistake; one that never was, and one elsewhere, are.
    deny(&project, &["a"]).expect(0);
    let ran = deny(&project, &["nowhere"]).expect(2);
    assert!(ran.err.contains("nowhere"), "{}", ran.err);
    let outside = project.path("home");
    let ran = deny(&project, &[outside.to_str().expect("UTF-8")]).expect(2);
    assert!(ran.err.contains("outside of the repository"), "{}", ran.err);
}

#[test]
fn a_sparse_checkout_takes_nothing_away() {
    let Some(project) = branched(&[("a/dev.bottle.yaml", WIDE), ("b/lab.bottle.yaml", WIDE)]) else { return };
    git(&project.root(), &["sparse-checkout", "set", "--no-cone", "b/"]);
    assert!(!project.path("a/dev.bottle.yaml").exists());
    let ran = deny(&project, &[]).expect(0);
    assert!(!ran.out.contains("a/dev"), "{}", ran.out);
}

#[test]
fn a_tracked_link_is_what_it_points_to_on_each_side() {
    let Some(project) = branched(&[("shared/narrow.txt", NARROW), ("shared/wide.txt", WIDE)]) else { return };
    git(&project.root(), &["checkout", "-q", "main"]);
    symlink("shared/narrow.txt", project.path("dev.bottle.yaml")).expect("a link");
    symlink("shared", project.path("by")).expect("a link");
    commit(&project);
    git(&project.root(), &["checkout", "-q", "change"]);
    git(&project.root(), &["merge", "-q", "main"]);
    deny(&project, &[]).expect(0);
    std::fs::remove_file(project.path("dev.bottle.yaml")).expect("removed");
    symlink("by/wide.txt", project.path("dev.bottle.yaml")).expect("a link");
    let ran = deny(&project, &[]).expect(1);
    assert!(ran.out.contains("paths /repos/acme/ → every path"), "{}", ran.out);
    // A change of the target alone is a change too.
    std::fs::remove_file(project.path("dev.bottle.yaml")).expect("removed");
    symlink("shared/narrow.txt", project.path("dev.bottle.yaml")).expect("a link");
    deny(&project, &[]).expect(0);
    project.write("shared/narrow.txt", WIDE);
    deny(&project, &[]).expect(1);
}

#[test]
fn no_ignore_file_hides_what_is_tracked() {
    for list in [".gitignore", ".ignore", "sub/.gitignore"] {
        let Some(project) = branched(&[("sub/dev.bottle.yaml", NARROW), ("README.md", "x")]) else { return };
        project.write(list, "*\n");
        project.write("sub/dev.bottle.yaml", WIDE);
        commit(&project);
        deny(&project, &[]).expect(1);
        deny(&project, &["sub"]).expect(1);
    }
}

#[test]
fn line_ends_of_a_checkout_are_no_change() {
    let Some(project) = branched(&[("dev.bottle.yaml", WIDE), (".gitattributes", "*.yaml text eol=crlf\n")])
    else {
        return;
    };
    project.write("dev.bottle.yaml", WIDE.replace('\n', "\r\n"));
    let ran = deny(&project, &[]).expect(0);
    assert!(ran.err.contains("no manifest has changed"), "{}", ran.err);
    project.write("dev.bottle.yaml", format!("{}env: {{A: '${{B}}'}}\r\n", WIDE.replace('\n', "\r\n")));
    deny(&project, &[]).expect(1);
}

#[test]
fn what_a_hook_is_told_of_its_repository_is_not_asked() {
    let Some(project) = branched(&[("dev.bottle.yaml", NARROW)]) else { return };
    let Some(other) = branched(&[("dev.bottle.yaml", WIDE)]) else { return };
    project.write("dev.bottle.yaml", WIDE);
    let mut command = project.command(&["check", "--since", "main", "--deny-widening"]);
    command.env("GIT_DIR", other.path(".git")).env("GIT_WORK_TREE", other.root());
    command
        .env("GIT_INDEX_FILE", other.path(".git/index"))
        .env("GIT_OBJECT_DIRECTORY", other.path(".git/objects"));
    crate::rig::ran(command.output().expect("it runs")).expect(1);
}

#[test]
fn a_replaced_commit_is_not_the_history() {
    let Some(project) = branched(&[("dev.bottle.yaml", NARROW)]) else { return };
    project.write("dev.bottle.yaml", WIDE);
    commit(&project);
    git(&project.root(), &["replace", "main", "change"]);
    deny(&project, &[]).expect(1);
}

#[test]
fn a_grafted_commit_is_not_the_history() {
    let Some(project) = branched(&[("dev.bottle.yaml", NARROW)]) else { return };
    project.write("dev.bottle.yaml", WIDE);
    commit(&project);
    git(&project.root(), &["tag", "wide"]);
    git(&project.root(), &["commit", "-q", "--allow-empty", "-m", "more"]);
    let id = |name: &str| {
        let head = std::fs::read_to_string(project.path(".git").join(name)).expect("a revision");
        head.trim().to_owned()
    };
    let graft = format!("{} {}\n", id("refs/heads/main"), id("refs/tags/wide"));
    project.write(".git/info/grafts", graft);
    deny(&project, &[]).expect(1);
}

/// A tag is taken before a branch: whoever may push one would choose what a change is compared with.
#[test]
fn a_name_of_several_revisions_is_refused() {
    let Some(remote) = branched(&[("dev.bottle.yaml", NARROW)]) else { return };
    let clone = Project::new(&[]);
    git(&clone.root(), &["clone", "-q", "-b", "main", &remote.root().display().to_string(), "."]);
    clone.write("dev.bottle.yaml", WIDE);
    commit(&clone);
    for (tag, rev, other) in [
        ("origin/main", "origin/main", "refs/remotes/origin/main"),
        ("main", "main~1", "refs/heads/main"),
        ("heads/main", "heads/main", "refs/heads/main"),
    ] {
        git(&clone.root(), &["tag", tag]);
        for args in [
            &["check", "--since", rev, "--deny-widening"][..],
            &["check", "--baseline", &format!("{rev}:base.json")],
            &["diff", "--deny-widening", &format!("{rev}:."), "."],
        ] {
            let ran = clone.run(args).expect(2);
            let tag = format!("refs/tags/{tag}");
            assert!(ran.err.contains("is ambiguous") && ran.err.contains(&tag), "{}", ran.err);
            assert!(ran.err.contains(other), "{}", ran.err);
        }
        git(&clone.root(), &["tag", "-d", tag]);
    }
    // Names in full, ids and HEAD are nobody's to choose.
    git(&clone.root(), &["tag", "origin/main"]);
    git(&clone.root(), &["tag", "HEAD"]);
    clone.check(&["--since", "refs/remotes/origin/main", "--deny-widening"]).expect(1);
    clone.check(&["--since", "HEAD~1", "--deny-widening"]).expect(1);
    clone.check(&["--since", "HEAD", "--deny-widening"]).expect(0);
}

/// Where histories cross, one of the last common revisions may have been wide, while merging brings what is wide.
#[test]
fn a_change_does_not_choose_among_common_revisions() {
    let Some(project) = branched(&[("dev.bottle.yaml", WIDE), ("README.md", "x")]) else { return };
    let run = |args: &[&str]| git(&project.root(), args);
    for date in ["2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"] {
        run(&["checkout", "-qB", "side", "main"]);
        project.write("dev.bottle.yaml", WIDE);
        project.write("README.md", date);
        run(&["add", "-A"]);
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "side"]);
        command.current_dir(project.root()).env("GIT_COMMITTER_DATE", date);
        assert!(command.status().expect("git").success());
        run(&["checkout", "-q", "main"]);
        project.write("dev.bottle.yaml", NARROW);
        commit(&project);
        run(&["checkout", "-qB", "change", "side"]);
        run(&["merge", "-q", "-s", "ours", "-m", "change", "main"]);
        run(&["checkout", "-q", "main"]);
        run(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
        run(&["checkout", "-q", "change"]);
        let ran = deny(&project, &[]).expect(1);
        assert!(ran.out.contains("paths /repos/acme/ → every path"), "{date}: {}", ran.out);
        run(&["checkout", "-q", "main"]);
        project.write("dev.bottle.yaml", WIDE);
        commit(&project);
    }
}

/// A folder of the change that looks like a repository has a base and a configuration of the change's own.
#[test]
fn a_repository_within_the_working_tree_is_not_asked() {
    let Some(project) = branched(&[("sub/dev.bottle.yaml", NARROW)]) else { return };
    let root = project.root();
    project.write("sub/dev.bottle.yaml", WIDE);
    commit(&project);
    let copy = |name: &str| {
        let args = ["-r", &format!(".git/{name}"), "sub/"];
        assert!(
            std::process::Command::new("cp").args(args).current_dir(&root).status().expect("cp").success()
        );
    };
    ["objects", "refs", "HEAD"].into_iter().for_each(copy);
    project.write("sub/config", format!("[core]\n\tbare = false\n\tworktree = {}\n", root.display()));
    std::fs::copy(project.path("sub/refs/heads/change"), project.path("sub/refs/heads/main"))
        .expect("copied");
    let mut command = project.command(&["check", "--since", "main", "--deny-widening"]);
    let ran = crate::rig::ran(command.current_dir(project.path("sub")).output().expect("it runs"));
    assert!(ran.code == 2 && ran.err.contains("cannot use bare repository"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_submodule_is_compared_where_its_commit_is_there_and_else_is_told() {
    let Some(inner) = branched(&[("dev.bottle.yaml", NARROW)]) else { return };
    let Some(project) = branched(&[("README.md", "x")]) else { return };
    git(&project.root(), &["checkout", "-q", "main"]);
    let from = inner.root().display().to_string();
    git(&project.root(), &["-c", "protocol.file.allow=always", "submodule", "add", "-q", &from, "sub"]);
    commit(&project);
    git(&project.root(), &["checkout", "-q", "change"]);
    git(&project.root(), &["merge", "-q", "main"]);
    deny(&project, &[]).expect(0);
    project.write("sub/dev.bottle.yaml", WIDE);
    let ran = deny(&project, &[]).expect(1);
    assert!(ran.out.contains("paths /repos/acme/ → every path"), "{}", ran.out);
    // Without its repository nothing is known of what it was.
    std::fs::remove_file(project.path("sub/.git")).expect("removed");
    let ran = deny(&project, &[]).expect(1);
    assert!(ran.err.contains("submodule"), "{}", ran.err);
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let Some(project) = branched(&[("dev.bottle.yaml", NARROW)]) else { return };
    for text in ["x: 1", "y: 2"] {
        project.write("README.md", text);
        commit(&project);
    }
    let clone = Project::new(&[]);
    let from = format!("file://{}", project.root().display());
    git(&clone.root(), &["clone", "-q", "--depth", "1", "--branch", "change", &from, "."]);
    let ran = clone.check(&["--since", "origin/main", "--deny-widening"]).expect(2);
    assert!(ran.err.contains("origin/main") && ran.err.contains("fetch-depth: 0"), "{}", ran.err);
    git(&clone.root(), &["fetch", "-q", "--depth", "1", "origin", "main:main"]);
    let ran = deny(&clone, &[]).expect(2);
    assert!(ran.err.contains("no common revision") && ran.err.contains("shallow"), "{}", ran.err);
}

#[test]
fn one_manifest_without_a_plan_leaves_the_table_of_all_others() {
    let Some(project) = branched(&[("dev.bottle.yaml", NARROW), ("bad.bottle.yaml", NARROW)]) else { return };
    project.write("dev.bottle.yaml", WIDE);
    project.write("bad.bottle.yaml", "envv: {}\n");
    let ran = deny(&project, &[]).expect(1);
    assert!(ran.out.contains("paths /repos/acme/ → every path"), "{}", ran.out);
    assert!(ran.err.contains("bad.bottle.yaml") && ran.err.contains("not compared"), "{}", ran.err);
}

/// What an image is built from, and what an agent is told, are part of what a change gives.
#[test]
fn the_files_behind_a_manifest_are_compared() {
    let text = "agent_provider: {dockerfile: ./image/D}\nprompt_file: ./prompt.md\n";
    let files = [
        ("dev.bottle.yaml", text),
        ("image/D", "FROM debian\nCOPY setup.sh /\n"),
        ("image/setup.sh", "echo one"),
        ("image/other.sh", "echo other"),
        ("prompt.md", "Go."),
    ];
    let Some(project) = branched(&files) else { return };
    // What nobody copies is nothing.
    project.write("image/other.sh", "echo more");
    deny(&project, &[]).expect(0);
    for (file, text, told) in [
        ("image/setup.sh", "echo two", "the image's setup.sh"),
        ("image/D", "FROM debian\nCOPY setup.sh /\nRUN true\n", "the Dockerfile's text"),
    ] {
        let before = project.read(file);
        project.write(file, text);
        let ran = deny(&project, &[]).expect(1);
        assert!(ran.out.contains(told) && ran.out.contains("widened-permission"), "{}", ran.out);
        project.write(file, before);
    }
    // A prompt permits nothing by itself: it is told.
    project.write("prompt.md", "Go on.");
    let ran = deny(&project, &[]).expect(0);
    assert!(ran.out.contains("changed   prompt"), "{}", ran.out);
    let ran = project.run(&["diff", "main:dev.bottle.yaml", "dev.bottle.yaml"]).expect(0);
    assert!(ran.out.contains("changed   prompt"), "{}", ran.out);
}

#[test]
fn a_table_names_manifests_from_the_repositorys_root_and_a_removed_folder_is_narrowed() {
    let Some(project) = repository(&[("a/dev.bottle.yaml", NARROW), ("b/web.bottle.yaml", WIDE)]) else {
        return;
    };
    project.write("a/dev.bottle.yaml", WIDE);
    std::fs::remove_dir_all(project.path("b")).expect("removed");
    let summary = project.path("~/table.md");
    let shown = summary.display().to_string();
    let removed = project.path("b").display().to_string();
    let args = ["check", "--since", "HEAD", "--deny-widening", "--summary", &shown];
    for (folder, paths) in
        [("", &["a", "b"][..]), ("a", &[".", "../b"]), ("a", &["--", "dev.bottle.yaml", removed.as_str()])]
    {
        let _ = std::fs::remove_file(&summary);
        let mut command = project.command(&[&args[..], paths].concat());
        let ran = crate::rig::ran(command.current_dir(project.path(folder)).output().expect("it runs"));
        assert_eq!(ran.code, 1, "{paths:?}: {}{}", ran.out, ran.err);
        let table = std::fs::read_to_string(&summary).expect("a table");
        assert!(table.contains("| `a/dev.bottle.yaml` | **widened**"), "{paths:?}: {table}");
        assert!(table.contains("| `b/web.bottle.yaml` | **narrowed**"), "{paths:?}: {table}");
    }
    // What lies outside, and what never was, is an error.
    for path in ["/etc", "nowhere"] {
        project.check(&["--since", "HEAD", "--deny-widening", path]).expect(2);
    }
}

/// `diff` of folders sees each manifest once, however deep it lies and whatever the folders are called, and comes to
/// an end where links lead round.
#[test]
fn diff_looks_into_every_folder_once() {
    let Some(project) = branched(&[("bottles/dev.bottle.yaml", NARROW), ("shared/web.bottle.yaml", NARROW)])
    else {
        return;
    };
    symlink("../shared", project.path("bottles/more")).expect("a link");
    symlink(".", project.path("bottles/round")).expect("a link");
    symlink("..", project.path("bottles/up")).expect("a link");
    symlink("/", project.path("bottles/out")).expect("a link");
    commit(&project);
    git(&project.root(), &["branch", "-f", "main"]);
    for folder in [".", "bottles"] {
        let diff = || project.run(&["diff", "--deny-widening", &format!("main:./{folder}"), folder]);
        diff().expect(0);
        for path in [
            "target/x.bottle.yaml",
            "node_modules/x.bottle.yaml",
            &format!("{}x.bottle.yaml", "d/".repeat(40)),
        ] {
            let path = format!("{folder}/{path}");
            project.write(&path, WIDE);
            git(&project.root(), &["add", "-A"]);
            let ran = diff().expect(1);
            assert_eq!(ran.out.matches("x.bottle.yaml").count(), 1, "{path}: {}", ran.out);
            git(&project.root(), &["rm", "-qf", &path]);
        }
        // What a build made is nobody's change.
        project.write(&format!("{folder}/target/x.bottle.yaml"), WIDE);
        diff().expect(0);
        std::fs::remove_dir_all(project.path(&format!("{folder}/target"))).expect("removed");
        project.write("shared/web.bottle.yaml", WIDE);
        let ran = diff().expect(1);
        assert_eq!(ran.out.matches("web.bottle.yaml").count(), 1, "{}", ran.out);
        project.write("shared/web.bottle.yaml", NARROW);
    }
}
