//! The loop: look at everything, decide, act.

use std::collections::BTreeMap;
use std::time::Duration;

use logs::Logs;
use model::addon::Plan;
use model::database::GRACE;
use model::id::AddonId;
use model::time::Timestamp;
use store::{Store, StoreError, Topic};
use tokio_util::sync::CancellationToken;

use crate::act;
use crate::plan::{Action, plan};
use crate::service::Services;

mod look;

/// The net under lost wake-ups.
const SCAN_EVERY: Duration = Duration::from_secs(30);
/// How soon something that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// What this stage works with.
#[derive(Debug, Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// App logs.
    pub logs: Logs,
    /// What makes that for which add-ons stand.
    pub services: Services,
    /// When databases are looked at.
    pub upkeep: Upkeep,
}

/// When databases are looked at, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upkeep {
    /// How long a database may be over its plan's limits before nothing can be added to it.
    pub grace: Duration,
    /// How often a database is looked at.
    pub inspect_every: Duration,
    /// How often every database gets other credentials; none leaves that to its owner.
    pub rotate_every: Option<Duration>,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { grace: GRACE, inspect_every: Duration::from_secs(5 * 60), rotate_every: None }
    }
}

/// What this process has done, and the store does not keep.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// When each database was looked at.
    inspected: BTreeMap<AddonId, Timestamp>,
    /// The plan whose size each other add-on has.
    sizes: BTreeMap<AddonId, &'static Plan>,
}

/// Provisions, keeps up and removes add-ons until `stop`. One at a time: each takes a fraction of a second.
///
/// # Errors
/// When the store cannot be read.
pub async fn stage(cx: Context, stop: CancellationToken) -> Result<(), StoreError> {
    let mut wake = cx.store.watch(&[Topic::Addons]);
    // Dynos come and go all the time; they matter while one of them may use credentials that are to end.
    let mut wake_of_dynos = cx.store.watch(&[Topic::Addons, Topic::Releases, Topic::Dynos]);
    let scan_every = SCAN_EVERY.min(cx.upkeep.inspect_every);
    let (mut pause, mut waits_for_dynos) = (scan_every, false);
    let mut memory = Memory::default();
    loop {
        let wake = if waits_for_dynos { &mut wake_of_dynos } else { &mut wake };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = wake.changed_or_after(pause) => {}
        }
        let seen = look::look(&cx, &memory).await?;
        waits_for_dynos = look::is_overlap(&seen);
        let (actions, is_more) = plan(seen);
        let mut all_done = true;
        for action in actions {
            memory.note(&action, cx.store.now());
            let sized = sized_by(&action);
            // An action that is broken off here is like a killed one: the next start's first scan completes it.
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                done = act::act(&cx, action) => {
                    all_done &= done;
                    memory.sizes.extend(sized.filter(|_| done));
                }
            }
        }
        pause = match (is_more, all_done) {
            (true, _) => Duration::ZERO,
            (false, true) => scan_every,
            (false, false) => RETRY_AFTER,
        };
    }
}

impl Memory {
    /// A look is over for a while, also when it failed; what changes a database or its limits calls for the next one.
    fn note(&mut self, action: &Action, now: Timestamp) {
        match action {
            Action::Inspect(addon, _) => drop(self.inspected.insert(addon.id, now)),
            Action::Equip(addon, _) | Action::Reset(addon, _) | Action::Remove(addon, _) => {
                self.inspected.remove(&addon.id);
                self.sizes.remove(&addon.id);
            }
            _ => {}
        }
    }
}

/// Which add-on has the size of which plan once this is done.
fn sized_by(action: &Action) -> Option<(AddonId, &'static Plan)> {
    match action {
        Action::Provision(addon) | Action::Resize(addon) => Some((addon.id, addon.plan)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
