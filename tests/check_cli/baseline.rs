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
    assert!(project.check(&["--baseline", "base.json"]).expect(2).err.contains("it is not a baseline"));
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

/// What is broken and was a baseline is written anew, and nothing else is written over.
#[test]
fn a_broken_baseline_is_written_anew_and_another_file_is_not() {
    let project = Project::new(&[("a.bottle.yaml", JUDGED)]);
    let write = ["--baseline", "base.json", "--write-baseline"];
    project.check(&write).expect(0);
    let whole = project.read("base.json");
    for broken in [&whole[..whole.len() / 2], "", &whole.replace("\"credential-in-env\": 1", "\"x\": 1,")] {
        project.write("base.json", broken);
        let ran = project.check(&write[..2]).expect(2);
        assert!(ran.err.contains("it is broken: ") && ran.err.contains("--write-baseline"), "{}", ran.err);
        let ran = project.check(&write).expect(0);
        assert!(ran.err.contains("base.json was broken and is written anew"), "{}", ran.err);
        assert_eq!(project.read("base.json"), whole);
    }
    for other in ["Notes\n=======\n", "<<<<<<< HEAD\nenv: {}\n=======\nenv: {A: b}\n>>>>>>> other\n"] {
        project.write("base.json", other);
        assert!(project.check(&write).expect(2).err.contains("it is not a baseline"), "{other}");
        assert_eq!(project.read("base.json"), other);
    }
}

#[test]
fn a_renamed_manifest_keeps_its_counts_and_no_more() {
    let project = Project::new(&[("a.bottle.yaml", JUDGED), ("sub/c.bottle.yaml", JUDGED)]);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    std::fs::rename(project.path("a.bottle.yaml"), project.path("b.bottle.yaml")).expect("renamed");
    let strict = ["--baseline", "base.json", "--baseline-strict"];
    let ran = project.check(&strict).expect(0);
    let told = "what it allows in a.bottle.yaml, which is gone, holds for b.bottle.yaml";
    assert!(ran.err.contains(told), "{}", ran.err);
    // An editor or a hook that hands over the text alone is told the same.
    let ran = project
        .check_stdin(&[&strict[..], &["--stdin-filename", "b.bottle.yaml"]].concat(), JUDGED.as_bytes());
    ran.expect(0);
    project.write("b.bottle.yaml", format!("{JUDGED}  MY_SECRET: '?new'\n"));
    project.check(&strict).expect(1);
    project.write("b.bottle.yaml", JUDGED);
    project.write("d.bottle.yaml", JUDGED);
    let ran = project.check(&["--baseline", "base.json"]).expect(1);
    assert!(
        ran.out.contains("2 findings (2 warnings) in 2 of 3 manifests; 1 in the baseline"),
        "{}",
        ran.out
    );
}

/// Two checks of a part each do not give one entry to two files.
#[test]
fn what_is_checked_has_no_say_in_what_was_moved() {
    let project = Project::new(&[("old/a.bottle.yaml", JUDGED), ("b.bottle.yaml", JUDGED)]);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    std::fs::remove_dir_all(project.path("old")).expect("removed");
    project.write("m/a.bottle.yaml", JUDGED);
    project.check(&["--baseline", "base.json", "m"]).expect(0);
    project.write("n/a.bottle.yaml", JUDGED);
    for part in ["m", "n"] {
        project.check(&["--baseline", "base.json", part]).expect(1);
    }
    // Written anew after a check of another part, a moved file has its counts under its new name.
    std::fs::remove_dir_all(project.path("n")).expect("removed");
    project.check(&["--baseline", "base.json", "--write-baseline", "b.bottle.yaml"]).expect(0);
    let text = project.read("base.json");
    assert!(text.contains("\"m/a.bottle.yaml\"") && !text.contains("old/"), "{text}");
}

/// What a sparse checkout leaves out is not gone.
#[test]
fn a_sparse_checkouts_absent_files_are_not_gone() {
    let Some(project) = repository(&[("here/a.bottle.yaml", JUDGED), ("there/b.bottle.yaml", JUDGED)]) else {
        return;
    };
    project.check(&["--baseline", "here/base.json", "--write-baseline"]).expect(0);
    git(&project.root(), &["sparse-checkout", "set", "here"]);
    assert!(!project.path("there").exists());
    project.check(&["--baseline", "here/base.json", "--baseline-strict"]).expect(0);
    project.check(&["--baseline", "here/base.json", "--write-baseline"]).expect(0);
    assert!(project.read("here/base.json").contains("there/b.bottle.yaml"));
}

/// A file of the change that is called like the base's is not the judge, in `diff` neither.
#[test]
fn a_file_that_is_named_like_a_revision_is_not_the_judge() {
    let Some(project) = repository(&[("bottles/a.bottle.yaml", CLEAN)]) else { return };
    project.write("bottles/a.bottle.yaml", JUDGED);
    project.check(&["--baseline", "./HEAD:base.json", "--write-baseline"]).expect(0);
    project.check(&["--baseline", "./HEAD:base.json"]).expect(0);
    let ran = project.check(&["--baseline", "HEAD:base.json"]).expect(1);
    assert!(ran.err.contains("there is no baseline base.json in HEAD"), "{}", ran.err);
    let ran = project.check(&["--baseline", "a:b.json"]).expect(2);
    assert!(ran.err.contains("a file whose name holds `:` is written with `./` in front"), "{}", ran.err);

    project.write("HEAD:bottles/a.bottle.yaml", JUDGED);
    project.run(&["diff", "--deny-widening", "./HEAD:bottles", "bottles"]).expect(0);
    project.run(&["diff", "--deny-widening", "HEAD:bottles", "bottles"]).expect(1);
}

/// Where it fails, every report says why.
#[test]
fn what_is_gone_is_an_error_of_every_report_where_it_fails() {
    let project = Project::new(&[("a.bottle.yaml", JUDGED), ("b.bottle.yaml", JUDGED)]);
    project.check(&["--baseline", "base.json", "--write-baseline"]).expect(0);
    std::fs::remove_file(project.path("b.bottle.yaml")).expect("removed");
    project.write("a.bottle.yaml", CLEAN);
    let args = ["--baseline", "base.json", "--format"];
    for (format, told) in [
        ("text", "2 entries of the baseline are stale"),
        ("json", "\"stale\":2"),
        ("github", "::error title=bot-bottle (stale-baseline),file=b.bottle.yaml::"),
        ("gitlab", "\"check_name\":\"stale-baseline\""),
        ("junit", "<testcase name=\"stale-baseline: credential-in-env\" classname=\"a.bottle.yaml\">"),
        ("sarif", "\"level\":\"error\""),
    ] {
        let ran = project.check(&[&args[..], &[format, "--baseline-strict"]].concat()).expect(1);
        assert!(ran.out.contains(told), "{format}: {}", ran.out);
        assert_eq!(ran.err.matches("error: ").count(), 2, "{}", ran.err);
        let ran = project.check(&[&args[..], &[format]].concat()).expect(0);
        assert_eq!(ran.err.matches("note: ").count(), 2, "{}", ran.err);
        assert!(!ran.out.contains("<failure") && !ran.out.contains("::error"), "{}", ran.out);
    }
    let sarif = project.check(&["--baseline", "base.json", "--baseline-strict", "--format", "sarif"]).json();
    assert!(crate::formats::sarif_schema().is_valid(&sarif), "{sarif}");
}
