//! What every launch does.

use crate::rig::Rig;
use bot_bottle::engine::Stage;

#[test]
fn a_shell_in_the_agents_place_runs_and_gives_its_code() {
    let Some(mut rig) = Rig::bubblewrap() else { return };
    let ran = rig.sh("id -un; pwd; echo out; echo err >&2; exit 7");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (7, "node\n/workspace\nout\n", "err\n"));
    assert_eq!(*rig.ui.stages.lock().expect("lock"), Stage::ALL);
    assert!(rig.runs().is_empty());
}
