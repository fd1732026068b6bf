//! What to do next, decided from one picture. No clock, no I/O.

use std::collections::BTreeSet;
use std::time::Duration;

use model::drain::Drain;
use model::id::{DrainId, WebhookId};
use model::time::Timestamp;
use model::webhook::Delivery;

/// Deliveries to webhooks at a time.
pub(crate) const DELIVERIES_MAX: usize = 16;

/// The whole picture.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The time.
    pub(crate) now: Timestamp,
    /// Every drain there should be.
    pub(crate) drains: Vec<Drain>,
    /// The drains at work.
    pub(crate) running: BTreeSet<DrainId>,
    /// The first delivery of each webhook that has any.
    pub(crate) deliveries: Vec<Delivery>,
    /// The webhooks that something is being sent to.
    pub(crate) busy: BTreeSet<WebhookId>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A drain goes to work.
    Start(Drain),
    /// A drain is no more.
    Stop(DrainId),
    /// A delivery's time has come.
    Deliver(Delivery),
}

/// Decides; also how long it takes until something is due that nobody will wake us for.
pub(crate) fn plan(seen: &Seen) -> (Vec<Action>, Option<Duration>) {
    let is_wanted = |id: &DrainId| seen.drains.iter().any(|drain| drain.id == *id);
    let stop = seen.running.iter().filter(|id| !is_wanted(id)).map(|id| Action::Stop(*id));
    let start =
        seen.drains.iter().filter(|drain| !seen.running.contains(&drain.id)).cloned().map(Action::Start);
    let mut actions: Vec<Action> = stop.chain(start).collect();
    let mut next = None;
    let mut busy = seen.busy.len();
    for delivery in seen.deliveries.iter().filter(|it| !seen.busy.contains(&it.webhook)) {
        let Some(at) = delivery.next_attempt_at else { continue };
        if at > seen.now {
            let wait = at.since(seen.now);
            next = Some(next.map_or(wait, |next: Duration| next.min(wait)));
        } else if busy < DELIVERIES_MAX {
            // Those that find no room are planned again when one ends.
            busy += 1;
            actions.push(Action::Deliver(delivery.clone()));
        }
    }
    (actions, next)
}

#[cfg(test)]
mod tests;
