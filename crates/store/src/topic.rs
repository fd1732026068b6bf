//! Wake-ups: who watches a topic is woken after each commit that touched it.

use std::time::Duration;

use tokio::sync::watch;

/// What a transaction touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Apps, their settings and domains.
    Apps,
    /// Builds.
    Builds,
    /// Releases.
    Releases,
    /// Formations.
    Formation,
    /// Dynos.
    Dynos,
    /// Add-ons and attachments.
    Addons,
    /// Backups, restores and copies of databases, and their schedules.
    Transfers,
    /// Log drains.
    Drains,
    /// Webhooks and what is to be told to them.
    Webhooks,
}

impl Topic {
    pub(crate) const ALL: [Self; 9] = [
        Self::Apps,
        Self::Builds,
        Self::Releases,
        Self::Formation,
        Self::Dynos,
        Self::Addons,
        Self::Transfers,
        Self::Drains,
        Self::Webhooks,
    ];

    pub(crate) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Counts the commits of each topic.
#[derive(Debug)]
pub(crate) struct Bell {
    counts: [watch::Sender<u64>; Topic::ALL.len()],
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { counts: std::array::from_fn(|_| watch::Sender::new(0)) }
    }

    /// Wakes the watchers of every topic whose bit is set.
    pub(crate) fn ring(&self, touched: u16) {
        for (topic, count) in Topic::ALL.into_iter().zip(&self.counts) {
            if touched & topic.bit() != 0 {
                count.send_modify(|count| *count += 1);
            }
        }
    }

    pub(crate) fn watch(&self, topics: &[Topic]) -> Wake {
        let watched = topics.iter().map(|topic| self.counts[*topic as usize].subscribe()).collect();
        Wake { watched, first: true }
    }
}

/// One watcher's ear. A commit that happens while the watcher works is noticed at its next wait, so none is lost.
#[derive(Debug)]
pub struct Wake {
    watched: Vec<watch::Receiver<u64>>,
    first: bool,
}

impl Wake {
    /// Waits until a watched topic has changed, or `at_most` has passed. The first call returns at once, so that
    /// a stage begins with a scan.
    pub async fn changed_or_after(&mut self, at_most: Duration) {
        if std::mem::take(&mut self.first) {
            return;
        }
        let waits: Vec<_> = self.watched.iter_mut().map(|receiver| Box::pin(receiver.changed())).collect();
        // The error means that the store is closed; the caller's own shutdown signal ends it then.
        let _elapsed = tokio::time::timeout(at_most, any(waits)).await;
        for receiver in &mut self.watched {
            receiver.mark_unchanged();
        }
    }
}

/// Completes with the first of several futures.
async fn any<F: Future + Unpin>(mut futures: Vec<F>) -> F::Output {
    std::future::poll_fn(move |cx| {
        for future in &mut futures {
            if let std::task::Poll::Ready(output) = std::pin::Pin::new(future).poll(cx) {
                return std::task::Poll::Ready(output);
            }
        }
        std::task::Poll::Pending
    })
    .await
}
