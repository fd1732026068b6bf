//! Which builds to start now, decided from one picture. No clock, no I/O.

use std::collections::BTreeSet;

use model::build::{Build, BuildStatus};
use model::id::{AppId, BuildId};

/// The whole picture.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Builds that are not over, oldest first.
    pub(crate) open: Vec<Build>,
    /// Those that this process is building.
    pub(crate) mine: BTreeSet<BuildId>,
    /// How many may be built at once.
    pub(crate) builders: usize,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A server that is gone was building it: give it back, to be built again.
    Interrupt(Build),
    /// Build it.
    Start(Build),
}

/// Decides: apps build one after the other within themselves, and beside each other as far as there are builders.
pub(crate) fn plan(seen: &Seen) -> Vec<Action> {
    let is_mine = |build: &&Build| seen.mine.contains(&build.id);
    let lost = seen.open.iter().filter(|build| build.status == BuildStatus::Running && !is_mine(build));
    let mut actions: Vec<Action> = lost.cloned().map(Action::Interrupt).collect();

    let mut busy: BTreeSet<AppId> = seen.open.iter().filter(is_mine).map(|build| build.app).collect();
    let mut free = seen.builders.saturating_sub(seen.mine.len());
    for build in &seen.open {
        // What was lost keeps its place in the row; its return to `pending` wakes the next scan.
        if seen.mine.contains(&build.id) || !busy.insert(build.app) {
            continue;
        }
        if free > 0 && build.status == BuildStatus::Pending {
            free -= 1;
            actions.push(Action::Start(build.clone()));
        }
    }
    actions
}

#[cfg(test)]
mod tests;
