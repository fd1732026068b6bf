//! The loop: look at everything, decide, act, and keep how far each drain has come.

use std::fmt;
use std::time::Duration;

use logs::Logs;
use store::{Store, StoreError, Topic};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::act::Work;
use crate::outside::Outside;
use crate::plan::{Seen, plan};

/// The net under lost wake-ups.
const SCAN_EVERY: Duration = Duration::from_secs(30);
/// How often it is written down how far the drains have come: after a kill, so many seconds of lines are sent again.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// What this stage works with.
#[derive(Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// App logs.
    pub logs: Logs,
    /// The way out.
    pub outside: Outside,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("outside", &self.outside).finish_non_exhaustive()
    }
}

/// Delivers until `stop`. What is under way then is broken off and begun again by the next server.
///
/// # Errors
/// When the store cannot be read; what fails on the way out is the affair of the app whose it is.
pub async fn stage(cx: Context, stop: CancellationToken) -> Result<(), StoreError> {
    let mut wake = cx.store.watch(&[Topic::Drains, Topic::Webhooks, Topic::Apps]);
    let mut work = Work::new(cx.clone());
    let mut saving = interval(SAVE_EVERY);
    saving.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next_scan = Instant::now();
    loop {
        // Counted from the last scan: saving must not put the next one off.
        let pause = next_scan.saturating_duration_since(Instant::now());
        tokio::select! {
            () = stop.cancelled() => break,
            () = wake.changed_or_after(pause) => {}
            () = work.one_ended() => {}
            _ = saving.tick() => {
                save(&mut work).await;
                continue;
            }
        }
        let (drains, deliveries) =
            cx.store.read(|tx| Ok::<_, StoreError>((tx.all_drains()?, tx.next_deliveries()?))).await?;
        let (running, busy) = (work.running(), work.busy());
        let seen = Seen { now: cx.store.now(), drains, running, deliveries, busy };
        let (actions, next) = plan(&seen);
        next_scan = Instant::now() + next.map_or(SCAN_EVERY, |next| next.min(SCAN_EVERY));
        for action in actions {
            work.act(action).await;
        }
        forget_gone_apps(&cx).await;
    }
    work.end().await;
    save(&mut work).await;
    Ok(())
}

/// An app's end is told to its webhooks; then they go too.
async fn forget_gone_apps(cx: &Context) {
    let forgetting = cx.store.write(|tx| tx.delete_webhooks_of_gone_apps());
    if let Err(error) = forgetting.await {
        error!(error = &error as &dyn std::error::Error, "could not remove the webhooks of removed apps");
    }
}

async fn save(work: &mut Work) {
    if let Err(error) = work.save().await {
        error!(error = &error as &dyn std::error::Error, "could not note how far the drains have come");
    }
}

#[cfg(test)]
mod tests;
