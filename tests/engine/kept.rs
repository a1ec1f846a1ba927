//! What runs leave for `--resume` belongs to one manifest, is asked about where another thing would have
//! it, and is lost to nobody.

use crate::rig::Rig;
use bot_bottle::engine::{Resume, StateDir, Subject};
use std::path::{Path, PathBuf};

fn subject(file: &str) -> Option<Subject> {
    Some(Subject { file: PathBuf::from(file), name: "dev".to_owned() })
}

/// The ids of the homes that are kept, whoever's.
fn kept(rig: &Rig) -> Vec<String> {
    let list = |dir: &Path| {
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>()
    };
    let keys = list(&rig.options.state.path().join("kept"));
    let mut ids: Vec<_> = keys
        .iter()
        .flat_map(|key| list(key))
        .map(|p| p.file_name().expect("id").to_string_lossy().into_owned())
        .collect();
    ids.sort();
    ids
}

/// What is told of a home before it is gone on with: everything but an agent's records.
const HELD: &str = "~/.bashrc, ~/.cache/pip, ~/.claude/settings.local.json, ~/.claude/skills, ~/.config/git, \
    ~/.config/link, ~/.curlrc, ~/.gradle, ~/.local/lib, ~/CLAUDE.md, ~/node_modules, ~/work";

on_both! {
    another_manifest_of_the_name_has_another_home(rig) {
        rig.options.subject = subject("/own/dev.md");
        rig.sh("echo own > ~/transcript");
        // A clone's bottle of the same name, launched from the same folder; and an agent in another bottle.
        for (of, bottle) in [("/clone/dev.bottle.yaml", None), ("/own/dev.md", subject("/clone/base.yaml"))] {
            (rig.options.subject, rig.options.bottle) = (subject(of), bottle);
            rig.options.resume = Some(Resume::default());
            let error = rig.try_sh("cat ~/transcript").expect_err("not its home").to_string();
            assert!(error.contains("nothing to resume"), "{error}");
            rig.options.resume = None;
            assert_eq!(rig.sh("cat ~/transcript; echo planted > ~/.bashrc").out, "");
        }
        (rig.options.subject, rig.options.bottle) = (subject("/own/dev.md"), None);
        rig.options.resume = Some(Resume::default());
        assert_eq!(rig.sh("cat ~/transcript; cat ~/.bashrc").out, "own\n");
    }

    a_home_that_another_thing_left_is_asked_about_and_lists_what_is_obeyed(rig) {
        rig.options.digest = Some("one".to_owned());
        rig.sh("cd; mkdir -p .claude/projects/p .claude/skills .config/git .cache/pip .local/lib/python3/site-packages
            mkdir -p node_modules .gradle; echo '{}' | tee .claude/history.jsonl > .claude/settings.local.json
            echo x | tee .bashrc > CLAUDE.md; echo work > work; ln -s / .config/link; echo > .curlrc");
        rig.options.digest = Some("two".to_owned());
        rig.options.resume = Some(Resume::default());
        let left = rig.options.resumes_another(&rig.plan, None).expect("a home").expect("another thing left it");
        assert_eq!(left.holds, HELD, "before the yes");
        let error = rig.try_sh("cat ~/work").expect_err("not asked").to_string();
        assert!(error.contains("is not resumed") && error.contains("nobody said"), "{error}");
        rig.options.resume = Some(Resume { run: None, other_digest: true });
        assert_eq!(rig.sh("cat ~/work").out, "work\n");
        // From now on it is the second one's.
        rig.options.resume = Some(Resume::default());
        assert_eq!(rig.options.resumes_another(&rig.plan, None).expect("a home"), None);
        assert_eq!(rig.sh("cat ~/work").out, "work\n");
        let said = rig.ui.text();
        assert!(said.contains(&format!("what a program may obey: {HELD}")), "{said}");
    }

    a_launch_without_resume_keeps_what_is_kept(rig) {
        rig.sh("echo first > ~/talk");
        let first = kept(rig).remove(0);
        rig.sh("echo second > ~/talk");
        assert_eq!(kept(rig).len(), 2);
        rig.options.resume = Some(Resume { run: Some(first.clone()), other_digest: false });
        assert_eq!(rig.sh("cat ~/talk").out, "first\n");
        // It goes on under the id of the run that went on with it.
        let error = rig.try_sh("true").expect_err("gone on with").to_string();
        assert!(error.contains(&format!("the home of the run {first} is not kept")), "{error}");
        rig.options.resume = Some(Resume::default());
        assert_eq!(rig.sh("cat ~/talk").out, "first\n", "the last one");
        assert_eq!(kept(rig).len(), 2);
    }

    a_resumed_launch_that_fails_loses_nothing(rig) {
        rig.sh("echo talk > ~/talk");
        rig.options.resume = Some(Resume::default());
        let good = rig.plan.clone();
        rig.plan.verify = vec![bot_bottle::provider::GuestCommand { argv: vec!["false".into()], error: "no".into() }];
        rig.try_sh("true").expect_err("verification fails");
        rig.plan = good;
        assert_eq!(rig.sh("cat ~/talk").out, "talk\n");
    }
}

#[test]
fn only_so_many_homes_are_kept() {
    if let Some(mut rig) = Rig::bubblewrap() {
        for _ in 0..7 {
            rig.sh("true");
        }
        assert_eq!(kept(&rig).len(), 5);
    }
}

#[test]
fn a_state_folder_may_have_a_long_name() {
    if let Some(mut rig) = Rig::bubblewrap() {
        let long = rig.home.join("x".repeat(120)).join("y".repeat(120));
        rig.options.state = StateDir::new(long);
        assert_eq!(rig.sh("test -S /run/bot-bottle/net/egress.sock && echo there").out, "there\n");
    }
}
