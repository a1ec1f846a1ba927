//! What a run left in folders of the host, looked at once its guest is dead.

use super::guard::{Change, Changes, Snapshot};
use super::set_group_id;
use super::ui::Ui;
use super::workspace::real_path;
use crate::plan::{Plan, WorkspaceMode};
use crate::shown::visible;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How far the clock that stamps files may lag behind the one that is read here: a tick of the slowest kernel.
const TICK: Duration = Duration::from_millis(20);

/// What there was before an agent came.
pub(crate) struct Left {
    watched: Option<Snapshot>,
    /// What of the host the guest may write, opened before it could put a link in the way.
    writable: Vec<(PathBuf, OwnedFd)>,
    since: SystemTime,
}

impl Left {
    /// Looks before the agent starts. `workspace` is the workspace's real folder.
    pub(crate) fn before(plan: &Plan, workspace: &Path) -> Self {
        let bound = plan.workspace.mode == WorkspaceMode::Bind;
        let mounts = plan.workspace.mounts.iter().filter(|m| !m.read_only).map(|m| real_path(&m.source));
        let writable = bound.then(|| workspace.to_path_buf()).into_iter().chain(mounts);
        Self {
            watched: bound.then(|| Snapshot::take(workspace)),
            writable: writable.filter_map(|path| Some((path.clone(), set_group_id::open(&path)?))).collect(),
            since: SystemTime::now().checked_sub(TICK).unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }

    /// Tells what the host would obey, and takes set-group-id off programs.
    pub(crate) fn look(self, ui: &dyn Ui) -> Vec<Change> {
        let Changes { changes, unseen } = self.watched.map(|snapshot| snapshot.changes()).unwrap_or_default();
        for change in &changes {
            ui.note(&format!("the host obeys this file of the workspace: {change}"));
        }
        if let Some(first) = unseen.first() {
            let more = match unseen.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            ui.note(&format!("the look for files that the host obeys is incomplete: {first}{more}"));
        }
        for (root, opened) in &self.writable {
            let told = |path: &PathBuf| visible(&root.join(path).display().to_string());
            match set_group_id::take_off(opened, self.since) {
                Ok((taken, left)) => {
                    for path in &taken {
                        ui.note(&format!(
                            "this program was left with a set-group-id bit, which is off now: {}",
                            told(path)
                        ));
                    }
                    for path in &left {
                        ui.note(&format!("this program was left with a set-group-id bit: {}", told(path)));
                    }
                }
                Err(error) => {
                    let root = visible(&root.display().to_string());
                    ui.note(&format!(
                        "{root} cannot be searched for programs with a set-group-id bit: {error}"
                    ));
                }
            }
        }
        changes
    }
}
