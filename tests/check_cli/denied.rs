//! `--denied`: what runs were refused, on the command line.

use crate::rig::{CLEAN, Project};
use bot_bottle::egress::code::Code;
use bot_bottle::egress::{Audit, AuditLine, EndLine, FileAudit, RequestLine};
use bot_bottle::engine::{StateDir, Subject};

const ELSEWHERE: &str = r#"{"event":"request","version":1,"id":"1","time":"2026-01-01T09:30:00.000Z","scheme":"https","host":"elsewhere.example.com","protocol":"http1","method":"GET","path":"/","decided_by":"policy","verdict":"denied","code":"host"}"#;

/// A project whose bottle `dev` asked twice for a host that has no route.
fn refused() -> Project {
    refused_hosts(&[(2, "api.example.com"), (3, "api.example.com"), (4, "localhost")])
}

/// A project whose bottle `dev` asked for these hosts, in these seconds.
pub(crate) fn refused_hosts(asked: &[(u8, &str)]) -> Project {
    let project = Project::new(&[("dev.bottle.yaml", CLEAN), ("other.bottle.yaml", CLEAN)]);
    let state = StateDir::new(project.path("~/.local/state/bot-bottle"));
    let folder = state.log_folder(&Subject::of(&project.path("dev.bottle.yaml"), "dev")).expect("a folder");
    // A bottle of that name elsewhere was refused another host, which is nothing to this one.
    let elsewhere =
        state.log_folder(&Subject::of(&project.path("~/dev.bottle.yaml"), "dev")).expect("a folder");
    std::fs::write(elsewhere.join("1.audit.jsonl"), ELSEWHERE).expect("written");
    let audit = FileAudit::open(&folder.join("1.audit.jsonl")).expect("an audit");
    for &(second, host) in asked {
        let (id, time) = (second.to_string(), format!("2026-01-01T09:30:{second:02}.000Z"));
        let line = RequestLine::new(&id, &time, "GET", host, "/v1").refused(Code::Host);
        audit.write(&AuditLine::Request(line)).expect("written");
        audit.write(&AuditLine::End(EndLine::new(&id, 403))).expect("written");
    }
    project
}

#[test]
fn only_when_asked_for_are_refusals_shown_and_counted() {
    let project = refused();
    for quiet in [&[][..], &["--severity", "hint"]] {
        project.check(quiet).expect(0);
    }
    for asked in [&["--denied"][..], &["--denied", "--severity", "error"]] {
        let ran = project.check(asked).expect(1);
        let times = "a run asked 2 times for GET api.example.com/v1 (first 2026-01-01 09:30:02 UTC): ";
        assert!(ran.out.contains(times), "{}", ran.out);
        assert!(ran.out.contains("dev.bottle.yaml:1:1"), "{}", ran.out);
        // `--fix` would not do it, so it is not offered.
        assert!(ran.out.ends_with("2 findings (2 info) in 1 of 2 manifests\n"), "{}", ran.out);
    }
    project.check(&["--denied", "other.bottle.yaml"]).expect(0);
}

#[test]
fn every_format_has_them() {
    let project = refused();
    for format in ["text", "concise", "json", "sarif", "github", "gitlab", "junit"] {
        let ran = project.check(&["--denied", "--format", format]).expect(1);
        assert!(ran.out.contains("denied-egress") && ran.out.contains("api.example.com/v1"), "{}", ran.out);
    }
    let json = project.check(&["--denied", "--format", "json"]).json();
    let findings = json["findings"].as_array().expect("findings");
    let of =
        |host: &str| findings.iter().find(|f| f["message"].to_string().contains(host)).expect("a finding");
    assert_eq!(
        (&of("api.example.com")["severity"], &of("api.example.com")["fix"]["applicability"]),
        (&"info".into(), &"unsafe".into())
    );
    assert!(of("localhost")["fix"].is_null(), "{}", of("localhost"));
}

#[test]
fn nothing_applies_them_unasked_and_standard_input_has_them_too() {
    let project = refused();
    for args in [&["--denied", "--fix"][..], &["--denied", "--diff"], &["--denied", "--watch"]] {
        project.check(args).expect(2);
    }
    project.check(&["--fix", "--unsafe-fixes"]).expect(0);
    assert_eq!(project.read("dev.bottle.yaml"), CLEAN);
    let args = ["--denied", "-", "--stdin-filename", "dev.bottle.yaml"];
    let ran = project.check_stdin(&args, CLEAN.as_bytes()).expect(1);
    assert!(ran.out.contains("api.example.com"), "{}", ran.out);
}
