//! One action at a time, each safe to do again, and the tasks that came of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use logs::Clock;
use model::drain::Drain;
use model::id::{DrainId, WebhookId};
use model::webhook::Delivery;
use reqwest::Client;
use store::{StoreError, Tx};
use tokio::task::{AbortHandle, Id, JoinSet};
use tracing::{error, info};

use crate::drain::{LINES_MAX, PATIENCE, Worker};
use crate::plan::Action;
use crate::stage::Context;
use crate::webhook::{self, Parcel, REQUEST_TIMEOUT};

/// A drain at work.
#[derive(Debug)]
struct Running {
    task: AbortHandle,
    /// The last line that needs no more care.
    cursor: Arc<AtomicU64>,
    /// What of that is written down.
    saved: Option<u64>,
}

/// Everything that is under way.
pub(crate) struct Work {
    cx: Context,
    clock: Clock,
    drains: BTreeMap<DrainId, Running>,
    deliveries: HashMap<Id, WebhookId>,
    tasks: JoinSet<()>,
    client: Option<Client>,
}

impl Work {
    pub(crate) fn new(cx: Context) -> Self {
        let store = cx.store.clone();
        Self {
            cx,
            clock: Arc::new(move || store.now()),
            drains: BTreeMap::new(),
            deliveries: HashMap::new(),
            tasks: JoinSet::new(),
            client: None,
        }
    }

    /// The drains at work. One whose app is gone has ended by itself; it is not there any more soon.
    pub(crate) fn running(&self) -> BTreeSet<DrainId> {
        self.drains.keys().copied().collect()
    }

    /// The webhooks that something is being sent to.
    pub(crate) fn busy(&self) -> BTreeSet<WebhookId> {
        self.deliveries.values().copied().collect()
    }

    /// Waits until a delivery or a drain ends; for ever, if there is none.
    pub(crate) async fn one_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => drop(self.deliveries.remove(&id)),
            Some(Err(error)) => {
                self.deliveries.remove(&error.id());
                if error.is_panic() {
                    error!(%error, "a delivery panicked");
                }
            }
            None => std::future::pending().await,
        }
    }

    /// Does one action; a failure is logged, and the next scan plans it again.
    pub(crate) async fn act(&mut self, action: Action) {
        match action {
            Action::Start(drain) => self.start(drain).await,
            Action::Stop(id) => {
                if let Some(running) = self.drains.remove(&id) {
                    running.task.abort();
                    info!(drain.id = %id, "a drain ended");
                }
            }
            Action::Deliver(delivery) => self.deliver(delivery).await,
        }
    }

    async fn start(&mut self, drain: Drain) {
        let feed = match self.cx.logs.feed(drain.app, drain.cursor).await {
            Ok(feed) => feed,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                error!(error, drain.id = %drain.id, "could not start a drain");
                return;
            }
        };
        feed.limit(LINES_MAX);
        let (id, saved) = (drain.id, drain.cursor);
        let cursor = Arc::new(AtomicU64::new(feed.start()));
        let worker = Worker {
            drain,
            feed,
            logs: self.cx.logs.clone(),
            outside: self.cx.outside.clone(),
            clock: Arc::clone(&self.clock),
            patience: PATIENCE,
            cursor: Arc::clone(&cursor),
        };
        let task = self.tasks.spawn(worker.run());
        self.drains.insert(id, Running { task, cursor, saved });
        info!(drain.id = %id, "a drain began");
        // From here on no line is forgotten: not even if this process is killed before it sent one.
        if saved.is_none()
            && let Err(error) = self.save().await
        {
            error!(error = &error as &dyn std::error::Error, "could not note where a drain begins");
        }
    }

    async fn deliver(&mut self, delivery: Delivery) {
        let client = match self.client.clone().map_or_else(|| self.cx.outside.client(REQUEST_TIMEOUT), Ok) {
            Ok(client) => self.client.insert(client).clone(),
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "could not make an HTTP client");
                return;
            }
        };
        let (webhook, of_delivery) = (delivery.webhook, delivery.clone());
        let parcel = match self.cx.store.read(move |tx| parcel(tx, of_delivery)).await {
            Ok(Some(parcel)) => parcel,
            Ok(None) => return,
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "could not read a delivery");
                return;
            }
        };
        let (cx, clock) = (self.cx.clone(), Arc::clone(&self.clock));
        let task = self.tasks.spawn(async move {
            let outcome = webhook::attempt(&cx.outside, &client, &parcel, &*clock).await;
            let id = parcel.delivery.id;
            let noting =
                cx.store.write(move |tx| tx.delivery_on(id, outcome.step, &outcome.attempt, outcome.next));
            match noting.await {
                // The webhook may have been removed meanwhile.
                Ok(()) | Err(StoreError::Missing { .. } | StoreError::IllegalDelivery(_)) => {}
                Err(error) => {
                    error!(
                        error = &error as &dyn std::error::Error,
                        "could not note what a delivery brought"
                    );
                }
            }
        });
        self.deliveries.insert(task.id(), webhook);
    }

    /// Writes down how far the drains have come.
    pub(crate) async fn save(&mut self) -> Result<(), StoreError> {
        let news: Vec<(DrainId, u64)> = self
            .drains
            .iter()
            .map(|(id, running)| (*id, running.cursor.load(Ordering::Acquire), running.saved))
            .filter(|(_, cursor, saved)| Some(*cursor) != *saved)
            .map(|(id, cursor, _)| (id, cursor))
            .collect();
        if news.is_empty() {
            return Ok(());
        }
        let writing = news.clone();
        let write =
            move |tx: &Tx<'_>| writing.iter().try_for_each(|(id, cursor)| tx.set_drain_cursor(*id, *cursor));
        self.cx.store.write(write).await?;
        for (id, cursor) in news {
            if let Some(running) = self.drains.get_mut(&id) {
                running.saved = Some(cursor);
            }
        }
        Ok(())
    }

    /// Breaks off what is under way.
    pub(crate) async fn end(&mut self) {
        self.tasks.shutdown().await;
    }
}

fn parcel(tx: &Tx<'_>, delivery: Delivery) -> Result<Option<Parcel>, StoreError> {
    let (webhook, event) = (tx.webhook(delivery.webhook)?, tx.webhook_event(delivery.event)?);
    Ok(webhook.zip(event).map(|(webhook, event)| Parcel { delivery, webhook, event }))
}
