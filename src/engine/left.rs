//! What a run left in folders of the host, looked at once its guest is dead.

use super::guard::{Change, Changes, Snapshot};
use super::set_group_id;
use super::ui::Ui;
use super::workspace::writable;
use crate::plan::{Plan, WorkspaceMode};
use crate::shown::visible;
use std::io;
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
        let writable = writable(plan, workspace).into_iter();
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
            set_group_ids(root, set_group_id::take_off(opened, self.since), ui);
        }
        changes
    }
}

/// Says which programs below a folder had the bit, or why that is not known.
fn set_group_ids(root: &Path, found: io::Result<(Vec<PathBuf>, Vec<PathBuf>)>, ui: &dyn Ui) {
    let shown = |path: &Path| visible(&path.display().to_string());
    let (taken, left) = match found {
        Ok(found) => found,
        Err(error) => {
            let root = shown(root);
            return ui
                .note(&format!("{root} cannot be searched for programs with a set-group-id bit: {error}"));
        }
    };
    for (paths, now) in [(taken, ", which is off now"), (left, "")] {
        for path in paths {
            let path = shown(&root.join(path));
            ui.note(&format!("this program was left with a set-group-id bit{now}: {path}"));
        }
    }
}
