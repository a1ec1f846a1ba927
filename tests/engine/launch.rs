//! What every launch does.

use crate::rig::Rig;
use bot_bottle::engine::Stage;
use bot_bottle::provider::{AuthScheme, EgressRoute, RouteAuth, RouteOwner, TokenRef};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_shell_in_the_agents_place_runs_and_gives_its_code() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let ran = rig.sh("id -un; pwd; echo out; echo err >&2; exit 7");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (7, "node\n/workspace\nout\n", "err\n"));
    assert_eq!(*rig.ui.stages.lock().expect("lock"), Stage::ALL);
    assert!(rig.runs().is_empty());
}

#[test]
fn pipelocks_configuration_is_written_before_the_egress_starts_and_holds_no_secret() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let secret = ["sk", "test", "0a1b2c3d4e5f"].join("-");
    rig.options.host.set("API_TOKEN", &secret);
    let auth = Some(RouteAuth { scheme: AuthScheme::Bearer, token_ref: TokenRef::variable("API_TOKEN") });
    rig.plan.egress_routes = vec![
        EgressRoute { auth, ..EgressRoute::new("api.test", RouteOwner::Manifest) },
        EgressRoute::new("open.test", RouteOwner::Manifest),
    ];
    let file = rig.home.join("pipelock.yaml");
    // An older file of another mode is replaced.
    std::fs::write(&file, "old").expect("write");
    rig.options.upstream.pipelock_config = Some(file.clone());
    rig.sh("true");
    let text = std::fs::read_to_string(&file).expect("text");
    assert!(text.contains("- api.test\n- open.test\n"), "{text}");
    assert!(text.contains("passthrough_domains:\n  - api.test\n"), "{text}");
    assert!(!text.contains(&secret) && !text.contains("API_TOKEN"), "{text}");
    assert_eq!(std::fs::metadata(&file).expect("file").permissions().mode() & 0o777, 0o600);

    rig.options.upstream.pipelock_config = Some("/nowhere/pipelock.yaml".into());
    let error = rig.try_sh("true").expect_err("no folder");
    assert!(error.to_string().starts_with("egress: cannot write /nowhere/pipelock.yaml"), "{error}");
    assert!(rig.runs().is_empty());
}
