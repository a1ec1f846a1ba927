//! `--baseline`: what was there is passed over, what is new is reported, what is gone is told.

use crate::rig::{CLEAN, GUESS, JUDGED, Project, git, repository};

#[test]
fn only_what_is_new_is_reported() {
    let two = "env:\n  API_TOKEN: '?the token'\n  MY_SECRET: '?another'\n";
    let project = Project::new(&[("a.bottle.yaml", JUDGED), ("sub/b.bottle.yaml", two)]);
    let ran = project.check(&["--baseline", "ci/base.json", "--write-baseline"]);
    assert_eq!(ran.code, 2, "the folder is not there: {}", ran.err);
    std::fs::create_dir(project.path("ci")).expect("a folder");
    let ran = project.check(&["--baseline", "ci/base.json", "--write-baseline"]).expect(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "note: wrote ci/base.json\n"));
    let text = project.read("ci/base.json");
    let expected = "{\n  \"version\": 1,\n  \"findings\": {\n    \"../a.bottle.yaml\": {\n      \"credential-in-env\": 1\n    },\n    \"../sub/b.bottle.yaml\": {\n      \"credential-in-env\": 2\n    }\n  }\n}\n";
    assert_eq!(text, expected);
    let ran = project.check(&["--baseline", "ci/base.json"]).expect(0);
    assert_eq!(ran.out, "checked 2 manifests: no findings; 3 in the baseline\n");

    project.write("a.bottle.yaml", format!("# moved\n\n{JUDGED}  MY_SECRET: '?new'\n"));
    project.write("sub/b.bottle.yaml", JUDGED);
    let ran = project.check(&["--baseline", "ci/base.json", "--format", "concise"]).expect(1);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    assert!(
        ran.err.contains("sub/b.bottle.yaml: the baseline allows 2 of `credential-in-env`, and 1 were found"),
        "{}",
        ran.err
    );
}

#[test]
fn what_the_language_refuses_is_refused_whatever_the_baseline_says() {
    let project = Project::new(&[("a.bottle.yaml", GUESS)]);
    let ran = project.check(&["--baseline", "base.json", "--write-baseline"]).expect(1);
    assert!(ran.err.contains("1 of the language's rules stay"), "{}", ran.err);
    assert!(!project.read("base.json").contains("unknown-field"));
    // One that an earlier version wrote.
    let old = "{\"version\":1,\"findings\":{\"a.bottle.yaml\":{\"unknown-field\":1}}}";
    project.write("base.json", old);
    let ran = project.check(&["--baseline", "base.json"]).expect(1);
    assert!(ran.out.contains("error[unknown-field]"), "{}", ran.out);
    assert!(ran.err.contains("lists `unknown-field`, which is a rule of the language"), "{}", ran.err);
}

#[test]
fn writing_again_lowers_counts_and_keeps_the_files_that_were_not_checked() {
    let project =
        Project::new(&[("a.bottle.yaml", JUDGED), ("b.bottle.yaml", JUDGED), ("c.bottle.yaml", JUDGED)]);
    let write = ["--baseline", "base.json", "--write-baseline"];
    project.check(&write).expect(0);
    project.write("a.bottle.yaml", CLEAN);
    std::fs::remove_file(project.path("c.bottle.yaml")).expect("removed");
    project.check(&[&write[..], &["a.bottle.yaml"]].concat()).expect(0);
    let text = project.read("base.json");
    assert!(text.contains("b.bottle.yaml"), "{text}");
    assert!(!text.contains("a.bottle.yaml") && !text.contains("c.bottle.yaml"), "{text}");
}

#[test]
fn what_is_no_baseline_is_refused_and_not_overwritten() {
    let project = Project::new(&[
        ("a.bottle.yaml", GUESS),
        ("base.json", "{}"),
        ("later.json", "{\"version\":9,\"findings\":{}}"),
    ]);
    assert!(project.check(&["--baseline", "base.json"]).expect(2).err.contains("it is no baseline"));
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(2);
    assert_eq!(project.read("base.json"), "{}");
    assert!(project.check(&["--baseline", "later.json"]).expect(2).err.contains("version 9"));
}

/// Two branches wrote it: named as what it is, and written anew when asked.
#[test]
fn a_conflict_is_named_and_written_anew() {
    let project = Project::new(&[("a.bottle.yaml", JUDGED)]);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    let whole = project.read("base.json");
    let ours = whole.replace("    \"a.bottle", "<<<<<<< HEAD\n    \"a.bottle");
    project.write("base.json", ours + "=======\n>>>>>>> other\n");
    let ran = project.check(&["--baseline", "base.json"]).expect(2);
    assert!(ran.err.contains("merge conflict in line 4; `--write-baseline` writes it anew"), "{}", ran.err);
    let ran = project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    assert!(ran.err.contains("base.json had a merge conflict and is written anew"), "{}", ran.err);
    assert_eq!(project.read("base.json"), whole);
}

#[test]
fn a_moved_folder_keeps_its_counts_and_what_is_gone_is_told() {
    let project = Project::new(&[("old/a.bottle.yaml", JUDGED), ("b.bottle.yaml", JUDGED)]);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    std::fs::rename(project.path("old"), project.path("new")).expect("moved");
    let args = ["--baseline", "base.json"];
    let strict = ["--baseline", "base.json", "--baseline-strict"];
    let ran = project.check(&strict).expect(0);
    assert_eq!(ran.out, "checked 2 manifests: no findings; 2 in the baseline\n");
    // A second one is new, wherever the first one went.
    project.write("other/a.bottle.yaml", JUDGED);
    let ran = project.check(&args).expect(1);
    assert!(
        ran.out.contains("2 findings (2 warnings) in 2 of 3 manifests; 1 in the baseline"),
        "{}",
        ran.out
    );
    std::fs::remove_dir_all(project.path("other")).expect("removed");

    std::fs::remove_file(project.path("b.bottle.yaml")).expect("removed");
    let ran = project.check(&args).expect(0);
    let told = "b.bottle.yaml: the baseline allows 1 finding here, and the file is gone";
    assert!(ran.err.contains(told), "{}", ran.err);
    let json = project.check(&[&strict[..], &["--format", "json"]].concat()).expect(1).json();
    assert_eq!((&json["stale"][0]["path"], &json["summary"]["stale"]), (&"b.bottle.yaml".into(), &1.into()));
    project.write("new/a.bottle.yaml", CLEAN);
    let json = project.check(&[&strict[..], &["--format", "json"]].concat()).expect(1).json();
    assert_eq!(json["summary"]["stale"], 2);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    project.check(&strict).expect(0);
}

/// What a pull request accepts for itself is not accepted.
#[test]
fn the_bases_baseline_is_the_judge() {
    let Some(project) = repository(&[("a.bottle.yaml", JUDGED)]) else { return };
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    git(&project.root(), &["add", "."]);
    git(&project.root(), &["commit", "-qm", "baseline"]);
    project.write("b.bottle.yaml", JUDGED);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    project.check(&["--baseline", "base.json"]).expect(0);
    let ran = project.check(&["--baseline", "HEAD:base.json"]).expect(1);
    assert!(ran.out.contains("b.bottle.yaml:2:14") && ran.out.contains("1 in the baseline"), "{}", ran.out);
    let ran = project.check(&["--baseline", "HEAD~:base.json"]).expect(1);
    assert!(ran.err.contains("there is no baseline base.json in HEAD~: nothing is accepted"), "{}", ran.err);
    let ran = project.check(&["--baseline", "HEAD:base.json", "--write-baseline"]).expect(2);
    assert!(ran.err.contains("cannot write into the revision HEAD"), "{}", ran.err);
    let ran = project.check(&["--baseline", "nope:base.json"]).expect(2);
    assert!(ran.err.contains("nope"), "{}", ran.err);
}
