//! Attacks 30 to 32, 37, 38, 62 and 63, and the plan's own folders and files.

use crate::rig::Rig;
use bot_bottle::check::Cleared;
use bot_bottle::engine::{Change, How, LaunchError, Stage, launch};
use bot_bottle::plan::{Mount, WorkspaceMode};
use bot_bottle::provider::{Content, Derived, GuestCommand, GuestDir, GuestFile};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn mount(rig: &mut Rig, source: &Path, target: &str, read_only: bool) {
    rig.plan.workspace.mounts.push(Mount { source: source.into(), target: target.into(), read_only });
}

/// A folder beside the workspace that the guest's user may use.
fn folder(rig: &Rig, name: &str) -> PathBuf {
    let path = rig.workspace.parent().expect("parent").join(name);
    fs::create_dir(&path).expect("folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("mode");
    path
}

on_both! {
    a29_the_workspace_and_the_home_can_be_written(rig) {
        let ran = rig.sh("echo w > /workspace/w && echo h > ~/h && echo t > /tmp/t && cat /workspace/w ~/h /tmp/t && stat -c %U /workspace/w ~/h");
        assert_eq!(ran.out, "w\nh\nt\nnode\nnode\n", "{ran:?}");
        assert_eq!(fs::read_to_string(rig.workspace.join("w")).expect("written"), "w\n");
    }

    a30_nothing_else_of_the_host_is_written_or_read(rig) {
        let secret = rig.home.join(".ssh");
        fs::create_dir(&secret).expect("dir");
        fs::write(secret.join("id_ed25519"), "private").expect("write");
        let state = rig.options.state.path().to_path_buf();
        let places = [secret, state, PathBuf::from("/root"), PathBuf::from("/etc/shadow"), PathBuf::from("/var/run/secrets")];
        let reads = places.map(|p| format!("(ls -d '{0}'/* || cat '{0}') 2>/dev/null | grep -q . && echo READ {0}; ", p.display())).concat();
        let ran = rig.sh(&format!(
            "{reads} for d in / /usr /usr/bin /etc /etc/ssl/certs /run /run/bot-bottle /opt /lib /bin /proc /proc/sys/kernel /sys /dev /home; do \
             touch $d/x 2>/dev/null && echo WROTE $d; done; \
             for f in /etc/passwd /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/mtrr /run/bot-bottle/env; do \
             (: >> $f) 2>/dev/null && echo WROTE $f; done; echo done"
        ));
        // /etc/shadow of an image is the image's own; what the host has must not be read.
        assert_eq!(ran.out, "done\n", "{ran:?}");
    }

    a31_links_that_point_outside_lead_nowhere(rig) {
        let outside = folder(rig, "outside");
        fs::write(outside.join("file"), "host").expect("write");
        symlink(outside.join("file"), rig.workspace.join("link")).expect("link");
        symlink("../outside", rig.workspace.join("up")).expect("link");
        let ran = rig.sh("cat link; echo x > link; cat up/file; echo x > up/file; ls ..");
        assert!(!ran.out.contains("host\n"), "{ran:?}");
        assert_eq!(fs::read_to_string(outside.join("file")).expect("read"), "host");
    }

    a31_a_mount_reached_through_a_link_is_refused(rig) {
        let outside = folder(rig, "outside");
        symlink(&outside, rig.workspace.join("docs")).expect("link");
        let docs = rig.workspace.join("docs");
        mount(rig, &docs, "/docs", false);
        let error = rig.try_sh("true").expect_err("a link").to_string();
        assert!(error.starts_with("guest: ") && error.contains("symbolic link"), "{error}");
        assert!(rig.runs().is_empty());
    }

    mounts_are_what_the_manifest_says(rig) {
        let (docs, out) = (folder(rig, "do,cs"), folder(rig, "out"));
        fs::write(docs.join("page"), "text").expect("write");
        fs::set_permissions(docs.join("page"), fs::Permissions::from_mode(0o666)).expect("mode");
        mount(rig, &docs, "/docs", true);
        mount(rig, &out, "/data/out put", false);
        let ran = rig.sh("cat /docs/page; echo x > /docs/page || echo kept; echo new > '/data/out put/new'");
        assert_eq!((ran.code, ran.out.as_str()), (0, "textkept\n"), "{ran:?}");
        assert_eq!(fs::read_to_string(out.join("new")).expect("written"), "new\n");
    }

    a_read_only_workspace_is_not_written(rig) {
        rig.plan.workspace.mode = WorkspaceMode::ReadOnly;
        fs::write(rig.workspace.join("f"), "x").expect("write");
        let ran = rig.sh("cat f; touch g || echo refused");
        assert_eq!(ran.out, "xrefused\n", "{ran:?}");
        assert!(!rig.workspace.join("g").exists());
    }

    a_copied_workspace_leaves_the_hosts_alone_and_resumes(rig) {
        rig.plan.workspace.mode = WorkspaceMode::Copy;
        fs::write(rig.workspace.join("f"), "host").expect("write");
        symlink("/etc/shadow", rig.workspace.join("link")).expect("link");
        let ran = rig.sh("cat f; echo guest > f; readlink link; echo more > ~/note");
        assert_eq!(ran.out, "host/etc/shadow\n", "{ran:?}");
        assert_eq!(fs::read_to_string(rig.workspace.join("f")).expect("read"), "host");
        rig.options.resume = Some(Default::default());
        assert_eq!(rig.sh("cat f ~/note").out, "guest\nmore\n");
    }

    a_home_begins_empty_and_is_there_to_resume(rig) {
        rig.options.resume = Some(Default::default());
        let error = rig.try_sh("true").expect_err("nothing to resume").to_string();
        assert!(error.contains("nothing to resume"), "{error}");
        rig.options.resume = None;
        rig.sh("echo first > ~/note");
        rig.options.resume = Some(Default::default());
        assert_eq!(rig.sh("cat ~/note").out, "first\n");
        rig.options.resume = None;
        assert_eq!(rig.sh("ls -A ~").out, "");
    }

    a32_a62_what_the_host_obeys_is_reported_after_the_run(rig) {
        fs::create_dir_all(rig.workspace.join(".git/hooks")).expect("dir");
        fs::write(rig.workspace.join(".git/config"), "[core]\n").expect("write");
        fs::write(rig.workspace.join("dev.bottle.yaml"), "agent_provider: {template: claude}\n").expect("write");
        make_writable(&rig.workspace);
        rig.plan.argv = ["sh", "-c", "echo x >> .git/config; echo x > .git/hooks/pre-commit; mkdir .vscode; echo {} > .vscode/tasks.json; \
            echo x > .mcp.json; mkdir .claude; echo {} > .claude/settings.json; echo A=1 > .env; echo x >> dev.bottle.yaml; echo work > main.rs"].map(str::to_owned).into();
        let outcome = launch(&Cleared::unjudged(rig.plan.clone()), &rig.options, &rig.ui).expect("launched");
        let wanted = [
            (".claude/settings.json", How::Added),
            (".env", How::Added),
            (".git/config", How::Changed),
            (".git/hooks/pre-commit", How::Added),
            (".mcp.json", How::Added),
            (".vscode/tasks.json", How::Added),
            ("dev.bottle.yaml", How::Changed),
        ];
        let wanted: Vec<_> = wanted.into_iter().map(|(path, how)| Change { path: path.into(), how }).collect();
        assert_eq!(outcome.changes, wanted);
        assert_eq!(rig.ui.notes.lock().expect("lock").iter().filter(|n| n.contains("host obeys")).count(), wanted.len());
    }

    a63_a_manifest_edited_during_the_run_changes_nothing(rig) {
        // The launch holds a plan, not a file: a route that the guest writes down opens nothing.
        fs::write(rig.workspace.join("dev.bottle.yaml"), "egress: {routes: []}\n").expect("write");
        make_writable(&rig.workspace);
        let ran = rig.sh(
            "echo 'egress: {routes: [{host: evil.test}]}' > dev.bottle.yaml; \
             curl -sS -o /dev/null -w '%{http_code}' http://evil.test/");
        assert_eq!(ran.out, "403");
    }

    a38_no_path_reaches_a_shell(rig) {
        let parent = rig.workspace.parent().expect("parent").to_path_buf();
        for (number, name) in ["-rf $(touch pwned) 'q\" \n`id`;&|,=", "--network=host", ":ro"].into_iter().enumerate() {
            let path = parent.join(name);
            fs::create_dir(&path).expect("dir");
            fs::write(path.join("here"), number.to_string()).expect("write");
            // A container is not given root's own folder.
            std::os::unix::fs::chown(&path, Some(1000), Some(1000)).expect("root");
            rig.options.project = path;
            let ran = rig.sh("cat /workspace/here; ls /workspace");
            assert_eq!(ran.out, format!("{number}here\n"), "{ran:?}");
        }
        assert!(!parent.join("pwned").exists() && !Path::new("pwned").exists());
    }

    the_plans_folders_files_and_commands_are_carried_out_in_order(rig) {
        let skill = rig.home.join(".claude/skills/review");
        fs::create_dir_all(skill.join("sub")).expect("dir");
        fs::write(skill.join("SKILL.md"), "how to review").expect("write");
        fs::write(skill.join("sub/more.md"), "more").expect("write");
        fs::write(rig.home.join("prompt.md"), "be good").expect("write");
        rig.plan.dirs = vec![GuestDir::new("/home/node/.codex"), GuestDir::new("/srv/state")];
        rig.plan.files = vec![
            GuestFile::new("/home/node/.codex/config.toml", Content::Text("trust = 1".into())),
            GuestFile::new("/srv/state/deep/file", Content::Text("deep".into())),
            GuestFile::new("/home/node/.prompt.md", Content::Derived(Derived::HostFile(rig.home.join("prompt.md")))),
            GuestFile::new("/home/node/.claude/skills/review", Content::Derived(Derived::Skill("review".into()))),
        ];
        let command = |script: &str, error: &str| GuestCommand {
            argv: ["runuser", "-u", "node", "--", "sh", "-c", script].map(str::to_owned).into(),
            error: error.into(),
        };
        rig.plan.pre_copy = vec![command("test -d ~/.codex && ! test -e ~/.codex/config.toml && echo stale > ~/.codex/stale", "pre")];
        rig.plan.verify = vec![command("test -e ~/.codex/config.toml && test \"$(id -u)\" != 0", "verify")];
        let ran = rig.sh(
            "cat ~/.codex/config.toml ~/.codex/stale /srv/state/deep/file ~/.prompt.md ~/.claude/skills/review/SKILL.md ~/.claude/skills/review/sub/more.md; \
             echo; stat -c '%a %U:%G' ~/.codex ~/.codex/config.toml /srv/state");
        let text = "trust = 1stale\ndeepbe goodhow to reviewmore\n700 node:node\n600 node:node\n700 node:node\n";
        assert_eq!(ran.out, text, "{ran:?}");
    }

    a_verification_that_fails_stops_the_launch_in_the_plans_words(rig) {
        rig.plan.verify = vec![GuestCommand {
            argv: ["sh", "-c", "echo not today; exit 3"].map(str::to_owned).into(),
            error: "the login was not accepted".into(),
        }];
        let error = rig.try_sh("echo ran").expect_err("fails");
        assert_eq!(error.stage(), Stage::Verify);
        let LaunchError::Failed { problem, .. } = &error else { panic!("{error}") };
        assert_eq!(problem.what, "the login was not accepted");
        assert!(problem.why.contains("exited 3") && problem.why.contains("not today"), "{problem}");
        assert!(rig.runs().is_empty() && rig.ui.out.lock().expect("lock").is_empty());
    }
}

/// Gives the workspace's content to the guest's user, as a person's own files would be.
fn make_writable(workspace: &Path) {
    let owner = fs::metadata(workspace).expect("workspace");
    let (uid, gid) =
        (std::os::unix::fs::MetadataExt::uid(&owner), std::os::unix::fs::MetadataExt::gid(&owner));
    let mut todo = vec![workspace.to_path_buf()];
    while let Some(path) = todo.pop() {
        std::os::unix::fs::lchown(&path, Some(uid), Some(gid)).expect("chown");
        if path.is_dir() {
            todo.extend(fs::read_dir(&path).expect("dir").flatten().map(|e| e.path()));
        }
    }
}

#[test]
fn a31_a_prompt_file_swapped_for_a_link_is_refused() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    fs::write(rig.home.join("secret"), "host secret").expect("write");
    fs::create_dir(rig.workspace.join("prompts")).expect("dir");
    let file = |path: &Path| {
        vec![GuestFile::new("/home/node/p.md", Content::Derived(Derived::HostFile(path.into())))]
    };
    symlink(rig.home.join("secret"), rig.workspace.join("prompts/p.md")).expect("link");
    symlink(&rig.home, rig.workspace.join("linked")).expect("link");
    for path in ["prompts/p.md", "linked/secret"] {
        rig.plan.files = file(&rig.workspace.join(path));
        let error = rig.try_sh("cat ~/p.md").expect_err(path);
        assert_eq!(error.stage(), Stage::Files, "{error}");
    }
    fs::write(rig.workspace.join("prompts/good.md"), "good").expect("write");
    rig.plan.files = file(&rig.workspace.join("prompts/good.md"));
    assert_eq!(rig.sh("cat ~/p.md").out, "good");
}

#[test]
fn a31_a_home_full_of_links_writes_nothing_outside_when_resumed() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let target = rig.home.clone();
    rig.sh(&format!("ln -s '{}' ~/.codex", target.display()));
    rig.options.resume = Some(Default::default());
    rig.plan.files = vec![GuestFile::new("/home/node/.codex/config.toml", Content::Text("x".into()))];
    let error = rig.try_sh("true").expect_err("a link");
    assert_eq!(error.stage(), Stage::Files, "{error}");
    assert!(!target.join("config.toml").exists());
}

/// The login is verified with the agent's own program, wherever that lies and whatever runs in its
/// place; where it is not there, that is said, and nothing of the login.
#[test]
fn a_plan_is_verified_with_the_agents_program_whatever_runs() {
    use std::os::unix::fs::PermissionsExt;
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let prefix = rig.home.join("npm/lib/node_modules/agent/bin");
    let bin = rig.home.join("npm/bin");
    std::fs::create_dir_all(&prefix).expect("folders");
    std::fs::create_dir_all(&bin).expect("folders");
    let program = prefix.join("codex");
    std::fs::write(&program, "#!/bin/sh\n[ \"$*\" = 'login status' ] && touch /home/node/verified\n")
        .expect("written");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("a mode");
    std::os::unix::fs::symlink(&program, bin.join("codex")).expect("a link");
    rig.options.host.set("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    rig.plan.command = "codex";
    let words = ["runuser", "-u", "node", "--", "env", "A=b", "codex", "login", "status"];
    rig.plan.verify = vec![bot_bottle::provider::GuestCommand {
        argv: words.map(str::to_owned).into(),
        error: "the login is refused".into(),
    }];
    assert_eq!(rig.sh("ls /home/node/verified").out, "/home/node/verified\n");
    // The guest has no such program: nothing was found out about the login.
    std::fs::write(&program, "#!/no/such/interpreter\n").expect("written");
    let error = rig.try_sh("true").expect_err("no program").to_string();
    assert!(error.contains("codex cannot be run") && !error.contains("the login is refused"), "{error}");
    std::fs::remove_file(bin.join("codex")).expect("removed");
    let error = rig.try_sh("true").expect_err("no program").to_string();
    assert!(error.contains("codex cannot be run") && error.contains("not on PATH"), "{error}");
}

// Another command in the agent's place takes nothing of the agent's away, and a folder of the agent's
// outside the home is kept like the home.
on_each! {
    what_an_agent_kept_is_there_after_another_command(rig) {
        rig.plan.dirs.push(bot_bottle::provider::GuestDir::new("/var/agent"));
        rig.sh("echo one > /var/agent/state; echo two > ~/conversation");
        rig.options.command = Some(["sh", "-c", "ls ~ /var/agent"].map(str::to_owned).into());
        let other = rig.go().expect("launched");
        assert!(!other.out.contains("conversation") && !other.out.contains("state"), "{other:?}");
        rig.options.command = None;
        rig.options.resume = Some(Default::default());
        assert_eq!(rig.sh("cat /var/agent/state ~/conversation").out, "one\ntwo\n");
    }
}
