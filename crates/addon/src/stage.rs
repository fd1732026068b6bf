//! The loop: look at everything, decide, act.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use logs::Logs;
use model::addon::Addon;
use store::{Store, StoreError, Topic};
use tokio_util::sync::CancellationToken;

use crate::act;
use crate::plan::{Seen, plan};
use crate::service::{DataService, DatabaseService};

/// The net under lost wake-ups.
const SCAN_EVERY: Duration = Duration::from_secs(30);
/// How soon something that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// What this stage works with.
#[derive(Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// App logs.
    pub logs: Logs,
    /// The server of Postgres databases.
    pub postgres: Arc<dyn DatabaseService>,
    /// The other services.
    pub others: Vec<Arc<dyn DataService>>,
}

impl Context {
    /// The service of an add-on; none when this server does not offer it (any more).
    pub(crate) fn service(&self, addon: &Addon) -> Option<Arc<dyn DataService>> {
        let name = addon.plan.service;
        if self.postgres.name() == name {
            return Some(Arc::clone(&self.postgres) as Arc<dyn DataService>);
        }
        self.others.iter().find(|service| service.name() == name).cloned()
    }

    /// What there is to see of each add-on whose service is here.
    fn see(&self, addons: Vec<Addon>) -> Vec<Seen> {
        let see = |addon: Addon| {
            let service = self.service(&addon)?;
            // What cannot be read is moved as well: the attempt tells what is wrong.
            let moved = addon.resource.as_ref().map(|resource| service.moved(resource));
            Some(Seen { is_elsewhere: !matches!(moved, Some(Ok(None))), addon })
        };
        addons.into_iter().filter_map(see).collect()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("store", &self.store)
            .field("postgres", &self.postgres.address())
            .finish_non_exhaustive()
    }
}

/// Provisions and removes add-ons until `stop`. One at a time: each takes a fraction of a second.
///
/// # Errors
/// When the store cannot be read.
pub async fn stage(cx: Context, stop: CancellationToken) -> Result<(), StoreError> {
    let mut wake = cx.store.watch(&[Topic::Addons]);
    let mut pause = SCAN_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = wake.changed_or_after(pause) => {}
        }
        let addons = cx.store.read(|tx| tx.addons()).await?;
        let mut all_done = true;
        for action in plan(cx.see(addons)) {
            // An action that is broken off here is like a killed one: the next start's first scan completes it.
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                done = act::act(&cx, action) => all_done &= done,
            }
        }
        pause = if all_done { SCAN_EVERY } else { RETRY_AFTER };
    }
}

#[cfg(test)]
mod tests;
