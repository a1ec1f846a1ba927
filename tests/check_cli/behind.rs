//! What lies behind a manifest, and changes while its text stays: links, the files of an image, their place.

use crate::rig::{Project, Ran, git, repository};
use std::os::unix::fs::{PermissionsExt, symlink};

fn deny(project: &Project, more: &[&str]) -> Ran {
    project.check(&[&["--since", "HEAD", "--deny-widening"], more].concat())
}

fn put_link(project: &Project, target: &str, path: &str) {
    let path = project.path(path);
    let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
    symlink(target, path).expect("a link");
}

fn commit(project: &Project) {
    git(&project.root(), &["add", "-A"]);
    git(&project.root(), &["commit", "-qm", "change"]);
}

/// A name leads elsewhere by a link on its way, of which the manifest says nothing.
#[test]
fn a_link_with_another_end_is_a_change() {
    let text = "agent_provider: {dockerfile: image/D}\n\
                workspace: {path: ./work, mounts: [{source: ./data, target: /data}]}\n";
    let files = [
        ("dev.bottle.yaml", text),
        ("child.bottle.yaml", "extends: dev\n"),
        ("one/D", "FROM debian\n"),
        ("two/D", "FROM other\n"),
        ("data/x", ""),
        ("work/x", ""),
        ("docs/x", ""),
    ];
    let Some(project) = repository(&files) else { return };
    put_link(&project, "one", "image");
    put_link(&project, "docs", "elsewhere");
    commit(&project);
    deny(&project, &[]).expect(0);
    for (target, path, told) in [
        ("two", "image", "the Dockerfile's text"),
        ("docs", "data", "mount      data → /data: leads to data → leads to docs"),
        ("/srv", "data", "mount      data → /data: leads to data → leads to /srv"),
        ("/nowhere/at/all", "data", "leads to /nowhere/at/all"),
        ("elsewhere", "data", "leads to docs"),
        (".", "work", "workspace  path: leads to work → leads to ."),
    ] {
        put_link(&project, target, path);
        let ran = deny(&project, &[]).expect(1);
        // The child's as well.
        assert!(ran.out.matches(told).count() >= 2, "{path}: {}", ran.out);
        git(&project.root(), &["reset", "-q", "--hard"]);
        deny(&project, &[]).expect(0);
    }
}

/// All that a build takes, and not only the bytes of what it takes now.
#[test]
fn what_an_image_is_built_from_is_compared_whole() {
    let files = [
        ("dev.bottle.yaml", "agent_provider: {dockerfile: image/D}\n"),
        ("image/D", "FROM debian\nCOPY f d* /\nCOPY d /d\n"),
        ("image/D.dockerignore", "d/secret\n"),
        ("image/f", "f"),
        ("image/d/one", "one"),
        ("image/d/secret", "secret"),
        ("image/other", "other"),
    ];
    let Some(project) = repository(&files) else { return };
    deny(&project, &[]).expect(0);
    let change = |what: &str, told: &str, change: &dyn Fn()| {
        change();
        let ran = deny(&project, &[]).expect(i32::from(!told.is_empty()));
        assert!(ran.out.contains(told), "{what}: {}", ran.out);
        git(&project.root(), &["reset", "-q", "--hard"]);
        git(&project.root(), &["clean", "-qfd"]);
        deny(&project, &[]).expect(0);
    };
    let path = |path: &str| project.path(path);
    let remove = |name: &str| std::fs::remove_file(path(name)).expect("removed");
    change("no list", "the image's .dockerignore", &|| remove("image/D.dockerignore"));
    change("another list", "the image's .dockerignore", &|| project.write("image/D.dockerignore", "*\n"));
    change("one less", "the image's d/one", &|| remove("image/d/one"));
    change("a mode", "the image's f", &|| {
        std::fs::set_permissions(path("image/f"), PermissionsExt::from_mode(0o755)).expect("a mode");
    });
    change("a link out of it", "the image's f", &|| put_link(&project, "/etc/hostname", "image/f"));
    change("a link to nothing", "the image's d/more", &|| put_link(&project, "nothing", "image/d/more"));
    // What cannot be looked at is no proof.
    change("too deep", "what the image is built from", &|| {
        std::fs::create_dir_all(path(&format!("image/d/{}", "x/".repeat(120)))).expect("folders");
        project.write("dev.bottle.yaml", "agent_provider: {dockerfile: image/D}\nenv: {A: b}\n");
    });
    // What nobody takes is nothing.
    change("ignored", "", &|| remove("image/d/secret"));
    change("not named", "", &|| remove("image/other"));
}

#[test]
fn the_same_image_from_another_folder_permits_the_same() {
    let text = |folder: &str| format!("agent_provider: {{dockerfile: {folder}/D}}\n");
    let files =
        [("dev.bottle.yaml", &*text("image")), ("image/D", "FROM debian\nCOPY f /\n"), ("image/f", "f")];
    let Some(project) = repository(&files) else { return };
    git(&project.root(), &["mv", "image", "build"]);
    project.write("dev.bottle.yaml", text("build"));
    deny(&project, &[]).expect(0);
    project.write("build/f", "g");
    let ran = deny(&project, &[]).expect(1);
    assert!(
        ran.out.contains("the image's f") && ran.out.contains("dockerfile: image/D → build/D"),
        "{}",
        ran.out
    );
}

/// A file that is longer than any manifest, one in Git LFS, and one with the line ends of a checkout.
#[test]
fn a_file_is_the_same_however_it_was_checked_out() {
    let pointer =
        |oid: &str| format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 3\n");
    let long = "x".repeat(5 << 20);
    let big = sha256(b"big");
    let files = [
        ("dev.bottle.yaml", "agent_provider: {dockerfile: image/D}\n"),
        ("image/D", "FROM debian\nCOPY long big text /\n"),
        ("image/long", &long),
        ("image/big", &pointer(&big)),
        ("image/text", "one\ntwo\n"),
    ];
    let Some(project) = repository(&files) else { return };
    project.write("image/big", "big");
    project.write("image/text", "one\r\ntwo\r\n");
    project.write("image/D", "FROM debian\r\nCOPY long big text /\r\n");
    deny(&project, &[]).expect(0);
    project.write("dev.bottle.yaml", "agent_provider: {dockerfile: image/D}\nenv: {A: b}\n");
    let ran = deny(&project, &[]).expect(0);
    assert!(ran.out.contains("1 changed"), "{}", ran.out);
    // Another end of the long file, another large file, a pointer where there was none.
    for (path, text) in [
        ("image/long", format!("{}y", &long[1..])),
        ("image/big", "bug".to_owned()),
        ("image/text", pointer(&sha256(b"one\ntwo\n"))),
    ] {
        let before = project.read(path);
        project.write(path, text);
        let ran = deny(&project, &[]).expect(1);
        assert!(ran.out.contains(&path.replace("image/", "the image's ")), "{}", ran.out);
        project.write(path, before);
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Two checkouts of the same change, in different folders, ask for the same lines.
#[test]
fn a_line_of_approval_is_the_same_in_every_checkout() {
    let text = "workspace: {mounts: [{source: ./data, target: /data}]}\n";
    let wide = "agent_provider: {dockerfile: image/D}\nworkspace: {path: ., mounts: [{source: ./data, target: /data}, \
                {source: ./more, target: /more}]}\n";
    let lines: Vec<_> = (0..2)
        .filter_map(|_| {
            let files = [
                ("sub/dev.bottle.yaml", text),
                ("sub/data/x", ""),
                ("sub/more/x", ""),
                ("sub/image/D", "FROM debian\n"),
            ];
            let project = repository(&files)?;
            project.write("sub/dev.bottle.yaml", wide);
            let ran = deny(&project, &["--approved", "approved.txt"]).expect(1);
            let root = project.root().display().to_string();
            assert!(!ran.out.contains(&root) && ran.out.contains("sub/more → /more"), "{}", ran.out);
            Some(ran.err)
        })
        .collect();
    assert_eq!(lines.first(), lines.last());
}
