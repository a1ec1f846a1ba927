//! Twenty days of a team on a local remote: what CI says of each change, in every report together.

use crate::rig::{CLEAN, JUDGED, Project, git, has_tool, ran};
use std::path::PathBuf;

const WIDER: &str = "egress:\n  routes:\n    - host: api.github.com\n    - host: api.example.com\n";
const NARROWER: &str =
    "egress:\n  routes:\n    - host: api.github.com\n      path_allowlist: [/repos/acme/]\n";

/// What CI has to say of a day's change.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: i32,
    /// Findings of the rules, and widened permissions.
    findings: usize,
    widened: usize,
    unreadable: usize,
}

const GREEN: Said = Said { code: 0, findings: 0, widened: 0, unreadable: 0 };

fn wider(widened: usize) -> Said {
    Said { code: 1, widened, ..GREEN }
}

struct Team {
    _folder: tempfile::TempDir,
    remote: PathBuf,
    ada: Project,
}

impl Team {
    fn new() -> Option<Self> {
        if !has_tool("git", "apt-get install git") {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let remote = folder.path().join("remote.git");
        std::fs::create_dir(&remote).expect("a folder");
        git(&remote, &["init", "-q", "--bare"]);
        let ada = Project::new(&[("README.md", "hello")]);
        git(&ada.root(), &["init", "-q"]);
        git(&ada.root(), &["remote", "add", "origin", &remote.display().to_string()]);
        let team = Self { _folder: folder, remote, ada };
        team.commit("first");
        team.git(&["push", "-q", "-u", "origin", "main"]);
        Some(team)
    }

    fn git(&self, args: &[&str]) {
        git(&self.ada.root(), args);
    }

    fn commit(&self, what: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", what]);
    }

    /// A branch from the main one, with these files; no text removes one.
    fn branch(&self, name: &str, files: &[(&str, &str)]) {
        self.git(&["checkout", "-q", "main"]);
        self.git(&["checkout", "-qb", name]);
        for (path, text) in files {
            match *text {
                "" => std::fs::remove_file(self.ada.path(path)).expect("removed"),
                text => self.ada.write(path, text),
            }
        }
        self.commit(name);
    }

    /// Merges a branch as the host's button does.
    fn merge(&self, name: &str, how: &str) {
        self.git(&["checkout", "-q", "main"]);
        self.git(&["merge", "-q", how, name]);
        if how == "--squash" {
            self.commit(name);
        }
        self.git(&["push", "-q", "origin", "main"]);
    }

    /// What CI says in Ada's checkout; every report must say the same.
    fn said(&self, base: &str, more: &[&str]) -> (Said, String) {
        said(&self.ada, base, more)
    }
}

fn said(project: &Project, base: &str, more: &[&str]) -> (Said, String) {
    let summary = project.path("~/table.md");
    let shown = summary.display().to_string();
    let run = |format: &str| {
        let _ = std::fs::remove_file(&summary);
        let fixed = ["--since", base, "--whole", "--deny-widening", "--summary", &shown, "--format", format];
        project.check(&[&fixed, more].concat())
    };
    let ran = run("json");
    let table = std::fs::read_to_string(&summary).unwrap_or_default();
    if ran.out.is_empty() {
        // Nothing could be compared at all: no format may be green.
        for format in ["text", "concise", "sarif", "github", "gitlab", "junit"] {
            assert_eq!(run(format).code, ran.code, "{format}");
        }
        return (Said { code: ran.code, ..GREEN }, ran.err);
    }
    let json = ran.json();
    let findings = json["findings"].as_array().expect("findings");
    let widened = findings.iter().filter(|f| f["rule"] == "widened-permission").count();
    let unreadable = json["unreadable"].as_array().expect("a list").len();
    let said = Said { code: ran.code, findings: findings.len() - widened, widened, unreadable };
    let all = findings.len();
    for format in ["text", "concise", "sarif", "github", "gitlab", "junit"] {
        let ran = run(format);
        assert_eq!(ran.code, said.code, "{format}: {}{}", ran.out, ran.err);
        assert_eq!(std::fs::read_to_string(&summary).unwrap_or_default(), table, "{format}");
        let count = |word: &str| ran.out.matches(word).count();
        let (seen, wider) = match format {
            "text" => (count("[widened-permission]"), said.widened),
            "concise" => (ran.out.lines().count(), all),
            "sarif" => {
                let sarif = ran.json();
                let run = &sarif["runs"][0];
                let told = run["invocations"][0]["toolExecutionNotifications"].as_array().map_or(0, Vec::len);
                assert_eq!(told, unreadable, "{sarif}");
                (run["results"].as_array().expect("results").len(), all)
            }
            "github" => (count("::error title=") + count("::warning title="), all + unreadable),
            "gitlab" => (ran.json().as_array().expect("a list").len(), all + unreadable),
            _ => (count("<failure ") + count("<error "), all + unreadable),
        };
        assert_eq!(seen, wider, "{format}: {}", ran.out);
    }
    (said, table)
}

#[test]
fn twenty_days_of_a_team() {
    let Some(team) = Team::new() else { return };
    let main = "origin/main";
    let today = |base: &str, more: &[&str]| team.said(base, more);

    // 1: the first manifest is all widening.
    team.branch("first", &[("bottles/dev.bottle.yaml", CLEAN)]);
    let (first, table) = today(main, &[]);
    // Its workspace, and its route.
    assert_eq!(first, wider(2), "{table}");
    assert!(
        table.contains("| `bottles/dev.bottle.yaml` | **widened** | egress `api.github.com` |"),
        "{table}"
    );
    team.merge("first", "--no-ff");

    // 2: a change that is none of bottles.
    team.branch("text", &[("README.md", "hello, world")]);
    let (second, table) = today(main, &[]);
    assert_eq!(second, GREEN);
    assert!(table.contains("No permission changes."), "{table}");
    team.merge("text", "--squash");

    // 3: less is let through without a word.
    team.branch("less", &[("bottles/dev.bottle.yaml", NARROWER)]);
    let (third, table) = today(main, &[]);
    assert_eq!(third, GREEN);
    assert!(table.contains("**narrowed**"), "{table}");
    team.merge("less", "--no-ff");

    // 4: another name and folder for the same.
    team.branch("moved", &[]);
    team.git(&["mv", "bottles", "agents"]);
    team.commit("moved");
    assert_eq!(today(main, &[]).0, GREEN);
    team.merge("moved", "--no-ff");

    // 5: another name and another text: what it was cannot be told, so all of it is new.
    team.branch("renamed", &[("agents/dev.bottle.yaml", WIDER)]);
    team.git(&["mv", "agents/dev.bottle.yaml", "agents/web.bottle.yaml"]);
    team.commit("renamed");
    let (fifth, table) = today(main, &[]);
    assert_eq!(fifth, wider(3), "{table}");
    assert!(table.contains("agents/web.bottle.yaml"), "{table}");
    team.merge("renamed", "--squash");

    // 6: the squashed branch's next one begins at what was merged.
    team.branch("after", &[("README.md", "again")]);
    assert_eq!(today(main, &[]).0, GREEN);

    // 7: the main branch widens meanwhile; this change does not.
    team.branch("meanwhile", &[("agents/late.bottle.yaml", CLEAN)]);
    team.merge("meanwhile", "--no-ff");
    team.git(&["checkout", "-q", "after"]);
    assert_eq!(today(main, &[]).0, GREEN);

    // 8: a fork, whose own main branch is behind.
    let fork = Project::new(&[]);
    std::fs::remove_dir_all(fork.root()).expect("empty");
    git(
        &team.remote,
        &["clone", "-q", &team.remote.display().to_string(), &fork.root().display().to_string()],
    );
    git(&fork.root(), &["checkout", "-qb", "fork"]);
    fork.write("agents/web.bottle.yaml", format!("{WIDER}    - host: git.example.com\n"));
    git(&fork.root(), &["commit", "-qam", "fork"]);
    let (eighth, table) = said(&fork, main, &[]);
    assert_eq!(eighth, wider(1));
    assert!(table.contains("git.example.com"), "{table}");

    // 9 and 10: a widening is taken back, and the taking back is.
    team.git(&["checkout", "-q", "main"]);
    team.git(&["checkout", "-qb", "back"]);
    team.git(&["revert", "--no-edit", "-m", "1", "HEAD"]);
    let (ninth, table) = today(main, &[]);
    assert_eq!(ninth, GREEN);
    assert!(table.contains("agents/late.bottle.yaml") && table.contains("**narrowed**"), "{table}");
    team.merge("back", "--no-ff");
    team.git(&["checkout", "-qb", "forth"]);
    team.git(&["revert", "--no-edit", "-m", "1", "HEAD"]);
    assert_eq!(today(main, &[]).0, wider(2));
    team.merge("forth", "--no-ff");

    // 11: a shallow clone says what it lacks, and is not green.
    let shallow = Project::new(&[]);
    std::fs::remove_dir_all(shallow.root()).expect("empty");
    let url = format!("file://{}", team.remote.display());
    git(&team.remote, &["clone", "-q", "--depth", "1", &url, &shallow.root().display().to_string()]);
    let (eleventh, why) = said(&shallow, "HEAD~1", &[]);
    assert_eq!(eleventh.code, 2);
    assert!(why.contains("fetch-depth: 0"), "{why}");

    // 12: a merge queue tries two changes together, against what it will be merged into.
    team.branch("queue-a", &[("README.md", "queue")]);
    team.branch("queue-b", &[("agents/late.bottle.yaml", WIDER)]);
    team.git(&["checkout", "-q", "main"]);
    team.git(&["checkout", "-qb", "queue"]);
    team.git(&["merge", "-q", "--no-ff", "queue-a"]);
    team.git(&["merge", "-q", "--no-ff", "queue-b"]);
    assert_eq!(today("origin/main", &[]).0, wider(1));
    team.git(&["checkout", "-q", "queue-a"]);
    assert_eq!(today("origin/main", &[]).0, GREEN);

    // 13: the team takes what it has as it is.
    team.branch("old", &[("agents/old.bottle.yaml", JUDGED)]);
    let (thirteenth, _) = today(main, &[]);
    assert_eq!(thirteenth.findings, 1);
    team.ada.check(&["--baseline", "ci.json", "--write-baseline"]).expect(0);
    team.commit("baseline");
    team.merge("old", "--no-ff");
    let base = ["--baseline", "origin/main:ci.json"];
    team.branch("quiet", &[("README.md", "quiet")]);
    assert_eq!(today(main, &base).0, GREEN);

    // 14: a change does not accept its own finding.
    team.branch("own", &[("agents/new.bottle.yaml", JUDGED)]);
    team.ada.check(&["--baseline", "ci.json", "--write-baseline"]).expect(0);
    team.commit("own baseline");
    let (fourteenth, _) = today(main, &base);
    assert_eq!((fourteenth.code, fourteenth.findings), (1, 1));

    // 15: two branches write the baseline.
    team.branch("other", &[("agents/else.bottle.yaml", JUDGED)]);
    team.ada.check(&["--baseline", "ci.json", "--write-baseline"]).expect(0);
    team.commit("other baseline");
    let conflict = std::process::Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "merge", "-q", "own"])
        .current_dir(team.ada.root())
        .output();
    assert!(!conflict.expect("git").status.success(), "a conflict");
    let told = team.ada.check(&["--baseline", "ci.json"]).expect(2).err;
    assert!(told.contains("merge conflict in line"), "{told}");
    team.ada.check(&["--baseline", "ci.json", "--write-baseline"]).expect(0);
    team.commit("both");
    team.ada.check(&["--baseline", "ci.json", "--baseline-strict"]).expect(0);
    team.merge("other", "--no-ff");

    // 16: the folder moves, the counts go with it.
    team.branch("folder", &[]);
    team.git(&["mv", "agents", "bottles"]);
    team.commit("folder");
    assert_eq!(today(main, &base).0, GREEN);
    team.merge("folder", "--no-ff");
    team.ada.check(&["--baseline", "ci.json", "--write-baseline"]).expect(0);
    team.commit("baseline after the move");
    team.git(&["push", "-q", "origin", "main"]);

    // 17: a parent widens, and so does its child, which nobody touched.
    team.branch("child", &[("bottles/kid.bottle.yaml", "extends: late\n")]);
    team.merge("child", "--no-ff");
    team.branch("parent", &[("bottles/late.bottle.yaml", WIDER)]);
    let (seventeenth, table) = today(main, &base);
    assert_eq!(seventeenth, wider(2));
    assert!(table.contains("bottles/kid.bottle.yaml"), "{table}");

    // 18: its owners let it through, on the record, and the same line lets nothing else through.
    let open = ["--approved", "approved.txt"];
    let args = ["--deny-widening", "--since", main, "--baseline", "origin/main:ci.json"];
    let told = team.ada.check(&[&args[..], &open].concat()).expect(1).err;
    let lines: Vec<_> = told.lines().filter(|l| l.ends_with(".bottle.yaml") && l.len() > 66).collect();
    assert_eq!(lines.len(), 2, "{told}");
    team.ada.write("approved.txt", lines.join("\n"));
    team.commit("approved");
    let all = [&base[..], &open].concat();
    assert_eq!(today(main, &all).0, GREEN);
    team.merge("parent", "--squash");
    team.branch("more", &[("bottles/late.bottle.yaml", &format!("{WIDER}    - host: git.example.com\n"))]);
    assert_eq!(today(main, &all).0, wider(2));

    // 19: what cannot be read is never green.
    team.branch("binary", &[("bottles/late.bottle.yaml", "\u{0}\u{1}")]);
    let (nineteenth, _) = today(main, &base);
    assert_eq!((nineteenth.code, nineteenth.unreadable), (2, 1));
    team.branch("broken", &[("bottles/late.bottle.yaml", "egress: [\n")]);
    assert_eq!(today(main, &base).0.code, 1);

    // 20: the last manifest goes, and an event without a base proves nothing.
    team.branch("gone", &[]);
    team.git(&["rm", "-rq", "bottles"]);
    team.commit("gone");
    let (twentieth, table) = today(main, &[]);
    assert_eq!(twentieth, GREEN);
    assert!(table.contains("**narrowed**") && !table.contains("**widened**"), "{table}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/review.sh");
    let mut schedule = std::process::Command::new(script);
    schedule.current_dir(team.ada.root()).env("BOT_BOTTLE", env!("CARGO_BIN_EXE_bot-bottle")).env("BASE", "");
    let ran = ran(schedule.env_remove("GITHUB_STEP_SUMMARY").output().expect("it runs"));
    assert!(ran.code == 1 && ran.out.contains("this event has no base"), "{}{}", ran.out, ran.err);
}
