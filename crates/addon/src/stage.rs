//! The loop: look at everything, decide, act.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use logs::Logs;
use store::{Store, StoreError, Topic};
use tokio_util::sync::CancellationToken;

use crate::act;
use crate::plan::plan;
use crate::service::DataService;

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
    pub postgres: Arc<dyn DataService>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("store", &self.store)
            .field("postgres", self.postgres.endpoint())
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
        for action in plan(addons, cx.postgres.endpoint()) {
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
