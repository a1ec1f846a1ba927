//! Mount points under attack: whatever links an agent left in its home, whatever a mounted folder
//! holds, nothing of the host is made or covered.

use crate::rig::Rig;
use bot_bottle::plan::Mount;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A generator of one's own: a failure names its seed, and the seed gives the same case again.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).expect("small")
    }

    fn path(&mut self) -> String {
        let parts: Vec<_> = (0..=self.below(3)).map(|_| ["a", "b", "c"][self.below(3)]).collect();
        parts.join("/")
    }
}

/// Everything below a folder, with what a mount would change of it.
fn tree(root: &Path) -> BTreeSet<(PathBuf, u32, u64)> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let metadata = fs::symlink_metadata(entry.path()).expect("metadata");
            let size = if metadata.is_dir() { 0 } else { metadata.size() };
            found.insert((entry.path(), metadata.mode(), size));
            if metadata.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    found
}

fn open_folder(path: &Path) {
    fs::create_dir_all(path).expect("folder");
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("mode");
}

/// One home that an agent left, one set of mounts, one launch; whether it came to an agent.
fn one(rig: &mut Rig, seed: u64) -> bool {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let outside = rig.workspace.parent().expect("parent").join("outside");
    open_folder(&outside);
    fs::write(outside.join("kept"), "host").expect("write");
    let host = outside.display().to_string();
    let ends = [
        format!("/oldroot{host}"),
        host.clone(),
        format!("/oldroot{host}/new/er"),
        "/newroot/run/bot-bottle".to_owned(),
        "/run/bot-bottle".to_owned(),
        "/newroot/workspace".to_owned(),
        "../../..".to_owned(),
        "loop".to_owned(),
        "/proc/self/root".to_owned(),
    ];
    let mut script = String::new();
    for _ in 0..=random.below(3) {
        let (link, end) = (random.path(), &ends[random.below(ends.len())]);
        script += &format!("mkdir -p ~/$(dirname {link}) && ln -sn '{end}' ~/{link};");
    }
    rig.plan.workspace.mounts.clear();
    rig.options.resume = None;
    rig.sh(&(script + "true"));

    // What is mounted holds links of its own.
    let mut targets = Vec::new();
    for number in 0..=random.below(2) {
        let source = rig.workspace.parent().expect("parent").join(format!("source{seed}-{number}"));
        open_folder(&source);
        fs::write(source.join("marker"), "mounted").expect("write");
        symlink(&ends[random.below(ends.len())], source.join(random.path().replace('/', "-"))).expect("link");
        let target = match random.below(4) {
            0 => format!("/docs/{}", random.path()),
            1 => "/docs".to_owned(),
            _ => format!("/home/node/{}", random.path()),
        };
        targets.push(target.clone());
        let read_only = random.below(2) == 0;
        rig.plan.workspace.mounts.push(Mount { source, target, read_only });
    }
    let places: Vec<_> = [&outside, &rig.workspace].into_iter().cloned().collect();
    let sources: Vec<_> = rig.plan.workspace.mounts.iter().map(|m| m.source.clone()).collect();
    let before: Vec<_> = places.iter().chain(&sources).map(|p| tree(p)).collect();
    rig.options.resume = Some(Default::default());
    let marks: String = targets.iter().map(|t| format!("cat '{t}/marker' && ")).collect();
    let result = rig.try_sh(&format!("{marks} test -s /run/bot-bottle/env && echo fine"));
    let after: Vec<_> = places.iter().chain(&sources).map(|p| tree(p)).collect();
    assert_eq!(before, after, "seed {seed}: the host changed ({script_of})", script_of = rig.ui.text());
    match result {
        Ok(ran) => {
            assert!(ran.out.ends_with("mountedfine\n"), "seed {seed}, {targets:?}: {ran:?}");
            true
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("nothing can be mounted at"), "seed {seed}, {targets:?}: {text}");
            false
        }
    }
}

fn many(rig: &mut Rig, count: u64) {
    let launched = (0..count).filter(|seed| one(rig, *seed)).count() as u64;
    assert!(
        launched > 0 && launched < count,
        "{launched} of {count} came to an agent: one side is not tried"
    );
}

#[test]
fn links_and_mounts_never_meet_on_the_host_bubblewrap() {
    if let Some(mut rig) = Rig::bubblewrap() {
        many(&mut rig, 60);
    }
}

#[test]
fn links_and_mounts_never_meet_on_the_host_docker() {
    if let Some(mut rig) = Rig::docker() {
        many(&mut rig, 6);
    }
}

#[test]
fn links_and_mounts_never_meet_on_the_host_podman() {
    if let Some(mut rig) = Rig::podman() {
        many(&mut rig, 4);
    }
}

on_each! {
    a_mount_below_the_home_is_the_guests_own_and_not_roots(rig) {
        let docs = rig.workspace.parent().expect("parent").join("commands");
        open_folder(&docs);
        fs::write(docs.join("page"), "text").expect("write");
        let file = docs.join("page");
        for (source, target) in [(&docs, "/home/node/.claude/commands"), (&file, "/home/node/.claude/CLAUDE.md")] {
            rig.plan.workspace.mounts.push(Mount { source: source.clone(), target: target.into(), read_only: true });
        }
        let script = "cat ~/.claude/commands/page ~/.claude/CLAUDE.md; stat -c %U ~/.claude; echo x > ~/.claude/new && echo made";
        assert_eq!(rig.sh(script).out, "texttextnode\nmade\n");
        rig.options.resume = Some(Default::default());
        assert_eq!(rig.sh("cat ~/.claude/commands/page ~/.claude/new").out, "textx\n");
        // Nothing of it stays behind for the launcher to fail on.
        assert!(rig.runs().is_empty());
    }

    a_file_where_a_folder_is_mounted_is_said(rig) {
        rig.sh("mkdir ~/.config && echo x > ~/.config/tool");
        let docs = rig.workspace.parent().expect("parent").join("docs");
        open_folder(&docs);
        rig.plan.workspace.mounts.push(Mount { source: docs, target: "/home/node/.config/tool".into(), read_only: true });
        rig.options.resume = Some(Default::default());
        let error = rig.try_sh("true").expect_err("a file is there").to_string();
        assert!(error.contains("nothing can be mounted at") && error.contains("without --resume"), "{error}");
    }

    a_mount_in_a_mount_or_over_the_engines_own_is_refused(rig) {
        let docs = rig.workspace.parent().expect("parent").join("docs");
        open_folder(&docs);
        for targets in [["/docs", "/docs/x"], ["/docs/x/y", "/docs"], ["/docs", "/docs"], ["/docs", "/opt/bot-bottle"],
            ["/docs", "/run/bot-bottle/net"], ["/docs", "/workspace/x"], ["/docs", "/home/node/.bot-bottle/x"]] {
            let mounts = targets.map(|target| Mount { source: docs.clone(), target: target.into(), read_only: false });
            rig.plan.workspace.mounts = mounts.into();
            let error = rig.try_sh("true").expect_err("refused").to_string();
            assert!(error.starts_with("check: nothing can be mounted at"), "{targets:?}: {error}");
            assert_eq!(fs::read_dir(&docs).expect("folder").count(), 0);
        }
    }
}
