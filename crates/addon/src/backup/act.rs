//! One transfer from its beginning to its end. Broken off anywhere, it can be done again: what it leaves is swept away,
//! and the database is as it was, or has its new data already.

use std::fs::File;
use std::io::Seek;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::addon::Addon;
use model::id::TransferId;
use model::transfer::{Transfer, TransferEvent, TransferKind, TransferSource, TransferState};
use store::{StoreError, Tx};
use tokio::time::{Instant, sleep, timeout};

use crate::backup::census::{self, Census, Picture, differences};
use crate::backup::contents::{Selection, select};
use crate::backup::failure::{TransferError, size};
use crate::backup::fetch::Progress;
use crate::backup::guest::Guest;
use crate::backup::plan::replaces;
use crate::backup::programs::{self, NOTE_EVERY};
use crate::backup::scratch::{self, Place, Scratch};
use crate::backup::stage::Context;
use crate::backup::workshop::{Login, Reach};
use crate::credentials::Credentials;

/// Longest transfer.
const TRANSFER_MAX: Duration = Duration::from_secs(12 * 3600);
/// Longest wait for a server that has ended meanwhile.
const SERVER_BACK_MAX: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Room on the disk that no transfer takes: the store and the apps need it.
const SPARE_BYTES: u64 = 256 << 20;
/// How often places are changed before it is given up, when somebody always comes in between.
const CHANGES_MAX: usize = 3;
/// Where Heroku puts extensions; its dumps name this schema without making it.
const HEROKUS_SCHEMA: &str = "heroku_ext";

/// How a piece of work ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// All is done and written down, or somebody else has decided.
    Done,
    /// It cannot be done.
    Failed(TransferError),
    /// Postgres ended in the middle of it.
    Again,
}

/// A transfer at work.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) cx: Context,
    pub(crate) transfer: Transfer,
    pub(crate) addon: Addon,
}

impl Job {
    /// Does it.
    pub(crate) async fn work(self) -> Ended {
        let Ok(server) = self.server().await else { return Ended::Again };
        let limit = TRANSFER_MAX;
        let worked = timeout(limit, self.storyboard()).await;
        match worked.unwrap_or(Err(TransferError::TimedOut { limit })) {
            Ok(()) => Ended::Done,
            Err(TransferError::Store(StoreError::IllegalTransfer(_) | StoreError::Missing { .. })) => {
                Ended::Done
            }
            Err(error) => match self.server().await {
                Ok(now) if now == server => Ended::Failed(error),
                _ => Ended::Again,
            },
        }
    }

    async fn storyboard(&self) -> Result<(), TransferError> {
        match (self.transfer.state, replaces(&self.transfer)) {
            (TransferState::Settling, _) => self.settle().await,
            (_, true) => self.replace().await,
            (_, false) => self.back_up().await,
        }
    }

    /// Which run of the server it is; waits for one that is on its way back.
    async fn server(&self) -> Result<String, TransferError> {
        let deadline = Instant::now() + SERVER_BACK_MAX;
        loop {
            match scratch::started_at(&self.cx.workshop).await {
                Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                known => return known,
            }
        }
    }

    /// A dump, verified by restoring it, becomes a backup.
    async fn back_up(&self) -> Result<(), TransferError> {
        let workshop = &self.cx.workshop;
        let database = database_of(&self.addon)?;
        let guest = Guest::invite(workshop, self.id(), &database).await?;
        let rows = self.dump(&guest.login(workshop, &database), true).await?;
        let scratch = Scratch::make(workshop, self.id(), &guest, None).await?;
        self.load(&guest, &scratch, &database, || self.cx.folder.reread(self.id())).await?;
        self.compare(&guest, &scratch, &rows).await?;
        self.cx.folder.keep(self.id())?;
        let text =
            format!("Verified: restored into a scratch database and compared, {}.", census::told(&rows));
        self.end(TransferEvent::Succeed, text, move |tx, id| tx.set_transfer_contents(id, &rows)).await
    }

    /// A dump, verified by restoring it beside the database, takes the database's place.
    async fn replace(&self) -> Result<(), TransferError> {
        let workshop = &self.cx.workshop;
        let database = database_of(&self.addon)?;
        let owner = scratch::owner_of(workshop, &database).await?;
        let guest = Guest::invite(workshop, self.id(), &database).await?;
        let (open, rows) = self.bring(&guest).await?;
        let scratch = Scratch::make(workshop, self.id(), &guest, Some(&owner)).await?;
        self.load(&guest, &scratch, &database, open).await?;
        let text = match &rows {
            Some(rows) => {
                self.compare(&guest, &scratch, rows).await?;
                format!("Verified: restored beside the database and compared, {}.", census::told(rows))
            }
            None => {
                let found = census::census(&guest.login(workshop, &scratch.database)).await?;
                format!("The dump was restored whole: {}.", census::told(&found))
            }
        };
        scratch.hand_over(workshop, &guest).await?;
        scratch.dress_like(workshop, &database).await?;
        self.end(TransferEvent::Settle, text, |_, _| Ok(())).await?;
        self.settle().await
    }

    /// The verified data take the database's place, unless they have already.
    async fn settle(&self) -> Result<(), TransferError> {
        let workshop = &self.cx.workshop;
        let database = database_of(&self.addon)?;
        let mut changes = 0;
        while scratch::place(workshop, self.id()).await? == Place::Beside {
            changes += 1;
            match scratch::take_place(workshop, self.id(), &database).await {
                Err(error) if changes >= CHANGES_MAX => return Err(error),
                // Whether it has happened nevertheless is seen now.
                _ => {}
            }
        }
        let text = "The restored data have taken the database's place; its sessions were ended.".to_owned();
        let addon = self.addon.id;
        // A guard over the old data is not in the new ones, which may be too many themselves.
        self.end(TransferEvent::Succeed, text, move |tx, _| tx.recheck_database(addon)).await
    }

    /// Where the dump of a restore is, and how many rows it must bring.
    async fn bring(
        &self,
        guest: &Guest,
    ) -> Result<
        (Box<dyn Fn() -> Result<File, TransferError> + Send + Sync + '_>, Option<Census>),
        TransferError,
    > {
        let folder = &self.cx.folder;
        match &self.transfer.source {
            TransferSource::Backup(backup) => {
                let backup = *backup;
                let rows = self.cx.store.read(move |tx| tx.transfer_contents(backup)).await?;
                let opened = folder.open_kept(backup)?;
                let bytes = length(&opened);
                self.need_room(bytes)?;
                self.say(format!("Restoring a backup of {}.", size(bytes))).await?;
                // The file may be deleted from now on, so it is held.
                let open = move || reopen(&opened).map_err(|_| TransferError::BackupGone);
                Ok((Box::new(open), rows))
            }
            TransferSource::Url(url) if self.transfer.kind == TransferKind::Restore => {
                self.fetch(url).await?;
                Ok((Box::new(|| folder.reread(self.id())), None))
            }
            TransferSource::Url(_) | TransferSource::Addon(_) | TransferSource::Own => {
                let (login, ours) = self.source(guest).await?;
                let rows = self.dump(&login, ours).await?;
                Ok((Box::new(|| folder.reread(self.id())), Some(rows)))
            }
        }
    }

    /// How to get to the database that is copied, and whether it is in our server.
    async fn source(&self, guest: &Guest) -> Result<(Login, bool), TransferError> {
        let workshop = &self.cx.workshop;
        match &self.transfer.source {
            TransferSource::Url(url) => {
                let mut login = Login::parse(url).ok_or(TransferError::NoAddress)?;
                let Reach { host, port, address, .. } = &mut login.reach;
                let found = self.cx.fetcher.find(host, *port).await.map_err(TransferError::NotFound)?;
                *address = Some(found);
                Ok((login, false))
            }
            TransferSource::Addon(addon) => {
                let addon = *addon;
                let addon = self.cx.store.read(move |tx| tx.addon(addon)).await?;
                let database = database_of(&addon.ok_or(TransferError::SourceGone)?)?;
                guest.also_into(workshop, &database).await?;
                Ok((guest.login(workshop, &database), true))
            }
            TransferSource::Own | TransferSource::Backup(_) => Err(TransferError::NoAddress),
        }
    }

    /// Writes a dump to be verified; returns what it holds, counted in the same picture of the data.
    async fn dump(&self, login: &Login, ours: bool) -> Result<Census, TransferError> {
        let picture = Picture::take(login).await?;
        self.note(picture.bytes, 0).await?;
        self.need_room(picture.bytes)?;
        if ours || self.transfer.kind == TransferKind::Copy {
            self.say(format!("Dumping {} ({}).", self.transfer.from_name, size(picture.bytes))).await?;
        }
        let file = self.cx.folder.begin(self.id())?;
        let seen = self.cx.folder.reread(self.id())?;
        let dumping = programs::dump(&self.cx.workshop, login, &picture.snapshot, file);
        let work = async { tokio::try_join!(dumping, picture.census()) };
        let ((), rows) = self.watched(work, || (picture.bytes, length(&seen))).await?;
        let bytes = length(&seen);
        self.note(picture.bytes, bytes).await?;
        self.say(format!("Dumped {} into {}.", census::told(&rows), size(bytes))).await?;
        Ok(rows)
    }

    async fn fetch(&self, url: &model::config_var::Secret) -> Result<(), TransferError> {
        self.say("Fetching the dump.".to_owned()).await?;
        let file = self.cx.folder.begin(self.id())?;
        let progress = Progress::default();
        let known = || (progress.total.load(Ordering::Relaxed), progress.done.load(Ordering::Relaxed));
        let fetching = async { Ok(self.cx.fetcher.fetch(url, file, &progress).await?) };
        self.watched(fetching, known).await?;
        let (_, bytes) = known();
        self.note(bytes, 0).await?;
        self.say(format!("Fetched {}.", size(bytes))).await?;
        self.need_room(bytes)
    }

    /// Restores a dump into a scratch database.
    async fn load(
        &self,
        guest: &Guest,
        scratch: &Scratch,
        like: &str,
        open: impl Fn() -> Result<File, TransferError>,
    ) -> Result<(), TransferError> {
        let workshop = &self.cx.workshop;
        let contents = programs::contents(workshop, open()?).await?;
        let there = scratch.equip_like(workshop, like).await?;
        let selection = select(&contents, &scratch::offered(workshop).await?, &there);
        let login = guest.login(workshop, &scratch.database);
        let owner = scratch.owner(workshop).await?;
        let as_owner = format!("-c role={}", programs::option(&owner));
        if replaces(&self.transfer) {
            self.warn(&selection.left_out).await?;
        }
        self.prepare(&login, &as_owner, &selection).await?;
        let list = self.cx.folder.write_list(self.id(), &selection.list)?;
        let dump = open()?;
        let mut seen = dump.try_clone().map_err(|cause| TransferError::File {
            doing: "open",
            path: PathBuf::from("the dump"),
            cause,
        })?;
        let total = length(&dump);
        let restoring = programs::restore(workshop, &login, &owner, &list, dump);
        if replaces(&self.transfer) {
            let done = || (total, seen.stream_position().unwrap_or(0));
            self.watched(restoring, done).await?;
            self.note(total, total).await?;
        } else {
            restoring.await?;
        }
        if replaces(&self.transfer) {
            let as_owner = format!("-c role={}", programs::option(&scratch.owner(workshop).await?));
            let session = login.connect(&as_owner).await?;
            session.run("gather statistics", "ANALYZE".to_owned()).await?;
        }
        Ok(())
    }

    /// Makes the extensions that the user wants beforehand, and the schema that Heroku's dumps take for granted.
    async fn prepare(
        &self,
        login: &Login,
        as_owner: &str,
        selection: &Selection,
    ) -> Result<(), TransferError> {
        let session = login.connect(as_owner).await?;
        if selection.has_extensions && !selection.makes_schema(HEROKUS_SCHEMA) {
            let make = format!("CREATE SCHEMA IF NOT EXISTS {HEROKUS_SCHEMA}");
            session.run("make a schema", make).await?;
        }
        for extension in &self.transfer.extensions {
            let (schema, name) = extension.split_once('.').unwrap_or(("public", extension));
            let statements = format!(
                "CREATE SCHEMA IF NOT EXISTS \"{schema}\";
                 CREATE EXTENSION IF NOT EXISTS \"{name}\" WITH SCHEMA \"{schema}\""
            );
            session.run("make an extension that was asked for", statements).await?;
        }
        Ok(())
    }

    async fn compare(&self, guest: &Guest, scratch: &Scratch, rows: &Census) -> Result<(), TransferError> {
        let found = census::census(&guest.login(&self.cx.workshop, &scratch.database)).await?;
        let differences = differences(rows, &found);
        if differences.is_empty() { Ok(()) } else { Err(TransferError::Differs { differences }) }
    }

    /// Room for the dump and for the same data once more in the scratch database.
    fn need_room(&self, bytes: u64) -> Result<(), TransferError> {
        self.cx.folder.check_space(bytes.saturating_mul(2).saturating_add(SPARE_BYTES))
    }

    /// Does work, and notes from time to time how far it is.
    async fn watched<T>(
        &self,
        work: impl Future<Output = Result<T, TransferError>>,
        mut known: impl FnMut() -> (u64, u64),
    ) -> Result<T, TransferError> {
        tokio::pin!(work);
        loop {
            match timeout(NOTE_EVERY, &mut work).await {
                Ok(done) => return done,
                Err(_) => {
                    let (total, done) = known();
                    self.note(total, done).await?;
                }
            }
        }
    }

    async fn note(&self, total: u64, done: u64) -> Result<(), TransferError> {
        let id = self.id();
        Ok(self.cx.store.write(move |tx| tx.set_transfer_progress(id, total, done)).await?)
    }

    async fn say(&self, text: String) -> Result<(), TransferError> {
        let id = self.id();
        Ok(self.cx.store.write(move |tx| tx.log_transfer(id, &text)).await?)
    }

    async fn warn(&self, left_out: &[String]) -> Result<(), TransferError> {
        let (id, left_out) = (self.id(), left_out.to_vec());
        let warned = self.cx.store.write(move |tx| {
            tx.clear_transfer_warnings(id)?;
            left_out.iter().try_for_each(|what| tx.warn_transfer(id, &format!("Left out: {what}.")))
        });
        Ok(warned.await?)
    }

    /// Writes down how far it has come; nothing of it when it is not wanted any more.
    async fn end(
        &self,
        event: TransferEvent,
        text: String,
        more: impl FnOnce(&Tx<'_>, TransferId) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), TransferError> {
        let id = self.id();
        let written = self.cx.store.write(move |tx| {
            tx.log_transfer(id, &text)?;
            more(tx, id)?;
            tx.transfer_on(id, event).map(drop)
        });
        Ok(written.await?)
    }

    const fn id(&self) -> TransferId {
        self.transfer.id
    }
}

/// The database of an add-on.
fn database_of(addon: &Addon) -> Result<String, TransferError> {
    let resource = addon.resource.as_ref().ok_or(TransferError::SourceGone)?;
    Ok(Credentials::parse(resource)?.database().to_owned())
}

fn length(file: &File) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

/// The same file once more, from its beginning; also one that has no name any more.
fn reopen(file: &File) -> std::io::Result<File> {
    use std::os::fd::AsRawFd;
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
