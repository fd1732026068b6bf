//! The loop: look at everything, decide, begin and end work.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use model::id::TransferId;
use model::transfer::{Transfer, TransferEvent, TransferKind, TransferSource, TransferState};
use store::{NewTransfer, Store, StoreError, Topic, Tx};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::backup::act::{Ended, Job};
use crate::backup::failure::TransferError;
use crate::backup::fetch::Fetcher;
use crate::backup::folder::Folder;
use crate::backup::plan::{Action, Picture, kept, plan, unfinished};
use crate::backup::scratch;
use crate::backup::workshop::Workshop;

/// The net under lost wake-ups, and how exactly schedules keep their hour.
const SCAN_EVERY: Duration = Duration::from_secs(30);
/// How soon something that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// What this stage works with.
#[derive(Debug, Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// The server of Postgres databases.
    pub workshop: Workshop,
    /// Where backups are kept.
    pub folder: Folder,
    /// Gets dumps from elsewhere.
    pub fetcher: Fetcher,
}

/// Does transfers, and begins scheduled ones, until `stop`; what is at work then is broken off, and done again by the
/// next start.
///
/// # Errors
/// When the store cannot be read.
pub async fn stage(cx: Context, stop: CancellationToken) -> Result<(), StoreError> {
    let mut wake = cx.store.watch(&[Topic::Transfers, Topic::Addons]);
    let mut desk = Desk { cx, jobs: JoinSet::new(), at_work: BTreeMap::new(), is_untidy: true };
    let mut pause = SCAN_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = wake.changed_or_after(pause) => {}
            Some(ended) = desk.jobs.join_next_with_id() => desk.ended(ended).await?,
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            looked = desk.look() => pause = if looked? { SCAN_EVERY } else { RETRY_AFTER },
        }
    }
}

struct Desk {
    cx: Context,
    jobs: JoinSet<Ended>,
    at_work: BTreeMap<Id, (TransferId, AbortHandle)>,
    /// Something may be left in the server that nobody needs.
    is_untidy: bool,
}

impl Desk {
    /// Looks at everything and does what is to be done; false when something has to be tried again soon.
    async fn look(&mut self) -> Result<bool, StoreError> {
        let at_work = self.at_work.values().map(|(id, _)| *id).collect();
        let picture = self.cx.store.read(move |tx| {
            Ok::<_, StoreError>(Picture {
                now: tx.now(),
                addons: tx.addons()?,
                transfers: tx.transfers()?,
                schedules: tx.schedules()?,
                at_work,
            })
        });
        let picture = picture.await?;
        let is_tidy = self.tidy(&picture).await;
        for action in plan(&picture) {
            self.act(action).await?;
        }
        Ok(is_tidy)
    }

    /// Removes what nobody needs: of killed and broken off transfers, and files of deleted backups.
    async fn tidy(&mut self, picture: &Picture) -> bool {
        let unfinished = unfinished(picture);
        if let Err(error) = self.cx.folder.sweep(&kept(&picture.transfers), &unfinished) {
            error!(error = &error as &dyn Error, "could not remove files of old backups");
            return false;
        }
        if self.is_untidy {
            match scratch::sweep(&self.cx.workshop, &unfinished).await {
                Ok(()) => self.is_untidy = false,
                // What Postgres says here is of names of our own making.
                Err(error) => warn!(
                    error = &error as &dyn Error,
                    "could not remove what transfers have left in Postgres; it is tried again"
                ),
            }
        }
        !self.is_untidy
    }

    async fn act(&mut self, action: Action) -> Result<(), StoreError> {
        match action {
            Action::Abort(id) => {
                let handles = self.at_work.values().filter(|(it, _)| *it == id);
                handles.for_each(|(_, handle)| handle.abort());
                Ok(())
            }
            Action::TakeBack(id) => {
                let text = "It was broken off by a restart of the platform; it is done again.";
                self.write(move |tx| on(tx, id, TransferEvent::Interrupt, text)).await
            }
            Action::GiveUp(id) => {
                let text = "It was broken off by restarts too often. Nothing was changed; try it again.";
                self.write(move |tx| on(tx, id, TransferEvent::Fail, text)).await
            }
            Action::Begin(transfer, addon) => {
                let Some(transfer) = self.claim(transfer).await? else { return Ok(()) };
                let id = transfer.id;
                info!(transfer.id = %id, addon.name = %addon.name, "{} of {} begins", transfer.name(), addon.name);
                let job = Job { cx: self.cx.clone(), transfer, addon };
                let handle = self.jobs.spawn(job.work());
                self.at_work.insert(handle.id(), (id, handle));
                Ok(())
            }
            Action::Ask(schedule, day) => {
                self.write(move |tx| {
                    let Some(addon) = tx.addon(schedule.addon)? else { return Ok(()) };
                    if tx.schedule(schedule.id)?.is_none_or(|it| it.last_day != schedule.last_day) {
                        return Ok(());
                    }
                    tx.set_schedule_day(schedule.id, &day)?;
                    tx.create_transfer(&NewTransfer {
                        app: addon.app,
                        addon: addon.id,
                        kind: TransferKind::Backup,
                        schedule: Some(schedule.id),
                        from_name: schedule.name.trim_end_matches("_URL").to_owned(),
                        to_name: "BACKUP".to_owned(),
                        source: TransferSource::Own,
                        extensions: Vec::new(),
                    })
                    .map(drop)
                })
                .await
            }
            Action::Forget(id) => self.write(move |tx| tx.delete_transfer(id)).await,
        }
    }

    /// Takes a transfer for this process; none when it is not wanted any more.
    async fn claim(&self, transfer: Transfer) -> Result<Option<Transfer>, StoreError> {
        if transfer.state == TransferState::Settling {
            return Ok(Some(transfer));
        }
        let id = transfer.id;
        match self.cx.store.write(move |tx| tx.transfer_on(id, TransferEvent::Start)).await {
            Err(StoreError::IllegalTransfer(_) | StoreError::Missing { .. }) => Ok(None),
            claimed => claimed.map(Some),
        }
    }

    /// Writes down how a piece of work has ended.
    async fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) -> Result<(), StoreError> {
        self.is_untidy = true;
        let (task, ended) = match ended {
            Ok((task, ended)) => (task, Some(ended)),
            Err(error) => {
                (error.id(), (!error.is_cancelled()).then_some(Ended::Failed(TransferError::Silent)))
            }
        };
        let Some((id, _)) = self.at_work.remove(&task) else { return Ok(()) };
        match ended {
            // Broken off because nobody wants it.
            None => Ok(()),
            Some(Ended::Done) => {
                info!(transfer.id = %id, "a transfer is over");
                Ok(())
            }
            Some(Ended::Failed(error)) => {
                if error.is_ours() {
                    error!(transfer.id = %id, error = &error as &dyn Error, "a transfer failed");
                } else {
                    info!(transfer.id = %id, "a transfer failed: its log says why");
                }
                let text = error.told();
                self.write(move |tx| on(tx, id, TransferEvent::Fail, &text)).await
            }
            Some(Ended::Again) => {
                warn!(transfer.id = %id, "Postgres ended in the middle of a transfer");
                self.write(move |tx| {
                    let text = "Postgres ended in the middle of it.";
                    match tx.transfer(id)? {
                        // It is carried on as it is.
                        Some(it) if it.state == TransferState::Settling => tx.log_transfer(id, text),
                        Some(it) if it.attempts >= model::transfer::ATTEMPTS_MAX => on(
                            tx,
                            id,
                            TransferEvent::Fail,
                            "Postgres ended in the middle of it too often. Nothing was changed; try it again.",
                        ),
                        _ => on(tx, id, TransferEvent::Interrupt, text),
                    }
                })
                .await
            }
        }
    }

    /// What somebody else has decided meanwhile stays so.
    async fn write(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        match self.cx.store.write(change).await {
            Err(StoreError::IllegalTransfer(_) | StoreError::Missing { .. }) => Ok(()),
            written => written,
        }
    }
}

fn on(tx: &Tx<'_>, id: TransferId, event: TransferEvent, text: &str) -> Result<(), StoreError> {
    tx.transfer_on(id, event)?;
    tx.log_transfer(id, text)
}

#[cfg(test)]
mod tests;
